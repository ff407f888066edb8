"""What lies around a pixel: openings and closings by reconstruction, and the shape of the ground under a LiDAR raster.

Profiles follow Benediktsson et al. 2005 (doi 10.1109/TGRS.2004.842478). The ground is found as in airborne laser
scanning's simplest filter: what is narrower than a window of some 31 m and stands above its surroundings is no ground.
"""

from __future__ import annotations

import numpy as np

RADII = (1, 3, 5)  # of the disks of a profile, in pixels
GROUND_M = 31.0  # side of the window that no building fills, in metres
SMOOTH_M = 5.0  # standard deviation of the Gaussian over the ground, in metres
TRUNCATE = 3.0  # its reach in standard deviations
SIDE = 5  # of the window of range and deviation, in pixels


def profile(layer: np.ndarray) -> list[np.ndarray]:
    """Opening and closing by reconstruction (row, col) of a layer, for each radius in turn.

    A value reaches as far as the things it belongs to are wide: without bound.
    """
    from skimage.morphology import dilation, disk, erosion, reconstruction

    layer = layer.astype(np.float64)
    levels = []
    for radius in RADII:
        levels.append(reconstruction(erosion(layer, disk(radius)), layer, "dilation"))
        levels.append(reconstruction(dilation(layer, disk(radius)), layer, "erosion"))
    return levels


def above_ground(height: np.ndarray, gsd_m: float) -> list[np.ndarray]:
    """Metres above the ground, 0 or more, and the logarithm of 1 + that: two layers (row, col).

    The ground is the opening of the heights' 3x3 median by a square of 31 m, smoothed.
    """
    from scipy.ndimage import gaussian_filter, grey_opening, median_filter

    side = ground_side(gsd_m)
    ground = grey_opening(median_filter(height, 3), (side, side))
    ground = gaussian_filter(ground, SMOOTH_M / gsd_m, truncate=TRUNCATE)
    above = np.maximum(height - ground, 0.0)
    return [above, np.log1p(above)]


def ground_side(gsd_m: float) -> int:
    """Side of the ground's window in pixels, odd, 3 or more."""
    return max(2 * round((GROUND_M / gsd_m - 1) / 2) + 1, 3)


def slope(height: np.ndarray, gsd_m: float) -> list[np.ndarray]:
    """Metres a metre along the steepest way, of the heights' 3x3 median: one layer (row, col)."""
    from scipy.ndimage import median_filter

    if min(height.shape) < 2:
        return [np.zeros_like(height)]
    return [np.hypot(*np.gradient(median_filter(height, 3), gsd_m))]


def local_range(height: np.ndarray) -> list[np.ndarray]:
    """Highest less lowest in 5x5 pixels: one layer (row, col)."""
    from scipy.ndimage import maximum_filter, minimum_filter

    return [maximum_filter(height, SIDE) - minimum_filter(height, SIDE)]


def local_deviation(height: np.ndarray) -> list[np.ndarray]:
    """Standard deviation in 5x5 pixels: one layer (row, col)."""
    from scipy.ndimage import uniform_filter

    near = height - np.median(height)  # squares of great heights would leave no digits
    return [np.sqrt(np.maximum(uniform_filter(near**2, SIDE) - uniform_filter(near, SIDE) ** 2, 0.0))]


def reach(kind: str, gsd_m: float) -> int | None:
    """How many pixels away a value can still matter to a layer of a kind; None without bound, 0 for the pixel alone."""
    near = {"slope": 2, "range": SIDE // 2, "deviation": SIDE // 2}
    if kind == "above_ground":
        return 1 + (ground_side(gsd_m) - 1) + int(TRUNCATE * SMOOTH_M / gsd_m + 0.5)
    return None if kind == "profiles" else near.get(kind, 0)
