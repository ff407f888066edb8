"""The gallery of a profile: executed notebooks, figures and tables as pages that open from disk.

`write_site` fills `site/` beside the profile's folder. Pages bring nothing in from outside and run no script, which
each also forbids to the browser, but for the pages of tables, which run the one file that sorts them; the folder can be
zipped and sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import pandas as pd
import yaml
from markupsafe import Markup
from nbconvert.filters import markdown2html

from hsikit._util.wording import words
from hsikit.tables.catalogue import KINDS as TABLES
from hsikit.tables.shown import html
from hsikit.workbook import rendered
from hsikit.workbook.pages import JINJA, TEMPLATES, WRITTEN, linked, placed

TITLES: dict[str, str] = yaml.safe_load((WRITTEN / "tables.yaml").read_text(encoding="utf-8"))
PICTURES = (".png", ".svg")


@dataclass(frozen=True)
class Listed:
    """A notebook as the gallery lists it.

    Attributes:
        state: "executed", "stopped" (there is a copy, but it did not reach its end) or "missing" (no copy).
        ran: How long and when, in words; "" where that is not known.
        problem: Why it stopped, in one line, where that is known.
        captions: Name of a figure -> the line under it in the notebook.
        made: Files that it wrote, such as "figures/maps.png".
        book: The executed copy; None where there is none, or none that can be read.
    """

    stem: str
    title: str
    about: str
    captions: dict[str, str]
    copy: Path
    state: str = "missing"
    ran: str = ""
    problem: str = ""
    made: list[str] = field(default_factory=list)
    book: Any = None


def write_site(out: Path, sources: Sequence[Path], problems: Mapping[str, str] | None = None) -> Path:
    """Write the gallery of the profile whose folder is `out` and return its `index.html`, in `site` beside `out`.

    What is missing is said to be missing. A page whose notebook has not changed is left as it is; pages, figures and
    tables that are no longer there are removed from the site.

    Args:
        out: Such as build/quick, with notebooks/, figures/ and tables/ inside as far as there are any.
        sources: The notebooks that the profile consists of, in order.
        problems: Stem of a notebook that stopped just now -> where and why.
    """
    site = out.parent / "site"
    figures = _files(out / "figures", (*PICTURES, ".pdf"))
    tables = [file for file in _files(out / "tables", (".csv",)) if not _twice(file)]
    notebooks = [_listed(source, out / "notebooks", (problems or {}).get(source.stem, "")) for source in sources]
    by_trust = sorted(notebooks, key=lambda notebook: notebook.state == "executed")  # of two, the last one counts
    maker = {name: notebook for notebook in by_trust for name in notebook.made}
    place = {notebook.stem: number for number, notebook in enumerate(notebooks)}
    pictures = [_picture(file, maker) for file in figures if file.suffix in PICTURES]
    pictures.sort(key=lambda picture: place[picture["by"].stem] if picture["by"] else len(place))
    once: dict[bytes, dict[str, Any]] = {}  # one that several notebooks draw stands where it is drawn first
    for picture in pictures:
        once.setdefault((out / "figures" / picture["file"]).read_bytes(), picture)
    beside = zip([None, *notebooks], [*notebooks[1:], None])
    kept = [_write_page(notebook, both, site / "notebooks") for notebook, both in zip(notebooks, beside)]
    kept += [placed(site / file.relative_to(out), file.read_bytes()) for file in figures + tables]
    told = [_table(file, maker) for file in tables]
    for table in told:
        page = JINJA.get_template("table.html").render(table=table)
        kept.append(placed(site / "tables" / f"{table['stem']}.html", page.encode()))
    if told:
        kept.append(placed(site / "tables" / "sort.js", (TEMPLATES / "sort.js").read_bytes()))
    groups = [(notebook, [table for table in told if table["by"] is notebook]) for notebook in [*notebooks, None]]
    facts = {"profile": out.name, "now": _moment(datetime.now(UTC)), "notebooks": notebooks,
             "pictures": [*once.values()], "faces": _faces(notebooks, pictures), "texts": list(linked(site)),
             "tables": len(told), "groups": [group for group in groups if group[1]]}  # fmt: skip
    index = placed(site / "index.html", JINJA.get_template("index.html").render(facts).encode())
    for kind in ("notebooks", "figures", "tables"):
        for file in set(_files(site / kind)) - set(kept):
            file.unlink()
    return index


# --- notebooks -----------------------------------------------------------------------------------


def _listed(source: Path, copies: Path, problem: str) -> Listed:
    cells = nbformat.read(source, as_version=4).cells
    lines: list[str] = next((cell.source.splitlines() for cell in cells if cell.cell_type == "markdown"), [])
    title = next((line.lstrip("# ") for line in lines if line.startswith("#")), source.stem)
    text = "\n".join(line for line in lines if not line.startswith("#")).strip()
    copy = copies / source.name
    about = (source.stem, _plain(title), _plain(text.split("\n\n")[0]), rendered.captions(cells), copy)
    if not copy.exists():
        return Listed(*about, state="stopped" if problem else "missing", problem=problem)
    try:
        book = nbformat.read(copy, as_version=4)
    except ValueError:  # killed while the copy was being saved
        return Listed(*about, state="stopped", problem="its executed copy cannot be read")
    try:
        made = json.loads((copies / f"{source.stem}.stamp.json").read_text())["made"]
        return Listed(*about, state="executed", ran=_ran(book), made=made, book=book)
    except (OSError, ValueError, KeyError):  # only a notebook that reached its end has a stamp
        made = [f"figures/{name}.png" for name in about[3]]
        return Listed(*about, state="stopped", ran=_ran(book), problem=problem, made=made, book=book)


def _plain(markdown: str) -> str:
    return Markup(markdown2html(markdown)).striptags()


def _ran(book: Any) -> str:
    notes = book.metadata.get("papermill", {})
    if not notes.get("duration") or not notes.get("end_time"):
        return ""
    minutes, seconds = divmod(round(notes["duration"]), 60)
    span = f"{minutes} min {seconds} s" if minutes else f"{max(seconds, 1)} s"
    return f"{span}, {_moment(datetime.fromisoformat(notes['end_time']).astimezone(UTC))}"


def _moment(when: datetime) -> str:
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def _write_page(notebook: Listed, beside: Sequence[Listed | None], folder: Path) -> Path:
    """Convert an executed copy, unless the page there was made of the same; a notebook without one gets a note.

    Args:
        beside: The notebooks before and after it, None where there is none.
    """
    page = folder / f"{notebook.stem}.html"
    words = [nbconvert.__version__, notebook.title, notebook.state, notebook.problem]
    parts = [word.encode() for word in (*words, *(f"{n.stem} {n.title}" if n else "" for n in beside))]
    parts += [file.read_bytes() for file in (Path(__file__), Path(rendered.__file__), *sorted(TEMPLATES.iterdir()))]
    parts += [notebook.copy.read_bytes()] if notebook.book else []
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()
    if page.exists() and key.encode() in page.read_bytes()[:500]:
        return page
    body = rendered.body_of(notebook.book) if notebook.book else ""
    text = JINJA.get_template("notebook.html").render(notebook=notebook, key=key, body=Markup(body), code=_colours(),
                                                      contents=rendered.contents(body), before=beside[0],
                                                      after=beside[1])  # fmt: skip
    return placed(page, text.encode())


def _colours() -> Markup:
    """Colours of code for a light and a dark screen."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    return Markup(f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}")


# --- figures and tables --------------------------------------------------------------------------


def _picture(file: Path, maker: dict[str, Listed]) -> dict[str, Any]:
    by = maker.get(f"figures/{file.name}")
    caption = by.captions.get(file.stem, "") if by else ""
    pdf = file.with_suffix(".pdf")
    return {"file": file.name, "name": file.stem.replace("_", " "), "by": by, "caption": caption,
            "pdf": pdf.name if pdf.exists() else ""}  # fmt: skip


def _faces(notebooks: Sequence[Listed], pictures: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Stem of an executed notebook -> the first picture in it that there is."""
    there = {Path(picture["file"]).stem: picture["file"] for picture in pictures}
    first = {
        n.stem: next((there[name] for name in reversed(n.captions) if name in there), "") for n in notebooks if n.book
    }
    return {stem: file for stem, file in first.items() if file}


def _twice(file: Path) -> bool:
    """Whether a notebook of details made the same table that another made under its plain name."""
    plain = file.with_name(file.name.removeprefix("details_"))
    return plain != file and plain.is_file() and plain.read_bytes() == file.read_bytes()


def _table(file: Path, maker: dict[str, Listed]) -> dict[str, Any]:
    """What the gallery says of a table: its title, who made it, and its lines, or why it cannot be read."""
    stem = file.stem.removeprefix("details_")
    known = TITLES | {name: table.title for name, table in TABLES.items()}
    title = known.get(stem) or known.get(file.stem) or words(file.stem.replace("_", " "))
    facts = {"file": file.name, "stem": file.stem, "title": title, "by": maker.get(f"tables/{file.name}")}
    try:
        frame = pd.read_csv(file, keep_default_na=False, na_values=[""])
    except ValueError as error:
        return facts | {"problem": str(error)}
    lines = [{str(key): value for key, value in line.items()} for line in frame.astype(object).to_dict("records")]
    return facts | {"rows": len(lines), "body": Markup(html(lines))}


# --- files ---------------------------------------------------------------------------------------


def _files(folder: Path, ends: tuple[str, ...] = ("",)) -> list[Path]:
    return [file for file in sorted(folder.glob("*")) if file.is_file() and file.name.endswith(ends)]
