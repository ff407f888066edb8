"""Miniature scenes and splits for tests: small enough to train on in a second, with something to learn."""

from __future__ import annotations

import numpy as np

from hsikit.scenes import Scene
from hsikit.splits import Split, random_split

NAMES = ("meadow", "roof", "pond")


def tiny_scene(rows: int = 24, cols: int = 20, bands: int = 16, lidar: int = 1, holes: bool = False,
               seed: int = 0) -> Scene:  # fmt: skip
    """Three classes in stripes, each with a spectrum and a height of its own, and noise."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(rows) * 3 // rows + 1, cols).reshape(rows, cols)
    spectra = draw.uniform(0.1, 0.9, (3, bands))
    hsi = (spectra[labels - 1] + 0.15 * draw.standard_normal((rows, cols, bands))).astype(np.float32)
    height = np.array([0.2, 6.0, 0.0])[labels - 1, None] + 0.5 * draw.standard_normal((rows, cols, max(lidar, 1)))
    valid = np.ones((rows, cols), bool)
    if holes:
        valid[3:6, 4:9] = False
        hsi[~valid] = np.nan
    labels = np.where(draw.random((rows, cols)) < 0.8, labels, 0)
    return Scene("tiny", hsi, labels, NAMES, units="reflectance", wavelengths_nm=np.linspace(450, 900, bands),
                 lidar=height.astype(np.float32) if lidar else None, valid=valid)  # fmt: skip


def tiny_split(scene: Scene, train: float = 0.3, seed: int = 0) -> Split:
    """A random split of a tiny scene."""
    return random_split(scene, train=train, seed=seed)
