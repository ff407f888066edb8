"""CONTRIBUTING.md followed literally, in a copy of the package: what it adds is then used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_site import write_site

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
HEADER = re.compile(r"# (?P<file>\S+?)(?:, below: (?P<line>.+))?")


def blocks() -> list[tuple[str, str | None, str]]:
    """File, the line to go below, and text of each block of the page."""
    found = []
    for code in re.findall(r"^```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        first, _, text = code.partition("\n")
        header = HEADER.fullmatch(first)
        assert header, f"the first line of a block names its file, this one says {first!r}"
        found.append((header["file"], header["line"], text))
    return found


def follow(root: Path, file: str, line: str | None, text: str) -> None:
    """Do what a block says."""
    target = root / file
    if line is None:
        assert not target.exists(), f"{file} is there already; its block has to say below which line it goes"
        target.write_text(text)
        return
    lines = target.read_text().splitlines(keepends=True)
    assert lines.count(f"{line}\n") == 1, f"{file} has not one line {line!r}"
    place = lines.index(f"{line}\n") + 1
    target.write_text("".join([*lines[:place], text, *lines[place:]]))


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The package with all that the page adds."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "hsikit", root / "hsikit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for block in blocks():
        follow(root, *block)
    return root


@pytest.fixture
def python(copy, tmp_path):
    """Runs Python on the copy, in a folder of its own; gives what it printed."""
    own = {"PYTHONPATH": str(copy), "HSIKIT_RUNS": "runs", "HSIKIT_LEDGER": "runs.jsonl", "HSIKIT_DATA": str(tmp_path)}

    def run(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, env=os.environ | own, check=False,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_network_is_a_file_and_a_row(python, tmp_path):
    write_site(tmp_path)
    (tmp_path / "mine.yaml").write_text(
        "method: pixel_mlp\nscene: site.yaml\nsplit: {kind: random, train: 0.3}\nmodel: {window: 3}\n"
        "train: {epochs: 20, lr: 0.01, batch: 16, threads: 1}\n"
    )
    (row,) = json.loads(python("-m", "hsikit", "run", "mine.yaml", "--json"))
    assert row["method"] == "pixel_mlp"
    assert row["oa_mean"] > 0.7
    (line,) = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert json.loads(line)["config"]["model"] == {"bands": 30, "window": 3}


def test_an_explorer_is_state_view_and_panel(python):
    told = python("-c", (
        "import json, numpy as np\nfrom hsikit import Scene\nfrom hsikit.explore import BrightnessExplorer\n"
        "cube = np.arange(48.0).reshape(4, 3, 4)\n"
        "explorer = BrightnessExplorer(Scene('mine', cube, np.ones((4, 3), int), ['meadow']), band=2)\n"
        "(axes,) = explorer.static().axes\n"
        "print(json.dumps([axes.images[0].get_array().tolist(), type(explorer.widget()).__name__]))"
    ))  # fmt: skip
    picture, widget = json.loads(told)
    assert picture[0] == [2.0, 6.0, 10.0]
    assert len(picture) == 4
    assert widget in ("VBox", "Figure")  # a still picture where widgets are not installed


def test_what_the_page_adds_passes_the_quick_checks(copy):
    program = Path(sys.executable).with_name
    tools = (["ruff", "check", "hsikit"], ["ruff", "format", "--check", "hsikit"], ["lint-imports", "--no-cache"])
    for command in tools:
        done = subprocess.run([program(command[0]), *command[1:]], cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)},
                              check=False, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_files_that_the_page_names_are_there(copy):
    prose = re.sub(r"^```\w+\n.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    names = re.findall(r"`([\w/]+(?:/|\.py|\.js|\.yaml|\.toml))`", prose)
    assert len(names) > 20
    assert [name for name in names if not any((place / name).exists() for place in (ROOT, copy / "hsikit"))] == []


def test_it_is_one_page():
    assert len(PAGE.splitlines()) <= 130
