"""How far arms of one study are apart on a split, pair by pair of partition and seed: in numbers, and for figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hsikit.experiments.config import load_config
from hsikit.tables.cells import SHOWN, difference
from hsikit.tables.fields import apart, pairs_of
from hsikit.tables.frames import only, pooled
from hsikit.tables.layout import GROUPS

Rows = Iterable[dict[str, Any]]
Arms = str | Sequence[str]
Steps = Mapping[str, Sequence[Arms]] | str
METRICS = ("oa", "aa")


def steps_of(steps: Steps) -> Mapping[str, Sequence[Arms]]:
    """Name of a step -> arms with it and arms without; of a config's name, the `comparisons` that it declares."""
    return load_config(steps)["comparisons"] if isinstance(steps, str) else steps


def side_of(rows: Iterable[dict[str, Any]], arms: Arms) -> list[dict[str, Any]]:
    """Rows of an arm; of several, their mean for each partition and seed that all have."""
    if isinstance(arms, str):
        return only(rows, methods=[arms])
    pairs: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for r in only(rows, methods=arms):
        pairs.setdefault((r["partition"], r["seed"]), []).append(r)
    return [_mean_row(own) for own in pairs.values() if len(own) == len(arms)]


def _mean_row(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    mean: dict[str, Any] = {key: float(np.mean([r[key] for r in rows])) for key in METRICS}
    mean |= {key: rows[0][key] for key in ("scene", "split", "partition", "seed")}
    mean |= {key: " ".join(r[key] for r in rows) for key in ("name", "hash")}
    if all("by_field" in r for r in rows):  # of one pair, so tested on the same pixels
        mean["by_field"] = {field: (group, np.mean([r["by_field"][field][1] for r in rows]), pixels)
                            for field, (group, _, pixels) in rows[0]["by_field"].items()}  # fmt: skip
    return mean


def gap(rows: Iterable[dict[str, Any]], place: tuple[str, str], arms: Arms, reference: Arms,
        metric: str = "oa") -> dict[str, Any] | None:  # fmt: skip
    """The paired difference of arms from a reference in points: difference, low, high, n, over, naive.

    Args:
        rows: Pooled over partitions.
        place: Split and scene.
        arms, reference: Labels; the mean of several is taken pair by pair.
    """
    here = [r for r in rows if (r["split"], r["scene"]) == place]
    found = apart(side_of(here, arms), side_of(here, reference), metric)
    if found is None:
        return None
    told = {"difference": 100 * found.mean, "low": 100 * found.low, "high": 100 * found.high}
    naive = "[{:+.2f}, {:+.2f}]".format(*(100 * end for end in found.naive)) if found.naive else ""
    return told | {"n": found.n, "over": found.over, "naive": naive}


def run_differences(rows: Rows, steps: Steps, split: str, scene: str) -> pd.DataFrame:
    """Every pair's difference in OA, in points, as `hsikit.figures.difference_spread` draws it."""
    here = [r for r in pooled(rows) if (r["split"], r["scene"]) == (split, scene)]
    lines = []
    for name, arms in steps_of(steps).items():
        for one, other in pairs_of(*(side_of(here, arm) for arm in arms)):
            lines.append((name, one["partition"], one["seed"], 100 * one["oa"] - 100 * other["oa"]))
    return pd.DataFrame(lines, columns=["comparison", "partition", "seed", "difference"])


def step_by_step(steps: Steps, rows: Rows) -> pd.DataFrame:
    """What each step adds, in points: a line a split and step with n, OA and AA with 95 % intervals, and over what."""
    rows, lines = pooled(rows), []
    columns = ["split", "step", "n", SHOWN["oa"], SHOWN["aa"], "interval over"]
    for split, scene in dict.fromkeys((r["split"], r["scene"]) for r in rows):
        for name, (arms, without) in steps_of(steps).items():
            oa, aa = (gap(rows, (split, scene), arms, without, key) for key in METRICS)
            if oa and aa:
                lines.append((split, name, oa["n"], difference(oa), difference(aa), oa["over"]))
    return pd.DataFrame(lines, columns=columns)


def carried(rows: Rows, steps: Steps, split: str, scene: str, metric: str = "oa") -> pd.DataFrame:
    """What each step adds on a split, as `hsikit.figures.paired_differences` draws it.

    Args:
        steps: Name of a step -> labels of the arm with it and of the arm without, or the name of a config that
            declares them as its `comparisons`.
    """
    rows = pooled(rows)
    lines = []
    for name, (arms, without) in steps_of(steps).items():
        found = gap(rows, (split, scene), arms, without, metric)
        if found:
            numbers = {key: found[key] for key in ("n", "difference", "low", "high", "over")}
            group = next((group for group, names in GROUPS.items() if name in names), "")
            lines.append({"comparison": name, "group": group, "metric": metric, "split": split, **numbers})
    return pd.DataFrame(lines)
