"""How far arms of one study are apart on a split, pair by pair of partition and seed: in numbers, and for figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hsikit.tables.cells import SHOWN, difference
from hsikit.tables.fields import apart
from hsikit.tables.frames import only, pooled
from hsikit.tables.layout import FOREST

Rows = Iterable[dict[str, Any]]


def gap(rows: Sequence[Mapping[str, Any]], place: tuple[str, str, str], reference: str,
        metric: str = "oa") -> dict[str, Any] | None:  # fmt: skip
    """The paired difference of a method from a reference in points: difference, low, high, n, over, naive.

    Args:
        rows: Pooled over partitions.
        place: Split, scene and label of the method.
    """
    here = [r for r in rows if (r["split"], r["scene"]) == place[:2]]
    found = apart(only(here, methods=[place[2]]), only(here, methods=[reference]), metric)
    if found is None:
        return None
    told = {"difference": 100 * found.mean, "low": 100 * found.low, "high": 100 * found.high}
    naive = "[{:+.2f}, {:+.2f}]".format(*(100 * end for end in found.naive)) if found.naive else ""
    return told | {"n": found.n, "over": found.over, "naive": naive}


def run_differences(rows: Rows, steps: Mapping[str, tuple[str, str]], split: str, scene: str) -> pd.DataFrame:
    """Every pair's difference in OA, in points, as `hsikit.figures.difference_spread` draws it."""
    here = [r for r in pooled(rows) if (r["split"], r["scene"]) == (split, scene)]
    of: dict[str, dict[tuple[int, int], float]] = {}
    for r in here:
        of.setdefault(r["name"], {})[r["partition"], r["seed"]] = 100 * r["oa"]
    return pd.DataFrame([
        {"comparison": name, "partition": pair[0], "seed": pair[1], "difference": of[arm][pair] - of[without][pair]}
        for name, (arm, without) in steps.items()
        for pair in sorted(of.get(arm, {}).keys() & of.get(without, {}).keys())
    ], columns=["comparison", "partition", "seed", "difference"])  # fmt: skip


def step_by_step(steps: Mapping[str, tuple[str, str]], rows: Rows) -> pd.DataFrame:
    """What each step adds, in points: a line a split and step with n, OA and AA with 95 % intervals, and over what."""
    rows, lines = pooled(rows), []
    for split, scene in dict.fromkeys((r["split"], r["scene"]) for r in rows):
        for name, (arm, without) in steps.items():
            oa, aa = (gap(rows, (split, scene, arm), without, key) for key in ("oa", "aa"))
            if oa and aa:
                lines.append({"split": split, "step": name, "n": oa["n"], SHOWN["oa"]: difference(oa),
                              SHOWN["aa"]: difference(aa), "interval over": oa["over"]})  # fmt: skip
    return pd.DataFrame(lines)


def carried(rows: Rows, steps: Mapping[str, tuple[str, str]], split: str, scene: str,
            metric: str = "oa") -> pd.DataFrame:  # fmt: skip
    """What each step adds on a split, as `hsikit.figures.paired_differences` draws it.

    Args:
        steps: Name of a step -> labels of the arm with it and of the arm without.
    """
    rows = pooled(rows)
    lines = []
    for name, (arm, without) in steps.items():
        found = gap(rows, (split, scene, arm), without, metric)
        if found:
            numbers = {key: found[key] for key in ("n", "difference", "low", "high", "over")}
            lines.append(
                {"comparison": name, "group": _group(arm, without), "metric": metric, "split": split, **numbers}
            )
    return pd.DataFrame(lines)


def _group(arm: str, without: str) -> str:
    """What is told apart between two arms of a study: the input, the words, the loss, or the network."""
    if without == FOREST:
        return "beside the forest"
    if any(word in without for word in ("shuffled", "random", "bare names", "MiniLM")):
        return "words"
    if "on bands" in without or "components" in without or "HSI alone" in without or "profiles" in without:
        return "inputs"
    if any(word in arm for word in ("batch norm", "two views", "twice")):
        return "controls without exits"
    if "batch norm" in without or "two views" in without:
        return "with the controls taken off"
    if without.startswith("trunk") and arm.startswith("mmlgnet"):
        return "loss"
    return "self-distillation" if "sdhsi" in f"{arm}{without}" else "network"
