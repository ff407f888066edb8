"""A cut of the rehearsal: one scene from its server to its table, and stand-ins that never pass for measurements."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
import yaml
from rehearsal import rehearse, standins
from tiny import tiny_scene

from hsikit.experiments import LedgerError, Store, expand, run_experiment
from hsikit.scenes import load_scene, published
from hsikit.shallow import fit_shallow
from hsikit.splits import random_split

NAME, LDA = (
    "pavia_university",
    {"method": "lda", "split": {"kind": "random", "train": 0.1}, "scene": "pavia_university"},
)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Path:
    """Pavia University's stand-in, full size, in the published layout."""
    folder = tmp_path_factory.mktemp("served")
    standins.write(folder, scenes=(NAME,))
    return folder


def test_from_the_server_to_the_table_in_a_copy_of_the_project(served, tmp_path, monkeypatch):
    monkeypatch.setattr(rehearse, "PLACE", tmp_path)
    house = rehearse.copy_of_project(tmp_path / "house")
    assert not (house / "figures" / "tables" / "runs.jsonl").exists()
    rehearse.thin(house / "hsikit" / "configs" / f"sdhsi_{NAME}.yaml")
    (house / "lda.yaml").write_text(yaml.safe_dump(LDA | {"seeds": [0]}))
    surroundings = rehearse.surroundings(house)

    def hsikit(*what: str) -> str:
        done = subprocess.run([sys.executable, "-m", "hsikit", *what], cwd=house, env=surroundings,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    with rehearse.serving(served) as address:
        rehearse.pin(house, served, address)
        fetched = hsikit("fetch", NAME)
    assert fetched.split() == [str(tmp_path / "cache" / "hsikit" / NAME / f) for f in
                               ("PaviaU.mat", "PaviaU_gt.mat", "Pavia.mat")]  # fmt: skip
    hsikit("sweep", "lda.yaml")
    (row,) = rehearse.rows_in()
    assert row["simulated"]
    assert row["scene"] == NAME
    assert hsikit("table", NAME, "--commit").startswith("# STAND-IN, nothing measured: Pavia University")
    assert "STAND-IN, nothing measured." in (tmp_path / "tables" / f"{NAME}.md").read_text()  # beside its own ledger
    assert not (house / "figures" / "tables" / f"{NAME}.md").exists()


def test_files_placed_by_hand_make_the_same_scene_and_the_project_s_ledger_refuses_it(served, tmp_path, monkeypatch):
    shutil.copytree(served, tmp_path / "data")
    monkeypatch.setenv("HSIKIT_DATA", str(tmp_path / "data"))
    scene = load_scene(NAME)
    assert scene.simulated
    assert [int((mask > 0).sum()) for mask in scene.masks["official"]] == [3921, 42776 - 3921]
    monkeypatch.chdir(tmp_path)
    (run,) = expand(LDA | {"seeds": [0]})
    with pytest.raises(LedgerError, match=r"pavia_university in hand is a stand-in .* HSIKIT_LEDGER"):
        run_experiment(run, Store())
    assert not (tmp_path / "figures").exists()
    own = run_experiment(run, Store(tmp_path / "runs", tmp_path / "own.jsonl"))
    assert own["scene_hash"] == scene.content_hash


def test_no_row_of_a_published_scene_in_the_ledger_is_simulated():
    rows = [json.loads(line) for line in (rehearse.ROOT / "figures" / "tables" / "runs.jsonl").read_text().splitlines()]
    assert {row["scene"] for row in rows if row["simulated"]} == {"simulated"}


@pytest.mark.parametrize("study", [*rehearse.studies(rehearse.ROOT), *rehearse.BY_HAND])
def test_each_study_is_thinned_to_one_run_of_an_arm_a_scene_and_a_kind_of_split(study, tmp_path):
    file = tmp_path / f"{study}.yaml"
    shutil.copyfile(rehearse.ROOT / "hsikit" / "configs" / f"{study}.yaml", file)
    cells = lambda: [(e.label, e.method, e.scene, *rehearse.of_kind(e.split)) for e in expand(file)]  # noqa: E731
    whole = set(cells())
    rehearse.thin(file)
    runs = expand(file)
    assert len(runs) == len(whole)
    assert set(cells()) == whole
    assert all(e.train["epochs"] == 1 or e.train["steps"] <= 30 for e in runs if "epochs" in e.train)
    assert all(e.model["most"] == rehearse.MOST for e in runs if e.method in ("rf", "svm"))


@pytest.mark.parametrize(("change", "says"), [
    ({"scene": "pavia"}, "no scene 'pavia'"), ({"split": {"kind": "feilds"}}, "feilds"), ({"trane": {}}, "trane"),
])  # fmt: skip
def test_a_config_that_names_what_is_not_there_fails_before_anything_runs(change, says, tmp_path):
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(LDA | {"seeds": [0]} | change))
    surroundings = os.environ | {"PYTHONPATH": str(rehearse.ROOT)}
    done = subprocess.run([sys.executable, "-m", "hsikit", "sweep", "wrong.yaml"], cwd=tmp_path, env=surroundings,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["wrong.yaml"]


def test_a_stand_in_says_so_in_the_head_of_every_file(served):
    files = list((served / NAME).iterdir())
    assert len(files) == 3
    assert all(published.is_stand_in(file) for file in files)


def test_a_forest_or_svm_is_fitted_on_so_many_pixels_of_each_class_alike():
    scene = tiny_scene()
    split = random_split(scene, train=0.5)
    few = fit_shallow("svm", scene, split, most=30)
    assert few.parameters < fit_shallow("svm", scene, split).parameters
    counts = np.bincount(split.y("train"))[1:]
    assert [round(30 * n / counts.sum()) for n in counts] == pytest.approx([10, 10, 10], abs=2)
    assert (few.class_ids == [1, 2, 3]).all()


def test_the_hosted_notebook_goes_from_server_to_table(served, tmp_path, monkeypatch):
    """As on a machine in a browser, but for the installing: papermill, a kernel of its own, a server here."""
    monkeypatch.setattr(rehearse, "PLACE", tmp_path)
    house = rehearse.copy_of_project(tmp_path / "house")
    rehearse.thin(house / "hsikit" / "configs" / f"sdhsi_{NAME}.yaml")
    for name, value in rehearse.surroundings(house).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HSIKIT_DATA", raising=False)
    monkeypatch.delenv("HSIKIT_LEDGER")
    given = {"scene_name": NAME, "study": f"sdhsi_{NAME}", "table_name": NAME, "methods": ["lda"],
             "out_dir": str(tmp_path / "hosted")}  # fmt: skip
    source = rehearse.ROOT / "notebooks" / "hosted" / "one_table.ipynb"
    with rehearse.serving(served) as address:
        rehearse.pin(house, served, address)
        book = papermill.execute_notebook(source, tmp_path / "done.ipynb", given, kernel_name="python3",
                                          cwd=str(tmp_path), progress_bar=False)  # fmt: skip
    assert len([cell for cell in nbformat.read(source, as_version=4).cells]) == 10
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    (shown,) = [output["data"]["text/markdown"] for output in outputs if "text/markdown" in output.get("data", {})]
    assert shown.startswith("### STAND-IN, nothing measured")
    assert "Roy et al." in shown  # what others printed stands beside it
    assert (tmp_path / "hosted_results.zip").is_file()
