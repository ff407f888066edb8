"""Differences between methods whose tests are whole fields: what an interval rests on is fields, not partitions.

Partitions of a scene share fields, and all pixels of a field are right or wrong together. So fields are drawn, each in
or out of all partitions at once (a bootstrap); Student's t over partitions takes them for independent and is called
naive. `shares` tells what the spread of a difference is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsikit.tables.stats import paired_difference

Row = Mapping[str, Any]
DRAWS = 4000


@dataclass(frozen=True)
class OverFields:
    """A mean paired difference a - b (a fraction), its 95 % bootstrap interval over fields, and what it rests on.

    Attributes:
        mean, low, high: Of the difference.
        fields: Fields that were ever tested.
        pairs: Pairs of runs, each of one partition and seed.
    """

    mean: float
    low: float
    high: float
    fields: int
    pairs: int


def over_fields(a: Iterable[Row], b: Iterable[Row], metric: str = "oa", draws: int = DRAWS,
                seed: int = 0) -> OverFields | None:  # fmt: skip
    """The paired difference of two methods with its interval over fields; None where rows do not tell fields apart.

    Args:
        a, b: Rows of each method with `by_field` (field -> class, right pixels, all pixels), paired by partition and
            seed.
        metric: "oa" or "aa". A class none of whose fields is drawn does not count in that draw.
        draws, seed: Of the bootstrap.

    Raises:
        ValueError: When a method has a pair twice, or two rows of a pair were tested on different pixels.
    """
    first, second = _by_pair(a), _by_pair(b)
    pairs = sorted(first.keys() & second.keys())
    if not pairs or not all("by_field" in side[pair] for side in (first, second) for pair in pairs):
        return None
    names = sorted({name for pair in pairs for name in first[pair]["by_field"]}, key=int)
    tables = [_table([side[pair]["by_field"] for pair in pairs], names) for side in (first, second)]
    if not np.array_equal(tables[0][..., [0, 2]], tables[1][..., [0, 2]]):
        raise ValueError("two rows of a pair were tested on different pixels; their scene or partition differs")
    classes = tables[0][..., 0].max(0)  # (field,), 0 where not tested in a partition
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    weights = np.concatenate([np.ones((1, len(names))), drawn])  # (1 + draws, field): as measured, then drawn
    scores = [_scores(table, classes, weights, metric) for table in tables]  # (1 + draws, pair)
    apart = np.nanmean(scores[0] - scores[1], 1)
    low, high = np.nanquantile(apart[1:], [0.025, 0.975])
    return OverFields(float(apart[0]), float(low), float(high), len(names), len(pairs))


def ahead_by_field(a: Iterable[Row], b: Iterable[Row]) -> tuple[np.ndarray, np.ndarray]:
    """How far a method is ahead of another in each field, a share of its pixels over all pairs, and its mean size.

    What `hsikit.analysis.power.shown` takes for what so many fields would show.

    Raises:
        ValueError: When no two rows make a pair, or they do not tell fields apart.
    """
    first, second = _by_pair(a), _by_pair(b)
    pairs = [pair for pair in first if pair in second and "by_field" in first[pair] and "by_field" in second[pair]]
    if not pairs:
        raise ValueError("no two rows of one partition and seed tell fields apart; give runs on whole fields")
    names = sorted({name for pair in pairs for name in first[pair]["by_field"]}, key=int)
    tables = [_table([side[pair]["by_field"] for pair in pairs], names) for side in (first, second)]
    pixels, tested = tables[0][..., 2].sum(0), (tables[0][..., 2] > 0).sum(0)
    return (tables[0][..., 1] - tables[1][..., 1]).sum(0) / pixels, pixels / tested


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

    Raises:
        ValueError: As `over_fields` does.
    """
    first, second = _by_pair(a), _by_pair(b)
    pairs = sorted(first.keys() & second.keys())
    if not pairs:
        return None
    t = paired_difference(*([side[pair][metric] for pair in pairs] for side in (first, second)))
    found = over_fields(first.values(), second.values(), metric)
    if found is not None:
        return Apart(t.mean, found.low, found.high, t.n, f"{found.fields} fields", (t.low, t.high))
    return Apart(t.mean, t.low, t.high, t.n, "seeds" if len({p for p, _ in pairs}) == 1 else "partitions, naive")


def _by_pair(rows: Iterable[Row]) -> dict[tuple[int, int], Row]:
    found: dict[tuple[int, int], Row] = {}
    for row in rows:
        pair = (row.get("partition", 0), row["seed"])
        if pair in found:
            raise ValueError(f"{row['name']!r} has partition {pair[0]} with seed {pair[1]} twice")
        found[pair] = row
    return found


def _table(parts: list[Mapping[str, Any]], names: list[str]) -> np.ndarray:
    """(pair, field, 3): class, right pixels, all pixels; zeros where a field is not tested."""
    return np.array([[part.get(name, (0, 0, 0)) for name in names] for part in parts], float)


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
    first, second = _by_pair(a), _by_pair(b)
    gaps: dict[int, list[float]] = {}
    for pair in sorted(first.keys() & second.keys()):
        gaps.setdefault(pair[0], []).append(first[pair][metric] - second[pair][metric])
    most = max(map(len, gaps.values()), default=0)
    table = np.array([values for values in gaps.values() if len(values) == most])  # (partition, seed)
    if most < 2 or len(table) < 2:
        raise ValueError(f"{len(table)} partition(s) with {most} seed(s) in common; run two or more of each")
    within = table.var(1, ddof=1).mean()
    between = max(0.0, table.mean(1).var(ddof=1) - within / most)
    return {"seed": float(np.sqrt(within)), "partition": float(np.sqrt(between))}
