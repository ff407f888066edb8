"""The pictures in figures/: each has its line in the manifest, is small, and comes out of notebook 70 again."""

import json
from importlib import import_module
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest
from PIL import Image

from hsikit.experiments import Store
from hsikit.workbook import literals

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "figures"
NOTEBOOK = ROOT / "notebooks" / "70_figures.ipynb"
MANIFEST = json.loads((FIGURES / "manifest.json").read_text())


def test_manifest_and_folder_name_the_same_pictures():
    assert {path.name for path in FIGURES.iterdir() if path.suffix in (".png", ".pdf", ".svg")} == set(MANIFEST)


def test_pictures_are_small():
    sizes = {name: (FIGURES / name).stat().st_size for name in MANIFEST}
    assert {name: size for name, size in sizes.items() if size > 200_000} == {}
    assert sum(sizes.values()) <= 5_000_000


def test_every_picture_has_its_function_its_source_and_a_commit():
    for name, facts in MANIFEST.items():
        module, _, function = facts["function"].rpartition(".")
        assert callable(getattr(import_module(module), function)), name
        assert facts["commit"] not in ("", "unknown"), name
        made_by_command = not facts["notebook"] and facts["command"].startswith("hsikit ")
        assert made_by_command or (ROOT / "notebooks" / f"{facts['notebook']}.ipynb").exists(), name


def test_the_runs_behind_every_picture_are_in_the_ledger():
    known = Store(ledger=FIGURES / "tables" / "runs.jsonl").rows()
    missing = {name: [h for h in facts["runs"] if h not in known] for name, facts in MANIFEST.items()}
    assert {name: hashes for name, hashes in missing.items() if hashes} == {}


def test_the_notebook_names_every_picture_of_its_own():
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
    mine = [Path(name).stem for name, facts in MANIFEST.items() if facts["notebook"] == NOTEBOOK.stem]
    assert [name for name in mine if f'"{name}"' not in source and not name.startswith("space_")] == []


@pytest.mark.parametrize("name", ["carried", "language"])
def test_a_picture_comes_out_of_the_notebooks_own_cell_again(name, tmp_path, monkeypatch):
    """From the committed ledger, by the cells that open the notebook and the one that draws: the same pixels."""
    monkeypatch.chdir(ROOT / "notebooks")
    monkeypatch.setenv("HSIKIT_RUNS", str(tmp_path / "runs"))
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    start = next(k for k, source in enumerate(cells) if "ws = Workspace(" in source)
    drawing = next(source for source in cells if f'"{name}"' in source and "ws.save" in source)
    space = {}
    for source in (*cells[: start + 1], drawing):
        exec(source.replace(literals(NOTEBOOK)["out_dir"], str(tmp_path)), space)
    drawn = f"{name}.png"
    assert MANIFEST[drawn]["runs"] == space["ws"].figures[drawn]["runs"], "rows were added: run notebook 70 again"
    old, new = (np.asarray(Image.open(f / drawn).convert("RGB"), float) for f in (FIGURES, tmp_path / "figures"))
    assert old.shape == new.shape, f"another size under matplotlib {matplotlib.__version__}"
    assert np.abs(old - new).mean() < 2, f"mean difference of {np.abs(old - new).mean():.2f} of 255"
