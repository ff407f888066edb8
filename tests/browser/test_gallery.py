"""The gallery from disk in Chromium, offline: every page and picture opens, and nothing is asked of the network."""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from hsikit.workbook import run_workbook
from hsikit.workbook.site import write_site

ROOT = Path(__file__).parents[2]
BROKEN = "() => [...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.src.slice(0, 80))"
LINKS = "() => [...document.links].filter(a => a.protocol === 'file:').map(a => a.href.split('#')[0])"
LOCAL = ("file:", "data:")


@pytest.fixture(scope="module")
def site(chromium, tmp_path_factory, runs_of_notebooks) -> Path:
    """The pages of the quick profile as this session executed it, else of its first notebook alone."""
    if "quick" in runs_of_notebooks:
        return runs_of_notebooks["quick"].parents[1] / "site"
    result = run_workbook("quick", only="00", root=ROOT, build=tmp_path_factory.mktemp("build"))
    assert result.failure is None, result.summary()
    assert result.page is not None
    return result.page.parent


@pytest.fixture
def page(chromium):
    """A page without network that notes what it asked for and what went wrong."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1000}, offline=True)
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("requestfailed", lambda request: page.wrong.append(f"{request.failure}: {request.url}"))
    page.on("console", lambda m: page.wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    page.close()


def complaints(page, *files: Path) -> list[str]:
    """What is wrong with pages from disk, one after another: errors, outside requests, broken pictures, dead links."""
    page.asked.clear()
    page.wrong.clear()
    found = []
    for file in files:
        page.goto(file.as_uri())
        if file is files[-1] or file.suffix == ".html":  # a picture alone asks for nothing later
            page.wait_for_load_state("networkidle")
        found += [f"broken picture: {src}" for src in page.evaluate(BROKEN)]
        found += [f"nowhere: {url}" for url in set(page.evaluate(LINKS)) if not path_of(url).is_file()]
    return [*page.wrong, *(f"outside: {url}" for url in page.asked if not url.startswith(LOCAL)), *found]


def path_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def test_the_index_opens_from_disk(page, site, shot):
    assert complaints(page, site / "index.html") == []
    assert page.evaluate("document.images.length") > 0
    assert page.title() == "hsikit workbook, profile quick"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        shot(page, f"gallery_{scheme}")


def test_each_notebook_and_each_picture_it_links_to_opens(page, site):
    assert complaints(page, site / "index.html") == []
    files = {path_of(url) for url in page.evaluate(LINKS)}
    pages = sorted(file for file in files if file.suffix == ".html")
    assert site / "notebooks" / "00_start_here.html" in pages
    found = {file.name: wrong for file in pages if (wrong := complaints(page, file))}
    assert found == {}
    pictures = sorted(file for file in files if file.suffix == ".png")
    assert pictures
    assert complaints(page, *pictures) == []


@pytest.mark.parametrize("width", [360, 820, 1600])
def test_no_page_is_wider_than_the_screen(page, site, width):
    page.set_viewport_size({"width": width, "height": 900})
    for file in sorted(site.rglob("*.html")):
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, file.name


def test_a_table_is_sorted_by_a_head_from_disk_by_keyboard_and_the_other_way_again(page, site):
    page.goto((site / "tables" / "scenes.html").as_uri())
    names = lambda: page.locator("table").first.locator("tbody th").all_inner_texts()  # noqa: E731
    before = names()
    page.locator("th button").first.focus()
    page.keyboard.press("Enter")
    assert names() == sorted(before, key=str.lower)
    assert page.locator("th[aria-sort]").first.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert names() == sorted(before, key=str.lower)[::-1]
    assert page.wrong == []


def test_a_picture_opens_full_size_and_a_table_on_a_page_of_its_own(page, site):
    page.goto((site / "index.html").as_uri())
    page.locator(".tables a").first.click()
    page.wait_for_url("**/tables/*.html")
    assert page.locator("table").count() >= 1
    page.go_back()
    page.locator("figure a").first.click()
    page.wait_for_url("**/figures/*.png")
    page.go_back()
    page.locator(".notebooks a").first.click()
    page.get_by_role("link", name="All notebooks").first.click()
    page.wait_for_url("**/index.html")


def test_what_a_notebook_brings_from_outside_is_not_fetched_and_its_scripts_do_not_run(page, tmp_path):
    html = '<img src="https://example.org/a.png"><script src="https://example.org/a.js"></script>'
    html += "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
    out = tmp_path / "quick"
    (out / "notebooks").mkdir(parents=True)
    cell = new_code_cell("1", outputs=[new_output("display_data", {"text/html": html})])
    book = new_notebook(cells=[new_markdown_cell("# Hostile\n\n" + html), cell])
    for path in (tmp_path / "a.ipynb", out / "notebooks" / "a.ipynb"):
        nbformat.write(book, path)
    write_site(out, [tmp_path / "a.ipynb"])
    complaints(page, tmp_path / "site" / "notebooks" / "a.html")
    reasons = {line.partition(": ")[0] for line in page.wrong if line.endswith(("org/a.png", "org/a.js"))}
    assert reasons == {"csp"}, "it is the page's own policy that stops them, before any network"
    assert page.title() == "Hostile"
    assert complaints(page, tmp_path / "site" / "index.html") == []


FAULTS = {
    "an outside picture": '<img src="https://example.org/a.png" alt="">',
    "an outside script": '<script src="https://example.org/a.js"></script>',
    "a script that fails": "<script>nothing()</script>",
    "a broken picture": '<img src="data:image/png;base64,aGk=" alt="">',
    "a missing picture": '<img src="figures/nowhere.png" alt="">',
    "a dead link": '<a href="notebooks/nowhere.html">x</a>',
}


@pytest.mark.parametrize("policy", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_caught(page, site, tmp_path, fault, policy):
    copy = shutil.copytree(site, tmp_path / "site") / "index.html"
    text = copy.read_text().replace("</main>", FAULTS[fault] + "</main>")
    copy.write_text(text if policy else text.replace("Content-Security-Policy", "nothing"))
    assert complaints(page, copy) != []
