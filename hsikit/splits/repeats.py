"""Distances between pixels, and pixels that repeat one measurement, which count once and on one side."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import scipy  # its parts load when they are used: a config is expanded without them

Part = TypeVar("Part")


def chebyshev(mask: np.ndarray) -> np.ndarray:
    """Distance (row, col) int32 in pixels from every pixel to the nearest True one; huge if there is none."""
    if not mask.any():
        return np.full(mask.shape, np.iinfo(np.int32).max, np.int32)
    return scipy.ndimage.distance_transform_cdt(~mask, metric="chessboard").astype(np.int32)


def measured_once(source: np.ndarray, parts: dict[Part, np.ndarray], patch: int) -> dict[Part, np.ndarray]:
    """The parts with one pixel of each measurement, in the first part that holds it, so that n counts measurements.

    A product on a finer grid than its sensor's shows a measurement in several pixels. Windows of `patch` then share one
    from a little farther away than on the grid: by as much as a measurement spreads, so parts are kept apart.

    Args:
        source: Raster (row, col), equal where pixels repeat one measurement; below 0 for none.
        parts: Sorted flat indices of each part, those that a measurement goes to first in front.
        patch: Windows up to this size share no measurement across parts; 0 where nothing is promised.
    """
    everything = np.concatenate(list(parts.values()))
    own = source.ravel()[everything].astype(np.int64)
    own[own < 0] = -1 - everything[own < 0]  # these repeat nothing
    _, first = np.unique(own, return_index=True)
    starts = np.cumsum([0, *(own.size for own in parts.values())])
    once = {part: parts[part][first[(first >= a) & (first < b)] - a] for part, a, b in zip(parts, starts, starts[1:])}
    if patch:
        taken = np.zeros(source.shape, bool)
        for part in parts:
            if taken.any():
                once[part] = once[part][chebyshev(taken).ravel()[once[part]] >= patch + _spread(source)]
            taken.ravel()[once[part]] = True
    return {part: np.sort(once[part]) for part in parts}


def _spread(source: np.ndarray) -> int:
    """Largest Chebyshev distance between two pixels that repeat one measurement."""
    numbers, there = np.zeros(source.shape, int), source >= 0
    numbers[there] = np.unique(source[there], return_inverse=True)[1] + 1
    return max((side.stop - side.start - 1 for box in scipy.ndimage.find_objects(numbers) for side in box), default=0)
