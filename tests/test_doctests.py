"""Every public name has an example in its docstring, and the examples say what happens."""

import doctest
from importlib import import_module
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import hsikit

KEPT = ("map_large", "write_map", "resample_bands", "load_painting", "Painting", "ndvi")  # people's files rely on them


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder to write into, with a notebook, where no data, runs or vectors of this machine are seen."""
    for variable in ("HSIKIT_DATA", "HSIKIT_RUNS", "HSIKIT_LEDGER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HSIKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("notebooks/profiles").mkdir(parents=True)
    Path("notebooks/profiles/quick.yaml").write_text("{}")
    parameters = new_code_cell('out_dir = "build"', metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[parameters]), "notebooks/00_start_here.ipynb")


@pytest.mark.parametrize("name", hsikit.__all__)
def test_the_example_of_a_public_name_says_what_happens(name, project):
    known = {"hsikit": hsikit, "np": np}
    found = doctest.DocTestFinder(recurse=False).find(getattr(hsikit, name), name, globs=known)
    assert [test for test in found if test.examples], f"the docstring of hsikit.{name} has no example"
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in found:
        runner.run(test, out=told.append)
    assert not runner.failures, "".join(told)


MODULES = ["_util.wording", "figures.diagram", "figures.formulas", "scenes.colours", "tables.shown"]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_say_what_happens(module):
    found = import_module(f"hsikit.{module}")
    told = doctest.testmod(found, extraglobs={"hsikit": hsikit, "np": np})
    assert (told.failed, told.attempted > 0) == (0, True)


@pytest.mark.parametrize("name", KEPT)
def test_names_that_files_rely_on_are_public(name):
    assert name in hsikit.__all__
    assert callable(getattr(hsikit, name))
