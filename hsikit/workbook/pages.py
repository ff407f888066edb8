"""What the gallery holds beside results: pages of text, and the reference of the public names from their docstrings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2
from markupsafe import Markup
from nbconvert.filters import markdown2html

import hsikit
from hsikit._util import saved
from hsikit._util.errors import needs

TEMPLATES, WRITTEN = Path(__file__).parent / "templates", Path(__file__).parent / "texts"
JINJA = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
OF_THE_PROJECT = {"CONTRIBUTING": "Contributing", "CHANGELOG": "Changelog", "SECURITY": "Security"}
REFERENCE = Path(__file__).parent / "reference"  # pdoc's templates as far as they differ; its pages run no script
# What has a page of its own: packages of public names, and the states whose methods the explorers have.
PACKAGES = ("hsikit.explore", *(f"hsikit.explore.{name}" for name in (
    "spectra", "feature_space", "leakage", "prompts", "painting", "why", "compare_maps")),
    "hsikit.figures", "hsikit.tables")  # fmt: skip


def write_pages(site: Path, root: Path) -> list[Path]:
    """Glossary, questions that people ask, and the project's own texts, as pages of `site/pages`.

    Args:
        root: The project's folder; a text that is not there has no page.
    """
    texts = {file.stem: file for file in sorted(WRITTEN.glob("*.md"))}
    texts |= {name: root / f"{name}.md" for name in OF_THE_PROJECT if (root / f"{name}.md").is_file()}
    made = []
    for stem, file in texts.items():
        body = Markup(_linked(markdown2html(file.read_text(encoding="utf-8")), set(texts)))
        title = re.sub(r"<.*?>|¶|&#182;", "", next(iter(re.findall(r"<h1.*?>(.*?)</h1>", body)), stem))
        page = JINJA.get_template("page.html").render(title=Markup(title), body=body)
        made.append(placed(site / "pages" / f"{stem.lower()}.html", page.encode()))
    return made


def _linked(body: str, known: set[str]) -> str:
    """Links to other texts lead to their pages, to notebooks to theirs, elsewhere in the project nowhere."""

    def target(match: re.Match[str]) -> str:
        place, text = match[1], match[2]
        stem = Path(place.partition("#")[0]).stem
        if re.match(r"\w+:|#", place):
            return match[0]
        if place.endswith(".ipynb"):
            return f'<a href="../notebooks/{stem}.html">{text}</a>'
        if stem in known:
            return f'<a href="{stem.lower()}.html">{text}</a>'
        return text

    return re.sub(r'<a href="([^"]*)"(?: [^>]*)?>(.*?)</a>', target, body, flags=re.DOTALL)


def write_reference(site: Path) -> Path:
    """The reference of the public names, `site/api/hsikit.html` and a page a package of `PACKAGES`, from docstrings.

    Left as it is where no source has changed.
    """
    package = Path(__file__).parents[1]
    sources = sorted([*package.rglob("*.py"), *REFERENCE.iterdir()])
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources))
    page, key = site / "api" / "hsikit.html", f"<!-- made of {digest.hexdigest()} -->"
    if page.is_file() and key in page.read_text(encoding="utf-8")[-200:]:
        return page
    with needs("workbook", "the reference"):
        import pdoc  # imports the whole package with torch
        import pdoc.render
    pdoc.render.configure(docformat="google", show_source=False, search=False, template_directory=REFERENCE)
    vars(hsikit).update({name: getattr(hsikit, name) for name in hsikit.__all__})  # pdoc reads what is there already
    with TemporaryDirectory() as aside:
        pdoc.pdoc(
            "hsikit",
            *PACKAGES,
            rf"!hsikit\.(?!({'|'.join(name.partition('.')[2] for name in PACKAGES)})$)",
            output_directory=Path(aside),
        )
        for made in (Path(aside) / f"{name.replace('.', '/')}.html" for name in (*PACKAGES, "hsikit")):
            placed(site / "api" / made.relative_to(aside), made.read_bytes() + key.encode())
    return page


def linked(site: Path) -> Iterator[tuple[str, str]]:
    """Address within the site and title of each page there, the reference first."""
    if (site / "api" / "hsikit.html").is_file():
        yield "api/hsikit.html", "Reference: every public name"
    for page in sorted((site / "pages").glob("*.html")):
        title = re.search(r"<title>(.*?)</title>", page.read_text(encoding="utf-8"), re.DOTALL)
        yield f"pages/{page.name}", title[1].strip() if title else page.stem


def placed(path: Path, content: bytes) -> Path:
    """Write a file whole; returns its path."""
    return saved(path, lambda file: file.write(content))
