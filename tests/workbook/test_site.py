"""hsikit.workbook.site on tiny notebooks, pictures and tables made here: what the pages show, say and never contain."""

import errno
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from hsikit.workbook import rendered, site
from hsikit.workbook.site import write_site

HOSTILE = "<script>alert('a')</script> & <b>"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MARKDOWN = "# First & *last*\n\nWhat you will see.\n\nMore.\n\nSee [the second](20_b.ipynb#Part)."


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] != "style":
            self.words.append(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [attrs[attribute] for name, attrs in self.tags if name == tag and attribute in attrs]


def cells(markdown: str, *code: str, below: str = "*Look here.* And on.") -> list:
    return [new_markdown_cell(markdown), *map(new_code_cell, code), new_markdown_cell(below)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A profile of two notebooks: one executed, with a figure and a table, one that nobody has run."""
    out = tmp_path / "build" / "quick"
    for folder in (tmp_path / "notebooks", out / "notebooks", out / "figures", out / "tables"):
        folder.mkdir(parents=True)
    source = new_notebook(cells=cells(MARKDOWN, 'ws.save("maps", f)', "1"))
    nbformat.write(source, tmp_path / "notebooks" / "10_a.ipynb")
    nbformat.write(new_notebook(cells=cells("# Second")), tmp_path / "notebooks" / "20_b.ipynb")
    Image.new("RGB", (30, 20), "red").save(out / "figures" / "maps.png")
    pd.DataFrame({"method": ["a"], "oa": [0.123456]}).to_csv(out / "tables" / "scores.csv", index=False)
    execute(out)
    return out


def execute(out: Path, output: str = "42", stem: str = "10_a", stamp: bool = True) -> None:
    """What papermill and the workbook leave of a notebook."""
    book = nbformat.read(out.parents[1] / "notebooks" / f"{stem}.ipynb", as_version=4)
    outputs = [new_output("display_data", {"image/png": PNG}), new_output("stream", text=output)]
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = outputs
    book.metadata["papermill"] = {"duration": 61.6, "end_time": "2026-03-01T10:20:30.1+00:00"}
    nbformat.write(book, out / "notebooks" / f"{stem}.ipynb")
    if stamp:
        made = {"key": "k", "made": ["figures/maps.png", "tables/scores.csv"]}
        (out / "notebooks" / f"{stem}.stamp.json").write_text(json.dumps(made))


def build(out: Path, problems: dict[str, str] | None = None) -> Seen:
    """Write the site; no page of it may bring in anything or hold a script."""
    index = write_site(out, sorted((out.parents[1] / "notebooks").glob("*.ipynb")), problems)
    assert index == out.parent / "site" / "index.html"
    for page in sorted(index.parent.rglob("*.html")):
        seen, sorts = Seen(page), page.parent.name == "tables"
        scripts = [attrs for tag, attrs in seen.tags if tag == "script"]
        assert scripts == ([{"src": "sort.js"}] if sorts else []), page  # a file of its own, on pages of tables alone
        policy = " ".join(seen.all("meta", "content"))
        assert ("script-src 'self' file:" in policy) == sorts
        assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")
        assert "unsafe-eval" not in policy
        assert {"link", "iframe", "object", "embed", "base"}.isdisjoint(tag for tag, _ in seen.tags), page
        assert all(src.startswith(("data:image/", "figures/")) for src in seen.all("img", "src")), page
        assert all(seen.all("img", "alt")), page
        assert "default-src 'none'" in policy
        assert "@import" not in page.read_text()
        assert "url(" not in page.read_text()
        assert seen.all("html", "lang") == ["en"]
        assert [tag for tag, _ in seen.tags].count("h1") == 1, page
    assert [file for file in index.parent.rglob("*") if file.suffix == ".part"] == []
    return Seen(index)


def test_a_picture_that_two_notebooks_draw_stands_once_where_it_is_first(out):
    (out / "figures" / "other.png").write_bytes(b"another picture")
    (out / "figures" / "twin.png").write_bytes((out / "figures" / "maps.png").read_bytes())
    assert build(out).all("img", "src")[1:] == ["figures/maps.png", "figures/other.png"]


def test_shows_what_is_there_and_says_what_is_missing(out):
    index = build(out)
    assert "Profile quick" in index.text
    assert "1 of 2 notebooks executed" in index.text
    assert "First & last What you will see. 10_a · ran 1 min 2 s, 1 March 2026, 10:20 UTC" in index.text
    assert "Not complete. Not executed yet: Second." in index.text
    assert "maps Look here. from 10_a" in index.text
    assert index.all("img", "src") == ["figures/maps.png"] * 2  # on the notebook's card, and among the figures
    assert "First & last scores 1 row · scores.csv" in index.text  # under the notebook that made it
    table = Seen(out.parent / "site/tables/scores.html")
    assert "scores from First & last · scores.csv method OA (%) a 12.35" in table.text
    assert (out.parent / "site/tables/scores.csv").read_bytes() == (out / "tables/scores.csv").read_bytes()
    assert "notebooks/20_b.html" not in index.all("a", "href")


def test_every_link_inside_the_folder_leads_somewhere(out):
    build(out)
    folder = out.parent / "site"
    for page in folder.rglob("*.html"):
        seen = Seen(page)
        for link in (link for link in seen.all("a", "href") if not link.startswith("#")):
            assert (page.parent / link.partition("#")[0]).resolve().is_relative_to(folder)
            assert (page.parent / link.partition("#")[0]).is_file(), link
    assert "20_b.html#Part" in Seen(folder / "notebooks/10_a.html").all("a", "href")
    assert "not been executed" in Seen(folder / "notebooks/20_b.html").text


def test_a_page_shows_code_outputs_and_pictures(out):
    build(out)
    page = Seen(out.parent / "site/notebooks/10_a.html")
    assert page.text.startswith("First & last")
    assert "42" in page.text
    assert page.all("img", "src")[0] == f"data:image/png;base64,{PNG}"
    assert "../index.html" in page.all("a", "href")


def test_a_pdf_is_linked_beside_its_picture(out):
    assert "PDF" not in build(out).text
    (out / "figures/maps.pdf").write_bytes(b"%PDF-")
    assert "figures/maps.pdf" in build(out).all("a", "href")
    assert (out.parent / "site/figures/maps.pdf").read_bytes() == b"%PDF-"


def test_hostile_names_and_content_stay_text(out):
    book = new_notebook(cells=cells(f"# {HOSTILE}\n\n{HOSTILE}", 'ws.save_rows(\n "x", f)', below=f"*{HOSTILE}*"))
    nbformat.write(book, out.parents[1] / "notebooks" / "20_b.ipynb")
    frame = pd.DataFrame({HOSTILE: [HOSTILE, "&amp;"]})
    frame.to_csv(out / "tables" / "a & b#1 %20 <i>.csv", index=False)
    Image.new("RGB", (9, 9)).save(out / "figures" / 'x" onerror="1 #?&<i>.png')
    index = build(out, {"20_b": f"cell 3: {HOSTILE}"})
    assert "a & b#1 %20 <i>" in index.text
    page = Seen(out.parent / "site/tables/a & b#1 %20 <i>.html")
    assert page.text.count("<script>") >= 2  # the table's head and cell
    assert "&amp;" in page.text
    assert not any("onerror" in attrs for seen in (index, page) for _, attrs in seen.tags)
    assert "i" not in [tag for seen in (index, page) for tag, _ in seen.tags]


def test_a_failed_notebook_says_where_and_shows_what_it_did(out):
    (out / "notebooks/10_a.stamp.json").unlink()
    index = build(out, {"10_a": f"cell 2: KeyError: {HOSTILE}"})
    assert f"stopped before its end (cell 2: KeyError: {HOSTILE})" in index.text
    assert "0 of 2 notebooks executed" in index.text
    assert "notebooks/10_a.html" in index.all("a", "href")
    page = Seen(out.parent / "site/notebooks/10_a.html")
    assert f"did not reach its end (cell 2: KeyError: {HOSTILE})" in page.text
    assert "maps Look here. from 10_a" in index.text
    assert "Of an earlier or unfinished run scores 1 row" in index.text


def test_a_notebook_that_never_began_is_a_failure_too(out):
    text = build(out, {"20_b": "cell 0: RuntimeError: no kernel"}).text
    assert "Second stopped before its end (cell 0: RuntimeError: no kernel)" in text


@pytest.mark.parametrize("left", ["", '{"cells": ['])
def test_a_copy_cut_short_is_said_to_be_unreadable(out, left):
    (out / "notebooks/10_a.ipynb").write_text(left)
    assert "its executed copy cannot be read" in build(out).text
    assert "did not reach its end" in Seen(out.parent / "site/notebooks/10_a.html").text


def test_an_empty_profile_has_a_page(out):
    nowhere = out.parent / "paper"
    index = build(nowhere)
    assert "Profile paper" in index.text
    assert "0 of 2 notebooks executed" in index.text
    assert "No figure has been made yet." in index.text
    assert "No table has been made yet." in index.text


def test_run_again_only_what_changed_is_converted(out, monkeypatch):
    converted = []
    monkeypatch.setattr(site.rendered, "body_of", lambda book: converted.append(book) or "<h1>x</h1>")
    build(out)
    build(out)
    assert len(converted) == 1
    (out / "notebooks/10_a.ipynb").touch()
    build(out)
    assert len(converted) == 1, "the same copy, saved again"
    execute(out, "43")
    build(out)
    assert len(converted) == 2
    (out / "notebooks/10_a.stamp.json").unlink()
    build(out)
    assert len(converted) == 3, "it is no longer known to have reached its end"


def test_another_profile_with_the_same_notebooks_replaces_the_pages(out):
    build(out)
    paper = out.with_name("paper")
    (paper / "notebooks").mkdir(parents=True)
    execute(paper, "of the paper")
    build(paper)
    assert "of the paper" in Seen(out.parent / "site/notebooks/10_a.html").text
    assert not (out.parent / "site/figures/maps.png").exists()


def test_what_is_gone_from_the_profile_goes_from_the_site(out):
    execute(out, stem="20_b")
    build(out)
    (out.parent / "site/notebooks/30_c.html.7.part").touch()  # of a process that was killed
    (out.parents[1] / "notebooks/20_b.ipynb").unlink()
    (out / "figures/maps.png").unlink()
    (out / "tables/scores.csv").unlink()
    index = build(out)
    left = {file.name for file in (out.parent / "site").rglob("*") if file.is_file()}
    assert left == {"index.html", "10_a.html"}
    assert "Second" not in index.text


def test_a_table_that_cannot_be_read_is_named(out):
    (out / "tables/empty.csv").write_text("\n")
    (out / "tables/binary.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    text = build(out).text
    assert "empty cannot be read" in text
    assert "binary cannot be read" in text
    assert "scores 1 row" in text


def test_a_table_of_two_notebooks_is_listed_once_as_long_as_it_is_one(out):
    (out / "tables" / "details_scores.csv").write_bytes((out / "tables" / "scores.csv").read_bytes())
    assert "details_scores" not in build(out).text
    (out / "tables" / "details_scores.csv").write_text("method,oa\nb,0.5\n")
    assert "details_scores.csv" in build(out).text
    folder = out.parent / "site" / "tables"
    assert "12.35" in Seen(folder / "scores.html").text
    assert "50.00" in Seen(folder / "details_scores.html").text


def test_numbers_are_rounded_for_reading_and_nothing_else_is(out):
    frame = pd.DataFrame({"oa": [0.7493172927891357, 0.5], "big": [1748139.821, 12.5], "n": [5, None],
                          "p": [8.3e-06, 0.25], "id": ["007", "NA"], "k": [3, 1234567]})  # fmt: skip
    frame.to_csv(out / "tables/mixed.csv", index=False)
    build(out)
    table = Seen(out.parent / "site/tables/mixed.html")
    assert "74.93 1,748,139.8 5 8.3e-06 007 3" in table.text
    assert "50.00 12.5 0.25 NA 1,234,567" in table.text
    assert table.all("th", "class") == ["number"] * 5 + ["number"] * 2  # heads, and the cells that begin a line


def test_a_disk_that_fills_up_leaves_the_old_page(out, monkeypatch):
    build(out)
    index = out.parent / "site/index.html"
    before = index.read_bytes()

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="space"):
            build(out)
    assert index.read_bytes() == before
    assert list(index.parent.rglob("*.part")) == []


def test_a_widget_is_shown_as_its_text_and_javascript_not_at_all(out):
    path = out / "notebooks/10_a.ipynb"
    book = nbformat.read(path, as_version=4)
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}, "text/plain": "Slider(value=3)"}
    code = {"application/javascript": "alert(1)", "text/plain": "a script"}
    book.cells[1].outputs = [new_output("display_data", view), new_output("display_data", code)]
    nbformat.write(book, path)
    build(out)
    text = Seen(out.parent / "site/notebooks/10_a.html").text
    assert "Slider(value=3)" in text
    assert "alert" not in text


def test_captions_are_whole_and_each_picture_of_a_cell_has_its_own():
    cells = [
        new_code_cell('ws.save("one", a)\nws.save("two", b)'),
        new_markdown_cell("*A **bold** word, 1 % here.* More."),
    ]
    assert rendered.captions(cells) == {"one": "A bold word, 1 % here.", "two": ""}
    cells[1].source = "*First: the one\n**here**.*\n*Second, the other.*\n\n*What* comes after."
    assert rendered.captions(cells) == {"one": "The one here.", "two": "The other."}
    assert rendered.caption(cells[1]) == "First: the one here. Second, the other."


@pytest.mark.parametrize("text", ["training:   0%|          | 0/30 [00:00<?, ?epoch/s]", "  0/500"])
def test_a_bar_that_was_left_is_no_output(text):
    bar = new_output(
        "display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}, "text/plain": text}
    )
    assert rendered._readable(new_code_cell("fit()", outputs=[bar]), None).outputs == []


def test_templates_are_beside_the_module():
    assert sorted(os.listdir(site.TEMPLATES)) == [
        "base.html",
        "index.html",
        "notebook.html",
        "page.html",
        "referee.html",
        "sort.js",
        "style.css",
        "table.html",
    ]


def test_a_page_is_for_reading_set_up_folded_no_bars_no_warnings_no_places_of_the_machine(out):
    path = out.parents[1] / "notebooks" / "10_a.ipynb"
    setup = new_code_cell("out_dir = 'x'", metadata={"tags": ["parameters"]})
    svg = new_output("display_data", {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><path id='a'/></svg>"})
    told = [new_output("stream", name="stderr", text="training:  50%|#####     | 30/60 FutureWarning"),
            new_output("stream", text="wrote /home/someone/project/build/quick/map.tif and OA / AA / kappa, 1/2/3/4"),
            new_output("display_data", {"image/png": PNG, "text/plain": "</home/someone/x/y.py>"}), svg]  # fmt: skip
    book = new_notebook(cells=[new_markdown_cell("# First"), setup, new_code_cell("import hsikit"),
                               new_markdown_cell("## One"), new_code_cell('ws.save("maps", f)', outputs=told),
                               new_markdown_cell("*What to look at & why.* More.\n\n## Two\n\n## Three")])  # fmt: skip
    nbformat.write(book, path)
    nbformat.write(book, out / "notebooks" / "10_a.ipynb")
    build(out)
    file = out.parent / "site/notebooks/10_a.html"
    page, text = Seen(file), file.read_text()
    assert not re.search(r"training:|Warning|/home|someone", page.text)
    assert "wrote map.tif and OA / AA / kappa, 1/2/3/4" in page.text
    folded = re.search(r'<details class="setup"><summary>Set-up</summary>(.*?)</details>', text, re.DOTALL)[1]
    assert "out_dir" in folded
    assert "hsikit" in folded
    assert "ws" not in re.sub("<.*?>", "", folded)
    assert page.all("img", "alt") == ["What to look at & why."] * 2
    assert page.all("img", "src")[1].startswith("data:image/svg+xml;base64,")
    assert "<svg" not in text
    links = page.all("a", "href")
    assert {"#One", "#Two", "#Three"} <= set(links)
    assert links.count("20_b.html") >= 2  # the next one, above and below
    assert page.all("a", "rel").count("next") == 2
    assert "prev" not in page.all("a", "rel")
    assert Seen(out.parent / "site/notebooks/20_b.html").all("a", "rel").count("prev") == 2
