"""What a notebook writes with: figures, tables, its runs, and one small file of results at the end."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hsikit._util import write_text
from hsikit.experiments.ledger import Store
from hsikit.experiments.run import commit


class Workspace:
    """The folder of a profile, as one notebook sees it.

    Args:
        out_dir: Such as build/quick; figures/, tables/, results/ and runs/ are made inside it.
        notebook: Stem of the notebook's name, such as "30_mmlgnet".
        pdf: Save every picture as PDF too, beside its PNG.

    Attributes:
        store: Where runs are kept: the folders that HSIKIT_RUNS and HSIKIT_LEDGER name, else inside `out_dir`.
    """

    def __init__(self, out_dir: str | Path, notebook: str, pdf: bool = False) -> None:
        self.out, self.notebook, self.pdf = Path(out_dir).resolve(), notebook, pdf
        self.figures: dict[str, dict[str, Any]] = {}
        self._start = time.perf_counter()
        pd.set_option("display.max_colwidth", None)  # sentences in tables are shown whole
        for name in ("figures", "tables", "results"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        self.store = Store(Path(os.environ.get("HSIKIT_RUNS", self.out / "runs")),
                           Path(os.environ.get("HSIKIT_LEDGER", self.out / "tables" / "runs.jsonl")))  # fmt: skip

    def draw(self, name: str, function: Callable[..., Any], *args: Any, runs: Sequence[str] = (), **kwargs: Any) -> Any:
        """Call a function of `hsikit.figures`, save figures/<name>.png, and hand the picture back to be shown.

        The name of the function and the hashes of the runs behind the picture are kept for the manifest.
        """
        from IPython.display import Image

        from hsikit.figures import save_figure

        figure = function(*args, **kwargs)
        path = save_figure(figure, self.out / "figures" / f"{name}.png")
        if self.pdf:
            save_figure(figure, path.with_suffix(".pdf"))
        self.figures[f"{name}.png"] = {"function": f"{function.__module__}.{function.__qualname__}",
                                       "notebook": self.notebook, "runs": list(runs)}  # fmt: skip
        return Image(filename=str(path))

    def draw_rows(self, name: str, function: Callable[..., Any], rows: Sequence[dict[str, Any]],
                  table: Callable[[Any], Any], *args: Any, needs: str, **kwargs: Any) -> Any:  # fmt: skip
        """Draw a picture of ledger rows, or say what it lacks and which command makes that; the notebook goes on.

        Args:
            rows: The rows behind the picture; their hashes go to the manifest.
            table: Called with the rows; what it gives is the function's first argument. A ValueError of either, such
                as that a method has no rows, is said in place of the picture.
            needs: The config whose runs make the rows.
        """
        from IPython.display import Markdown

        try:
            if not rows:
                raise ValueError("the ledger holds none of its runs")
            return self.draw(name, function, table(rows), *args, runs=[r["hash"] for r in rows], **kwargs)
        except ValueError as error:
            return Markdown(f"**{name} was not drawn**: {error}. Its runs are made by `hsikit sweep {needs}`; "
                            "`progress_of` says how long that takes.")  # fmt: skip

    def table(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Save a table as tables/<name>.csv and .md and hand it back to be shown."""
        write_text(self.out / "tables" / f"{name}.csv", table.to_csv(index=False))
        write_text(self.out / "tables" / f"{name}.md", table.to_markdown(index=False) + "\n")
        return table

    def publish(self, folder: str | Path) -> Path:
        """Copy this notebook's pictures to a folder, with a manifest: figure -> function, notebook, commit, runs.

        Pictures that were not drawn this time keep their files and their lines.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in self.figures:
            shutil.copyfile(self.out / "figures" / name, target / name)
        manifest = target / "manifest.json"
        known = json.loads(manifest.read_text()) if manifest.exists() else {}
        lines = known | {name: facts | {"commit": commit()} for name, facts in self.figures.items()}
        write_text(manifest, json.dumps(dict(sorted(lines.items())), indent=1) + "\n")
        return manifest

    def finish(self, **numbers: float) -> Path:
        """Write results/<notebook>.json: the numbers a reader may check, the figures made, the seconds taken."""
        path = self.out / "results" / f"{self.notebook}.json"
        facts = {"notebook": self.notebook, "profile": self.out.name, "figures": list(self.figures),
                 "seconds": round(time.perf_counter() - self._start, 1),
                 "numbers": {k: float(v) for k, v in numbers.items()}}  # fmt: skip
        write_text(path, json.dumps(facts, indent=1))
        return path
