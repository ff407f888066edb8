"""What the project promises to be fast, measured as ratios within one process on one machine.

hsikit bench        # the table, figures/tables/speed.csv and figures/scaling.png
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from bench.timing import machine

log = logging.getLogger("hsikit.bench")
QUIET = 0.5  # load of the last minute from which figures are blurred


def measure() -> list[dict[str, Any]]:
    """All rows: name, value, reach, sense (">=": at least the reach), pass, both sides of a ratio, note, machine."""
    from bench.batches import measure_batches
    from bench.maps import measure_maps
    from bench.memory import measure_memory
    from bench.opening import measure_opening
    from bench.pictures import measure_pictures
    from bench.training import measure_training
    from bench.work import measure_work

    work: list[Callable[[], list[dict[str, Any]]]] = [
        measure_work, measure_maps, measure_batches, measure_training, measure_memory, measure_pictures,
        measure_opening,
    ]  # fmt: skip
    busy = os.getloadavg()[0]
    if busy > QUIET:
        log.warning("the load is %.1f: figures of a busy machine (above %.1f) are not worth keeping", busy, QUIET)
    return [row | machine() for part in work for row in part()]


def with_other_machines(rows: pd.DataFrame, table: Path) -> pd.DataFrame:
    """New rows after those that a table keeps of other processors: each has a block of its own."""
    if not table.exists() or "machine" not in rows:
        return rows
    kept = pd.read_csv(table)
    return pd.concat([kept[~kept["machine"].isin(rows["machine"])], rows], ignore_index=True)


def write(rows: list[dict[str, Any]], figures: Path, scaling: pd.DataFrame | None = None) -> list[Path]:
    """Write tables/speed.csv and scaling.png below a folder, and the figure's line in its manifest.

    `scaling` is measured where it is not given.
    """
    from bench.scaling import measure_scaling
    from hsikit._util import write_text
    from hsikit.experiments.run import commit
    from hsikit.figures import save_figure
    from hsikit.figures.trends import scaling_curves

    table = figures / "tables" / "speed.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    write_text(table, with_other_machines(pd.DataFrame(rows), table).to_csv(index=False))
    picture = save_figure(scaling_curves(measure_scaling() if scaling is None else scaling), figures / "scaling.png")
    manifest = figures / "manifest.json"
    lines = json.loads(manifest.read_text()) if manifest.exists() else {}
    lines[picture.name] = {"function": "hsikit.figures.trends.scaling_curves", "notebook": "", "runs": [],
                           "command": "hsikit bench", "commit": commit()}  # fmt: skip
    write_text(manifest, json.dumps(dict(sorted(lines.items())), indent=1) + "\n")
    return [table, picture]
