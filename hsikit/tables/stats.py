"""Comparisons over seeds: the paired difference with its interval first, the p-value second.

Over a fixed split a p-value speaks of training randomness only, not of other scenes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsikit._util.errors import needs

Row = Mapping[str, Any]

MIN_PAIRS = 8  # below, a signed-rank test has hardly any p-values to give (with 5 pairs none is under 0.06)
ROUNDING = 12  # decimals; scores that agree so far are equal, whatever floating point left over


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a - b over n pairs, its 95 % t interval, and the two-sided Wilcoxon p (None where n < 8 or not asked)."""

    mean: float
    low: float
    high: float
    n: int
    p: float | None


@dataclass(frozen=True)
class McNemar:
    """Pixels that only one of two maps got right, and the two-sided p-value."""

    only_a: int
    only_b: int
    p: float


def paired_difference(
    a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, *, test: bool = True
) -> PairedDifference:
    """The difference a - b of two methods over the same seeds.

    The interval is Student's t on the differences (NaN for one pair); the p-value is the two-sided Wilcoxon
    signed-rank test (Wilcoxon 1945), zero differences dropped, 1.0 where all are zero.

    Args:
        a, b: Scores in the same order.
        test: Whether p is wanted; with ties it takes a fifth of a second.

    Raises:
        ValueError: For unequal lengths, no pair, or a value not finite.
    """
    from scipy import stats

    first, second = (np.asarray(scores, np.float64) for scores in (a, b))
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(f"scores are {first.shape} and {second.shape}; give two flat lists, a pair for each seed")
    d = np.round(first - second, ROUNDING)
    if not np.isfinite(d).all():
        raise ValueError(f"scores must be finite numbers; their differences are {np.array2string(d, threshold=12)}")
    n, mean = d.size, float(d.mean())
    half = float("nan")
    if n > 1:
        half = float(stats.t.ppf(0.975, n - 1) * d.std(ddof=1) / math.sqrt(n))
    p = None
    if test and n >= MIN_PAIRS:
        p = float(stats.wilcoxon(d).pvalue) if d.any() else 1.0
    return PairedDifference(mean, mean - half, mean + half, n, p)


def holm(pvalues: Sequence[float | None]) -> list[float | None]:
    """Holm's correction (Holm 1979) of the p-values that are there; None stays None and does not count.

    Raises:
        ValueError: For a p-value outside 0..1.
    """
    given = [p for p in pvalues if p is not None]
    if not all(0 <= p <= 1 for p in given):
        raise ValueError(f"p-values must lie in 0..1 or be None, got {[p for p in given if not 0 <= p <= 1]}")
    # statsmodels has this too, and collects the garbage of the whole process at each call: seconds beside torch.
    order = np.argsort(given)
    corrected = np.empty(len(given))
    corrected[order] = np.maximum.accumulate(np.sort(given) * np.arange(len(given), 0, -1)).clip(max=1)
    kept = iter(corrected.tolist())
    return [None if p is None else next(kept) for p in pvalues]


def mcnemar(a_correct: np.ndarray, b_correct: np.ndarray) -> McNemar:
    """McNemar's test of two maps on the same pixels, exact below 25 discordant pixels, else with correction.

    It takes pixels for independent. Neighbours are not, so p is too small on a map: use it to describe two
    maps, and `hsikit.areas.group_bootstrap` to claim a difference.

    Raises:
        ValueError: For other than two boolean arrays of one length.
    """
    with needs("stats", "McNemar's test"):
        from statsmodels.stats.contingency_tables import mcnemar as test

    a, b = np.asarray(a_correct), np.asarray(b_correct)
    if a.dtype != bool or b.dtype != bool or a.shape != b.shape or a.ndim != 1 or a.size == 0:
        raise ValueError(
            f"expected two boolean (n,) arrays (is it right?), got {a.dtype} {a.shape}, {b.dtype} {b.shape}"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    table = [[both, only_a], [only_b, neither]]
    p = test(table, exact=only_a + only_b < 25, correction=True).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, min(float(p), 1.0))


# --- tables ------------------------------------------------------------------------------------------


def best_by_validation(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows of the best configuration of each method x scene x split, chosen on validation pixels alone, in their order.

    The mean validation score over the seeds that all of a method's configurations (`settings_of`) share decides, and of
    equals the first wins. A method with a single configuration needs no validation score.

    Raises:
        ValueError: When several configurations share no seed or lack a validation score.
    """
    plain = list(rows)
    groups: dict[tuple, dict[str, list[Row]]] = {}
    for row in plain:
        place = row["method"], row["scene"], row["split"]
        groups.setdefault(place, {}).setdefault(settings_of(row), []).append(row)
    chosen = {id(row) for place, tried in groups.items() for row in tried[_winner(place, tried)]}
    return [dict(row) for row in plain if id(row) in chosen]


def settings_of(row: Row) -> str:
    """What a run was made with, its seed and partition left out."""
    config = {key: value for key, value in row["config"].items() if key != "seed"}
    split = {key: value for key, value in config.get("split", {}).items() if key != "partition"}
    return json.dumps(config | {"split": split}, sort_keys=True)


def _winner(place: tuple, tried: dict[str, list[Row]]) -> str:
    if len(tried) == 1:
        return next(iter(tried))
    named = f"{len(tried)} configurations of {' / '.join(place)}"
    if not np.isfinite(np.array([row.get("val_oa") for rows in tried.values() for row in rows], float)).all():
        raise ValueError(f"{named}, one without 'val_oa'; give every run its score, or keep one configuration")
    shared = set.intersection(*({row["seed"] for row in rows} for rows in tried.values()))
    if not shared:  # else a lucky seed would choose
        raise ValueError(f"{named} share no seed; run them with the same seeds")
    means = {key: np.mean([r["val_oa"] for r in rows if r["seed"] in shared]) for key, rows in tried.items()}
    return max(means, key=lambda key: means[key])
