"""Which pixels or points an outline or a stroke of the mouse takes."""

from __future__ import annotations

import numpy as np


def inside(outline: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Booleans (n,), True for points (n, 2) within an outline (m, 2); none where it has under 3 corners."""
    from matplotlib.path import Path

    if len(outline) < 3:
        return np.zeros(len(points), bool)
    return Path(np.vstack([outline, outline[:1]]), closed=True).contains_points(points)


def pixels_inside(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mask (row, col), True for pixels whose centre lies within an outline (m, 2) of x = column, y = row."""
    rows, cols = np.indices(shape)
    return inside(outline, np.column_stack([cols.ravel(), rows.ravel()])).reshape(shape)


def disc(centres: np.ndarray, radius: int, shape: tuple[int, int]) -> np.ndarray:
    """Mask (row, col), True within `radius` pixels of a path through points (n, 2) of x = column, y = row."""
    from scipy.ndimage import distance_transform_edt

    points = np.asarray(centres, float)
    steps = np.ceil(np.abs(np.diff(points, axis=0)).max(1, initial=0)).astype(int)  # pixels between two points
    dense = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(points, points[1:], np.maximum(steps, 1))]
    col, row = np.rint(np.vstack([*dense, points[-1:]])).astype(int).T
    inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
    away = np.ones(shape, bool)
    away[row[inside], col[inside]] = False
    return distance_transform_edt(away) <= radius if inside.any() else np.zeros(shape, bool)
