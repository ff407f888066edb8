"""An executed notebook as a page to be read: set-up folded, pictures with captions, no bars, warnings or paths."""

from __future__ import annotations

import base64
import copy
import itertools
import re
from collections.abc import Sequence
from typing import Any

import nbconvert
from markupsafe import Markup, escape
from nbconvert.filters import markdown2html
from traitlets.config import Config

# Without the kinds that need a script: a widget is shown as its picture, or else as its text.
KINDS = ["image/png", "image/svg+xml", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain"]
BAR = re.compile(r"\d+%\|.*\||^\s*\d+/\d+\b[^\n]*$")  # tqdm as text
SET_UP = {"parameters", "injected-parameters"}  # tags of cells
ITALICS = re.compile(r"\*((?:\*\*[^*]+\*\*|[^*])+)\*")
PATH = re.compile(r"(?<![\w./:])(?:/[\w.@+-]+){2,}/([\w.@+-]+)")  # of this machine


def body_of(book: Any) -> str:
    """The cells as HTML."""
    cells = [_readable(cell, below) for cell, below in zip(book.cells, [*book.cells[1:], None])]
    exporter = nbconvert.HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True,
                                      config=Config({"NbConvertBase": {"display_data_priority": KINDS}}))  # fmt: skip
    parts = []
    for folded, some in itertools.groupby(cells, _is_set_up):
        part = copy.copy(book)
        part.cells = list(some)
        html, _ = exporter.from_notebook_node(part)
        parts.append(f'<details class="setup"><summary>Set-up</summary>{html}</details>' if folded else html)
    return re.sub(r'(href="[^":/]+)\.ipynb(?=["#])', r"\1.html", "\n".join(parts))  # links between notebooks


def contents(body: str) -> list[tuple[str, str]]:
    """Anchor and text of each heading of the second rank."""
    found = re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', body, re.DOTALL)
    return [(place, str(Markup(re.sub(r"<a class=.anchor-link.*", "", text)).striptags())) for place, text in found]


def caption(below: Any) -> str:
    """The lines in italics that open the cell below, as text; "" where there is none."""
    return " ".join(_lines(below))


def _lines(below: Any) -> list[str]:
    """Each of these lines."""
    if below is None or below.cell_type != "markdown":
        return []
    opening = re.match(rf"(?:{ITALICS.pattern} *\n?)+", below.source)
    found = ITALICS.findall(opening[0]) if opening else []
    return [str(Markup(markdown2html(line)).striptags()) for line in found]


def _is_set_up(cell: Any) -> bool:
    """Parameters, and cells that import, define or open something and show nothing."""
    if cell.cell_type != "code" or cell.outputs:
        return False
    return bool(SET_UP & set(cell.metadata.get("tags", []))) or cell.source.startswith(
        ("import ", "from ", "%matplotlib")
    )


def _readable(cell: Any, below: Any) -> Any:
    """A cell without what only its run was to know: bars, warnings, places of this machine."""
    if cell.cell_type != "code":
        return cell
    cell = copy.deepcopy(cell)
    said = caption(below)
    cell.metadata["alt"] = said or cell.metadata.get("alt", "Picture made by the cell above")
    cell.outputs = [_without_places(_drawing(out, said)) for out in cell.outputs if not _passing(out)]
    return cell


def _passing(output: Any) -> bool:
    """Warnings and progress bars."""
    return output.get("name") == "stderr" or bool(BAR.search(output.get("data", {}).get("text/plain", "")))


def _drawing(output: Any, said: str) -> Any:
    """A drawing as a picture of its own, so that no two of a page share names inside."""
    drawn = output.get("data", {}).pop("image/svg+xml", None)
    if drawn:
        text = base64.b64encode(drawn.encode()).decode()
        alt = escape(said or "Drawing made by the cell above")
        output.data["text/html"] = f'<img alt="{alt}" src="data:image/svg+xml;base64,{text}">'
    return output


def _without_places(output: Any) -> Any:
    if "text" in output:
        output["text"] = PATH.sub(r"\1", output["text"])
    for kind in ("text/plain", "text/markdown"):
        if kind in output.get("data", {}):
            output.data[kind] = PATH.sub(r"\1", output.data[kind])
    return output


def captions(cells: Sequence[Any]) -> dict[str, str]:
    """Figures that a notebook saves, the last first, each with its line in italics below the cell.

    Of a cell that saves several each has its own line, "First: …" and so on; of a single line the first has it.
    """
    found, lines = {}, list[str]()
    for cell in reversed(cells):
        if cell.cell_type == "markdown":
            lines = _lines(cell)
        source = cell.source if cell.cell_type == "code" else ""
        names = re.findall(r"""\.save(?:_rows)?\(\s*["']([^"']+)["']""", source)
        for name, line in itertools.zip_longest(names, lines[: len(names)], fillvalue=""):
            told = re.sub(r"^(First|Second|Third|Fourth)[:,] ", "", line)
            found[name] = told[:1].upper() + told[1:]
    return found
