"""Scores and calibration against scikit-learn, slow references and closed forms."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hsikit.metrics import (
    Scores,
    calibration,
    score,
    scores_from_labels,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*y_pred contains classes:UserWarning")


@st.composite
def label_pairs(draw, lowest=0):
    classes = draw(st.integers(2, 6))
    n = draw(st.integers(1, 60))
    true = draw(st.lists(st.integers(1, classes), min_size=n, max_size=n))
    predicted = draw(st.lists(st.integers(lowest, classes), min_size=n, max_size=n))
    return np.array(true), np.array(predicted), [f"class {c}" for c in range(1, classes + 1)]


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


# --- scores ------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(label_pairs())
def test_scores_agree_with_scikit_learn(case):
    true, predicted, names = case
    ids = list(range(1, len(names) + 1))
    s = scores_from_labels(true, predicted, names)
    assert s.oa == pytest.approx(sk.accuracy_score(true, predicted))
    assert s.aa == pytest.approx(sk.balanced_accuracy_score(true, predicted))
    if not np.isnan(s.kappa):
        assert s.kappa == pytest.approx(sk.cohen_kappa_score(true, predicted, labels=[0, *ids]), abs=1e-12)
        assert s.kappa <= s.oa + 1e-12  # a kappa above OA cannot be
    else:
        assert len({*true, *predicted}) == 1  # one class everywhere: kappa is undefined
    np.testing.assert_array_equal(s.confusion, sk.confusion_matrix(true, predicted, labels=ids))
    np.testing.assert_array_equal(s.support, [(true == c).sum() for c in ids])
    precision, recall, f1, _ = sk.precision_recall_fscore_support(true, predicted, labels=ids, zero_division=0)
    tested, answered = s.support > 0, np.isin(ids, predicted)
    np.testing.assert_allclose(s.recall[tested], recall[tested])
    np.testing.assert_allclose(s.precision[answered], precision[answered])
    np.testing.assert_allclose(s.f1[tested], f1[tested])
    assert np.isnan(s.recall[~tested]).all()
    assert np.isnan(s.f1[~tested]).all()
    assert np.isnan(s.precision[~answered]).all()
    assert s.tested == tested.sum()


def test_precision_is_not_recall():
    # 8 of 10 of class 1 found, 5 of class 2 taken for class 1
    true = np.repeat([1, 2], [10, 20])
    predicted = np.concatenate([np.repeat([1, 2], [8, 2]), np.repeat([1, 2], [5, 15])])
    s = scores_from_labels(true, predicted, ["a", "b"])
    np.testing.assert_allclose(s.recall, [8 / 10, 15 / 20])
    np.testing.assert_allclose(s.precision, [8 / 13, 15 / 17])
    np.testing.assert_array_equal(s.confusion, [[8, 2], [5, 15]])  # rows are the truth


@pytest.mark.parametrize("constant", [1, 2, 3])
def test_constant_predictor_scores_what_theory_says(constant):
    true = np.repeat([1, 2, 3], [50, 30, 20])
    s = scores_from_labels(true, np.full(100, constant), ["a", "b", "c"])
    assert s.oa == pytest.approx([0.5, 0.3, 0.2][constant - 1])
    assert s.aa == pytest.approx(1 / 3)
    assert s.kappa == pytest.approx(0, abs=1e-12)


def test_no_answer_counts_as_wrong():
    s = scores_from_labels(np.array([1, 1, 2, 2]), np.array([1, 0, 2, 0]), ["a", "b"])
    assert (s.oa, s.aa) == (0.5, 0.5)
    np.testing.assert_array_equal(s.support, [2, 2])
    np.testing.assert_array_equal(s.confusion, [[1, 0], [0, 1]])
    # agreement 1/2; by chance 1/2 x 1/4 twice = 1/4; kappa (1/2 - 1/4) / (3/4)
    assert s.kappa == pytest.approx(1 / 3)


def test_never_trained_class_scores_zero_unless_declared_unseen():
    true, predicted = np.array([1, 1, 2, 2, 3, 3]), np.array([1, 1, 2, 2, 1, 2])
    names = ["a", "b", "c", "d"]
    counted, declared = (scores_from_labels(true, predicted, names, unseen=u) for u in ((), (3,)))
    assert counted.recall[2] == 0
    assert (counted.aa, counted.tested) == (pytest.approx(2 / 3), 3)
    assert (declared.oa, declared.aa, declared.kappa, declared.tested) == (1, 1, 1, 2)
    assert declared.unseen_classes == (3,)
    assert declared.support.tolist() == [2, 2, 0, 0]


def test_small_classes_are_flagged_and_k_of_c_printed():
    true = np.repeat([1, 2, 3], [20, 19, 1])
    s = scores_from_labels(true, true, ["wheat", "corn", "oats", "towers"])
    assert s.small_classes == (2, 3)
    assert "3 of 4 classes" in str(s)
    assert "corn, oats" in str(s)
    table = s.table()
    assert table["small"].tolist() == [False, True, True, False]
    assert table.index.tolist() == [1, 2, 3, 4]
    assert table.loc[2, "name"] == "corn"
    assert table["pixels"].sum() == 40


@pytest.mark.parametrize("with_probabilities", [True, False])
def test_dict_round_trip_through_strict_json(with_probabilities):
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(1, 4, 50), rng.integers(0, 3, 50)
    p = softmax(rng.normal(size=(50, 5))) if with_probabilities else None
    s = scores_from_labels(true, predicted, list("abcde"), p, unseen=(3,))
    plain = s.to_dict()
    text = json.dumps(plain, allow_nan=False)
    back = Scores.from_dict(json.loads(text))
    assert back.to_dict() == plain
    assert back.calibration == s.calibration
    np.testing.assert_array_equal(back.recall, s.recall)
    assert back.confusion.dtype == np.int64
    assert (back.class_names, back.small_classes) == (s.class_names, s.small_classes)


def test_undefined_kappa_survives_json():
    s = scores_from_labels(np.ones(3, int), np.ones(3, int), ["a", "b"])
    assert np.isnan(s.kappa)
    assert s.to_dict()["kappa"] is None
    assert np.isnan(Scores.from_dict(s.to_dict()).kappa)


def test_stored_scores_of_another_make_are_refused():
    plain = scores_from_labels(np.array([1, 2]), np.array([1, 2]), ["a", "b"]).to_dict()
    del plain["aa"]
    with pytest.raises(ValueError, match="'aa'"):
        Scores.from_dict(plain)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        (np.array([], int), np.array([], int), "no test pixels"),
        ([1, 2], [1], r"\(2,\), predicted \(1,\)"),
        ([0, 1], [1, 1], "true labels run from 0 to 1"),
        ([1, 4], [1, 1], "true labels run from 1 to 4"),
        ([1, 2], [1, 4], "predicted labels run from 1 to 4"),
        ([1, 2], [-1, 1], "predicted labels run from -1"),
        ([1.0, 2.0], [1, 2], "float64"),
        ([[1, 2]], [[1, 2]], r"expected both \(n,\)"),
    ],
)
def test_bad_labels_are_named(true, predicted, message):
    with pytest.raises(ValueError, match=message):
        scores_from_labels(np.array(true), np.array(predicted), ["a", "b", "c"])


def test_only_unseen_pixels_cannot_be_scored():
    with pytest.raises(ValueError, match="unseen classes"):
        scores_from_labels(np.array([2, 2]), np.array([1, 1]), ["a", "b"], unseen=[2])


# --- the map of a split ------------------------------------------------------------------------------


def miniature_split(unseen=()):
    truth = np.array([[1, 1, 2], [2, 3, 3]], np.int16)
    test = np.array([1, 3, 4, 5])
    return SimpleNamespace(
        test=test,
        shape=(2, 3),
        class_names=("a", "b", "c"),
        unseen_classes=unseen,
        y=lambda part: truth.ravel()[test],
    )


def test_score_reads_test_pixels_of_a_raster_only():
    raster = np.array([[0, 1, 0], [2, 3, 1]])  # wrong everywhere outside the test pixels
    s = score(raster, miniature_split())
    assert s.oa == 0.75
    assert s.aa == pytest.approx((1 + 1 + 0.5) / 3)
    assert s.calibration is None
    assert score(raster, miniature_split(unseen=(3,))).oa == 1


def test_score_of_a_prediction_uses_its_candidates():
    classes = np.array([1, 3])
    scores = np.full((2, 3, 2), np.nan, np.float32)  # NaN where not valid, as predict_map leaves it
    scores[0, 1], scores[1, 0], scores[1, 1], scores[1, 2] = (0.9, 0.1), (0.6, 0.4), (0.2, 0.8), (0.7, 0.3)
    pred = SimpleNamespace(labels=np.array([[0, 1, 0], [1, 3, 1]]), scores=scores, classes=classes)
    s = score(pred, miniature_split())
    wide = np.array([[0.9, 0, 0.1], [0.6, 0, 0.4], [0.2, 0, 0.8], [0.7, 0, 0.3]])
    assert s.calibration.brier == pytest.approx(np.mean(((wide - np.eye(3)[[0, 1, 2, 2]]) ** 2).sum(1)), abs=1e-6)
    assert s.recall.tolist() == [1, 0, 0.5]


def test_score_refuses_a_map_of_another_size():
    with pytest.raises(ValueError, match=r"the map is \(3, 2\), the split \(2, 3\)"):
        score(np.ones((3, 2), int), miniature_split())


# --- calibration -------------------------------------------------------------------------------------


def slow_ece(hit, confidence, bins=15):
    order = np.argsort(confidence)
    total = 0.0
    for part in np.array_split(order, bins):
        if len(part):
            total += len(part) * abs(np.mean([hit[i] for i in part]) - np.mean([confidence[i] for i in part]))
    return total / len(hit)


@pytest.mark.parametrize("n", [5, 15, 16, 400])
def test_calibration_agrees_with_slow_reference_and_scikit_learn(n):
    rng = np.random.default_rng(n)
    p = softmax(rng.normal(size=(n, 4)))
    true = rng.integers(0, 4, n)
    c = calibration(true, p)
    assert c.ece == pytest.approx(slow_ece(p.argmax(1) == true, p.max(1)))
    assert c.nll == pytest.approx(sk.log_loss(true, p, labels=range(4)))
    assert c.brier == pytest.approx(np.mean([sum((p[i, k] - (true[i] == k)) ** 2 for k in range(4)) for i in range(n)]))


def test_calibration_closed_forms():
    perfect = calibration(np.array([0, 1, 2]), np.eye(3))
    assert (perfect.ece, perfect.nll, perfect.brier) == (0, 0, 0)
    wrong = calibration(np.array([1, 2, 0]), np.eye(3))
    assert wrong.ece == 1
    assert wrong.brier == 2
    assert np.isfinite(wrong.nll)
    even = calibration(np.array([0, 1, 2, 3] * 25), np.full((100, 4), 0.25))
    assert even.ece == pytest.approx(0, abs=1e-12)
    assert even.nll == pytest.approx(np.log(4))
    assert even.brier == pytest.approx(0.75)


def test_ece_does_not_depend_on_the_order_of_pixels():
    rng = np.random.default_rng(3)
    top = rng.choice([0.5, 0.75, 1.0], 300)  # only three confidences
    p, true = np.stack([top, 1 - top], 1), rng.integers(0, 2, 300)
    orders = [rng.permutation(300) for _ in range(5)]
    values = [calibration(true[o], p[o]).ece for o in orders]
    assert values == pytest.approx([values[0]] * 5)


def test_well_calibrated_probabilities_have_small_error_and_sharpened_ones_more():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6000, 3)) * 2
    p = softmax(logits)
    true = (p.cumsum(1) > rng.random((6000, 1))).argmax(1)
    assert calibration(true, p).ece < 0.03
    sharp = calibration(true, softmax(3 * logits))
    assert sharp.ece > 0.1
    assert sharp.nll > calibration(true, p).nll


def test_missing_candidates_get_probability_zero():
    p = np.array([[0.3, 0.7], [0.6, 0.4]])
    s = scores_from_labels(np.array([3, 1]), np.array([3, 1]), ["a", "b", "c"], p[:, ::-1], classes=[3, 1])
    t = scores_from_labels(np.array([3, 1]), np.array([3, 1]), ["a", "b", "c"], p, classes=[1, 3])
    assert s.calibration == t.calibration
    assert s.calibration.nll == pytest.approx(-np.log([0.7, 0.6]).mean())
    lost = scores_from_labels(np.array([2, 1]), np.array([3, 1]), ["a", "b", "c"], p, classes=[1, 3])
    assert lost.calibration.nll > 10


@pytest.mark.parametrize(
    ("p", "classes", "message"),
    [
        (np.full((3, 2), 0.5), None, r"\(3, 2\), expected \(2, 2\)"),
        (np.full((2, 3), 1 / 3), None, r"\(2, 3\), expected \(2, 2\)"),
        (np.full((2, 2), 0.5), [1, 1], "different ids"),
        (np.full((2, 2), 0.5), [0, 1], "different ids"),
        (np.array([[2.0, -1.0], [0.5, 0.5]]), None, "softmax"),
        (np.array([[3.0, 1.0], [0.5, 0.5]]), None, "softmax"),
        (np.array([[np.nan, 1.0], [0.5, 0.5]]), None, "softmax"),
    ],
)
def test_bad_probabilities_are_named(p, classes, message):
    with pytest.raises(ValueError, match=message):
        scores_from_labels(np.array([1, 2]), np.array([1, 2]), ["a", "b"], p, classes)


@pytest.mark.parametrize(
    ("true", "p", "message"),
    [
        (np.array([], int), np.zeros((0, 2)), "no pixels"),
        (np.array([0, 2]), np.full((2, 2), 0.5), "0 to 2, expected 0 to 1"),
        (np.array([0, 1]), np.full(2, 0.5), r"expected \(n, class\)"),
    ],
)
def test_bad_calibration_input_is_named(true, p, message):
    with pytest.raises(ValueError, match=message):
        calibration(true, p)
