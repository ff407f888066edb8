"""Labels under the brush: what a `LabelPainter` paints on, with its classes and its way back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsikit.scenes.scene import Scene, palette
from hsikit.spectra import class_means, spectral_angle

STEPS_KEPT = 200  # strokes that can be undone


class Painting:
    """A label raster over a scene, painted stroke by stroke.

    Attributes:
        labels: Raster (row, col) int16, 0 where nothing is painted.
        class_names, colors: Of the classes 1..C.

    Methods raise ValueError for a class or mask that does not fit.

    Example:
        >>> scene = hsikit.Scene("mine", np.ones((6, 8, 3)), np.zeros((6, 8), int), [])
        >>> painting = hsikit.Painting(scene)
        >>> meadow = painting.add_class("meadow")
        >>> painting.put(np.where(np.arange(8) < 2, meadow, -1) * np.ones((6, 1), int))  # pixels that changed
        12
        >>> painting.to_scene().class_names
        ('meadow',)
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.labels = scene.usable.astype(np.int16)
        self.class_names, self.colors = list(scene.class_names), list(scene.colors)
        self._steps: list[tuple[np.ndarray, np.ndarray]] = []  # flat pixels, and what they held before

    # --- classes ---------------------------------------------------------------------------------

    def add_class(self, name: str, color: str | None = None) -> int:
        """Append a class; returns its number. Without a colour it takes the first that is free."""
        name = self._new_name(name)
        free = [c for c in palette(20) if c not in self.colors] or list(palette(len(self.colors) + 1))
        color = free[0] if color is None else _hex(color)
        self.class_names.append(name)
        self.colors.append(color)
        return len(self.class_names)

    def change_class(self, class_id: int, name: str | None = None, color: str | None = None) -> None:
        """Rename or recolour a class 1..C."""
        self.check_class(class_id, least=1)
        color = None if color is None else _hex(color)
        if name is not None and " ".join(name.split()) != self.class_names[class_id - 1]:
            self.class_names[class_id - 1] = self._new_name(name)
        if color is not None:
            self.colors[class_id - 1] = color

    def check_class(self, class_id: int, least: int = 0) -> None:
        """Refuse a class that is not there; 0 is the eraser."""
        if not least <= class_id <= len(self.class_names):
            known = f"{least} to {len(self.class_names)}" if self.class_names else "none yet; add one first"
            raise ValueError(f"class {class_id}; classes are {known}")

    def counts(self) -> np.ndarray:
        """Painted pixels of each class (C,) int64."""
        return np.bincount(self.labels.ravel(), minlength=len(self.class_names) + 1)[1:]

    # --- strokes ---------------------------------------------------------------------------------

    def put(self, values: np.ndarray) -> int:
        """Set the valid pixels where `values` (row, col) is not -1; returns how many changed."""
        values = np.asarray(values)
        if values.shape != self.scene.shape:
            raise ValueError(f"the mask is {values.shape}, expected {self.scene.shape} (row, col)")
        self.check_class(int(values.max()))
        pixels = np.flatnonzero((values >= 0) & self.scene.valid & (values != self.labels))
        if pixels.size:
            flat = self.labels.ravel()
            self._steps = [*self._steps[1 - STEPS_KEPT :], (pixels, flat[pixels].copy())]
            self.labels = self.labels.copy()
            self.labels.ravel()[pixels] = values.ravel()[pixels]
        return pixels.size

    def undo(self) -> int:
        """Take the last stroke back; returns how many pixels changed, 0 where there is no stroke left."""
        if not self._steps:
            return 0
        pixels, before = self._steps.pop()
        self.labels = self.labels.copy()
        self.labels.ravel()[pixels] = before
        return pixels.size

    @property
    def can_undo(self) -> bool:
        """Whether a stroke is left to take back."""
        return bool(self._steps)

    def replace_all(self, labels: np.ndarray, class_names: list[str], colors: list[str]) -> None:
        """Take over labels (row, col) and classes read from a file; nothing before it can be undone."""
        made = replace(self.scene, labels=labels, class_names=class_names, colors=colors, masks={})  # checks them
        self.labels, self._steps = made.usable.astype(np.int16), []
        self.class_names, self.colors = list(made.class_names), list(made.colors)

    def to_scene(self) -> Scene:
        """The scene with what is painted as its labels."""
        return replace(
            self.scene, labels=self.labels, class_names=tuple(self.class_names), colors=tuple(self.colors), masks={}
        )

    # --- suggestions -----------------------------------------------------------------------------

    def alike(self, most_rad: float, bands: np.ndarray) -> np.ndarray:
        """For unpainted pixels, the class (row, col) whose mean spectrum is nearest by angle; 0 beyond `most_rad`.

        `bands` are booleans (band,), True for those to compare. Source: Kruse et al. 1993 (spectral angle mapper).
        """
        painted = np.flatnonzero(self.counts()) + 1
        if not painted.size:
            raise ValueError("nothing is painted yet, so nothing can be suggested; paint some pixels first")
        means, _ = class_means(self.scene.hsi, self.labels, len(self.class_names))
        angles = np.stack([spectral_angle(self.scene.hsi, means[c - 1], bands) for c in painted])  # (class, row, col)
        angles = np.where(np.isfinite(angles), angles, np.inf)
        near = painted[angles.argmin(0)]
        return np.where((angles.min(0) <= most_rad) & self.scene.valid & (self.labels == 0), near, 0).astype(np.int16)

    def _new_name(self, name: str) -> str:
        name = " ".join(str(name).split())
        if not name or len(name) > 60:
            raise ValueError(f"a class name has 1 to 60 characters, this one {len(name)}; write another")
        if name in self.class_names:
            raise ValueError(f"there is a class {name!r} already; give each class its own name")
        return name


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


def _hex(color: str) -> str:
    from matplotlib.colors import is_color_like, to_hex

    if not is_color_like(color):
        raise ValueError(f"{color!r} is no colour; give a name or a hex code such as #0072b2")
    return to_hex(color)
