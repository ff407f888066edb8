"""Scores on test pixels: accuracy, calibration, area estimates, and their uncertainty over fields.

Labels are 1..C; a predicted 0 means "no answer" and counts as wrong. No score here looks at training pixels.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SMALL_CLASS = 20  # test pixels; the recall of a smaller class moves by more than 5 points with one pixel
ECE_BINS = 15  # of equal mass
ROW_SUM = 1e-2  # by which probabilities may miss 1: half precision does
NLL_FLOOR = 1e-12  # assumed; keeps the loss finite where the true class got no probability at all
NORMAL_95 = 1.96  # as Olofsson et al. 2014 use it
GROUP_PIXELS = 32  # smallest field or block that is resampled


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
        out = {key: _plain(value) for key, value in vars(self).items() if key != "calibration"}
        return out | {"calibration": asdict(self.calibration) if self.calibration else None}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Scores:
        """The inverse of `to_dict`. Raises ValueError where a key is missing or unknown."""
        fields = set(cls.__dataclass_fields__)
        if set(plain) != fields:
            raise ValueError(f"stored scores differ in the keys {sorted(set(plain) ^ fields)}; score the map again")
        back = dict(plain)
        for key in ("recall", "precision", "f1"):
            back[key] = np.array(plain[key], float)  # None becomes NaN
        for key in ("support", "confusion"):
            back[key] = np.array(plain[key], np.int64)
        for key in ("class_names", "small_classes", "unseen_classes"):
            back[key] = tuple(plain[key])
        back["kappa"] = float("nan") if plain["kappa"] is None else plain["kappa"]
        back["calibration"] = Calibration(**plain["calibration"]) if plain["calibration"] else None
        return cls(**back)

    def __str__(self) -> str:
        names = [self.class_names[c - 1] for c in self.small_classes]
        small = f"; under {SMALL_CLASS} test pixels: {', '.join(names)}" if names else ""
        return (
            f"OA {self.oa:.3f}, AA {self.aa:.3f} ({self.tested} of {len(self.class_names)} classes), "
            f"kappa {self.kappa:.3f}, {self.support.sum():,} test pixels{small}"
        )


# --- scores ------------------------------------------------------------------------------------------


def score(pred: Any, split: Any) -> Scores:
    """Score a map on the test pixels of a split.

    Args:
        pred: A raster (row, col) of labels, or what `predict_map` returns: `.labels` (row, col) and, where
            there are probabilities, `.scores` (row, col, class) over the class ids `.classes`.
        split: The split; classes it declares unseen are left out.

    Raises:
        ValueError: When the map is not of the split's size, or as `scores_from_labels` does.
    """
    labels = np.asarray(getattr(pred, "labels", pred))
    if labels.shape != tuple(split.shape):
        raise ValueError(f"the map is {labels.shape}, the split {tuple(split.shape)} (row, col); map the same scene")
    scores = getattr(pred, "scores", None)
    return scores_from_labels(
        split.y("test"),
        labels.ravel()[split.test],
        split.class_names,
        # (row, col, class) -> (test pixel, class)
        probabilities=None if scores is None else scores.reshape(-1, scores.shape[-1])[split.test],
        classes=getattr(pred, "classes", None),
        unseen=getattr(split, "unseen_classes", ()),
    )


def scores_from_labels(
    true: np.ndarray,
    predicted: np.ndarray,
    class_names: Sequence[str],
    probabilities: np.ndarray | None = None,
    classes: Sequence[int] | np.ndarray | None = None,
    unseen: Sequence[int] = (),
) -> Scores:
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
    confusion = _confusion(true[seen], predicted[seen], count)
    support, answered = confusion.sum(1), confusion[:, 1:].sum(0)
    hits = np.diag(confusion[:, 1:])
    oa, aa, kappa = _overall(confusion)
    return Scores(
        oa=oa,
        aa=aa,
        kappa=kappa,
        recall=_share(hits, support),
        precision=_share(hits, answered),
        f1=np.where(support > 0, _share(2 * hits, support + answered), np.nan),
        support=support,
        confusion=confusion[:, 1:].copy(),
        class_names=tuple(class_names),
        tested=int((support > 0).sum()),
        small_classes=tuple((np.flatnonzero((support > 0) & (support < SMALL_CLASS)) + 1).tolist()),
        unseen_classes=tuple(sorted(int(c) for c in unseen)),
        calibration=fit,
    )


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
        raise ValueError(
            f"true indices run from {true_index.min()} to {true_index.max()}, expected 0 to {p.shape[1] - 1}"
        )
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
        nll=float(-np.log(np.maximum(p[truth > 0], NLL_FLOOR)).mean()),
        brier=float(((p - truth) ** 2).sum(1).mean()),
    )


# --- areas -------------------------------------------------------------------------------------------


def area_estimates(
    confusion: np.ndarray, mapped_pixels: np.ndarray, pixel_area_m2: float | None = None
) -> pd.DataFrame:
    """Accuracies and areas weighted by what the map covers, with 95 % intervals.

    Olofsson et al. 2014 (Remote Sensing of Environment 148, 42-57, doi 10.1016/j.rse.2014.02.015), equations
    1-7 and 9-11: test pixels are a sample stratified by mapped class. The intervals take the test pixels of a
    stratum for a simple random sample; pixels of one field are alike, so with whole fields they are too
    narrow. They are not cut at 0 and 1.

    Args:
        confusion: (C, C) counts, row = true class, column = mapped class, as in `Scores`.
        mapped_pixels: (C,) pixels of each class in the whole map.
        pixel_area_m2: Ground area of a pixel; adds areas in square metres.

    Returns:
        Columns `quantity`, `class` (1..C, 0 for all), `estimate`, `low`, `high`. Quantities:
        overall_accuracy, users_accuracy, producers_accuracy, area_share, area_m2. NaN where there is nothing
        to estimate from; a stratum with a single test pixel has no variance, which leaves intervals NaN.

    Raises:
        ValueError: For other shapes, negative counts, fewer mapped than tested pixels, or a mapped class
            without a test pixel in it.
    """
    import pandas as pd

    counts, weight = _checked_strata(confusion, mapped_pixels)
    n_ij = counts.T  # rows are mapped classes from here on, as in the paper
    n_i, w = n_ij.sum(1), weight[:, None]
    share = np.divide(n_ij, n_i[:, None], out=np.zeros_like(n_ij), where=n_i[:, None] > 0)
    p_ij = w * share  # eq. 4
    area, hit, users = p_ij.sum(0), np.diag(p_ij), _share(np.diag(n_ij), n_i)
    producers = _share(hit, area)
    sampled = share * (1 - share) / _or_nan(n_i - 1)[:, None]  # variance of each share
    part = np.where(w > 0, w**2 * sampled, 0)  # and of its part of the whole; an unmapped class adds none
    own, others = np.diag(part), (part * (1 - np.eye(n_i.size))).sum(0)
    producers_var = ((1 - producers) ** 2 * own + producers**2 * others) / _or_nan(area) ** 2
    found = [
        _interval("overall_accuracy", [0], [hit.sum()], [own.sum()]),  # eq. 1, 5
        _interval("users_accuracy", None, users, np.diag(sampled)),  # eq. 2, 6
        _interval("producers_accuracy", None, producers, producers_var),  # eq. 3, 7
        _interval("area_share", None, area, part.sum(0)),  # eq. 9, 10
    ]
    if pixel_area_m2 is not None:
        metres = found[-1].assign(quantity="area_m2")
        metres[["estimate", "low", "high"]] *= float(np.sum(mapped_pixels)) * pixel_area_m2  # eq. 11
        found.append(metres)
    return pd.concat(found, ignore_index=True)


def _checked_strata(confusion: np.ndarray, mapped_pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts, mapped = np.asarray(confusion, float), np.asarray(mapped_pixels, float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or mapped.shape != counts.shape[:1]:
        raise ValueError(f"confusion is {counts.shape} and mapped pixels {mapped.shape}; expected (C, C) and (C,)")
    if (counts < 0).any() or (mapped < 0).any() or mapped.sum() <= 0:
        raise ValueError("counts must not be negative, and at least one class must be mapped")
    tested = counts.sum(0)
    if (tested > mapped).any():
        worst = int((tested - mapped).argmax())
        raise ValueError(
            f"class {worst + 1} has {tested[worst]:.0f} test pixels mapped to it, "
            f"of {mapped[worst]:.0f} in the map; count the pixels of the whole map"
        )
    lacking = (np.flatnonzero((mapped > 0) & (tested == 0)) + 1).tolist()
    if lacking:
        raise ValueError(
            f"classes {lacking} are mapped but no test pixel was mapped to them, so their error is unknown; "
            "merge them with another class or restrict the map"
        )
    return counts, mapped / mapped.sum()


def _interval(quantity: str, ids: Sequence[int] | None, estimate: Any, variance: Any) -> pd.DataFrame:
    import pandas as pd

    estimate = np.asarray(estimate, float)
    half = NORMAL_95 * np.sqrt(np.asarray(variance, float))
    ids = range(1, estimate.size + 1) if ids is None else ids
    columns = {"quantity": quantity, "class": list(ids), "estimate": estimate}
    return pd.DataFrame(columns | {"low": estimate - half, "high": estimate + half})


# --- fields ------------------------------------------------------------------------------------------


def per_field_accuracy(true: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> pd.DataFrame:
    """Accuracy by field: the share of its pixels that are right, and whether its majority vote is.

    Args:
        true, predicted: (n,) labels; 0 in `predicted` is no answer, which can win a vote and is then wrong.
        groups: (n,) field of each pixel; 0 is no field and left out.

    Returns:
        One row a field, indexed by its id: `class` (the most frequent true one), `pixels`, `share`, `vote`,
        `right`. Ties go to the smaller label.

    Raises:
        ValueError: For unequal lengths, no pixels, or no pixel in a field.
    """
    import pandas as pd

    true, predicted, groups = _checked_groups(true, predicted, groups)
    ids, field = np.unique(groups, return_inverse=True)
    cells = int(max(true.max(), predicted.max())) + 1
    votes = lambda y: np.bincount(field * cells + y, minlength=ids.size * cells).reshape(-1, cells)  # noqa: E731
    pixels = np.bincount(field)
    frame = pd.DataFrame({"class": votes(true).argmax(1), "pixels": pixels}, index=pd.Index(ids, name="field"))
    frame["share"] = np.bincount(field, true == predicted) / pixels
    frame["vote"] = votes(predicted).argmax(1)
    return frame.assign(right=frame["vote"] == frame["class"])


def group_bootstrap(
    true: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    statistic: str | Callable[[np.ndarray, np.ndarray], float],
    n: int = 1000,
    seed: int = 0,
    min_pixels: int = GROUP_PIXELS,
) -> tuple[float, float, float]:
    """A statistic with its 95 % percentile interval over fields or blocks, drawn whole, never by pixel.

    Groups below `min_pixels` are left out of the estimate too, and logged. With few groups such an interval
    is too narrow; below ten a warning is logged.

    Args:
        true: (n,) labels.
        predicted: (n,) labels, or (n, m) for the maps of m methods that are compared on the same draws.
        groups: (n,) field or block of each pixel; 0 is none and left out.
        statistic: "oa", "aa", "kappa", or a function of (true, predicted) that gives a number.
        n: Number of draws.

    Returns:
        Estimate, low end, high end.

    Raises:
        ValueError: For unequal lengths, an unknown statistic, or fewer than two groups that are large enough.
    """
    true, predicted, groups = _checked_groups(true, predicted, groups)
    measure = _statistic(statistic, predicted, int(max(true.max(), predicted.max())))
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    keep = np.flatnonzero(sizes >= min_pixels)
    if keep.size < 2:
        raise ValueError(
            f"{keep.size} of {sizes.size} groups have at least {min_pixels} pixels, a bootstrap needs two; "
            "use larger blocks"
        )
    if keep.size < sizes.size:
        lost = sizes.sum() - sizes[keep].sum()
        log.info("%d groups under %d pixels (%d pixels) left out", sizes.size - keep.size, min_pixels, lost)
    if keep.size < 10:
        log.warning("%d groups are few: the interval is likely too narrow", keep.size)
    members = [np.flatnonzero(inverse == g) for g in keep]
    take = lambda chosen: np.concatenate([members[g] for g in chosen])  # noqa: E731
    everything = take(range(keep.size))
    rng = np.random.default_rng(seed)
    draws = (take(rng.integers(keep.size, size=keep.size)) for _ in range(n))
    drawn = np.array([measure(true[pixels], predicted[pixels]) for pixels in draws])
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return float(measure(true[everything], predicted[everything])), float(low), float(high)


def _statistic(statistic: str | Callable, predicted: np.ndarray, count: int) -> Callable:
    if callable(statistic):
        return statistic
    names = ("oa", "aa", "kappa")
    if statistic not in names:
        raise ValueError(f"statistic {statistic!r} is unknown; choose one of {', '.join(names)} or give a function")
    if predicted.ndim != 1:
        raise ValueError(f"predicted is {predicted.shape}, {statistic!r} takes (n,); give a function to compare maps")
    which = names.index(statistic)
    return lambda t, p: _overall(_confusion(t, p, count))[which]


# --- small parts -------------------------------------------------------------------------------------


def _confusion(true: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """Counts (C, C + 1) int64: row = true class 1..C, column = predicted 0..C."""
    flat = np.bincount((true - 1) * (count + 1) + predicted, minlength=count * (count + 1))
    return flat.reshape(count, count + 1)


def _overall(confusion: np.ndarray) -> tuple[float, float, float]:
    """OA, AA and Cohen's kappa of counts (C, C + 1)."""
    total, support, hits = confusion.sum(), confusion.sum(1), np.diag(confusion[:, 1:])
    oa = hits.sum() / total
    chance = (support / total) @ (confusion[:, 1:].sum(0) / total)
    kappa = (oa - chance) / (1 - chance) if chance < 1 else np.nan
    return float(oa), float(np.mean(hits[support > 0] / support[support > 0])), float(kappa)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def _or_nan(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(v) for v in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and np.isnan(value) else value


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


def _checked_groups(
    true: np.ndarray, predicted: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, predicted, groups = np.asarray(true), np.asarray(predicted), np.asarray(groups)
    if true.ndim != 1 or predicted.shape[:1] != true.shape or groups.shape != true.shape:
        raise ValueError(
            f"true {true.shape}, predicted {predicted.shape}, groups {groups.shape}: give one entry a pixel"
        )
    inside = groups != 0
    if not inside.any():
        raise ValueError(f"none of the {true.size} pixels is in a field or block; give groups other than 0")
    return true[inside].astype(np.int64), predicted[inside].astype(np.int64), groups[inside]
