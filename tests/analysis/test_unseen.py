import numpy as np
import pytest
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.analysis.unseen import RANKINGS, unseen_facts
from hsikit.predict import predict_map
from hsikit.splits import SplitError, make_split, split_name
from hsikit.text import TextVectors

SPEC = {"kind": "random", "train": 0.4, "unseen": ["pond"], "window": 3}


@pytest.fixture(scope="module")
def scene():
    return tiny_scene()


@pytest.fixture(scope="module")
def model(scene):
    draw = np.random.default_rng(0).standard_normal((3, 12))
    text = TextVectors(draw / np.linalg.norm(draw, axis=1, keepdims=True), scene.class_names, "made up")
    config = hsikit.TrainConfig(epochs=4, threads=1)
    return hsikit.fit(hsikit.MMLGNet(16, 1, 12, 3), scene, make_split(scene, SPEC), config, text=text,
                      progress=False).model  # fmt: skip


def test_no_training_window_holds_a_pixel_of_the_unseen_class(scene):
    plain, split = make_split(scene, {"kind": "random", "train": 0.4}), make_split(scene, SPEC)
    assert split.name == split_name(SPEC) == "random_40 without pond"
    assert split.unseen_classes == (3,)
    assert split.classes == (1, 2)
    assert np.array_equal(split.test, plain.test)
    padded = np.pad(scene.usable, 1)
    for part in ("train", "val"):
        kept = set(split.indices(part).tolist())
        for pixel in plain.indices(part):
            row, col = divmod(int(pixel), scene.shape[1])
            holds = (padded[row : row + 3, col : col + 3] == 3).any()
            assert (int(pixel) in kept) == (not holds)


def test_a_class_left_without_training_pixels_is_dropped_with_a_warning(scene):
    with pytest.warns(UserWarning, match=r"classes \[2\] lie beside \[3\] only"):
        split = tiny_split(scene).without_training([3], window=17)
    assert split.dropped_classes == (2,)
    assert 2 not in split.y("test")
    with pytest.raises(SplitError, match="no training pixel is left"):
        tiny_split(scene).without_training([2], window=49)


def test_rankings_against_counting_pairs(model, scene):
    split = make_split(scene, SPEC)
    found = unseen_facts(model, scene, split)["pond"]
    assert list(found["auroc"]) == list(RANKINGS)
    features = predict_map(model, scene, embeddings=True).embeddings.reshape(-1, 12)[split.test]
    trained = model.text.vectors[:2].astype(float)
    within = trained.T @ np.linalg.inv(trained @ trained.T) @ trained  # projection on their span
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
    cosine = unit(features @ within) @ unit(model.text.vectors @ within).T
    own = split.y("test") == 3
    best = cosine[:, :2].max(1)
    for name, score in zip(RANKINGS, (cosine[:, 2], cosine[:, 2] - best, 1 - best)):
        higher = (score[own][:, None] > score[~own][None]).mean()  # ties do not occur
        assert found["auroc"][name] == pytest.approx(higher, abs=1e-4)
        hits = own[np.argsort(-score, kind="stable")]
        by_hand = (hits.cumsum() / np.arange(1, hits.size + 1))[hits].mean()
        assert found["precision"][name] == pytest.approx(by_hand, abs=1e-4)
    assert found["pixels"] == own.sum()
    assert found["share"] == own.mean()


def test_unseen_pixels_do_not_reach_training(scene, model):
    """Another spectrum where the unseen class lies leaves the weights bit for bit the same."""
    split = make_split(scene, SPEC)
    from dataclasses import replace

    hsi = scene.hsi.copy()
    hsi[scene.usable == 3] += 5
    far = replace(scene, hsi=hsi)
    config = hsikit.TrainConfig(epochs=4, threads=1)
    again = hsikit.fit(hsikit.MMLGNet(16, 1, 12, 3), far, split, config, text=model.text, progress=False).model
    for key, value in model.network.state_dict().items():
        assert (value == again.network.state_dict()[key]).all(), key


def test_bad_input_is_named(scene, model):
    with pytest.raises(SplitError, match="no class 'lake' to leave out; did you mean"):
        make_split(scene, SPEC | {"unseen": ["lake"]})
    with pytest.raises(ValueError, match="a split that leaves classes out"):
        unseen_facts(model, scene, tiny_split(scene))
