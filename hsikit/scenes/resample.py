"""The bands of one scene brought to another's wavelengths, for a model that was fitted elsewhere."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache

import numpy as np

from hsikit._util.errors import door
from hsikit.scenes.scene import Scene, SceneError

log = logging.getLogger(__name__)


@door
def resample_bands(scene: Scene, wavelengths_nm: np.ndarray, target: str = "the model") -> Scene:
    """The scene with its spectra (float32) resampled to other band centres in nm.

    Each new band is the mean of the old ones under a Gaussian as wide as its spacing
    (`spectral.BandResampler`). Bands out of order are allowed on both sides and keep their place.

    Args:
        scene: What is resampled; it needs wavelengths.
        wavelengths_nm: The band centres wanted (band,).
        target: What they belong to, for messages.

    Raises:
        SceneError: When the scene has no wavelengths, or its range does not cover every wanted band (both
            ranges are named).

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> hsikit.resample_bands(scene, np.linspace(450, 900, 20)).bands
        20
    """
    wanted = np.asarray(wavelengths_nm, np.float64).ravel()
    have = scene.wavelengths_nm
    if have is None:
        raise SceneError(f"{scene.name} has no wavelengths, so its bands cannot be resampled to those of {target}")
    if have.size == wanted.size and np.allclose(have, wanted, atol=0.01):
        return scene
    ranges = f"{scene.name} covers {_span(have)}, {target} needs {_span(wanted)}"
    if have.size < 2 or wanted.size < 2:
        raise SceneError(f"{ranges}: at least two bands are needed on either side to resample")
    matrix = resampling_matrix(have, wanted)
    slack = np.median(np.abs(np.diff(np.sort(have)))) / 2
    outside = (wanted < have.min() - slack) | (wanted > have.max() + slack) | ~np.isfinite(matrix).all(1)
    if outside.any():
        gaps = ", ".join(f"{w:g}" for w in wanted[outside][:4]) + (", ..." if outside.sum() > 4 else "")
        raise SceneError(f"{ranges}: nothing is measured at {gaps} nm; fit a model on bands that both have")
    _tell_once(scene.name, ranges)
    cube = np.empty((*scene.shape, wanted.size), np.float32)
    for row, pixels in enumerate(scene.hsi):  # a row at a time keeps memory-mapped cubes on disk
        cube[row] = np.asarray(pixels, np.float32) @ matrix.T.astype(np.float32)
    return replace(scene, hsi=cube, wavelengths_nm=wanted, fwhm_nm=None)


def resampling_matrix(have: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Weights (wanted band, band) that give wanted bands from those there are; NaN where nothing overlaps."""
    from spectral import BandResampler

    rows, columns = np.argsort(wanted, kind="stable"), np.argsort(have, kind="stable")
    matrix = np.empty((wanted.size, have.size))
    resampler = BandResampler(have[columns], wanted[rows], fwhm1=_widths(have[columns]), fwhm2=_widths(wanted[rows]))
    matrix[np.ix_(rows, columns)] = resampler.matrix
    return matrix


@lru_cache
def _tell_once(name: str, ranges: str) -> None:  # a large scene is resampled piece by piece
    log.warning("%s: bands resampled; %s", name, ranges)


def usual_widths(wavelengths_nm: np.ndarray) -> np.ndarray:
    """Widths (band,) in nm that bands have if they lie side by side, in any order."""
    order = np.argsort(wavelengths_nm, kind="stable")
    widths = np.empty(order.size)
    widths[order] = _widths(wavelengths_nm[order]) if order.size > 1 else 1.0
    return widths


def _widths(centres: np.ndarray) -> np.ndarray:
    """Band widths in nm out of sorted centres: the usual spacing at gaps, and never below a tenth of it."""
    steps = np.diff(centres)
    usual = np.median(steps[steps > 0]) if (steps > 0).any() else 1.0
    widths = (np.r_[steps[0], steps] + np.r_[steps, steps[-1]]) / 2
    return np.clip(widths, usual / 10, usual * 1.5)


def _span(waves: np.ndarray) -> str:
    return f"{waves.min():.0f}-{waves.max():.0f} nm ({waves.size} bands)"
