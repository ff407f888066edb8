"""Comparisons over seeds: the paired difference with its interval first, the p-value second.

A row is a mapping with at least `method`, `seed` and a score; `scene` and `split` where there are several.
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
Values = Sequence[float] | np.ndarray | Mapping[Any, float]

MIN_PAIRS = 8  # below, a signed-rank test has hardly any p-values to give (with 5 pairs none is under 0.06)
ROUNDING = 12  # decimals; scores that agree so far are equal, whatever floating point left over


@dataclass(frozen=True)
class Summary:
    """Mean and standard deviation (ddof = 1, NaN for a single value) of n values."""

    mean: float
    std: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.std:.3f} (n = {self.n})"


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a - b over n pairs, its 95 % t interval, and the two-sided Wilcoxon p (None where n < 8)."""

    mean: float
    low: float
    high: float
    n: int
    p: float | None

    def __str__(self) -> str:
        tested = f"not tested, fewer than {MIN_PAIRS} pairs" if self.p is None else f"p = {self.p:.3g}"
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}] (n = {self.n}, {tested})"


@dataclass(frozen=True)
class McNemar:
    """Pixels that only one of two maps got right, and the two-sided p-value."""

    only_a: int
    only_b: int
    p: float


def summary(values: Values) -> Summary:
    """Mean, standard deviation (ddof = 1) and number of scores, one a seed.

    Raises:
        ValueError: For no values, or one that is not finite.
    """
    x = _finite(list(values.values()) if isinstance(values, Mapping) else values)
    if x.size == 0:
        raise ValueError("no values to summarise; run at least one seed")
    return Summary(float(x.mean()), float(x.std(ddof=1)) if x.size > 1 else float("nan"), x.size)


def paired_difference(a: Values, b: Values) -> PairedDifference:
    """The difference a - b of two methods over the same seeds.

    The interval is Student's t on the differences (NaN for one pair); the p-value is the two-sided Wilcoxon
    signed-rank test (Wilcoxon 1945), zero differences dropped, 1.0 where all are zero.

    Args:
        a, b: Scores in the same order, or seed -> score for both, of which the common seeds are taken.

    Raises:
        ValueError: For unequal lengths, no common seed, a mapping beside a list, or a value not finite.
    """
    from scipy import stats

    first, second = _paired(a, b)
    d = np.round(first - second, ROUNDING)
    n, mean = d.size, float(d.mean())
    half = float("nan")
    if n > 1:
        half = float(stats.t.ppf(0.975, n - 1) * d.std(ddof=1) / math.sqrt(n))
    p = None
    if n >= MIN_PAIRS:
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


def best_by_validation(rows: Iterable[Row], validation: str = "val_oa", config: str = "config") -> list[dict[str, Any]]:
    """The rows of the best configuration of each method x scene x split, chosen on validation pixels alone.

    A configuration is what `config` holds without its seed; the mean validation score over the seeds that all
    of a method's configurations share decides, and of equals the first wins. A method with a single
    configuration needs no validation score.

    Args:
        rows: One run a row: `method`, `scene`, `split`, `seed`, a validation score, and the configuration as
            a mapping, or as a string that names it.
        validation, config: Keys of the validation score and of the configuration.

    Returns:
        Copies of the winning rows in their order, each with `tried`, the number of configurations.

    Raises:
        ValueError: When a key is missing, or several configurations share no seed or lack a validation score.
    """
    plain = list(rows)
    groups: dict[tuple, dict[str, list[Row]]] = {}
    for row in plain:
        if config not in row:
            raise ValueError(f"a row of {row.get('method')!r} has no {config!r}; it has {', '.join(map(str, row))}")
        place = tuple(row.get(key) for key in ("method", "scene", "split"))
        groups.setdefault(place, {}).setdefault(_without_seed(row[config]), []).append(row)
    chosen: dict[int, int] = {}
    for place, tried in groups.items():
        for row in tried[_winner(place, tried, validation)]:
            chosen[id(row)] = len(tried)
    return [dict(row) | {"tried": chosen[id(row)]} for row in plain if id(row) in chosen]


def _winner(place: tuple, tried: dict[str, list[Row]], validation: str) -> str:
    if len(tried) == 1:
        return next(iter(tried))
    for rows in tried.values():
        if any(_missing(row.get(validation)) for row in rows):
            raise ValueError(
                f"{len(tried)} configurations of {' / '.join(map(str, place))}, one without {validation!r}; "
                "give every run its validation score, or keep one configuration"
            )
    shared = set.intersection(*({row.get("seed") for row in rows} for rows in tried.values()))
    if not shared:  # else a lucky seed, or a name that holds the seed, would choose
        raise ValueError(
            f"{len(tried)} configurations of {' / '.join(map(str, place))} share no seed; run them with "
            "the same seeds, and name a configuration without its seed"
        )
    means = {key: np.mean([r[validation] for r in rows if r.get("seed") in shared]) for key, rows in tried.items()}
    return max(means, key=lambda key: means[key])


def _without_seed(config: Any) -> str:
    if isinstance(config, Mapping):
        return json.dumps({k: v for k, v in config.items() if k not in ("seed", "seeds")}, sort_keys=True)
    return str(config)


# --- small parts -------------------------------------------------------------------------------------


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and not math.isfinite(value))


def _finite(values: Any) -> np.ndarray:
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError(f"scores must be a flat list of finite numbers, got {np.array2string(x, threshold=12)}")
    return x


def _paired(a: Values, b: Values) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(a, Mapping) != isinstance(b, Mapping):
        raise ValueError(
            "one side names its seeds and the other does not; give both as seed -> score, or both as lists"
        )
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        common = [seed for seed in a if seed in b]
        a, b = [a[s] for s in common], [b[s] for s in common]
    first, second = _finite(a), _finite(b)
    if first.shape != second.shape:
        raise ValueError(f"{first.size} scores against {second.size}; a pair needs the same seed on both sides")
    if first.size == 0:
        raise ValueError("no pair to compare; run both methods with the same seeds")
    return first, second
