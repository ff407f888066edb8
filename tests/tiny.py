"""Miniature scenes, splits and sites for tests: small enough to train on in a second, with something to learn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


# --- in files ------------------------------------------------------------------------------------

# Eight quick runs on the scene that `write_site` writes; a site file makes a scene of its own: small, on disk, real.
CONFIG: dict[str, Any] = {
    "scene": "site.yaml", "split": {"kind": "random", "train": 0.3}, "train": {"threads": 1},
    "arms": [{"method": "lda"}, {"method": "svm"}, {"method": "coordinates"},
             {"method": "cnn2d", "model": {"bands": 8, "window": 7}, "train": {"epochs": 3}}],
    "seeds": [0, 1],
}  # fmt: skip


def write_site(folder: Path, shift: float = 0.0) -> None:
    """A tiny cube and its labels as NumPy files, and the site file that names them."""
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(24) // 8 + 1, 20).reshape(24, 20)
    cube = draw.normal(size=(3, 10))[labels - 1] + 0.4 * draw.normal(size=(24, 20, 10)) + shift
    np.save(folder / "cube.npy", cube.astype(np.float32))
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    (folder / "site.yaml").write_text("name: site\nhsi: cube.npy\nlabels: labels.npy\nclasses: [a, b, c]\n")


def timeless(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a ledger without what differs from one run to the next."""
    drop = ("seconds", "peak_memory_mb")
    return [{k: v for k, v in r.items() if k not in drop} for r in rows]
