"""hsikit.workbook on tiny notebooks made here: what runs, what is skipped, and what a failure leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from hsikit import workbook
from hsikit.workbook import WorkbookError, WorkbookResult, literals, profile_parameters, run_workbook

CODE_HASH = workbook._code_hash
PARAMETERS = 'out_dir = "nowhere"\nepochs = 1'
WRITE = """
import json, os, sys
from pathlib import Path
table = Path(out_dir) / "tables" / f"{epochs}.md"
table.parent.mkdir(parents=True, exist_ok=True)
keys = ("HSIKIT_DATA", "HSIKIT_LEDGER", "HSIKIT_RUNS", "PYTHONHASHSEED", "OMP_NUM_THREADS")
seen = {"python": sys.executable, "cwd": os.getcwd()} | {k: os.environ.get(k) for k in keys}
table.write_text(json.dumps(seen))
"""
PNG_AND_TWINS = """
from IPython.display import display
view = {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}}
display({"image/png": "aGk=", "text/html": "<b>"} | view, raw=True)
display({"text/html": "<i>"}, raw=True)
"""


def book(root: Path, stem: str, *sources: str, parameters: str = PARAMETERS, inputs: tuple[str, ...] = ()) -> Path:
    """A notebook with a title, a parameters cell and code cells; the first of `sources` is cell 3."""
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell("# Title"), tagged, *map(new_code_cell, sources)]
    path = root / "notebooks" / f"{stem}.ipynb"
    (root / "notebooks" / "profiles").mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"hsikit": {"inputs": list(inputs)}}), path)
    return path


def profile(root: Path, text: str, name: str = "quick") -> None:
    (root / "notebooks" / "profiles" / f"{name}.yaml").write_text(text)


@pytest.fixture(autouse=True, scope="module")
def _same_code():
    """The package under test may be edited while these tests run; here its code counts as unchanged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook, "_code_hash", lambda: "code")
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WorkbookResult]:
    """Two notebooks, run once with HSIKIT_DATA set; later tests change one thing each and run it again."""
    root = tmp_path_factory.mktemp("project")
    book(root, "10_writes", WRITE)
    book(root, "20_shows", PNG_AND_TWINS, inputs=("{out_dir}/tables/*.md", "notes.txt"))
    profile(root, "common: {epochs: 2}\n20_shows: {epochs: 3}")
    (root / "notes.txt").write_text("a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSIKIT_DATA", "/somewhere")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("HSIKIT_RUNS", raising=False)
        result = run_workbook("quick", root=root)
        assert os.environ["HSIKIT_DATA"] == "/somewhere"
        assert "hsikit-" not in os.environ.get("JUPYTER_PATH", "")
    return root, result


@pytest.mark.notebooks
def test_executes_in_order_with_the_parameters_of_the_profile(project):
    root, result = project
    assert result.executed == ["10_writes", "20_shows"]
    assert result.failure is None
    assert result.out == root / "build" / "quick"
    copy = nbformat.read(result.out / "notebooks" / "20_shows.ipynb", as_version=4)
    injected = next(c.source for c in copy.cells if "injected-parameters" in c.metadata.get("tags", []))
    assert "epochs = 3" in injected
    assert 'out_dir = "../build/quick"' in injected
    assert [f.name for f in result.files()["tables"]] == ["2.md"]


@pytest.mark.notebooks
def test_kernel_is_this_interpreter_and_quick_sees_no_data_folder(project):
    root, result = project
    seen = json.loads((result.out / "tables" / "2.md").read_text())
    assert Path(seen["python"]) == Path(sys.executable)
    assert Path(seen["cwd"]) == root / "notebooks"
    assert seen["HSIKIT_DATA"] is None
    assert seen["HSIKIT_LEDGER"] == str(root / "build/quick/tables/runs.jsonl")
    assert seen["HSIKIT_RUNS"] == str(root / "build/quick/runs")
    assert seen["PYTHONHASHSEED"] == "0"
    assert seen["OMP_NUM_THREADS"] == "1", "who has one core to give is heard"


@pytest.mark.notebooks
def test_a_png_stands_alone_and_other_html_stays(project):
    copy = nbformat.read(project[1].out / "notebooks" / "20_shows.ipynb", as_version=4)
    shown = [set(output.data) for cell in copy.cells for output in cell.get("outputs", [])]
    assert shown == [{"image/png"}, {"text/html"}]
    assert "widgets" not in copy.metadata


@pytest.mark.notebooks
def test_summary_names_every_file(project, monkeypatch):
    root, result = project
    monkeypatch.chdir(root)
    text = result.summary()
    for name in (
        "build/quick/tables/2.md",
        "build/quick/notebooks/10_writes.ipynb",
        "open build/site/index.html",
        "2 executed, 0 unchanged",
    ):
        assert name in text


@pytest.mark.notebooks
def test_skips_what_has_not_changed_and_runs_again_what_has(project):
    root, _ = project

    def ran() -> list[str]:
        return run_workbook("quick", root=root).executed

    assert ran() == []
    nbformat.write(nbformat.read(root / "notebooks" / "10_writes.ipynb", as_version=4),
                   root / "notebooks" / "10_writes.ipynb")  # fmt: skip
    assert ran() == [], "a saved notebook with the same cells has not changed"
    (root / "notes.txt").write_text("b")
    assert ran() == ["20_shows"], "an input changed"
    profile(root, "common: {epochs: 2}\n20_shows: {epochs: 4}")
    assert ran() == ["20_shows"], "a parameter changed"
    (root / "build/quick/tables/2.md").unlink()
    assert ran() == ["10_writes"], "a file it had made is gone; the copy made again is the same, so 20 stands"
    assert run_workbook("quick", only="20", force=True, root=root).executed == ["20_shows"]


@pytest.mark.notebooks
def test_changed_code_of_the_package_runs_everything_again(project, monkeypatch):
    root, _ = project
    monkeypatch.setattr(workbook, "_execute", lambda source, copy, _: copy.touch())
    with monkeypatch.context() as patch:
        patch.setattr(workbook, "_code_hash", lambda: "other code")
        assert run_workbook("quick", root=root, build=root / "other").executed == ["10_writes", "20_shows"]
        assert run_workbook("quick", root=root, build=root / "other").executed == []
    assert run_workbook("quick", root=root, build=root / "other").executed == ["10_writes", "20_shows"]


def test_code_hash_sees_every_file_of_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "__file__", str(tmp_path / "workbook.py"))
    seen = [CODE_HASH()]
    for name, text in (("a.py", "1"), ("a.py", "2"), ("configs/b.yaml", "3")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        seen.append(CODE_HASH())
    assert len(set(seen)) == 4
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("4")
    assert CODE_HASH() == seen[-1]


@pytest.mark.notebooks
def test_failing_cell_is_named_and_what_came_before_is_kept(tmp_path):
    book(tmp_path, "10_fails", "print('so far')", "raise KeyError('first line\\nsecond')", "print('never')")
    book(tmp_path, "20_after", "1")
    profile(tmp_path, "")
    result = run_workbook("quick", root=tmp_path)
    assert result.executed == []
    assert result.failure is not None
    assert (result.failure.notebook, result.failure.cell) == ("10_fails", 4)
    assert result.failure.message.startswith("KeyError: 'first line")
    assert "10_fails, cell 4: KeyError" in result.summary()
    assert result.page == tmp_path / "build" / "site" / "index.html"
    page = result.page.read_text()
    assert "(cell 4: KeyError: &#39;first line" in page
    assert "0 of 2 notebooks executed" in page
    text = (result.out / "notebooks" / "10_fails.ipynb").read_text()
    assert '"so far\\n"' in text
    assert '"never\\n"' not in text
    assert not (result.out / "notebooks" / "10_fails.stamp.json").exists()


@pytest.mark.notebooks
def test_a_dead_kernel_is_a_failure_of_its_cell(tmp_path):
    book(tmp_path, "10_dies", "print('so far')", "import os; os._exit(1)", "1")
    profile(tmp_path, "")
    failure = run_workbook("quick", root=tmp_path).failure
    assert failure is not None
    assert failure.cell == 4
    assert "DeadKernelError" in failure.message


@pytest.mark.notebooks
def test_killed_and_run_again_it_goes_on_where_it_stopped(tmp_path):
    book(tmp_path, "10_first", "1")
    book(tmp_path, "20_waits", "import time\nfrom pathlib import Path\n"
         "if not Path('../begun').exists():\n    Path('../begun').touch()\n    time.sleep(600)")  # fmt: skip
    profile(tmp_path, "")
    program = "from hsikit import workbook as w; w._code_hash = lambda: 'code'; w.run_workbook('quick')"
    command = [sys.executable, "-c", program]
    started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        while not (tmp_path / "begun").exists() and started.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert (tmp_path / "begun").exists()
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    result = run_workbook("quick", root=tmp_path)
    assert (result.skipped, result.executed) == (["10_first"], ["20_waits"])


def test_parameters_come_from_common_where_known_and_from_the_own_section(tmp_path):
    first = book(tmp_path, "10_a", parameters="epochs = 1\nout_dir = 'x'")
    second = book(tmp_path, "20_b", parameters="seeds = [0]\nout_dir = 'x'")
    profile(tmp_path, "common: {epochs: 5, seeds: [0, 1]}\n20_b: {seeds: [7]}")
    assert profile_parameters("quick", tmp_path) == {first: {"epochs": 5}, second: {"seeds": [7]}}
    assert literals(second) == {"seeds": [0], "out_dir": "x"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10_a: {epoch: 3}", r"10_a has no 'epoch', only epochs, out_dir"),
        ("common: {sedes: 3}", r"common has no 'sedes'"),
        ("11_a: {epochs: 3}", r"no notebook is called '11_a'; there are 10_a"),
        ("[1, 2]", "must map"),
        ("10_a: 3", "must map"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(tmp_path, text, says):
    book(tmp_path, "10_a")
    profile(tmp_path, text)
    with pytest.raises(WorkbookError, match=says):
        run_workbook("quick", root=tmp_path)
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("cell", ["epochs = 2 * n", "import os", "a = b = 1", "a.b = 1"])
def test_a_parameters_cell_holds_plain_literals_only(tmp_path, cell):
    with pytest.raises(WorkbookError, match="plain literal"):
        literals(book(tmp_path, "10_a", parameters=cell))


def test_what_is_not_there_is_named_with_what_is(tmp_path):
    with pytest.raises(WorkbookError, match="no notebook in"):
        run_workbook(root=tmp_path)
    path = book(tmp_path, "10_a")
    profile(tmp_path, "")
    with pytest.raises(WorkbookError, match=r"no profile 'slow' .* known: quick"):
        run_workbook("slow", root=tmp_path)
    with pytest.raises(WorkbookError, match="no notebook is called '1'; there are 10_a"):
        run_workbook("quick", only="1", root=tmp_path)
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), path)
    with pytest.raises(WorkbookError, match="0 cells tagged 'parameters'"):
        run_workbook("quick", root=tmp_path)
