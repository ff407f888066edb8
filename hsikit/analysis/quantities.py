"""Quantities that are measured at a pixel, beside their partners in words (`hsikit.text.quantities`).

    measured = measure(scene, load_quantities())      # (row, col, quantity) in deviations from the scene's mean
    nearness(measured, expected)                      # (row, col, class)

Nothing here is trained, and no label is read. The quantities and their definitions are ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from hsikit.inputs import height_channel, spatial
from hsikit.patches import nearest_valid
from hsikit.scenes.scene import Scene
from hsikit.spectra import ndvi, normalised_difference
from hsikit.text.quantities import Quantity

log = logging.getLogger(__name__)

AROUND = 7  # side of the window that contrast looks at, in pixels
DARKEST = 0.05  # of a band's mean: what is darker has no logarithm to speak of


def measure(scene: Scene, quantities: Sequence[Quantity]) -> np.ndarray:
    """Each quantity (row, col, quantity) float32, less its mean and over its deviation; NaN where it is not known."""
    rows, cols = nearest_valid(scene.valid)
    cube = np.asarray(scene.hsi[rows, cols], np.float64)  # (row, col, band)
    out = np.full((*scene.shape, len(quantities)), np.nan, np.float32)
    for k, quantity in enumerate(quantities):
        try:
            values = MEASURES[quantity.measured](scene, cube)
        except ValueError as reason:
            log.warning("%s: %s is left out: %s", scene.name, quantity.name, reason)
            continue
        known = values[scene.valid & np.isfinite(values)]
        out[..., k] = (values - known.mean()) / max(known.std(), 1e-9)
    out[~scene.valid] = np.nan
    return out


def _height(scene: Scene) -> np.ndarray:
    if scene.lidar is None:
        raise ValueError("the scene has no LiDAR")
    values = np.asarray(scene.lidar[..., height_channel(scene.lidar_names)], np.float64)
    return values[nearest_valid(scene.valid & np.isfinite(values))]


def _logs(cube: np.ndarray) -> np.ndarray:
    floor = DARKEST * cube.reshape(-1, cube.shape[2]).mean(0)
    if not (floor > 0).all():
        raise ValueError("a band has a mean of 0 or below, which has no logarithm")
    return np.log(np.maximum(cube, floor))


def _yellowness(scene: Scene, cube: np.ndarray) -> np.ndarray:
    blue = [normalised_difference(cube, scene.wavelengths_nm, nm, 470.0) for nm in (550.0, 650.0)]
    return np.mean(blue, 0)  # of green and of red against blue


def _contrast(scene: Scene, cube: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    logs = _logs(cube)
    return np.sqrt(((logs - uniform_filter(logs, (AROUND, AROUND, 1))) ** 2).mean(2))


MEASURES: dict[str, Callable[[Scene, np.ndarray], np.ndarray]] = {
    "height": lambda scene, cube: spatial.above_ground(_height(scene), scene.gsd_m or 1.0)[1],
    "greenness": lambda scene, cube: ndvi(cube, scene.wavelengths_nm).astype(np.float64),
    "brightness": lambda scene, cube: _logs(cube).mean(2),
    "roughness": lambda scene, cube: np.log(0.05 + spatial.local_deviation(_height(scene))[0]),
    "yellowness": _yellowness,
    "contrast": _contrast,
}


def nearness(measured: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Scores (..., class): minus the squared distance of measured (..., quantity) to expected (class, quantity).

    Quantities that are not known at a pixel count nothing there.
    """
    away = measured[..., None, :].astype(np.float64) - expected
    return -np.nansum(away**2, -1)
