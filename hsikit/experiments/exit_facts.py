"""What rows of SDHSI-Net say beside the scores of the final map: every exit, its separation, damage withstood."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hsikit.analysis.early_exit import early_exit_curve
from hsikit.analysis.exit_costs import exit_costs
from hsikit.analysis.exits import exit_answers
from hsikit.analysis.robustness import robustness
from hsikit.fitted import Fitted
from hsikit.metrics import score
from hsikit.scenes import Scene
from hsikit.separation import METRICS, separation
from hsikit.splits import Split

PER_CLASS = 50  # test pixels of a class in which separation is measured


def exit_facts(fitted: Fitted, scene: Scene, split: Split, history: pd.DataFrame) -> dict[str, Any]:
    """Facts of a trained SDHSI-Net, with or without exits.

    Returns:
        `exits`: for each depth its name, oa, aa, val_oa (None without an exit there), parameters, macs,
        macs_window, and `separation`: the measures of `hsikit.separation` on the pooled features there, so that
        the same depth compares with and without exits. `early_exit`: accuracy and cost by threshold. `robustness`:
        accuracy by damage. `gradient_shares`: mean share of each loss term in the gradient's norm.
    """
    answers = exit_answers(fitted, scene, np.concatenate([split.test, split.val]))
    answers, at_val = answers.first(len(split.test)), [labels[len(split.test) :] for labels in answers.labels()]
    costs = exit_costs(fitted.network).set_index("name")  # type: ignore[arg-type]
    names = [f"exit {k}" for k in range(1, len(answers.features))] + ["final"]
    labelled = names if len(costs) > 1 else names[-1:]
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
    return {"exits": exits, "early_exit": curve, "robustness": damage,
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
