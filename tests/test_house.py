"""The fence and the budgets of the house catch what they are there for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import house
import pytest

ROOT = Path(__file__).parents[1]


def test_the_house_is_within_its_budgets():
    assert house.over(house.measures()) == []


def test_a_budget_that_is_exceeded_is_named():
    found = house.measures()
    tight = {name: value - 1 for name, value in found.items() if value}
    assert [line.split(":")[0] for line in house.over(found, tight)] == list(tight)


def test_a_circle_is_found_also_inside_a_function_and_for_types(tmp_path, monkeypatch):
    package = tmp_path / "rounds"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("def f():\n    import rounds.b\n")
    (package / "b.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rounds.a import f\n")
    (package / "c.py").write_text("import rounds.a\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert house.circles("rounds", []) == [["rounds.a", "rounds.b"]]


@pytest.mark.parametrize(
    "by",
    ['import_module("turns.b")', 'class_at("turns.b.Network")', 'import_module(f"turns.{name}")', '{"b": "turns.b"}'],
)
def test_a_circle_is_found_also_behind_a_string(tmp_path, monkeypatch, by):
    package = tmp_path / "turns"
    package.mkdir()
    (package / "__init__.py").write_text('FACE = {"turns.a": ("f",)}\n')
    (package / "a.py").write_text(f"def f(name):\n    return {by}\n")
    (package / "b.py").write_text("import turns.a\n")
    (package / "c.py").write_text('"""Says turns.b in passing."""\nimport turns.a\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert house.circles("turns", []) == [
        ["turns.a", "turns.b"] if "{name}" not in by else ["turns.a", "turns.b", "turns.c"]
    ]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("hsikit.metrics", "hsikit.explore"),
        ("hsikit.explore.why", "hsikit.experiments.run"),
        ("hsikit.scenes.check", "hsikit.patches"),
    ],
)
def test_an_arrow_that_points_up_is_refused(tmp_path, importer, imported):
    shutil.copytree(ROOT / "hsikit", tmp_path / "hsikit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path.joinpath(*importer.split(".")).with_suffix(".py")
    file.write_text(file.read_text() + f"\n\ndef up():\n    import {imported}\n")
    done = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=tmp_path, check=False,
                          capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert done.returncode == 1
    room = ".".join(importer.split(".")[:2])
    assert f"{room} is not allowed to import {'.'.join(imported.split('.')[:2])}" in done.stdout
