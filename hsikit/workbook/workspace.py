"""What a notebook writes with: figures, tables, its runs, and one small file of results at the end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import SVG, Image, Markdown
from matplotlib.figure import Figure

from hsikit._util import write_text
from hsikit.experiments.ledger import Store
from hsikit.experiments.run import commit
from hsikit.figures import save_figure
from hsikit.tables.cells import each_text, for_csv, for_markdown
from hsikit.tables.shown import html, terminal

Rows = Sequence[dict[str, Any]]


class Shown(pd.DataFrame):
    """A table that shows itself in words, at most seven columns beside each other; as data it is what it was."""

    @property
    def _constructor(self) -> type[Shown]:
        return Shown

    def _lines(self) -> list[dict[str, Any]]:
        return [{str(key): value for key, value in line.items()} for line in self.to_dict("records")]

    def _repr_html_(self) -> str:
        return html(self._lines())

    def __repr__(self) -> str:
        return terminal(self._lines())


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
        for name in ("figures", "tables", "results"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        self.store = Store.of_environment(self.out / "runs", self.out / "tables" / "runs.jsonl")

    def save(self, name: str, figure: Figure, runs: Sequence[str] = (), kind: str = "png") -> Image | SVG:
        """Save a picture as figures/<name>.png, or .svg for a drawing, and hand it back to be shown.

        The function of `hsikit.figures` that made it, and the hashes of the runs behind it, are kept for the manifest.
        """
        path = save_figure(figure, self.out / "figures" / f"{name}.{kind}")
        if self.pdf:
            save_figure(figure, path.with_suffix(".pdf"))
        self.figures[path.name] = {
            "function": getattr(figure, "made_by", ""),
            "notebook": self.notebook,
            "runs": list(runs),
        }
        return SVG(filename=str(path)) if kind == "svg" else Image(filename=str(path))

    def save_rows(self, name: str, draw: Callable[[Rows], Figure], rows: Rows, needs: str) -> Image | SVG | Markdown:
        """Save a picture of ledger rows, or say what it lacks and which command makes that; the notebook goes on.

        Args:
            draw: Called with the rows, gives the figure. A ValueError, such as that a method has no rows, is said in
                place of the picture.
            rows: The rows behind the picture; their hashes go to the manifest.
            needs: The config whose runs make the rows.
        """
        try:
            if not rows:
                raise ValueError("the ledger holds none of its runs")
            return self.save(name, draw(rows), runs=[r["hash"] for r in rows])
        except ValueError as error:
            return Markdown(f"**{name} was not drawn**: {error}. Its runs are made by `hsikit sweep {needs}`; "
                            "`progress_of` says how long that takes.")  # fmt: skip

    def table(self, table: pd.DataFrame | Rows, name: str, digits: int | None = None) -> Shown:
        """Save a table, or a list of lines, as tables/<name>.csv and .md and hand it back to be shown in words."""
        shown = table if isinstance(table, pd.DataFrame) else pd.DataFrame(table)
        shown = shown if digits is None else shown.round(digits)
        write_text(self.out / "tables" / f"{name}.csv", each_text(shown, for_csv).to_csv(index=False))
        write_text(self.out / "tables" / f"{name}.md", each_text(shown, for_markdown).to_markdown(index=False) + "\n")
        return Shown(shown)

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

    def finish(self, **numbers: float) -> None:
        """Write results/<notebook>.json: the numbers a reader may check, the figures made, the seconds taken."""
        path = self.out / "results" / f"{self.notebook}.json"
        facts = {"notebook": self.notebook, "profile": self.out.name, "figures": list(self.figures),
                 "seconds": round(time.perf_counter() - self._start, 1),
                 "numbers": {k: float(v) for k, v in numbers.items()}}  # fmt: skip
        write_text(path, json.dumps(facts, indent=1))
