"""Classes told apart in pairs: means over pairs, with an interval over classes, and who loses to chance.

A pair shares its classes with other pairs, so pairs are no independent draws: the interval is a jackknife over classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Pairs = Sequence[Mapping[str, Any]]  # a, b, and auroc by ranking
RANKINGS = ("both", "ridge", "quantities")
CHANCE = 0.5
COLUMNS = ["labels", "method", "ranking", "n", "pairs", "auroc", "low", "high", "less", "less_low", "less_high",
           "below", "p"]  # fmt: skip


def over_pairs(pairs: Pairs, others: Pairs = (), *, by: str = "ridge") -> dict[str, Any]:
    """Mean AUROC over pairs, or its difference from that of others, and its 95 % interval.

    Args:
        pairs, others: As `hsikit.analysis.text_head.pair_facts` lists them; the draws of a control go through
            `mean_pairs` first.
        by: The ranking looked at.

    Returns:
        `mean`, `low`, `high` (t over the classes left out in turn), `pairs` (their number), and `below`: those under
        .5, the worst first.

    Example:
        >>> from hsikit.tables import over_pairs
        >>> three = [{"a": a, "b": b, "auroc": {"ridge": v}}
        ...          for a, b, v in (("x", "y", 0.9), ("x", "z", 0.8), ("y", "z", 0.4))]
        >>> found = over_pairs(three)
        >>> round(found["mean"], 2), found["below"]
        (0.7, [('y', 'z', 0.4)])
    """
    from scipy.stats import t

    minus = {(p["a"], p["b"]): p["auroc"][by] for p in others}
    value = {(p["a"], p["b"]): p["auroc"][by] - minus.get((p["a"], p["b"]), 0.0) for p in pairs}
    classes = sorted({name for pair in value for name in pair})
    n, mean = len(classes), float(np.mean(list(value.values())))
    without = np.array([np.mean([v for pair, v in value.items() if c not in pair] or [mean]) for c in classes])
    reach = float(t.ppf(0.975, n - 1) * np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    below = [(p["a"], p["b"], p["auroc"][by]) for p in pairs if p["auroc"][by] < CHANCE]
    return {"mean": mean, "low": mean - reach, "high": mean + reach, "pairs": len(value),
            "below": sorted(below, key=lambda pair: pair[2])}  # fmt: skip


def mean_pairs(lists: Sequence[Pairs]) -> list[dict[str, Any]]:
    """The pairs of several runs, each AUROC averaged over them."""
    return [{"a": own[0]["a"], "b": own[0]["b"],
             "auroc": {by: float(np.mean([p["auroc"][by] for p in own])) for by in own[0]["auroc"]}}
            for own in zip(*lists)]  # fmt: skip


def pairs_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Classes told apart in pairs: a line a method and ranking.

    Returns:
        Columns labels ("other classes": both were left out of training; "none": nothing was trained), method, ranking,
        n (draws), pairs, auroc with low and high (cut at 0 and 1); less, less_low and less_high, how far the first
        method with these labels and this ranking is above it; below, the pairs under .5; p, the share of random
        assignments of the class vectors that do as well, of the first draw, by the ridge.
    """
    arms: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("pairs"):
            arms.setdefault(row["name"], []).append(row)
    first: dict[tuple[str, str], Pairs] = {}
    lines = []
    for name, own in arms.items():
        pairs = mean_pairs([row["pairs"] for row in own])
        labels = "other classes" if "ridge" in pairs[0]["auroc"] else "none"
        for by in [by for by in RANKINGS if by in pairs[0]["auroc"]]:
            found, words = over_pairs(pairs, by=by), first.setdefault((labels, by), pairs)
            less = over_pairs(words, pairs, by=by) if words is not pairs else {}
            lines.append({"labels": labels, "method": name, "ranking": by, "n": len(own), "pairs": found["pairs"],
                          **_span("auroc", found), **_span("less", less), "below": _below(found["below"]),
                          "p": own[0].get("pairs_p") if by == "ridge" else None})  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def _span(name: str, found: Mapping[str, Any]) -> dict[str, float | None]:
    ends = ("low", "high") if name == "auroc" else (f"{name}_low", f"{name}_high")
    values = [found.get(key) for key in ("mean", "low", "high")]
    if name == "auroc":  # no share is outside 0 to 1, whatever a t interval says
        values = [min(max(value, 0.0), 1.0) for value in values if value is not None]
    return dict(zip((name, *ends), values))


def _below(pairs: Sequence[tuple[str, str, float]], shown: int = 3) -> str:
    more = [f"{len(pairs) - shown} more"] if len(pairs) > shown else []
    return "; ".join([*(f"{a} / {b} {value:.2f}" for a, b, value in pairs[:shown]), *more])
