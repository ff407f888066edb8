"""What a `FeatureSpaceExplorer` is given, checked and brought to one form: an entry for each of its n pixels.

All raise ValueError, naming what was given, where lengths, shapes or indices do not fit the scene.
"""

from __future__ import annotations

import numpy as np

from hsikit.features import checked_features
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

PARTS = ("train", "val", "test", "in no part")


def flat_pixels(
    first: np.ndarray, labels_or_split: np.ndarray | Split, scene: Scene, pixels: np.ndarray | None
) -> np.ndarray:
    """Flat indices (n,) of the pixels that the embeddings belong to."""
    size = scene.shape[0] * scene.shape[1]
    if pixels is None:
        if np.ndim(first) != 3:
            wanted = "flat indices (n,) or rows and columns (n, 2)"
            raise ValueError(f"embeddings are {np.shape(first)}, so pixels are needed: {wanted}")
        if isinstance(labels_or_split, Split):
            s = labels_or_split
            return np.sort(np.concatenate([s.train, s.val, s.test]))
        assert scene.valid is not None
        raster = per_pixel("labels", labels_or_split, scene, np.arange(size))
        return np.flatnonzero((raster > 0) & scene.valid.ravel())
    pixels = np.asarray(pixels)
    if pixels.dtype.kind not in "ui" or not (pixels.ndim == 1 or (pixels.ndim == 2 and pixels.shape[1] == 2)):
        raise ValueError(f"pixels are {pixels.shape} of {pixels.dtype}, expected whole numbers (n,) or (n, 2)")
    if (pixels < 0).any() or (pixels >= (size if pixels.ndim == 1 else scene.shape)).any():
        raise ValueError(f"some pixels lie outside {scene.name}, which is {scene.shape} (row, col)")
    pixels = pixels.astype(np.int64)
    return pixels if pixels.ndim == 1 else np.ravel_multi_index(tuple(pixels.T), scene.shape)


def labels_of(given: np.ndarray | Split, scene: Scene, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes and parts (n,) of the pixels."""
    parts = np.full(len(pixels), len(PARTS) - 1)
    if not isinstance(given, Split):
        return per_pixel("labels", given, scene, pixels), parts
    if given.shape != scene.shape:
        raise ValueError(f"the split was made for {given.shape} (row, col), {scene.name} is {scene.shape}")
    for code, part in enumerate(PARTS[:-1]):
        parts[given.mask(part).ravel()[pixels]] = code  # type: ignore[arg-type]
    return given.labels.ravel()[pixels].astype(np.int64), parts


def per_pixel(name: str, given: np.ndarray, scene: Scene, pixels: np.ndarray) -> np.ndarray:
    """Classes (n,) int64 of the pixels, from one a pixel or from a raster (row, col)."""
    array = _of_pixels(name, np.asarray(given), scene, pixels)
    if array.dtype.kind not in "uib" or (array.size and (array.min() < 0 or array.max() > scene.n_classes)):
        raise ValueError(f"{name} must be whole numbers 0 to {scene.n_classes}, 0 for unlabelled")
    return array.astype(np.int64)


def shares(name: str, given: np.ndarray, scene: Scene, pixels: np.ndarray) -> np.ndarray:
    """Shares (n,) float64 of the pixels, 0 to 1, from one a pixel or from a raster (row, col)."""
    array = _of_pixels(name, np.asarray(given, float), scene, pixels)
    if not ((array >= 0) & (array <= 1 + 1e-6)).all():
        raise ValueError(f"{name} must lie between 0 and 1 and hold no NaN")
    return np.minimum(array, 1.0)


def _of_pixels(name: str, array: np.ndarray, scene: Scene, pixels: np.ndarray) -> np.ndarray:
    if array.shape == scene.shape:
        return array.ravel()[pixels]
    if array.shape != (len(pixels),):
        raise ValueError(f"{name} is {array.shape} for {len(pixels)} pixels; give one a pixel, or {scene.shape}")
    return array


def unit_vectors(name: str, given: np.ndarray, scene: Scene, pixels: np.ndarray) -> np.ndarray:
    """Unit vectors (n, dim) of the pixels."""
    array = np.asarray(given)
    if array.ndim == 3:
        if array.shape[:2] != scene.shape:
            raise ValueError(f"{name} is {array.shape}, {scene.name} is {scene.shape} (row, col)")
        array = array.reshape(-1, array.shape[2])[pixels]
    if array.ndim != 2 or len(array) != len(pixels):
        raise ValueError(f"{name} is {array.shape} for {len(pixels)} pixels; give a vector (dim,) for each")
    try:
        array = checked_features(array)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12)
