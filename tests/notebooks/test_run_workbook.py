"""The quick profile, executed once from nothing: every notebook runs and leaves results that make sense."""

import base64
import io
import json
import math
from pathlib import Path

import nbformat
import pytest
from PIL import Image

import hsikit.explore
from hsikit.workbook import WorkbookResult, run_workbook

ROOT = Path(__file__).parents[2]
STEMS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
FRACTIONS = ("oa", "aa", "kappa", "shared")  # words in the name of a number that lies in 0..1, kappa in -1..1

EXPLORERS = {  # notebook -> explorers that it shows
    "10_explore_scenes": ["SpectraExplorer", "SpectraExplorer"],
    "15_label_your_scene": ["LabelPainter", "CompareMaps"],
    "20_splits_and_leakage": ["LeakageExplorer"],
    "30_mmlgnet": ["PromptExplorer"],
    "50_feature_space": ["FeatureSpaceExplorer", "Why", "FeatureSpaceExplorer"],
}

pytestmark = pytest.mark.notebooks
each_notebook = pytest.mark.parametrize("stem", STEMS)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, runs_of_notebooks: dict[str, Path]) -> WorkbookResult:
    """The quick profile into a folder of its own, with no run there to load instead of training."""
    result = run_workbook("quick", root=ROOT, build=tmp_path_factory.mktemp("build"))
    runs_of_notebooks["quick"] = result.out / "runs"
    return result


def results(quick: WorkbookResult, stem: str) -> dict:
    return json.loads((quick.out / "results" / f"{stem}.json").read_text())


def test_every_notebook_is_executed(quick):
    assert quick.failure is None, quick.summary()
    assert quick.executed == STEMS


@each_notebook
def test_executed_copy_is_whole_and_without_widget_state(quick, stem):
    book = nbformat.read(quick.out / "notebooks" / f"{stem}.ipynb", as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.source for cell in code if cell.execution_count is None] == []
    assert "widgets" not in book.metadata
    errors = [o for cell in code for o in cell.outputs if o.output_type == "error"]
    assert errors == []


@each_notebook
def test_results_have_the_schema(quick, stem):
    found = results(quick, stem)
    assert (found["notebook"], found["profile"]) == (stem, "quick")
    assert 0 < found["seconds"] < 600
    assert isinstance(found["numbers"], dict)
    assert isinstance(found["figures"], list)


@each_notebook
def test_numbers_are_finite_and_in_their_range(quick, stem):
    for name, value in results(quick, stem)["numbers"].items():
        assert isinstance(value, int | float), name
        assert math.isfinite(value), name
        words = set(name.lower().replace(".", "_").split("_"))
        if words & set(FRACTIONS) and not words & {"difference", "std", "low", "high", "points", "p"}:
            assert (-1 if "kappa" in words else 0) <= value <= 1, f"{name} = {value}"


@each_notebook
def test_every_figure_it_names_is_a_picture(quick, stem):
    for name in results(quick, stem)["figures"]:
        if name.endswith(".svg"):
            drawing = (quick.out / "figures" / name).read_text()
            assert drawing.count("<path") > 10, name
            assert "<script" not in drawing, name
            continue
        with Image.open(quick.out / "figures" / Path(name).name) as picture:
            low, high = picture.convert("L").getextrema()
            assert min(picture.size) >= 100, name
            assert high > low, f"{name} is one flat colour"


@pytest.mark.parametrize("stem", EXPLORERS)
def test_every_explorer_left_a_picture_and_the_html_shows_it(quick, stem):
    """Without a browser: a PNG beside each explorer in the executed copy, and the same one in its HTML."""
    from nbconvert import HTMLExporter

    book = nbformat.read(quick.out / "notebooks" / f"{stem}.ipynb", as_version=4)
    shown = [o.data for cell in book.cells for o in cell.get("outputs", []) if "data" in o]
    found = [(d["text/plain"].split()[0].strip("<"), d) for d in shown if "text/plain" in d]
    panels = [(name, data) for name, data in found if name in hsikit.explore.__all__]
    assert sorted(name for name, _ in panels) == sorted(EXPLORERS[stem])
    html = HTMLExporter(require_js_url="", mathjax_url="", mermaid_js_url="").from_notebook_node(book)[0]
    assert "application/vnd.jupyter.widget-view" not in html
    for name, data in panels:
        picture = data["image/png"].replace("\n", "")
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            assert min(image.size) > 300, name
            assert len(image.convert("RGB").getcolors(1 << 24)) > 50, f"{name} is nearly blank"
        assert f"data:image/png;base64,{picture}" in html.replace("\n", ""), f"the HTML does not show {name}"


def test_figures_and_tables_were_made(quick):
    assert quick.files()["figures"], "no figure was made"
    assert quick.files()["tables"], "no table was made"


def test_every_committed_picture_of_the_figures_notebook_was_drawn_again(quick):
    manifest = json.loads((ROOT / "figures" / "manifest.json").read_text())
    mine = {name for name, facts in manifest.items() if facts["notebook"] == "70_figures"}
    assert set(results(quick, "70_figures")["figures"]) == mine


def test_accuracy_rises_with_the_window_under_a_random_split_and_not_under_a_disjoint_one(quick):
    found = results(quick, "20_splits_and_leakage")["numbers"]
    assert found["random_last"] > found["random_first"] + 0.05
    assert found["disjoint_last"] < found["disjoint_first"] + 0.02
    assert found["shared_random"] > 0.99
    assert found["shared_disjoint"] == 0
    assert found["coordinates_random"] > 0.95 > found["coordinates_disjoint"] + 0.5


def test_every_seeded_fault_does_its_harm_and_is_caught(quick):
    found = results(quick, "25_exercises")["numbers"]
    assert found["caught"] == found["faults"] == 6
    assert found["trained_pixels"] > 10_000  # of 10,249, where a tenth was meant
    assert found["moved_percent"] > 50
    assert found["lost_lidar_points"] > 20
    assert 2 < found["changed_percent"] < 10
    assert abs(found["lost_labels_points"]) < 3  # hardly to be seen in the score
    assert found["flattered_points"] > 2


def test_corrections_improve_the_map_of_painted_labels(quick):
    found = results(quick, "15_label_your_scene")["numbers"]
    assert found["read_back"] == found["painted"] > 300
    assert found["oa_second"] > found["oa_first"] + 0.03 > 0.5


def test_self_distillation_reaches_the_parity_check_and_its_exits_are_faster(quick):
    found = results(quick, "40_self_distillation")["numbers"]
    assert found["oa_random"] >= 0.96  # from the ledger
    assert (
        min(found["oa"], found["oa_without"]) > 0.25
    )  # whole fields, trained here; the largest of nine classes has .22
    assert results(quick, "45_self_distillation_details")["numbers"]["speedup_exit_2"] > 1
    assert 0 <= found["claims_held"] <= found["claims"]


def test_mmlgnet_learns(quick):
    found = results(quick, "30_mmlgnet")["numbers"]
    assert min(found["oa_words"], found["oa_random"], found["oa_ce"]) > 0.6  # the largest class holds 0.34
    assert found["seeds"] >= 5
    assert found["pairs"] > max(found["pairs_random"], found["pairs_shuffled"]) + 0.2  # read from the committed ledger
