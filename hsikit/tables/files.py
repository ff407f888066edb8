"""Tables to files: CSV, Markdown and LaTeX, and the README's main table."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import LATEX_ESCAPE_RULES, tabulate

from hsikit._util import write_text
from hsikit._util.errors import door
from hsikit._util.wording import prose, split_words, words
from hsikit.experiments.config import expand
from hsikit.experiments.ledger import Store
from hsikit.tables.catalogue import NAMES, build
from hsikit.tables.cells import Table, TableError, each_text, for_csv, for_markdown, percent
from hsikit.tables.frames import frame, pooled, spread, summarise
from hsikit.tables.layout import README, SHOWN_AS, TABLES
from hsikit.tables.scenes import best_of
from hsikit.tables.shown import WIDTH, Page, dress, pages, terminal

log = logging.getLogger(__name__)
MARKS = ("<!-- results -->", "<!-- /results -->")
WIDE = 6  # columns from which LaTeX scales a table to the page
TO_LATEX = {**LATEX_ESCAPE_RULES, "±": r"$\pm$", "−": "$-$"}


@door
def make(name: str | None = None, commit: bool = False, store: Store | None = None) -> list[Table]:
    """A table, or all that the ledger can fill; written beside the ledger with `commit`, and into the README.

    Raises:
        TableError: When the table asked for is unknown, or the ledger has no row for it.
    """
    store = store or Store.of_environment()
    made, empty = [], []
    for each in [name] if name else NAMES:
        try:
            made.append(build(each, store))
        except TableError:
            if name:
                raise
            empty.append(each)
    if not made:
        raise TableError(f"{store.ledger} holds no row for any table; `hsikit table` lists the commands that make some")
    if empty:
        log.info("no rows yet for %s; `hsikit table` lists the commands", ", ".join(empty))
    if commit:
        for table in made:
            write(table, store.ledger.parent)
        if name is None:
            update_readme(store)
    return made


def numbers(table: Table, store: Store | None = None) -> list[dict[str, Any]]:
    """A table's lines for programs: fractions with mean and std for the table of a scene, else the cells as printed."""
    if table.name not in TABLES:
        return table.cells.to_dict("records")
    return summarise(best_of(table.name, list((store or Store.of_environment()).rows().values())))


def write(table: Table, folder: Path) -> None:
    """Write a table as CSV, and as Markdown and LaTeX with its notes."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{table.name}.csv", each_text(table.cells, for_csv).to_csv(index=False))
    write_text(folder / f"{table.name}.md", markdown(table))
    write_text(folder / f"{table.name}.tex", latex(table))


def markdown(table: Table) -> str:
    """The table as Markdown in words, seven columns a page at most; best cells bold, second ones in italics."""
    whole = lambda text: for_markdown(text).replace(" ± ", "\u00a0±\u00a0")  # noqa: E731  no line break there
    parts = []
    for page in pages(table.cells.to_dict("records")):
        lines = [[whole(text) for text in line] for line in page.lines]
        dress(lines, page, table.best, "**{}**".format)
        dress(lines, page, table.second, "*{}*".format)
        parts += [for_markdown("; ".join(page.same))] if page.same else []
        parts.append(tabulate(lines, headers=[for_markdown(head) for head in page.heads], tablefmt="pipe",
                              disable_numparse=True, colalign=_aligned(page)))  # fmt: skip
    return "\n\n".join([*parts, *map(prose, table.notes)]) + "\n"


def latex(table: Table) -> str:
    """The table as LaTeX in words, to be read by an input; a wide one is scaled by the package graphicx."""
    parts = []
    for page in pages(table.cells.to_dict("records")):
        lines = [[_escaped(text) for text in line] for line in page.lines]
        dress(lines, page, table.best, r"\textbf{{{}}}".format)
        dress(lines, page, table.second, r"\textit{{{}}}".format)
        grid = tabulate(lines, headers=[_escaped(head) for head in page.heads], tablefmt="latex_raw",
                        disable_numparse=True, colalign=_aligned(page))  # fmt: skip
        wide = f"\\resizebox{{\\textwidth}}{{!}}{{%\n{grid}}}" if len(page.heads) >= WIDE else grid
        parts += [_escaped("; ".join(page.same)), ""] if page.same else []
        parts += [wide, ""]
    notes = "\n\n".join(_escaped(prose(note).replace("`", "")) for note in table.notes)
    return "\n".join([r"\begin{table}", rf"\caption{{{_escaped(table.title)}}}", r"\footnotesize", *parts, notes,
                      r"\end{table}", ""])  # fmt: skip


def for_terminal(table: Table, dressed: bool = False) -> str:
    """The table for a terminal of 100 columns, notes below; `dressed` marks the best cells by ANSI codes."""
    notes = (textwrap.fill(prose(note).replace("`", ""), WIDTH) for note in table.notes)
    grid = terminal(table.cells.to_dict("records"), table.best, table.second, dressed)
    return "\n\n".join([textwrap.fill(f"# {table.title}", WIDTH), grid, *notes])


def _aligned(page: Page) -> list[str]:
    return ["right" if number else "left" for number in page.numeric]


def _escaped(text: str) -> str:
    return "".join(TO_LATEX.get(letter, letter) for letter in str(text))


def main_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The README's table: OA / AA of a few methods, the disjoint split first."""
    lines = []
    for scene, (configs, splits, arms) in README.items():
        own = {e.hash: e.label for config in configs for e in expand(config) if e.scene == scene}
        here = pooled(r | {"name": own[r["hash"]]} for r in rows if r["hash"] in own)
        found = {(e["split"], e["method"]): e for e in spread(frame(here), "split", "method").to_dict("records")}
        for arm in arms:
            cells = {head: _cell(split, found.get((split, arm)))
                     for head, split in zip(("disjoint split", "overlapping split"), splits)}  # fmt: skip
            if any(cells.values()):
                lines.append({"scene": SHOWN_AS[scene], "method": words(arm), **cells})
    return pd.DataFrame(lines)


def _cell(split: str, entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return ""
    return f"{split_words(split)}: {percent(entry, 'oa')} / {percent(entry, 'aa')} (n = {entry['n']})"


def update_readme(store: Store) -> None:
    """Put the main table between its marks in the README of the project whose ledger, figures/tables/..., this is."""
    place = store.ledger.absolute().parent
    readme = place.parent.parent / "README.md"
    if (place.parent.name, place.name) != ("figures", "tables") or not readme.exists():
        return
    text, table = readme.read_text(), main_table(list(store.rows().values()))
    if MARKS[0] not in text or table.empty:
        return
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    write_text(
        readme, f"{before}{MARKS[0]}\n{each_text(table, for_markdown).to_markdown(index=False)}\n{MARKS[1]}{after}"
    )
