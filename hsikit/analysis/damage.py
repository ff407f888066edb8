"""Damage done on purpose: to the measurements of a scene that a trained model maps, or to the labels it trains on.

Severity is in units of each band's standard deviation over the training pixels, so that bands in other units suffer
alike. Kinds and severities are assumed: the paper claims robustness and does not say against what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from hsikit.analysis.exits import map_at_exit
from hsikit.fitted import Fitted
from hsikit.metrics import score
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

KINDS = ("noise", "stripes", "dropped_bands")


def damaged(scene: Scene, kind: str, severity: float, spread: np.ndarray, fill: np.ndarray, seed: int = 0) -> Scene:
    """A scene with damaged bands, float32; labels and everything else stay.

    Args:
        scene: As measured.
        kind: "noise": independent Gaussian noise of standard deviation `severity` x `spread`. "stripes": an
            offset for each column and band, Gaussian with that standard deviation, the same in all rows, as a
            line of detectors leaves it. "dropped_bands": the share `severity` of the bands, drawn at random,
            holds the value of `fill`.
        severity: 0 for no damage; at most 1 for dropped bands.
        spread: Standard deviation of each band (band,).
        fill: Value of a dropped band (band,), such as its mean over the training pixels.
        seed: Of the draw.

    Raises:
        ValueError: For an unknown kind, or a severity out of range.
    """
    if kind not in KINDS:
        raise ValueError(f"damage of kind {kind!r} is unknown; choose one of {', '.join(KINDS)}")
    if severity < 0 or (kind == "dropped_bands" and severity > 1):
        raise ValueError(f"severity={severity} of {kind}: expected 0 or more, and at most 1 for dropped bands")
    draw = np.random.default_rng(seed)
    cols, bands = scene.hsi.shape[1:]
    hsi = np.array(scene.hsi, np.float32)
    if kind == "noise":
        hsi += severity * spread.astype(np.float32) * draw.standard_normal(hsi.shape, np.float32)
    elif kind == "stripes":
        hsi += severity * spread.astype(np.float32) * draw.standard_normal((1, cols, bands), np.float32)
    else:
        lost = draw.permutation(bands)[: round(severity * bands)]
        hsi[..., lost] = fill[lost]
    return replace(scene, hsi=hsi)


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
