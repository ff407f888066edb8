"""Costs told before a run: against a count by hand over the layers, and against rows with known rates."""

import json

import pytest
import torch
from torch import nn

from hsikit.cli import main
from hsikit.experiments import Store, cost, expand
from hsikit.experiments.costs import BACKWARD, training
from hsikit.models import SDHSINet

STUDY = {
    "method": "sdhsi_ce", "scene": "indian_pines", "split": {"kind": "random", "train": 0.1}, "seeds": [0, 1],
    "model": {"variant": "fields", "window": 11, "bands": 15}, "train": {"steps": 40, "batch": 8, "unlabelled": 4},
}  # fmt: skip


def by_hand(network: nn.Module, window: torch.Tensor) -> int:
    """Products that the convolutions of a network make for one window: outputs times what each looks at."""
    total = 0

    def look(layer, inputs, output):
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            layer.register_forward_hook(look)
    network.eval()(window)
    return total


def test_a_window_is_counted_as_by_hand_and_steps_are_counted_forwards_and_backwards():
    network = SDHSINet(bands=15, classes=16, window=11, variant="fields", exits=False)
    run = expand(STUDY)[0]
    assert training(run) == BACKWARD * 40 * (8 + 4) * by_hand(network, torch.zeros(1, 15, 11, 11))


def test_epochs_count_the_label_budget_and_pixels_that_are_known_take_its_place():
    run = expand(STUDY | {"train": {"epochs": 3}})[0]
    assert training(run) == pytest.approx(training(run, pixels=1024.9))
    few = expand(STUDY | {"train": {"epochs": 3}, "split": {"kind": "random", "train": 5}})[0]
    assert training(few) == pytest.approx(training(run, pixels=5 * 16))


def test_rates_come_from_rows_of_the_method_and_shallow_methods_from_other_scenes(tmp_path, monkeypatch, capsys):
    store = Store(tmp_path / "runs", tmp_path / "rows.jsonl")
    done, left = expand(STUDY)
    shallow = expand({"method": "lda", "scene": "simulated", "split": STUDY["split"], "seeds": [0]})[0]
    rows = [{"hash": e.hash, "method": e.method, "scene": e.scene, "seconds": s, "n_train": 900,
             "config": json.loads(e.canonical())} for e, s in ((done, 50.0), (shallow, 7.0))]  # fmt: skip
    store.ledger.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = []
    for study in (STUDY, STUDY | {"method": "lda", "model": {}, "train": {}, "seeds": [0]},
                  STUDY | {"method": "cnn2d", "model": {"window": 11}, "seeds": [0]}):  # fmt: skip
        (tmp_path / "study.yaml").write_text(json.dumps(study))
        lines += cost(str(tmp_path / "study.yaml"), store=store).to_dict("records")
    networks, lda, other = lines
    assert (networks["runs"], networks["missing"]) == (2, 1)
    assert networks["tmac"] == pytest.approx(training(left) / 1e12)
    assert 3600 * networks["hours"] == pytest.approx(50.0)
    assert (3600 * lda["hours"], lda["tmac"], lda["unknown"]) == (pytest.approx(7.0), 0, 0)
    assert (other["hours"], other["unknown"]) == (0, 1)
    assert networks["memory_gb"] > 0.9
    monkeypatch.setenv("HSIKIT_LEDGER", str(store.ledger))
    assert main(["cost", str(tmp_path / "study.yaml")]) == 0
    assert "in all 1 runs" in capsys.readouterr().out
