"""Rows of two-sensor networks: calibration, a sensor lost, names that were not trained with."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny import NAMES, tiny_scene, tiny_split

import hsikit
from hsikit.experiments.extras import word_facts
from hsikit.metrics import calibration, score
from hsikit.models import MMLGNet, TrunkClassifier
from hsikit.predict import predict_map
from hsikit.text import random_vectors

SCENE = tiny_scene()
SPLIT = tiny_split(SCENE)
CONFIG = hsikit.TrainConfig(epochs=3, batch=32, threads=1)
RANDOM = {"control": "random", "backend": "minilm"}


def test_a_trunk_says_how_well_it_is_calibrated():
    fitted = hsikit.fit(TrunkClassifier(16, 1, 3, window=5), SCENE, SPLIT, CONFIG, progress=False).model
    prediction = predict_map(fitted, SCENE)
    facts = json.loads(json.dumps(word_facts(fitted, SCENE, SPLIT, prediction, {})))
    assert set(facts) == {"calibration"}
    rows, cols = SPLIT.rowcol("test").T
    by_hand = calibration(SPLIT.y("test") - 1, prediction.scores[rows, cols])
    assert facts["calibration"]["raw"]["nll"] == pytest.approx(by_hand.nll, rel=1e-5)
    assert facts["calibration"]["temperature"] > 0
    without = replace(SPLIT, val=np.empty(0, np.int64), labels=np.where(SPLIT.mask("val"), 0, SPLIT.labels))
    assert set(word_facts(fitted, SCENE, without, prediction, {})["calibration"]) == {"raw"}


def test_a_network_trained_to_lose_a_sensor_is_scored_without_either():
    words = random_vectors(NAMES, 12, seed=0)
    network = MMLGNet(16, 1, 12, window=5, sensor_dropout=0.5)
    fitted = hsikit.fit(network, SCENE, SPLIT, CONFIG, text=words, progress=False).model
    facts = word_facts(fitted, SCENE, SPLIT, predict_map(fitted, SCENE), RANDOM)
    assert set(facts) == {"calibration", "missing"}
    bare = score(predict_map(fitted, replace(SCENE, lidar=None)), SPLIT)
    assert facts["missing"]["lidar"] == {"oa": bare.oa, "aa": bare.aa}
    assert facts["missing"]["hsi"] != facts["missing"]["lidar"]
    assert fitted.network.trunk.absent is None
