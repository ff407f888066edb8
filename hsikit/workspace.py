"""What a notebook writes with: figures, tables, its runs, and one small file of results at the end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


import pandas as pd

from hsikit.experiments.store import Store, write_aside


class Workspace:
    """The folder of a profile, as one notebook sees it.

    Args:
        out_dir: Such as build/quick; figures/, tables/, results/ and runs/ are made inside it.
        notebook: Stem of the notebook's name, such as "30_mmlgnet".

    Attributes:
        store: Where runs are kept: the folders that HSIKIT_RUNS and HSIKIT_LEDGER name, else inside `out_dir`.
    """

    def __init__(self, out_dir: str | Path, notebook: str) -> None:
        self.out, self.notebook = Path(out_dir).resolve(), notebook
        self.figures: list[str] = []
        self._start = time.perf_counter()
        for name in ("figures", "tables", "results"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        self.store = Store(Path(os.environ.get("HSIKIT_RUNS", self.out / "runs")),
                           Path(os.environ.get("HSIKIT_LEDGER", self.out / "tables" / "runs.jsonl")))  # fmt: skip

    def figure(self, figure: Any, name: str) -> Any:
        """Save a matplotlib figure as figures/<name>.png and hand it back to be shown."""
        from hsikit.figures import save_figure

        save_figure(figure, self.out / "figures" / f"{name}.png")
        self.figures.append(f"{name}.png")
        return figure

    def table(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Save a table as tables/<name>.csv and .md and hand it back to be shown."""
        write_aside(self.out / "tables" / f"{name}.csv", table.to_csv(index=False))
        write_aside(self.out / "tables" / f"{name}.md", table.to_markdown(index=False) + "\n")
        return table

    def finish(self, **numbers: float) -> Path:
        """Write results/<notebook>.json: the numbers a reader may check, the figures made, the seconds taken."""
        path = self.out / "results" / f"{self.notebook}.json"
        facts = {"notebook": self.notebook, "profile": self.out.name, "figures": self.figures,
                 "seconds": round(time.perf_counter() - self._start, 1),
                 "numbers": {k: float(v) for k, v in numbers.items()}}  # fmt: skip
        write_aside(path, json.dumps(facts, indent=1))
        return path
