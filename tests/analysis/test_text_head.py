"""The text head against a slow reference, what it finds of classes left out, and the tests of language."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from hsikit.analysis import text_head
from hsikit.analysis.text_head import TextHead, balance, cosines_of, left_out_facts, pair_facts, sign_pairs
from hsikit.scenes import Scene
from hsikit.splits import random_split
from hsikit.tables import mean_pairs, over_pairs, pairs_table


def worded_scene(classes=5, seed=0):
    """Classes whose spectra are a linear map of their vectors, so that words tell of pixels."""
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((classes, 12))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), 8)[:, None].repeat(20, 1) + 1
    hsi = vectors[labels - 1] @ draw.standard_normal((12, 12)) + 0.3 * draw.standard_normal((*labels.shape, 12))
    scene = Scene("worded", hsi.astype(np.float32), labels, [f"c{k}" for k in range(classes)])
    return scene, random_split(scene, train=0.3, seed=0), vectors


def test_the_ridge_equals_a_weighted_one_of_scikit_learn():
    scene, split, vectors = worded_scene()
    head = TextHead.of(scene, split, vectors)
    left = [2, 4]
    kept = ~np.isin(split.y("train"), left)
    x, y = head.inputs[split.train[kept]], split.y("train")[kept]
    centred = vectors - vectors.mean(0)
    weight = balance(y)
    alpha = 2.0 * np.trace((x * weight[:, None]).T @ x) / x.shape[1]
    slow = Ridge(alpha=alpha, fit_intercept=False).fit(x, centred[y - 1], sample_weight=weight)
    made = slow.predict(head.inputs[split.test])
    shares, ids = head.shares(split.test, left)
    np.testing.assert_allclose(shares @ centred[ids - 1], made, atol=1e-8)
    span = np.linalg.svd(centred[ids - 1], full_matrices=False)[2].T
    inside, words = made @ span, centred @ span
    by_hand = (inside / np.linalg.norm(inside, axis=1)[:, None]) @ (words / np.linalg.norm(words, axis=1)[:, None]).T
    np.testing.assert_allclose(cosines_of(shares, ids, vectors, np.arange(1, 6)), by_hand, atol=1e-8)


def test_weights_make_classes_count_alike_and_average_one():
    labels = np.array([1, 1, 1, 4])
    weight = balance(labels)
    assert weight.mean() == 1
    assert weight[labels == 1].sum() == weight[labels == 4].sum()


def test_words_find_classes_never_trained_on_alone_and_in_pairs_and_shuffled_words_do_not():
    scene, split, vectors = worded_scene()
    nothing, measured = np.zeros((5, 1)), np.zeros((scene.valid.size, 1))
    head = TextHead.of(scene, split, vectors)
    assert np.mean([f["auroc"]["prompt less best trained"] for f in
                    left_out_facts(head, nothing, measured, 0.25, scene.class_names).values()]) > 0.85  # fmt: skip
    found = pair_facts(head, nothing, measured, 0.25, scene.class_names)
    assert len(found["pairs"]) == 10
    assert np.mean([p["auroc"]["ridge"] for p in found["pairs"]]) > 0.85
    assert found["p"] < 0.05
    other = pair_facts(TextHead.of(scene, split, vectors[[1, 2, 3, 4, 0]]), nothing, measured, 0.25, scene.class_names)
    assert np.mean([p["auroc"]["ridge"] for p in other["pairs"]]) < 0.75
    assert other["p"] > 0.05
    assert (head.predict(scene).labels == scene.labels).mean() > 0.9


def test_what_was_left_out_is_not_fitted_on():
    scene, split, vectors = worded_scene()
    head = TextHead.of(scene, split, vectors)
    other = TextHead(head.inputs.copy(), head.vectors, split, head.penalty)
    other.inputs[split.train[split.y("train") == 3]] += 100
    assert np.array_equal(head.cosines(split.test, [3])[0], other.cosines(split.test, [3])[0])
    assert not np.array_equal(head.cosines(split.test)[0], other.cosines(split.test)[0])


def test_quantities_count_by_their_share():
    scene, split, vectors = worded_scene()
    head = TextHead.of(scene, split, vectors)
    near = -((np.arange(1, 6) - 5.0) ** 2) * np.ones((scene.valid.size, 1))  # all for the last class
    assert np.array_equal(head.predict(scene, near, 0.0).labels, head.predict(scene).labels)
    assert (head.predict(scene, near, 100.0).labels == 5).all()


def test_signs_tell_pairs_apart_as_their_scores_do():
    scene, split, _ = worded_scene(3)
    scores = np.random.default_rng(0).standard_normal((*scene.shape, 3))
    found = sign_pairs(scores, [1, 2, 3], split, scene.class_names)
    assert [(p["a"], p["b"]) for p in found] == [("c0", "c1"), ("c0", "c2"), ("c1", "c2")]
    pixels = split.test[np.isin(split.y("test"), (1, 3))]
    flat = scores.reshape(-1, 3)[pixels]
    slow = roc_auc_score(scene.labels.ravel()[pixels] == 1, flat[:, 0] - flat[:, 2])
    assert found[1]["auroc"]["quantities"] == pytest.approx(slow)


def test_the_area_by_ranks_is_scikit_learns():
    draw = np.random.default_rng(0)
    score, own = draw.standard_normal(50), draw.random(50) < 0.4
    assert text_head._auroc(score, own) == pytest.approx(roc_auc_score(own, score))


# --- over pairs --------------------------------------------------------------------------------------


def pairs(value):
    names = "abcd"
    return [{"a": a, "b": b, "auroc": {"ridge": value(a, b)}} for i, a in enumerate(names) for b in names[i + 1 :]]


def test_the_jackknife_leaves_out_a_class_at_a_time_and_is_none_where_all_pairs_agree():
    flat = over_pairs(pairs(lambda a, b: 0.8))
    assert (flat["mean"], flat["low"], flat["high"]) == (pytest.approx(0.8),) * 3
    bad = over_pairs(pairs(lambda a, b: 0.2 if "d" in (a, b) else 0.9))
    without = np.array([np.mean([0.9, 0.2, 0.2])] * 3 + [0.9])
    error = np.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    assert bad["high"] - bad["mean"] == pytest.approx(3.1824463 * error)
    assert [pair[:2] for pair in bad["below"]] == [("a", "d"), ("b", "d"), ("c", "d")]
    gap = over_pairs(pairs(lambda a, b: 0.9), pairs(lambda a, b: 0.5))
    assert gap["mean"] == pytest.approx(0.4)


def test_a_table_has_a_line_for_each_ranking_and_draws_are_averaged_pair_by_pair():
    rows = [{"split": "s", "name": "words", "pairs": pairs(lambda a, b: 0.9), "pairs_p": 0.01},
            {"split": "s", "name": "shuffled", "pairs": pairs(lambda a, b: 0.4)},
            {"split": "s", "name": "shuffled", "pairs": pairs(lambda a, b: 0.6)},
            {"split": "s", "name": "LDA"}]  # fmt: skip
    table = pairs_table(rows).set_index("method")
    assert table.loc["words", "p"] == 0.01
    assert table.loc["shuffled", "auroc"] == pytest.approx(0.5)
    assert table.loc["shuffled", "n"] == 2
    assert (table.loc["words", "labels"], table.loc["words", "ranking"]) == ("other classes", "ridge")
    assert table.loc["shuffled", "less"] == pytest.approx(0.4)
    assert np.isnan(table.loc["words", "less"])
    assert mean_pairs([rows[1]["pairs"], rows[2]["pairs"]])[0]["auroc"]["ridge"] == pytest.approx(0.5)
