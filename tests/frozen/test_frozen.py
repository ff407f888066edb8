"""What must not move: the names of runs, the rows of the ledger, the content of the scenes in hand."""

import json
import os
from importlib import resources
from pathlib import Path

import pytest

from hsikit.experiments import Experiment, expand
from hsikit.experiments.config import ADDED_LATER
from hsikit.experiments.methods import METHODS, Method
from hsikit.scenes import load_scene

HERE = Path(__file__).parent
LEDGER = HERE.parents[1] / "figures" / "tables" / "runs.jsonl"
SCENES = {"indian_pines": "6b9cf3f54fa60a2c", "simulated": "b784bb025862ee72", "muufl_subset": "1d0811b531e9122f"}


def shipped_configs() -> list[str]:
    """Names of all configs, those of the archive included."""
    root = resources.files("hsikit.configs")
    archive = root / "archive"
    folders = {"": root} | ({"archive/": archive} if archive.is_dir() else {})
    return [folder + file.name.removesuffix(".yaml") for folder, place in folders.items()
            for file in place.iterdir() if file.name.endswith(".yaml")]  # fmt: skip


def test_every_hash_that_was_ever_shipped_is_reached_from_a_shipped_config():
    frozen = set((HERE / "config_hashes.txt").read_text().split())
    assert len(frozen) == 3203
    assert frozen - {e.hash for name in shipped_configs() for e in expand(name)} == set()


def test_every_row_of_the_ledger_hashes_to_its_name_also_with_younger_options_written_out():
    rows = [json.loads(line) for line in LEDGER.read_text().splitlines()]
    assert len(rows) >= 2268
    for row in rows:
        plain = Experiment(**row["config"])
        assert plain.hash == row["hash"]
        younger = {**ADDED_LATER, "model": METHODS.get(plain.method, Method()).younger}
        written = {key: {**younger[key], **row["config"][key]} for key in younger if row["config"].get(key)}
        assert Experiment(**{**row["config"], **written}).hash == row["hash"]


@pytest.mark.parametrize("name", SCENES)
def test_scenes_in_hand_hold_what_they_held(name):
    if name == "muufl_subset" and not (Path(os.environ.get("HSIKIT_DATA", "nowhere")) / name).is_dir():
        pytest.skip("muufl_subset: HSIKIT_DATA names no folder that holds it")
    assert load_scene(name).content_hash == SCENES[name]
