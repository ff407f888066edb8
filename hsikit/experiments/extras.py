"""What rows of MMLGNet and its trunk say beside the scores of the map: calibration, a sensor lost, other names."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from hsikit.analysis.damage import robustness
from hsikit.analysis.exits import early_exit_curve, exit_answers, exit_costs
from hsikit.analysis.words import synonym_precision
from hsikit.areas import area_estimates, group_bootstrap, per_field_accuracy
from hsikit.fitted import Fitted
from hsikit.metrics import Scores, calibration, fit_temperature, score, tempered
from hsikit.predict import Prediction, predict_map
from hsikit.scenes import Scene
from hsikit.separation import METRICS, separation
from hsikit.splits import Split
from hsikit.splits.pixels import fields
from hsikit.text.prompts import load_prompts, source_of


def word_facts(
    fitted: Fitted, scene: Scene, split: Split, prediction: Prediction, text: dict[str, Any], prompts: str = ""
) -> dict[str, Any]:
    """Facts of a trained two-sensor network.

    Args:
        prediction: Its map of the scene.
        text: The experiment's text options, empty for a network without words.
        prompts: The experiment's own prompt file, if it names one.

    Returns:
        `calibration`: error (ECE), negative log-likelihood and Brier score of the test pixels, `raw` and
        `tempered`, with the temperature from validation pixels; without those, `raw` alone. `missing`: OA and AA
        with either sensor gone, for a network trained for it. `synonyms`: for names that were not trained with,
        their mean average precision and what a random order reaches.
    """
    facts: dict[str, Any] = {"calibration": _calibration(prediction, split)}
    network: Any = fitted.network
    if getattr(getattr(network, "trunk", None), "sensor_dropout", 0):
        facts["missing"] = {sensor: _without(fitted, scene, split, sensor) for sensor in ("hsi", "lidar")}
    asks = text and text["control"] == "none" and text["backend"] == "minilm" and not split.unseen_classes
    words = load_prompts(prompts or source_of(scene)) if asks else None
    if words is not None and any(words.sentences["synonyms"]):
        found = synonym_precision(fitted, scene, split, prompts=prompts)
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


# --- SDHSI-Net -------------------------------------------------------------------------------------


PER_CLASS = 50  # test pixels of a class in which separation is measured


def exit_facts(fitted: Fitted, scene: Scene, split: Split, history: pd.DataFrame) -> dict[str, Any]:
    """Facts of a trained SDHSI-Net, with or without exits.

    Returns:
        `exits`: for each depth its name, oa, aa, val_oa (None without an exit there), parameters, macs,
        macs_window, and `separation`: the measures of `hsikit.separation` on the pooled features there, so that
        the same depth compares with and without exits. `early_exit`: accuracy and cost by threshold. `robustness`:
        accuracy by damage. `gradient_shares`: mean share of each loss term in the gradient's norm. `mean_of_exits`:
        oa and aa of the mean probability of all outputs.
    """
    answers = exit_answers(fitted, scene, np.concatenate([split.test, split.val]))
    answers, at_val = answers.first(len(split.test)), [labels[len(split.test) :] for labels in answers.labels()]
    costs = exit_costs(fitted.network).set_index("name")  # type: ignore[arg-type]
    names = [f"exit {k}" for k in range(1, len(answers.features))] + ["final"]
    labelled = list(costs.index)  # a stage may have no exit
    exits = []
    for name, features in zip(names, answers.features):
        facts: dict[str, Any] = {"name": name, "oa": None, "aa": None, "val_oa": None}
        if name in labelled:
            k = labelled.index(name)
            scores = score(_map(answers.labels()[k], split), split)
            facts |= {"oa": scores.oa, "aa": scores.aa}
            facts |= {"val_oa": float((at_val[k] == split.y("val")).mean())} if len(split.val) else {}
            facts |= {key: int(costs.loc[name, key]) for key in ("parameters", "macs", "macs_window")}
        exits.append(facts | {"separation": _separation(features, split, fitted.window)})
    curve = early_exit_curve(answers, split.y("test"), costs) if len(costs) > 1 else []
    damage = robustness(fitted, scene, split).to_dict("records")
    shares = history.filter(like="grad_share_").mean()
    mean = score(_map(answers.mean_labels(), split), split)
    return {"exits": exits, "mean_of_exits": {"oa": mean.oa, "aa": mean.aa}, "early_exit": curve, "robustness": damage,
            "gradient_shares": {k.removeprefix("grad_share_"): float(v) for k, v in shares.items()}}  # fmt: skip


def _map(labels: np.ndarray, split: Split) -> np.ndarray:
    """Labels (n,) of the test pixels at their places in a raster (row, col)."""
    raster = np.zeros(split.shape, np.int16)
    raster.ravel()[split.test] = labels
    return raster


def _separation(features: np.ndarray, split: Split, window: int) -> dict[str, float | None]:
    places = np.stack(np.divmod(split.test, split.shape[1]), 1)  # (n, 2)
    measured = separation(features, split.y("test"), places, window, per_class=PER_CLASS).to_dict()
    return {name: measured[name] for name in METRICS}


# --- the ground ------------------------------------------------------------------------------------


log = logging.getLogger(__name__)


def ground_facts(labels: np.ndarray, split: Split, scores: Scores) -> dict[str, Any]:
    """Area-weighted accuracy, accuracy by field, and the interval of OA over fields or blocks.

    Groups are the split's own blocks or fields where it has some, else connected regions of one class.

    Args:
        labels: The map (row, col), classes 1..C, 0 where the scene has no valid pixel.
        split: Its test pixels are the sample.
        scores: Of the map on those pixels.

    Returns:
        Fractions: `area_oa`, `area_oa_low`, `area_oa_high` (Olofsson et al. 2014); `field_oa`, the mean over fields
        of the share of pixels that are right; `fields`, their number; `group_low`, `group_high`, the 95 % bootstrap
        interval of OA over groups of at least 32 test pixels. None where the sample does not allow a number: a
        mapped class in which no test pixel lies, or fewer than two such groups. Where sides are disjoint,
        `by_field`: for each field's number in the scene its class, the pixels that are right, and all of its test.
    """
    mapped = np.bincount(labels[labels > 0], minlength=len(split.class_names) + 1)[1:]
    truth, answer = split.y("test"), labels.ravel()[split.test]
    raster = split.groups if split.groups is not None else fields(split.labels)
    group = raster.ravel()[split.test]
    found: dict[str, Any] = dict.fromkeys(("area_oa", "area_oa_low", "area_oa_high", "group_low", "group_high"))
    try:
        overall = area_estimates(scores.confusion, mapped).iloc[0]
        found |= {"area_oa": _number(overall["estimate"]), "area_oa_low": _number(overall["low"]),
                  "area_oa_high": _number(overall["high"])}  # fmt: skip
    except ValueError as reason:
        log.debug("no area-weighted accuracy: %s", reason)
    by_field = per_field_accuracy(truth, answer, group)
    found |= {"field_oa": float(by_field["share"].mean()), "fields": len(by_field)}
    if split.name.startswith(("fields", "west_east", "east_west")):
        found["by_field"] = {str(field): [int(one["class"]), round(one["share"] * one["pixels"]), int(one["pixels"])]
                             for field, one in by_field.iterrows()}  # fmt: skip
    try:
        _, found["group_low"], found["group_high"] = group_bootstrap(truth, answer, group, "oa")
    except ValueError as reason:
        log.debug("no interval over fields: %s", reason)
    return found


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
