"""What a notebook leaves behind: pictures, a manifest, and a word on what is missing."""

import json

import pandas as pd
import pytest
import tiny
from PIL import Image

from hsikit import figures
from hsikit.workbook.workspace import Workspace

GAPS = pd.DataFrame({"comparison": ["a − b"], "difference": [1.0], "low": [0.5], "high": [1.5]})
ROWS = [{"hash": "abc"}, {"hash": "def"}]


@pytest.fixture
def ws(tmp_path, monkeypatch):
    monkeypatch.delenv("HSIKIT_RUNS", raising=False)
    monkeypatch.delenv("HSIKIT_LEDGER", raising=False)
    return Workspace(tmp_path / "out", "70_figures")


def test_a_picture_of_rows_is_saved_and_its_runs_are_kept(ws):
    shown = ws.save_rows("gaps", lambda rows: figures.paired_differences(GAPS.assign(n=len(rows))), ROWS, needs="c")
    assert Image.open(ws.out / "figures" / "gaps.png").width > 100
    assert shown.data == (ws.out / "figures" / "gaps.png").read_bytes()
    assert ws.figures["gaps.png"]["runs"] == ["abc", "def"]
    assert ws.figures["gaps.png"]["function"] == "hsikit.figures.results.paired_differences"
    assert not list(ws.out.rglob("*.pdf"))


def test_a_picture_of_a_scene_names_its_function_too(ws):
    ws.save("plate", figures.scene_plate(tiny.tiny_scene()))
    assert ws.figures["plate.png"] == {"function": "hsikit.figures.maps.scene_plate", "notebook": "70_figures",
                                       "runs": []}  # fmt: skip


def test_tables_are_rounded_as_they_are_shown_and_lists_of_lines_are_tables(ws):
    shown = ws.table([{"name": "a", "oa": 0.12345}], "scores", digits=2)
    assert shown["oa"].to_list() == [0.12]
    assert (ws.out / "tables" / "scores.csv").read_text() == "name,oa\na,0.12\n"


def test_a_pdf_lies_beside_the_picture_on_request(ws):
    ws.pdf = True
    ws.save("gaps", figures.paired_differences(GAPS))
    assert (ws.out / "figures" / "gaps.pdf").read_bytes().startswith(b"%PDF")
    assert list(ws.figures) == ["gaps.png"]


@pytest.mark.parametrize(
    ("rows", "table", "said"),
    [([], lambda rows: GAPS, "holds none of its runs"), (ROWS, lambda rows: GAPS[["low"]], "needs the columns")],
)
def test_a_picture_without_its_rows_is_named_with_the_command_and_the_notebook_goes_on(ws, rows, table, said):
    text = ws.save_rows("gaps", lambda r: figures.paired_differences(table(r)), rows, needs="sdhsi_parity").data
    assert "gaps was not drawn" in text
    assert said in text
    assert "`hsikit sweep sdhsi_parity`" in text
    assert ws.figures == {}


def test_an_error_of_the_program_is_not_taken_for_missing_rows(ws):
    with pytest.raises(KeyError):
        ws.save_rows("gaps", lambda rows: figures.paired_differences(rows[0]["oa"]), ROWS, needs="c")


def test_publishing_adds_to_the_manifest_and_keeps_what_was_not_drawn(ws, tmp_path):
    target = tmp_path / "figures"
    target.mkdir()
    old = {"old.png": {"notebook": "70_figures"}, "gaps.png": {"notebook": "70_figures", "runs": ["old"]}}
    (target / "manifest.json").write_text(json.dumps(old))
    ws.save("gaps", figures.paired_differences(GAPS), runs=["abc"])
    lines = json.loads(ws.publish(target).read_text())
    assert list(lines) == ["gaps.png", "old.png"]
    assert lines["gaps.png"]["runs"] == ["abc"]
    assert lines["gaps.png"]["notebook"] == "70_figures"
    assert (target / "gaps.png").exists()
