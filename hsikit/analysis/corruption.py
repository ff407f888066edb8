"""Damage done on purpose: to the measurements of a scene that a trained model maps, or to the labels it trains on.

Severity is in units of each band's standard deviation over the training pixels, so that bands in other units suffer
alike. Kinds and severities are assumed: the paper claims robustness and does not say against what.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsikit.scenes.base import Scene

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


def wrong_labels(targets: np.ndarray, share: float, classes: int, seed: int = 0) -> np.ndarray:
    """Targets (n,) from 0 of which a share was replaced, each by another class drawn evenly from the rest.

    Raises:
        ValueError: For a share outside [0, 1), or a single class.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share of wrong labels is {share}; expected 0 (none) to below 1")
    if share and classes < 2:
        raise ValueError("a single class has no wrong label; train on at least 2 classes")
    draw = np.random.default_rng(seed)
    hit = draw.permutation(len(targets))[: round(share * len(targets))]
    out = targets.copy()
    out[hit] = (targets[hit] + draw.integers(1, max(classes, 2), len(hit))) % classes
    return out
