"""Scores on test pixels: accuracy and calibration.

Labels are 1..C; a predicted 0 means "no answer" and counts as wrong. No score here looks at training pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit._util.errors import door

if TYPE_CHECKING:
    import pandas as pd

SMALL_CLASS = 20  # test pixels; the recall of a smaller class moves by more than 5 points with one pixel
ECE_BINS = 15  # of equal mass
ROW_SUM = 1e-2  # by which probabilities may miss 1: half precision does
FLOOR = 1e-12  # of a probability before its logarithm (assumed): the true class may have got none at all


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be believed; lower is better for all three.

    Attributes:
        ece: Expected calibration error of the top class, 0 to 1, over bins of equal mass.
        nll: Mean negative log-likelihood of the true class in nats.
        brier: Mean squared distance to the one-hot truth, summed over classes, 0 to 2 (Brier 1950).
    """

    ece: float
    nll: float
    brier: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one map on one set of test pixels. Fractions, not percent.

    Attributes:
        oa: Share of test pixels that are right.
        aa: Mean recall over the classes that have test pixels.
        kappa: Cohen's kappa; NaN where truth and prediction hold one and the same class.
        recall: (C,) producer's accuracy; NaN where a class has no test pixel.
        precision: (C,) user's accuracy among test pixels; NaN where a class was never predicted.
        f1: (C,) harmonic mean of both; NaN where a class has no test pixel.
        support: (C,) int64 test pixels of each class.
        confusion: (C, C) int64, row = true class, column = predicted class; pixels without an answer are in
            no column, so a row may sum to less than the support.
        class_names: C names; entry 0 is class 1.
        tested: Number k of classes with test pixels.
        small_classes: Classes 1..C with fewer than 20 test pixels, and at least one.
        unseen_classes: Classes 1..C declared unseen, whose pixels were left out.
        calibration: None where there were no probabilities.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> scores = hsikit.score(scene.labels, hsikit.few_shot_split(scene))  # the truth itself as a map
        >>> scores.oa, scores.aa, scores.kappa, scores.tested
        (1.0, 1.0, 1.0, 6)
    """

    oa: float
    aa: float
    kappa: float
    recall: np.ndarray
    precision: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    confusion: np.ndarray
    class_names: tuple[str, ...]
    tested: int
    small_classes: tuple[int, ...] = ()
    unseen_classes: tuple[int, ...] = ()
    calibration: Calibration | None = None

    def table(self) -> pd.DataFrame:
        """One row a class, indexed by class id: name, test pixels, recall, precision, F1, is it small."""
        import pandas as pd

        ids = pd.RangeIndex(1, len(self.class_names) + 1, name="class")
        rates = {"recall": self.recall, "precision": self.precision, "f1": self.f1}
        small = np.isin(ids, self.small_classes)
        return pd.DataFrame({"name": self.class_names, "pixels": self.support, **rates, "small": small}, index=ids)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and strings, fit for strict JSON; NaN becomes None."""
        out = {key: plain(value) for key, value in vars(self).items() if key != "calibration"}
        return out | {"calibration": asdict(self.calibration) if self.calibration else None}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Scores:
        """The inverse of `to_dict`. Raises ValueError where a key is missing or unknown."""
        fields = set(cls.__dataclass_fields__)
        if set(stored) != fields:
            raise ValueError(f"stored scores differ in the keys {sorted(set(stored) ^ fields)}; score the map again")
        back = dict(stored)
        for key in ("recall", "precision", "f1"):
            back[key] = np.array(stored[key], float)  # None becomes NaN
        for key in ("support", "confusion"):
            back[key] = np.array(stored[key], np.int64)
        for key in ("class_names", "small_classes", "unseen_classes"):
            back[key] = tuple(stored[key])
        back["kappa"] = float("nan") if stored["kappa"] is None else stored["kappa"]
        back["calibration"] = Calibration(**stored["calibration"]) if stored["calibration"] else None
        return cls(**back)

    def __str__(self) -> str:
        names = [self.class_names[c - 1] for c in self.small_classes]
        small = f"; under {SMALL_CLASS} test pixels: {', '.join(names)}" if names else ""
        of = f"{self.tested} of {len(self.class_names)} classes"
        tested = f"kappa {self.kappa:.3f}, {self.support.sum():,} test pixels{small}"
        return f"OA {self.oa:.3f}, AA {self.aa:.3f} ({of}), {tested}"


# --- scores ------------------------------------------------------------------------------------------


@door
def score(pred: Any, split: Any) -> Scores:
    """Score a map on the test pixels of a split.

    Args:
        pred: A raster (row, col) of labels, or what `predict_map` returns: `.labels` (row, col) and, where
            there are probabilities, `.scores` (row, col, class) over the class ids `.classes`.
        split: The split; classes it declares unseen are left out.

    Raises:
        ValueError: When the map is not of the split's size, or as `scores_from_labels` does.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> split = hsikit.few_shot_split(scene)
        >>> hsikit.score(np.ones(scene.shape, np.int16), split).recall  # a map that says class 1 everywhere
        array([1., 0., 0., 0., 0., 0.])
    """
    labels = np.asarray(getattr(pred, "labels", pred))
    if labels.shape != tuple(split.shape):
        raise ValueError(f"the map is {labels.shape}, the split {tuple(split.shape)} (row, col); map the same scene")
    scores = getattr(pred, "scores", None)
    own = None if scores is None else scores.reshape(-1, scores.shape[-1])[split.test]  # -> (test pixel, class)
    return scores_from_labels(split.y("test"), labels.ravel()[split.test], split.class_names, own,
                              getattr(pred, "classes", None), getattr(split, "unseen_classes", ()))  # fmt: skip


def scores_from_labels(true: np.ndarray, predicted: np.ndarray, class_names: Sequence[str],
                       probabilities: np.ndarray | None = None, classes: Sequence[int] | np.ndarray | None = None,
                       unseen: Sequence[int] = ()) -> Scores:  # fmt: skip
    """Score predicted labels against true ones.

    A class that is tested though never trained has recall 0 and pulls AA down, unless it is in `unseen`.

    Args:
        true: (n,) classes 1..C.
        predicted: (n,) classes 1..C, or 0 for no answer, which counts as wrong.
        class_names: C names.
        probabilities: (n, k) rows that sum to 1, for the calibration.
        classes: The k class ids of its columns. Default: 1..C.
        unseen: Classes whose pixels are left out of every number here, because another table is about them.

    Raises:
        ValueError: For no test pixels, unequal lengths, labels out of range, or rows not summing to 1.
    """
    count = len(class_names)
    true, predicted = _checked_labels(true, predicted, count)
    seen = ~np.isin(true, list(unseen))
    if not seen.any():
        raise ValueError(f"no test pixels to score ({true.size} given, {true.size} of unseen classes); check the split")
    fit = None
    if probabilities is not None:
        columns = np.arange(1, count + 1) if classes is None else np.asarray(classes)
        fit = calibration(true[seen] - 1, _all_columns(probabilities, columns, true.size, count)[seen])
    confusion = confusion_counts(true[seen], predicted[seen], count)
    support, answered = confusion.sum(1), confusion[:, 1:].sum(0)
    hits = np.diag(confusion[:, 1:])
    oa, aa, kappa = overall_scores(confusion)
    return Scores(
        oa, aa, kappa, recall=ratio(hits, support), precision=ratio(hits, answered),
        f1=np.where(support > 0, ratio(2 * hits, support + answered), np.nan), support=support,
        confusion=confusion[:, 1:].copy(), class_names=tuple(class_names), tested=int((support > 0).sum()),
        small_classes=tuple((np.flatnonzero((support > 0) & (support < SMALL_CLASS)) + 1).tolist()),
        unseen_classes=tuple(sorted(int(c) for c in unseen)), calibration=fit,
    )  # fmt: skip


def calibration(true_index: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """Calibration error, likelihood and Brier score of class probabilities.

    The expected calibration error compares confidence with accuracy in 15 bins of equal mass. Pixels of
    equal confidence share their accuracy, so that the order of the pixels does not matter (assumed).

    Args:
        true_index: (n,) indices 0..k-1 of the true column.
        probabilities: (n, k) rows that sum to 1.

    Raises:
        ValueError: For no pixels, other shapes, indices out of range, or rows that are no probabilities.
    """
    true_index, p = np.asarray(true_index), np.asarray(probabilities, np.float64)
    if true_index.size == 0:
        raise ValueError("no pixels to calibrate on; check the split")
    if p.ndim != 2 or true_index.shape != p.shape[:1]:
        raise ValueError(f"probabilities are {p.shape}, expected (n, class) with n = {true_index.size} true indices")
    if true_index.min() < 0 or true_index.max() >= p.shape[1]:
        span = f"{true_index.min()} to {true_index.max()}"
        raise ValueError(f"true indices run from {span}, expected 0 to {p.shape[1] - 1}")
    if not ((p >= 0).all() and np.allclose(p.sum(1), 1, atol=ROW_SUM)):  # NaN and infinity fail both
        raise ValueError("probabilities must be finite, not negative and sum to 1 in each row; apply a softmax first")
    p = p / p.sum(1, keepdims=True)
    truth = np.eye(p.shape[1])[true_index]
    confidence = p.max(1)
    # equal confidences cannot be told apart: each gets the accuracy of all of them
    _, tie = np.unique(confidence, return_inverse=True)
    hit = (np.bincount(tie, p.argmax(1) == true_index) / np.bincount(tie))[tie]
    gap = (confidence - hit)[np.argsort(confidence, kind="stable")]
    return Calibration(
        ece=float(sum(abs(part.sum()) for part in np.array_split(gap, ECE_BINS)) / gap.size),
        nll=float(-np.log(np.maximum(p[truth > 0], FLOOR)).mean()),
        brier=float(((p - truth) ** 2).sum(1).mean()),
    )


# --- small parts -------------------------------------------------------------------------------------


def confusion_counts(true: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """Counts (C, C + 1) int64: row = true class 1..C, column = predicted 0..C."""
    flat = np.bincount((true - 1) * (count + 1) + predicted, minlength=count * (count + 1))
    return flat.reshape(count, count + 1)


def overall_scores(confusion: np.ndarray) -> tuple[float, float, float]:
    """OA, AA and Cohen's kappa of counts (C, C + 1)."""
    total, support, hits = confusion.sum(), confusion.sum(1), np.diag(confusion[:, 1:])
    oa = hits.sum() / total
    chance = (support / total) @ (confusion[:, 1:].sum(0) / total)
    kappa = (oa - chance) / (1 - chance) if chance < 1 else np.nan
    return float(oa), float(np.mean(hits[support > 0] / support[support > 0])), float(kappa)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part by whole, elementwise; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def plain(value: Any) -> Any:
    """Numbers, texts and lists as JSON takes them; None for a number that is not finite."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _checked_labels(true: np.ndarray, predicted: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.ndim != 1 or true.shape != predicted.shape:
        raise ValueError(f"true labels are {true.shape}, predicted {predicted.shape}; expected both (n,)")
    if true.size == 0:
        raise ValueError("no test pixels to score (0 labels given); check the split")
    for name, values, low in (("true", true, 1), ("predicted", predicted, 0)):
        if values.dtype.kind not in "ui":
            raise ValueError(f"{name} labels hold {values.dtype}, expected integers {low}..{count}")
        if values.min() < low or values.max() > count:
            raise ValueError(f"{name} labels run from {values.min()} to {values.max()}, expected {low} to {count}")
    return true.astype(np.int64), predicted.astype(np.int64)


def _all_columns(probabilities: np.ndarray, classes: np.ndarray, pixels: int, count: int) -> np.ndarray:
    """Probabilities (n, C) of every class, 0 for a class that was no candidate."""
    p = np.asarray(probabilities)
    if p.shape != (pixels, classes.size):
        raise ValueError(f"probabilities are {p.shape}, expected ({pixels}, {classes.size}), a column a class")
    if np.unique(classes).size != classes.size or classes.min() < 1 or classes.max() > count:
        raise ValueError(f"probability columns are for classes {classes.tolist()}, expected different ids 1 to {count}")
    wide = np.zeros((pixels, count))
    wide[:, classes - 1] = p
    return wide


# --- calibration -----------------------------------------------------------------------------------


def fit_temperature(true_index: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature under which the true classes are likeliest; above 1 for a model too sure of itself.

    Args:
        true_index: Column of the true class (n,).
        probabilities: Rows (n, k) that sum to 1, of pixels that were not trained on.

    Raises:
        ValueError: Without pixels.
    """
    from scipy.optimize import minimize_scalar

    if not len(true_index):
        raise ValueError("no validation pixels to fit a temperature on; use a split with val > 0")
    rows = np.arange(len(true_index))

    def loss(log_t: float) -> float:
        likely = tempered(probabilities, float(np.exp(log_t)))[rows, true_index]
        return -float(np.log(np.maximum(likely, FLOOR)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, k) whose logits were divided by a temperature; the answers stay the same.

    Raises `ValueError` for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature} is not above 0")
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), FLOOR)) / temperature
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)
