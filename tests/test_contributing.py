"""CONTRIBUTING.md followed literally, in a copy of the package: what it adds is then used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tiny import write_site

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
HEADER = re.compile(r"# (?P<file>\S+?)(?:, (?P<place>at the end|below: .+))?")


def blocks() -> list[tuple[str, str, str]]:
    """File, the place in it ("" for a new file) and text of each block of the page."""
    found = []
    for code in re.findall(r"^```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        first, _, text = code.partition("\n")
        header = HEADER.fullmatch(first)
        assert header, f"the first line of a block names its file, this one says {first!r}"
        found.append((header["file"], header["place"] or "", text))
    return found


def follow(root: Path, file: str, place: str, text: str) -> None:
    """Do what a block says."""
    target = root / file
    assert target.exists() == bool(place), f"{file}: a block says where it goes in a file that is there, and only then"
    lines = target.read_text().splitlines(keepends=True) if place else []
    after = len(lines)
    if place.startswith("below: "):
        line = place.removeprefix("below: ") + "\n"
        assert lines.count(line) == 1, f"{file} has not one line {line!r}"
        after = lines.index(line) + 1
    target.write_text("".join([*lines[:after], text, *lines[after:]]))


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
    """Runs Python on the copy, in a folder of its own; gives what it printed, or why it failed."""
    own = {"PYTHONPATH": str(copy), "HSIKIT_RUNS": "runs", "HSIKIT_LEDGER": "runs.jsonl", "HSIKIT_DATA": str(tmp_path)}

    def run(*arguments: str, fails: bool = False) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, env=os.environ | own, check=False,
                              capture_output=True, text=True)  # fmt: skip
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

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


def test_a_published_scene_is_an_entry_and_its_sentences(python, tmp_path):
    cube = np.random.default_rng(0).random((12, 10, 6)).astype(np.float32)
    labels = np.zeros((12, 10), np.uint8)
    labels[:6], labels[7:11] = 1, 2
    (tmp_path / "two_fields").mkdir()
    ask = "import hsikit, json\nscene = hsikit.load_scene('two_fields')\n"
    assert "hsikit fetch two_fields" in python("-c", ask, fails=True)
    savemat(tmp_path / "two_fields" / "two.mat", {"data": cube})
    savemat(tmp_path / "two_fields" / "two_gt.mat", {"map": labels})
    told = python("-c", ask + (
        "words = hsikit.load_prompts('two_fields')\n"
        "listed = hsikit.available().set_index('name').loc['two_fields']\n"
        "print(json.dumps([scene.hsi.tolist(), scene.labels.tolist(), scene.class_names, scene.colors, scene.units,\n"
        "                  words.class_names, words.select('place')[1], bool(listed.in_hand)]))"
    ))  # fmt: skip
    names = ["meadow", "maize"]
    assert json.loads(told) == [cube.tolist(), labels.tolist(), names, ["#2ca02c", "#e6c229"], "reflectance", names,
                                ["maize in tall rows"], True]  # fmt: skip
    labels[0, 0] = 2
    savemat(tmp_path / "two_fields" / "two_gt.mat", {"map": labels})
    assert "59 pixels of class 1, published are 60" in python("-c", ask, fails=True)


def test_an_explorer_is_state_marks_and_panel(python):
    told = python("-c", (
        "import json, numpy as np\nfrom hsikit import Scene\nfrom hsikit.explore import BrightnessExplorer\n"
        "cube = np.arange(48.0).reshape(4, 3, 4)\n"
        "explorer = BrightnessExplorer(Scene('mine', cube, np.ones((4, 3), int), ['meadow']), band=2)\n"
        "(axes,) = explorer.static().axes\n"
        "name = type(explorer.widget()).__name__\n"
        "slider = getattr(explorer.widget(), 'children', [None])[0]\n"
        "if slider is not None: slider.value = 1\n"
        "print(json.dumps([axes.images[0].get_array().tolist(), name, explorer.band]))"
    ))  # fmt: skip
    picture, widget, band = json.loads(told)
    assert picture[0] == [[grey] * 3 for grey in (0, 23, 46)]  # values 2, 6, 10 of 2 to 46
    assert len(picture) == 4
    assert (widget, band) in (("VBox", 1), ("Figure", 2))  # a still picture where widgets are not installed


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
