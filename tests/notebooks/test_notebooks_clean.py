"""Notebooks as they are committed: no outputs, short cells, plain parameters, profiles that fit them."""

import ast
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbstripout import strip_output

from hsikit.tables.catalogue import KINDS
from hsikit.workbook import literals, profile_parameters
from hsikit.workbook.site import TITLES

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_LINES = 15
CELLS = {"25_exercises": 38}  # six exercises of as many cells; all others hold 30 at most
INSTALLS = ("pip install", "conda install", "apt install")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert "00_start_here" in [path.stem for path in NOTEBOOKS]


@each_notebook
def test_carries_no_outputs_and_no_widget_state(path):
    book = read(path)
    stripped = strip_output(deepcopy(book), keep_output=False, keep_count=False, keep_id=True)
    assert book == stripped, f"run: nbstripout --keep-id {path}"
    assert "widgets" not in book.metadata


@each_notebook
def test_is_valid_and_short(path):
    book = read(path)
    nbformat.validate(book)
    assert len(book.cells) <= CELLS.get(path.stem, 30)
    long = {i: n for i, c in enumerate(book.cells, 1)
            if c.cell_type == "code" and (n := len(c.source.splitlines())) > CELL_LINES}  # fmt: skip
    assert long == {}, f"cells over {CELL_LINES} lines (cell: lines)"


@each_notebook
def test_opens_with_a_title_and_has_one_cell_of_plain_parameters(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "out_dir" in literals(path)


@each_notebook
def test_installs_nothing_and_asks_for_no_environment(path):
    text = "\n".join(code_cells(path))
    assert [word for word in (*INSTALLS, "os.environ", "getenv", "if headless") if word in text] == []


@each_notebook
def test_parses_but_for_magics(path):
    for source in code_cells(path):
        ast.parse("\n".join(line for line in source.splitlines() if not line.startswith(("%", "!"))))


@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_profile_sets_only_what_notebooks_have_with_values_of_the_same_kind(profile):
    for path, values in profile_parameters(profile, ROOT).items():
        own = literals(path)
        kinds = {name: (type(own[name]), type(value)) for name, value in values.items() if own[name] is not None}
        assert {n: k for n, k in kinds.items() if k[0] is not k[1] and k != (float, int)} == {}, path.stem


def test_run_all_in_jupyterlab_does_what_the_quick_profile_does():
    for path, values in profile_parameters("quick", ROOT).items():
        own = literals(path)
        assert {name: own[name] for name in values} == values, f"the literals of {path.stem} and quick.yaml differ"


def test_every_table_that_a_notebook_saves_has_a_title():
    known = {*KINDS, *TITLES}
    saved = set()
    for source in (source for path in NOTEBOOKS for source in code_cells(path)):
        nodes = ast.walk(ast.parse(source.removeprefix("%matplotlib inline")))
        calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "table"]
        saved |= {call.args[-1].value for call in calls if isinstance(call.args[-1], ast.Constant)}
    assert len(saved) > 20
    assert {name for name in saved if name not in known and name.removeprefix("details_") not in known} == set()
