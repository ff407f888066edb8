"""From many bands to the few a network takes: principal components, discriminants, or means of neighbouring bands.

    normalizer = reduce_bands(scene, pixels, bands=15, reduction="band_means")

A 3-D kernel slides over the order of its input bands. Components have no natural order along which to slide; the
means of neighbouring bands have one: wavelength.

Discriminants are the directions along which the training classes differ most for their spread (Fisher 1936, doi
10.1111/j.1469-1809.1936.tb02137.x, with the shrinkage of Ledoit and Wolf 2004): what makes linear discriminant
analysis strong with few pixels, given to a network as input.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsikit.patches import Normalizer
from hsikit.scenes.base import Scene

REDUCTIONS = ("pca", "discriminants", "band_means", "pca_transductive")


def reduce_bands(scene: Scene, pixels: np.ndarray, bands: int, lidar_channels: int = 0,
                 reduction: str = "pca", labels: np.ndarray | None = None) -> Normalizer:  # fmt: skip
    """Fit the normalisation and the reduction of a scene's bands to `bands` channels.

    Args:
        scene: Where to fit.
        pixels: Flat indices (n,) of the training pixels.
        bands: Channels wanted; as many as the scene has for none but standardisation.
        lidar_channels: LiDAR channels to standardise.
        reduction: "pca": whitened components of the training pixels. "discriminants": as many as there are
            trained classes, less one; spread within classes is 1 along each. "band_means": means of runs of
            neighbouring bands of equal length, standardised on the training pixels. "pca_transductive":
            components of every valid pixel of the scene, test pixels included (their spectra, never their labels),
            as many published pipelines do; it must be named in any table.
        labels: Classes (n,) of the training pixels, needed by "discriminants".

    Raises:
        ValueError: For an unknown reduction, more bands than the scene has, or another number of discriminants
            than the classes give.
    """
    if reduction == "pca":
        return Normalizer.fit(scene, pixels, bands, lidar_channels)
    if reduction == "pca_transductive":
        on_all = Normalizer.fit(scene, np.flatnonzero(scene.valid.ravel()), bands, 0)
        return replace(Normalizer.fit(scene, pixels, None, lidar_channels), mean=on_all.mean, std=on_all.std,
                       components=on_all.components)  # fmt: skip
    if reduction == "discriminants":
        return _discriminants(scene, pixels, bands, lidar_channels, labels)
    if reduction != "band_means":
        raise ValueError(f"reduction {reduction!r} is unknown; choose one of {', '.join(REDUCTIONS)}")
    if bands > scene.bands:
        raise ValueError(f"{bands} band means wanted, {scene.name} has {scene.bands} bands; ask for fewer")
    normalizer = Normalizer.fit(scene, pixels, None, lidar_channels)  # standardised bands, no components
    rows, cols = np.divmod(np.asarray(pixels), scene.shape[1])
    means = mean_rows(scene.bands, bands)
    spread = (normalizer.hsi(np.asarray(scene.hsi[rows, cols])) @ means.T).std(0)  # (k,)
    return replace(normalizer, components=means / np.maximum(spread, 1e-6)[:, None])


def _discriminants(scene, pixels, bands, lidar_channels, labels) -> Normalizer:
    from sklearn.covariance import ledoit_wolf

    classes, of = np.unique(labels, return_inverse=True)
    if bands != len(classes) - 1:
        raise ValueError(f"{len(classes)} trained classes give {len(classes) - 1} discriminants, the model takes "
                         f"{bands} channels; build it with {len(classes) - 1}")  # fmt: skip
    normalizer = Normalizer.fit(scene, pixels, None, lidar_channels)  # standardised bands, no components
    rows, cols = np.divmod(np.asarray(pixels), scene.shape[1])
    spectra = normalizer.hsi(np.asarray(scene.hsi[rows, cols])).astype(np.float64)  # (n, band)
    means = np.stack([spectra[of == c].mean(0) for c in range(len(classes))])  # (class, band)
    spread, _ = ledoit_wolf(spectra - means[of], assume_centered=True)
    values, vectors = np.linalg.eigh(spread)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-9))  # (band, band): unit spread within classes
    _, _, directions = np.linalg.svd((means - means.mean(0)) @ whiten, full_matrices=False)
    return replace(normalizer, components=(whiten @ directions[:bands].T).T)  # (band of the network, band)


def mean_rows(bands: int, groups: int) -> np.ndarray:
    """Rows (groups, bands) that take the means of neighbouring bands, each band once, lengths equal to one band."""
    rows = np.zeros((groups, bands))
    for row, run in zip(rows, np.array_split(np.arange(bands), groups)):
        row[run] = 1 / len(run)
    return rows
