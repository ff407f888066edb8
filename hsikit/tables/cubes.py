"""What the damage of the published Indian Pines cube is worth: methods on it, on the repaired one, on two placebos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from hsikit.tables.cells import SHOWN, difference, percent
from hsikit.tables.frames import frame, paired, pooled, spread
from hsikit.tables.layout import CUBES
from hsikit.tables.steps import METRICS


def cubes_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Scores of every method on every cube, and their paired difference from the published one.

    Args:
        rows: Of the configs `CUBES_FROM`. On whole fields a partition is a split of its own, its number the run's seed.

    Returns:
        A line a split, method and cube: n, OA and AA, and both differences with the pairs they rest on.
    """
    long = frame(row | {"split": _over_partitions(row)} for row in pooled(rows))
    long = long[long["measure"].isin(METRICS)]
    long = long.assign(arm=long["method"], method=long["scene"])
    others = {cube: (cube, "indian_pines") for cube in CUBES if cube != "indian_pines"}
    gaps = {(e["split"], e["arm"], e["comparison"], e["measure"]): e
            for e in paired(long, others, "split", "arm", "measure").to_dict("records")}  # fmt: skip
    lines = []
    for e in spread(long, "split", "arm", "method").to_dict("records"):
        line = {"split": e["split"], "method": e["arm"], "cube": CUBES[e["method"]], "n": e["n"],
                **{SHOWN[key]: percent(e, key) for key in METRICS}}  # fmt: skip
        own = {key: gaps.get((e["split"], e["arm"], e["method"], key)) for key in METRICS}
        line |= {f"{SHOWN[key]} minus published (points)": difference(gap) if gap else "" for key, gap in own.items()}
        lines.append(line | {"pairs": own["oa"]["n"] if own["oa"] else ""})
    return pd.DataFrame(lines)


def _over_partitions(row: Mapping[str, Any]) -> str:
    return f"{row['split']}, a partition each" if row["config"]["split"]["kind"] == "fields" else row["split"]
