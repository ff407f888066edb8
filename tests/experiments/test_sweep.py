import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from tiny import CONFIG, timeless, write_site

from hsikit.experiments import (
    ConfigError,
    LedgerError,
    Store,
    expand,
    ledger,
    load_run,
    plan,
    run_experiment,
    sweep,
)
from hsikit.experiments import run as run_module
from hsikit.tables import summarise


def test_a_run_leaves_a_whole_folder_and_one_row(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    experiment = expand(CONFIG)[-1]
    row = run_experiment(experiment, store, progress=False)
    folder = store.folder(experiment.hash)
    assert {p.name for p in folder.iterdir()} == {
        "config.json",
        "result.json",
        "history.csv",
        "prediction.npz",
        "model",
    }
    assert json.loads((folder / "config.json").read_text()) == json.loads(experiment.canonical())
    assert json.loads(store.ledger.read_text()) == row
    assert {"oa", "aa", "kappa", "per_class", "seconds", "threads", "machine", "commit", "versions", "parameters",
            "val_oa", "scene_hash", "config", "peak_memory_mb"} <= set(row)  # fmt: skip
    assert row["val_oa"] > 0.5
    again = load_run(experiment, store)
    assert again.row == row
    assert again.labels.shape == (24, 20)
    assert list(again.history["epoch"]) == [1, 2, 3]


def test_what_is_known_is_not_run_again(site, monkeypatch):
    store = Store(site / "runs", site / "ledger.jsonl")
    first = sweep(expand(CONFIG), store)
    assert first.failures == []
    monkeypatch.setattr(run_module, "_make", lambda *_: pytest.fail("made again"))
    second = sweep(expand(CONFIG), store)
    assert second.rows == first.rows
    assert "8 known, 0 to do" in plan(expand(CONFIG), store)
    store.ledger.unlink()  # the folders alone are enough too
    assert timeless(sweep(expand(CONFIG), store).rows) == timeless(first.rows)


def test_rows_alone_are_enough_but_files_can_be_asked_for(site):
    import shutil

    store = Store(site / "runs", site / "ledger.jsonl")
    experiment = expand(CONFIG)[-1]
    row = run_experiment(experiment, store, progress=False)
    weights = load_file(store.folder(experiment.hash) / "model" / "model.safetensors")
    shutil.rmtree(store.runs)
    assert run_experiment(experiment, store, progress=False) == row
    assert not store.folder(experiment.hash).exists()
    load_run(experiment, store, progress=False)
    again = load_file(store.folder(experiment.hash) / "model" / "model.safetensors")
    assert all(np.array_equal(weights[k], again[k]) for k in weights)
    assert len(store.rows()) == 1


def test_a_row_that_says_more_about_the_same_run_is_added_after_it(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    experiment = expand(CONFIG)[0]
    row = run_experiment(experiment, store, progress=False)
    short = {k: v for k, v in row.items() if k not in ("area_oa", "field_oa")}
    store.ledger.write_text(json.dumps(short) + "\n")
    store.append(row | {"oa": row["oa"] - 0.1})  # not the same result
    assert len(store.ledger.read_text().splitlines()) == 1
    store.append(row)
    store.append(row)
    assert len(store.ledger.read_text().splitlines()) == 2
    assert store.rows() == {row["hash"]: row}


def test_a_failing_run_is_named_and_the_rest_goes_on(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    arms = [
        {"method": "cnn2d", "model": {"bands": 8, "window": 8}, "train": {"epochs": 1}},
        {"method": "lda"},
    ]
    result = sweep(expand({**CONFIG, "arms": arms, "seeds": [0]}), store)
    assert [r["name"] for r in result.rows] == ["lda"]
    assert "window=8: the kernels need an odd number" in result.failures[0].reason


def test_processes_give_the_same_rows_as_one(site):
    config = {**CONFIG, "seeds": [0]}
    alone = sweep(expand(config), Store(site / "a", site / "a.jsonl"))
    many = sweep(expand(config), Store(site / "b", site / "b.jsonl"), jobs=2)
    assert many.failures == []
    assert timeless(alone.rows) == timeless(many.rows)


CHILD = """
import sys
from pathlib import Path
from hsikit.experiments import Store, expand, sweep
if __name__ == "__main__":
    sweep(expand({config!r}), Store(Path("runs"), Path("ledger.jsonl")), jobs=2)
"""


def test_killed_twice_and_rerun_the_table_is_the_same(site):
    config = {**CONFIG, "seeds": [0, 1, 2]}
    config["arms"] = [
        *CONFIG["arms"][:3],
        {"method": "cnn2d", "model": {"bands": 8, "window": 7}, "train": {"epochs": 40}},
    ]
    script = site / "child.py"
    script.write_text(CHILD.format(config=config))
    ledger = site / "ledger.jsonl"
    for wanted in (2, 6):
        child = subprocess.Popen([sys.executable, script], cwd=site, env={**os.environ, "OMP_NUM_THREADS": "1"},
                                 stderr=subprocess.DEVNULL)  # fmt: skip
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and child.poll() is None:
            if ledger.exists() and len(ledger.read_text().splitlines()) >= wanted:
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert child.returncode == -signal.SIGKILL
    store = Store(site / "runs", ledger)
    assert wanted <= len(store.rows()) < 12
    cut = sweep(expand(config), store)
    whole = sweep(expand(config), Store(site / "other", site / "other.jsonl"))
    assert cut.failures == whole.failures == []
    assert table_of(cut.rows).to_csv() == table_of(whole.rows).to_csv()
    assert list((site / "runs").glob("*.part")) == []


def table_of(rows):
    return pd.DataFrame(summarise(rows)).drop(columns="seconds")


def test_two_sweeps_at_once_make_every_run_once(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    config = {**CONFIG, "arms": CONFIG["arms"][:3]}
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: sweep(expand(config), store), range(2)))
    assert all(r.failures == [] for r in results)
    assert len(store.ledger.read_text().splitlines()) == 6
    assert results[0].rows == results[1].rows


def test_a_broken_ledger_line_is_named_and_nothing_is_overwritten(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    run_experiment(expand(CONFIG)[0], store, progress=False)
    broken = store.ledger.read_text() + "{half a li"
    store.ledger.write_text(broken)
    with pytest.raises(LedgerError, match=r"line 2 is not a run"):
        sweep(expand(CONFIG), store)
    with pytest.raises(LedgerError):
        store.append({"hash": "x"})
    assert store.ledger.read_text() == broken


def test_a_full_disk_leaves_the_ledger_as_it_was(site, monkeypatch):
    store = Store(site / "runs", site / "ledger.jsonl")
    store.append({"hash": "one"})
    before = store.ledger.read_text()

    def full(self, text, *_, **__):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left on device; nothing was changed"):
        store.append({"hash": "two"})
    monkeypatch.undo()
    assert store.ledger.read_text() == before
    assert [p.name for p in site.glob("ledger*part")] == []


def test_a_scene_that_changed_under_its_name_is_refused(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    experiment = expand(CONFIG)[0]
    run_experiment(experiment, store, progress=False)
    before = store.ledger.read_text()
    write_site(site, shift=1.0)
    ledger._content.cache_clear()
    with pytest.raises(ConfigError, match=r"site\.yaml changed since run"):
        run_experiment(experiment, store, progress=False)
    with pytest.raises(ConfigError, match="nothing was overwritten"):
        sweep([experiment], store)
    assert store.ledger.read_text() == before


def test_rows_stand_where_the_scene_is_not_in_hand(site):
    store = Store(site / "runs", site / "ledger.jsonl")
    experiment = expand(CONFIG)[0]
    row = run_experiment(experiment, store, progress=False)
    (site / "cube.npy").unlink()
    ledger._content.cache_clear()
    assert sweep([experiment], store).rows == [row]


def test_a_users_own_network_joins_by_its_dotted_path(site, monkeypatch):
    (site / "my_nets.py").write_text(
        "import torch\n"
        "from hsikit.models import Output\n"
        "class Pixelwise(torch.nn.Module):\n"
        "    dense, window, lidar_channels = True, 1, 0\n"
        "    def __init__(self, bands, lidar_channels, classes, seed):\n"
        "        super().__init__()\n"
        "        self.bands = bands\n"
        "        self.head = torch.nn.Conv2d(bands, classes, 1)\n"
        "    def forward(self, hsi, lidar=None):\n"
        "        return Output(self.head(hsi), hsi)\n"
    )
    monkeypatch.syspath_prepend(str(site))
    store = Store(site / "runs", site / "ledger.jsonl")
    config = {
        **CONFIG,
        "arms": [{"method": "my_nets.Pixelwise", "train": {"epochs": 10, "lr": 0.01}}],
        "seeds": [0],
    }
    result = sweep(expand(config), store)
    assert result.failures == []
    assert result.rows[0]["oa"] > 0.7
    assert result.rows[0]["parameters"] == 10 * 3 + 3
    torch.manual_seed(99)  # what was drawn before does not reach a module that does not mind its seed
    again = sweep(expand(config), Store(site / "other_runs", site / "other.jsonl"))
    assert again.rows[0]["oa"] == result.rows[0]["oa"]
