import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import tiny_scene

import bench
from bench import batches, maps, memory, opening, scaling, training, work
from bench.timing import in_process, row
from hsikit.models import CNN2D, SDHSINet


def test_a_row_says_what_was_measured_and_whether_it_reached():
    got = row("speed", 61.23456, 60.0, ">=", "on one machine", fast=1234.56, slow=20.1)
    assert got == {"name": "speed", "value": 61.23, "reach": 60.0, "sense": ">=", "pass": True, "fast": 1235.0,
                   "slow": 20.1, "note": "on one machine"}  # fmt: skip
    assert row("size", 2.1, 2.0, "<=")["pass"] is False
    assert row("not measured", math.nan, 2.0, ">=")["pass"] is False


def test_a_dense_row_holds_both_sides_and_equal_logits(monkeypatch):
    monkeypatch.setattr(maps, "WINDOWS", 64)
    monkeypatch.setattr(maps, "TRIED", 32)
    got = maps.dense_row("tiny", SDHSINet(15, 3, 9), tiny_scene(rows=40, cols=40), reach=2.0)
    assert got["value"] == pytest.approx(got["fast"] / got["slow"], rel=1e-2)
    assert float(got["note"].split()[-1]) < 1e-4


def test_every_side_of_the_batches_draws_the_same_windows(monkeypatch):
    monkeypatch.setattr(batches, "SIDE", 24)
    monkeypatch.setattr(batches, "COUNT", 130)
    scene, pixels = batches.scene_of_batches()
    data = batches.Slices(scene, pixels)
    fresh = batches.sampler_epoch(scene, pixels)
    assert batches.list_through(fresh()) == batches.list_through(batches.loader(data, 0)) == 130
    hsi, lidar, target, index = next(fresh())
    for k in range(3):  # the sampler's are normalised, band by band
        want, height, label = data[int(index[k])]
        mean, std = (f(scene.hsi.reshape(-1, 64)[pixels], 0)[:, None, None] for f in (np.mean, np.std))
        np.testing.assert_allclose(hsi[k], (want - mean) / std, atol=1e-4)
        assert lidar[k].shape == height.shape
        assert target[k] == label


def test_a_training_step_is_taken_apart():
    before = torch.Tensor.backward
    clock = training.step_share(CNN2D(16, 3, 9), tiny_scene(rows=40), epochs=3, train=0.3)
    assert 0.2 < clock.share <= 1.0
    assert all(taken > 0 for taken in clock.parts.values())
    assert clock.counted == clock.skip * 2
    assert torch.Tensor.backward is before


def test_bytes_held_are_counted_from_the_arrays_themselves():
    held = memory.held_row()
    assert held["pass"]
    assert held["value"] > (610 * 340 * 103 * 2 + 634 * 364 * 103 * 4) / (610 * 340 * 103 * 4) - 1e-3  # scene and cube


@pytest.mark.parametrize("code", [opening.IMPORT, opening.HELP])
def test_starting_does_not_load_torch(code):
    assert in_process(code)[1] == 0


def test_table_figure_and_manifest_are_written(tmp_path):
    (tmp_path / "manifest.json").write_text('{"a.png": {"function": "f"}}')
    table = pd.DataFrame({"quantity": ["pixels"] * 2 + ["bands"] * 2, "value": [64, 4096, 8, 16],
                          "seconds": [0.1, 0.9, 0.2, 0.3], "memory_mb": [10.0, 40.0, 11.0, 12.0]})  # fmt: skip
    paths = bench.write([row("speed", 2.0, 1.0, ">=")], tmp_path, table)
    assert [p.name for p in paths] == ["speed.csv", "scaling.png"]
    assert paths[1].stat().st_size <= 200_000
    assert pd.read_csv(paths[0]).loc[0, "pass"]
    assert list(json.loads((tmp_path / "manifest.json").read_text())) == ["a.png", "scaling.png"]


def test_scaling_measures_time_and_memory_of_each_size(monkeypatch):
    monkeypatch.setattr(scaling, "BASE", scaling.BASE | {"pixels": 32})
    table = scaling.measure_scaling({"window": (5,)})
    assert list(table.columns) == ["quantity", "value", "seconds", "memory_mb"]
    assert (table[["seconds", "memory_mb"]] > 0).all(axis=None)


def test_each_processor_keeps_a_block_of_its_own(tmp_path):
    old, mine, other = ({"name": "speed", "value": v, "machine": m} for v, m in ((1.0, "a"), (2.0, "a"), (3.0, "b")))
    table = tmp_path / "speed.csv"
    pd.DataFrame([old, other]).to_csv(table, index=False)
    got = bench.with_other_machines(pd.DataFrame([mine]), table)
    assert got[["value", "machine"]].to_numpy().tolist() == [[3.0, "b"], [2.0, "a"]]


def test_operations_are_those_of_a_count_by_hand():
    layer, x = torch.nn.Conv2d(5, 7, 3, bias=False), torch.randn(2, 5, 10, 10)
    assert work.operations(lambda: layer(x)) == 2 * (2 * 7 * 8 * 8) * (5 * 3 * 3)
    a = torch.randn(4, 6)
    assert work.operations(lambda: a @ a.T) == 2 * 4 * 6 * 4


@pytest.mark.parametrize("name", ["mmlgnet", "cnn2d"])
def test_a_training_step_has_its_share_of_the_matrix_multiply(name):
    got = work.step_row(name, most=1e12)
    assert 0 < got["value"] < 1
    assert "GFLOP" in got["note"]
    step = work.training_step(name)
    forward_and_backward = work.operations(step)
    assert forward_and_backward == work.operations(step)


def test_a_busy_machine_is_told(monkeypatch, caplog):
    monkeypatch.setattr("os.getloadavg", lambda: (1.2, 1.0, 1.0))
    for part in ("work.measure_work", "maps.measure_maps", "batches.measure_batches", "training.measure_training",
                 "memory.measure_memory", "pictures.measure_pictures", "opening.measure_opening"):  # fmt: skip
        monkeypatch.setattr(f"bench.{part}", lambda: [row("speed", 1.0, 1.0, ">=")])
    rows = bench.measure()
    assert "the load is 1.2" in caplog.text
    assert [r["load"] for r in rows] == [1.2] * 7


def test_a_long_ledger_is_listed_and_asked_whole():
    found = opening.ledger_rows(lines=3000)
    assert [r["name"].split(",")[0] for r in found] == ["hsikit table", "hsikit sweep of a study that is whole"]
    assert all(0 < r["value"] < 60 for r in found)
