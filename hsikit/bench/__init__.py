"""What the project promises to be fast, measured as ratios within one process on one machine.

hsikit bench        # the table, figures/tables/speed.csv and figures/scaling.png
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from hsikit.bench.timing import machine


def measure() -> list[dict[str, Any]]:
    """All rows: name, value, reach, sense (">=": at least the reach), pass, both sides of a ratio, note, machine."""
    from hsikit.bench.batches import measure_batches
    from hsikit.bench.maps import measure_maps
    from hsikit.bench.memory import measure_memory
    from hsikit.bench.opening import measure_opening
    from hsikit.bench.pictures import measure_pictures
    from hsikit.bench.training import measure_training

    work: list[Callable[[], list[dict[str, Any]]]] = [
        measure_maps, measure_batches, measure_training, measure_memory, measure_pictures, measure_opening,
    ]  # fmt: skip
    return [row | {"machine": machine()} for part in work for row in part()]


def write(rows: list[dict[str, Any]], scaling: pd.DataFrame, figures: Path) -> list[Path]:
    """Write tables/speed.csv and scaling.png below a folder, and the figure's line in its manifest."""
    from hsikit.experiments.run import commit
    from hsikit.experiments.store import write_aside
    from hsikit.figures import save_figure
    from hsikit.figures.trends import scaling_curves

    table = figures / "tables" / "speed.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    write_aside(table, pd.DataFrame(rows).to_csv(index=False))
    picture = save_figure(scaling_curves(scaling), figures / "scaling.png")
    manifest = figures / "manifest.json"
    lines = json.loads(manifest.read_text()) if manifest.exists() else {}
    lines[picture.name] = {"function": "hsikit.figures.trends.scaling_curves", "notebook": "", "runs": [],
                           "command": "hsikit bench", "commit": commit()}  # fmt: skip
    write_aside(manifest, json.dumps(dict(sorted(lines.items())), indent=1) + "\n")
    return [table, picture]
