"""Differences between methods whose tests are whole fields: what an interval rests on is fields, not partitions.

Partitions of a scene share fields, and all pixels of a field are right or wrong together. So fields are drawn, each in
or out of all partitions at once (a bootstrap); Student's t over partitions takes them for independent and is called
naive. `shares` tells what the spread of a difference is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hsikit.tables.stats import paired_difference

Row = Mapping[str, Any]
DRAWS = 4000


@dataclass(frozen=True)
class Apart:
    """How far two methods are apart, a fraction.

    Attributes:
        mean, low, high: Of the paired difference, with its 95 % interval.
        n: Pairs.
        over: What the interval is over: "32 fields" (bootstrap), "seeds" (Student's t), or "partitions, naive"
            (Student's t over partitions that do not tell their fields apart).
        naive: Student's t interval beside one over fields; None else.
    """

    mean: float
    low: float
    high: float
    n: int
    over: str
    naive: tuple[float, float] | None = None


def apart(a: Iterable[Row], b: Iterable[Row], metric: str = "oa") -> Apart | None:
    """The paired difference of two methods with the best interval that their rows allow; None without a pair.

    Args:
        a, b: Rows of each method, paired by partition and seed; those with `by_field` (field -> class, right pixels,
            all pixels) tell fields apart.
        metric: "oa" or "aa". A class none of whose fields is drawn does not count in that draw.

    Raises:
        ValueError: When a method has a pair twice, or two rows of a pair were tested on different pixels.
    """
    pairs = pairs_of(a, b)
    if not pairs:
        return None
    t = paired_difference(*([row[metric] for row in side] for side in zip(*pairs)), test=False)
    if not all("by_field" in row for pair in pairs for row in pair):
        one = len({row.get("partition", 0) for row, _ in pairs}) == 1
        return Apart(t.mean, t.low, t.high, t.n, "seeds" if one else "partitions, naive")
    tables = _tables(pairs)
    if not np.array_equal(tables[0][..., [0, 2]], tables[1][..., [0, 2]]):
        raise ValueError("two rows of a pair were tested on different pixels; their scene or partition differs")
    classes = tables[0][..., 0].max(0)  # (field,), 0 where not tested in a partition
    count = len(classes)
    scores = [_scores(table, classes, _drawn(count, DRAWS), metric) for table in tables]  # (draw, pair)
    low, high = np.nanquantile(np.nanmean(scores[0] - scores[1], 1), [0.025, 0.975])
    return Apart(t.mean, float(low), float(high), t.n, f"{count} fields", (t.low, t.high))


@lru_cache(maxsize=8)
def _drawn(count: int, draws: int) -> np.ndarray:
    """How often (draw, field) each of so many fields is drawn; the same for all comparisons."""
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws)
    drawn.setflags(write=False)
    return drawn


def ahead_by_field(a: Iterable[Row], b: Iterable[Row]) -> tuple[np.ndarray, np.ndarray]:
    """How far a method is ahead of another in each field, a share of its pixels over all pairs, and its mean size.

    What `hsikit.analysis.power.shown` takes for what so many fields would show.

    Raises:
        ValueError: When no two rows make a pair, or they do not tell fields apart.
    """
    pairs = [pair for pair in pairs_of(a, b) if all("by_field" in row for row in pair)]
    if not pairs:
        raise ValueError("no two rows of one partition and seed tell fields apart; give runs on whole fields")
    first, second = _tables(pairs)
    pixels, tested = first[..., 2].sum(0), (first[..., 2] > 0).sum(0)
    return (first[..., 1] - second[..., 1]).sum(0) / pixels, pixels / tested


def pairs_of(a: Iterable[Row], b: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Rows of two methods that share partition and seed, in the order of these."""
    first, second = _by_pair(a), _by_pair(b)
    return [(first[pair], second[pair]) for pair in sorted(first.keys() & second.keys())]


def _by_pair(rows: Iterable[Row]) -> dict[tuple[int, int], Row]:
    found: dict[tuple[int, int], Row] = {}
    for row in rows:
        pair = (row.get("partition", 0), row["seed"])
        if pair in found:
            raise ValueError(f"{row['name']!r} has partition {pair[0]} with seed {pair[1]} twice")
        found[pair] = row
    return found


def _tables(pairs: list[tuple[Row, Row]]) -> list[np.ndarray]:
    """Of each method (pair, field, 3): class, right pixels, all pixels; zeros where a field is not tested."""
    names = sorted({name for row, _ in pairs for name in row["by_field"]}, key=int)
    return [np.array([[row["by_field"].get(name, (0, 0, 0)) for name in names] for row in side], float)
            for side in zip(*pairs)]  # fmt: skip


def _scores(table: np.ndarray, classes: np.ndarray, weights: np.ndarray, metric: str) -> np.ndarray:
    """OA or AA (draw, pair) with fields counted as often as `weights` (draw, field) says; NaN where nothing is left."""
    right, all_of = table[..., 1], table[..., 2]  # (pair, field)
    share = lambda own: _ratio(weights[:, own] @ right[:, own].T, weights[:, own] @ all_of[:, own].T)  # noqa: E731
    if metric == "oa":
        return share(np.ones(len(classes), bool))
    recalls = np.stack([share(classes == c) for c in np.unique(classes)])  # (class, draw, pair)
    there = np.isfinite(recalls)
    return _ratio(np.where(there, recalls, 0).sum(0), there.sum(0))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def shares(a: Iterable[Row], b: Iterable[Row], metric: str = "oa") -> dict[str, float]:
    """Standard deviations of a paired difference: `seed` within a partition, `partition` beyond that; fractions.

    By the moments of a balanced one-way layout, over the partitions in which both methods have the most seeds.

    Raises:
        ValueError: With fewer than two such partitions, or fewer than two seeds in them: neither can be told then.
    """
    gaps: dict[int, list[float]] = {}
    for one, other in pairs_of(a, b):
        gaps.setdefault(one.get("partition", 0), []).append(one[metric] - other[metric])
    most = max(map(len, gaps.values()), default=0)
    table = np.array([values for values in gaps.values() if len(values) == most])  # (partition, seed)
    if most < 2 or len(table) < 2:
        raise ValueError(f"{len(table)} partition(s) with {most} seed(s) in common; run two or more of each")
    within = table.var(1, ddof=1).mean()
    between = max(0.0, table.mean(1).var(ddof=1) - within / most)
    return {"seed": float(np.sqrt(within)), "partition": float(np.sqrt(between))}
