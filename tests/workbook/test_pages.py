"""Texts and reference in the gallery: they open from disk, every link leads somewhere, and nothing in them runs."""

import re
from pathlib import Path

import pytest
import yaml
from workbook.test_site import HOSTILE, Seen

import hsikit
from hsikit.workbook import pages
from hsikit.workbook.pages import WRITTEN, write_pages, write_reference

ROOT = Path(__file__).parents[2]
STEMS = [path.stem for path in (ROOT / "notebooks").glob("*.ipynb")]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The texts and the reference of this checkout, beside empty pages of its notebooks."""
    site = tmp_path_factory.mktemp("build") / "site"
    (site / "notebooks").mkdir(parents=True)
    (site / "index.html").write_text("<title>x</title>")
    for stem in STEMS:
        (site / "notebooks" / f"{stem}.html").write_text("<title>x</title>")
    write_pages(site, ROOT)
    write_reference(site)
    return site


def api(site: Path) -> list[Path]:
    """Pages of the reference."""
    return sorted((site / "api").rglob("*.html"))


def test_every_page_forbids_whatever_is_not_in_it_and_holds_no_script(site):
    made = [*(site / "pages").glob("*.html"), *api(site)]
    own = {"glossary", "questions", "results", "studies", "your_scene"}
    assert {page.stem for page in made} == {
        *own, "contributing", "changelog", "security", "hsikit", *(name.rpartition(".")[2] for name in pages.PACKAGES),
    }  # fmt: skip
    for page in made:
        seen = Seen(page)
        assert not [tag for tag, _ in seen.tags if tag in ("script", "iframe", "object", "embed", "base")], page
        assert "default-src 'none'" in " ".join(seen.all("meta", "content")), page
        assert not [attrs for _, attrs in seen.tags if any(name.startswith("on") for name in attrs)], page
        assert not [src for src in seen.all("img", "src") if not src.startswith("data:")], page


def test_every_link_leads_somewhere(site):
    for page in [*(site / "pages").glob("*.html"), *api(site)]:
        seen = Seen(page)
        places = {attrs[name] for _, attrs in seen.tags for name in ("id", "name") if name in attrs}
        for link in seen.all("a", "href"):
            file, _, part = link.partition("#")
            if not link or link.startswith("https://"):  # an empty one leads to its own page
                continue
            if not file:
                assert part in places, f"{page.name}: {link}"
            else:
                assert (page.parent / file).is_file(), f"{page.name}: {link}"


def test_the_reference_has_every_public_name_with_its_example(site):
    text = (site / "api" / "hsikit.html").read_text()
    places = set(re.findall(r'id="([\w.]+)"', text))
    assert set(hsikit.__all__) <= places
    assert "&gt;&gt;&gt;" in text or ">>>" in text
    explorers = (site / "api" / "hsikit" / "explore.html").read_text()
    assert set(hsikit.explore.__all__) <= set(re.findall(r'id="([\w.]+)"', explorers))
    assert 'href="explore/spectra.html#Spectra.pick"' in explorers  # what a script calls is a click away


def test_the_reference_says_nothing_of_other_projects_classes_and_has_a_dark_scheme(site):
    theirs = ("Initialize internal Module state", "Define the computation performed", "A trait which", "An enum whose")
    for page in api(site):
        text = page.read_text()
        for foreign in theirs:
            assert foreign not in text, page
        assert "prefers-color-scheme: dark" in text or "prefers-color-scheme:dark" in text


def test_the_reference_is_not_made_again_where_no_source_changed(site, monkeypatch):
    page = site / "api" / "hsikit.html"
    before = page.stat().st_mtime_ns
    assert write_reference(site) == page
    assert page.stat().st_mtime_ns == before


def test_hostile_texts_stay_texts(tmp_path, monkeypatch):
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changed {HOSTILE}\n\n[x](javascript:alert(1)) [y](nowhere.md) {HOSTILE}\n"
    )
    monkeypatch.setattr(pages, "WRITTEN", tmp_path / "none")
    (page,) = write_pages(tmp_path / "site", tmp_path)
    seen = Seen(page)
    assert "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'" in seen.all("meta", "content")
    assert "nowhere.md" not in seen.all("a", "href")
    assert "y" in seen.text


def test_the_index_lists_them_and_a_project_without_texts_has_those_of_the_package(site, tmp_path):
    listed = dict(pages.linked(site))
    assert next(iter(listed)) == "api/hsikit.html"
    assert len(listed) == 9
    titles = {"contributing": "Contributing", "glossary": "Glossary", "questions": "Questions that people ask",
              "results": "What held, and what did not", "your_scene": "Your own scene"}  # fmt: skip
    assert titles.items() <= {Path(place).stem: title for place, title in listed.items()}.items()
    made = write_pages(tmp_path / "site", tmp_path)
    assert {page.stem for page in made} == {file.stem for file in WRITTEN.glob("*.md")}


def test_questions_answer_what_people_ask():
    text = (WRITTEN / "questions.md").read_text()
    for word in ("lower than the paper's", "Which split", "cite", "GPU", "Windows", "QGIS", "own scene"):
        assert re.search(rf"^## .*{word}", text, re.MULTILINE), word
    links = re.findall(r"\]\((\w+)\.ipynb\)", text)
    assert links
    assert set(links) <= set(STEMS)


def test_what_to_cite_is_what_the_citation_file_says():
    text = (WRITTEN / "questions.md").read_text()
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == hsikit.__version__
    assert f"version = {{{cited['version']}}}" in text
    for paper in cited["references"]:
        authors = " and ".join(author["family-names"] for author in paper["authors"])
        assert f"author = {{{authors}}}" in text
        assert f"eprint = {{{paper['identifiers'][0]['value'].removeprefix('arXiv:')}}}" in text


def test_a_workflow_publishes_the_gallery_and_binder_takes_cpu_wheels():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "gallery.yml").read_text())
    steps = flow["jobs"]["publish"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make workbook"]
    assert any(step.get("with", {}).get("path") == "build/site" for step in steps)
    post = (ROOT / ".binder" / "postBuild").read_text()
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    assert f"whl/cpu torch=={pins['torch']} torchvision=={pins['torchvision']}" in post
    assert "-e '.[workbook]'" in post
    assert (ROOT / ".binder" / "postBuild").stat().st_mode & 0o111
