"""Rows of SDHSI-Net say what every exit does, with and without exits in the same places."""

import json

import numpy as np
import pandas as pd
import pytest
from tiny import tiny_scene, tiny_split

from hsikit.experiments.extras import exit_facts
from hsikit.metrics import score
from hsikit.models import SDHSINet
from hsikit.predict import predict_map
from hsikit.separation import METRICS
from hsikit.train import TrainConfig, fit

SCENE = tiny_scene(rows=60)
SPLIT = tiny_split(SCENE, 0.1)


def facts(exits):
    run = fit(SDHSINet(15, 3, 9, exits=exits), SCENE, SPLIT, TrainConfig(epochs=2, batch=32, threads=1), progress=False)
    return run, exit_facts(run.model, SCENE, SPLIT, run.history)


def test_every_exit_has_its_scores_costs_and_separation():
    run, found = facts(exits=True)
    json.dumps(found)
    maps = predict_map(run.model, SCENE, exits=True)
    for entry, labels in zip(found["exits"], [*maps.exits, maps.labels], strict=True):
        scores = score(labels, SPLIT)
        assert entry["oa"] == pytest.approx(scores.oa, abs=0.005), entry["name"]
        assert entry["aa"] == pytest.approx(scores.aa, abs=0.01)
        assert set(entry["separation"]) == set(METRICS)
        assert 0 <= entry["val_oa"] <= 1
    assert found["exits"][-1]["val_oa"] == pytest.approx(run.history["val_oa"].max())
    costs = [e["macs"] for e in found["exits"]]
    assert costs[0] < costs[1] < costs[2]
    assert sum(found["gradient_shares"].values()) == pytest.approx(1)
    assert {d["kind"] for d in found["robustness"]} == {"noise", "stripes", "dropped_bands"}
    assert found["early_exit"][-1]["threshold"] == 0.99


def test_without_exits_the_same_depths_are_measured_and_only_the_end_is_scored():
    _, found = facts(exits=False)
    assert [e["name"] for e in found["exits"]] == ["exit 1", "exit 2", "exit 3", "exit 4", "final"]
    assert [e["oa"] is None for e in found["exits"]] == [True] * 4 + [False]
    assert all(np.isfinite(e["separation"]["scatter_ratio"]) for e in found["exits"])
    assert found["early_exit"] == []
    assert found["gradient_shares"] == {}  # a single term has no share


def test_no_history_no_shares():
    run, _ = facts(exits=False)
    assert exit_facts(run.model, SCENE, SPLIT, pd.DataFrame({"epoch": [1]}))["gradient_shares"] == {}
