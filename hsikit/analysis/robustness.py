"""How a trained SDHSI-Net's map holds when the measurements are damaged, without training again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hsikit.analysis.corruption import damaged
from hsikit.analysis.exits import map_at_exit
from hsikit.fitted import Fitted
from hsikit.metrics import score
from hsikit.scenes.base import Scene
from hsikit.splits import Split

SEVERITIES = {"noise": (0.3, 1.0), "stripes": (0.3, 1.0), "dropped_bands": (0.2, 0.5)}  # assumed


def robustness(fitted: Fitted, scene: Scene, split: Split, severities: Mapping[str, Sequence[float]] = SEVERITIES,
               seed: int = 0) -> pd.DataFrame:  # fmt: skip
    """Accuracy on the test pixels of a damaged scene, for each kind and severity of `damaged`.

    The spread and the fill of bands are those of the model's training pixels; the damage is the same for every
    model with the same seed. Returns columns kind, severity, oa, aa.
    """
    normalizer = fitted.normalizer
    found = []
    for kind, levels in severities.items():
        for severity in levels:
            worse = damaged(scene, kind, severity, np.asarray(normalizer.std), np.asarray(normalizer.mean), seed)
            scores = score(map_at_exit(fitted, worse, None), split)
            found.append({"kind": kind, "severity": float(severity), "oa": scores.oa, "aa": scores.aa})
    return pd.DataFrame(found)
