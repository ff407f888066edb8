"""What a map says of the ground beyond its scores: areas with intervals, accuracy by field, a bootstrap over fields.

Labels are 1..C; a predicted 0 means "no answer" and counts as wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit.metrics import confusion_counts, overall_scores, ratio

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

NORMAL_95 = 1.96  # as Olofsson et al. 2014 use it
GROUP_PIXELS = 32  # smallest field or block that is resampled


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
    area, hit, users = p_ij.sum(0), np.diag(p_ij), ratio(np.diag(n_ij), n_i)
    producers = ratio(hit, area)
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


def _or_nan(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)


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


def group_bootstrap(true: np.ndarray, predicted: np.ndarray, groups: np.ndarray,
                    statistic: str | Callable[[np.ndarray, np.ndarray], float], n: int = 1000, seed: int = 0,
                    min_pixels: int = GROUP_PIXELS) -> tuple[float, float, float]:  # fmt: skip
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
    return lambda t, p: overall_scores(confusion_counts(t, p, count))[which]


def _checked_groups(
    true: np.ndarray, predicted: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, predicted, groups = np.asarray(true), np.asarray(predicted), np.asarray(groups)
    if true.ndim != 1 or predicted.shape[:1] != true.shape or groups.shape != true.shape:
        given = f"true {true.shape}, predicted {predicted.shape}, groups {groups.shape}"
        raise ValueError(f"{given}: give one entry a pixel")
    inside = groups != 0
    if not inside.any():
        raise ValueError(f"none of the {true.size} pixels is in a field or block; give groups other than 0")
    return true[inside].astype(np.int64), predicted[inside].astype(np.int64), groups[inside]
