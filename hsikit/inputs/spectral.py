"""Log-derivative spectra: what a spectrum says whatever the light on it, and how bright it is.

The logarithm turns shade and slope, which scale a spectrum, into an offset; its derivative has none. The mean of the
logarithm keeps the brightness apart, in a channel of its own. Differences are taken per nanometre within runs of bands
that lie side by side: none reaches over bands that were dropped, or from one detector to the next.
"""

from __future__ import annotations

import numpy as np

GAP = 3.0  # times the usual step between bands: a longer one, or one back, ends a run
SMOOTHED = 1.0  # standard deviation in bands of the Gaussian that spectra are smoothed with, within runs


def band_steps(wavelengths_nm: np.ndarray | None, bands: int) -> np.ndarray:
    """Nanometres (band - 1,) from each band to the next; NaN where a run ends. Without wavelengths 1 a band.

    Example:
        >>> from hsikit.inputs.spectral import band_steps
        >>> band_steps(np.array([400.0, 410, 420, 430, 600, 610]), 6)  # 430 to 600 was dropped
        array([10., 10., 10., nan, 10.])
    """
    if wavelengths_nm is None or bands < 2:
        return np.ones(max(bands - 1, 0))
    steps = np.diff(np.asarray(wavelengths_nm, np.float64))
    usual = np.median(steps[steps > 0]) if (steps > 0).any() else 0.0
    return np.where((steps > 0) & (steps <= GAP * usual), steps, np.nan)


def runs(steps: np.ndarray) -> list[slice]:
    """The runs of bands that lie side by side, as slices over bands."""
    ends = [*(np.flatnonzero(np.isnan(steps)) + 1), len(steps) + 1]
    return [slice(start, stop) for start, stop in zip([0, *ends], ends)]


def smoothed(spectra: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Spectra (..., band) smoothed along the bands of each run, float64."""
    from scipy.ndimage import gaussian_filter1d

    parts = [gaussian_filter1d(np.asarray(spectra[..., run], np.float64), SMOOTHED, mode="nearest")
             for run in runs(steps)]  # fmt: skip
    return np.concatenate(parts, -1)


def log_derivative(spectra: np.ndarray, steps: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Differences of the logarithm per nm within runs, then its mean: (..., band) to (..., channel) float32.

    Args:
        spectra: Reflectance or radiance; what is below `floor` after smoothing counts as that.
        steps: As `band_steps` gives them.
        floor: Value of each band (band,), above 0.

    Returns:
        As many channels as there are steps within runs, in 1 / nm, and the mean logarithm last.
    """
    logs = np.log(np.maximum(smoothed(spectra, steps), floor))  # NaN stays NaN
    inside = ~np.isnan(steps)
    slopes = np.diff(logs)[..., inside] / steps[inside]
    return np.concatenate([slopes, logs.mean(-1, keepdims=True)], -1).astype(np.float32)
