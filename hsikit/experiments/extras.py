"""What rows of MMLGNet and its trunk say beside the scores of the map: calibration, a sensor lost, other names."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from hsikit.analysis.words import synonym_precision
from hsikit.calibrate import fit_temperature, tempered
from hsikit.fitted import Fitted
from hsikit.metrics import calibration, score
from hsikit.predict import Prediction, predict_map
from hsikit.scenes import Scene
from hsikit.splits import Split
from hsikit.text.prompts import load_prompts


def word_facts(
    fitted: Fitted, scene: Scene, split: Split, prediction: Prediction, text: dict[str, Any]
) -> dict[str, Any]:
    """Facts of a trained two-sensor network.

    Args:
        prediction: Its map of the scene.
        text: The experiment's text options, empty for a network without words.

    Returns:
        `calibration`: error (ECE), negative log-likelihood and Brier score of the test pixels, `raw` and
        `tempered`, with the temperature from validation pixels; without those, `raw` alone. `missing`: OA and AA
        with either sensor gone, for a network trained for it. `synonyms`: for names that were not trained with,
        their mean average precision and what a random order reaches.
    """
    facts: dict[str, Any] = {"calibration": _calibration(prediction, split)}
    network: Any = fitted.network
    if network.trunk.sensor_dropout:
        facts["missing"] = {sensor: _without(fitted, scene, split, sensor) for sensor in ("hsi", "lidar")}
    asks = text and text["control"] == "none" and text["backend"] == "minilm" and not split.unseen_classes
    if asks and any(load_prompts(scene.name).sentences["synonyms"]):
        found = synonym_precision(fitted, scene, split)
        facts["synonyms"] = {"names": len(found), "precision": float(found["precision"].mean()),
                             "share": float(found["share"].mean())}  # fmt: skip
    return facts


def _calibration(prediction: Prediction, split: Split) -> dict[str, Any]:
    test = _probabilities(prediction, split, "test")
    facts: dict[str, Any] = {"raw": asdict(calibration(*test))}
    val = _probabilities(prediction, split, "val")
    if len(val[0]):
        facts["temperature"] = fit_temperature(*val)
        facts["tempered"] = asdict(calibration(test[0], tempered(test[1], facts["temperature"])))
    return facts


def _probabilities(prediction: Prediction, split: Split, part: Any) -> tuple[np.ndarray, np.ndarray]:
    """Column of the true class (n,) and probabilities (n, k), of the pixels whose class is a candidate."""
    rows, cols = split.rowcol(part).T
    true, known = split.y(part), np.asarray(prediction.classes)
    kept = np.isin(true, known)
    return np.searchsorted(known, true[kept]), prediction.scores[rows[kept], cols[kept]].astype(np.float64)


def _without(fitted: Fitted, scene: Scene, split: Split, sensor: str) -> dict[str, float]:
    network: Any = fitted.network
    network.trunk.absent = sensor
    try:
        scores = score(predict_map(fitted, replace(scene, lidar=None) if sensor == "lidar" else scene), split)
    finally:
        network.trunk.absent = None
    return {"oa": scores.oa, "aa": scores.aa}
