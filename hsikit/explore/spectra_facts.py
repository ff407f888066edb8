"""What a scene says about its bands, its pixels and its classes, for a `SpectraExplorer`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from hsikit.explore.marks import Span, runs
from hsikit.scenes.place import on_ground
from hsikit.scenes.scene import Scene
from hsikit.spectra import WATER_NM, bad_bands, class_means, rank_by_angle, water_bands


class SceneFacts:
    """Facts of a scene in numbers and in words; the costly ones are computed when first asked for.

    Attributes:
        valid: Booleans (row, col), True where something was measured.
        x: Where the bands stand (band,) float64: wavelengths in nm, or indices without wavelengths.
    """

    def __init__(self, scene: Scene) -> None:
        assert scene.valid is not None
        self.scene, self.valid = scene, scene.valid
        self.x = np.arange(scene.bands, dtype=float) if scene.wavelengths_nm is None else scene.wavelengths_nm

    @property
    def reach(self) -> tuple[float, float]:
        """Where an axis over the bands begins and ends."""
        margin = 0.02 * max(float(np.ptp(self.x)), 1.0)
        return float(self.x.min()) - margin, float(self.x.max()) + margin

    @cached_property
    def rgb(self) -> np.ndarray:
        """The scene in colours (row, col, 3) uint8, white where nothing was measured."""
        return np.rint(255 * np.where(self.valid[..., None], self.scene.rgb(), 1.0)).astype(np.uint8)

    @cached_property
    def grey(self) -> np.ndarray:
        """The scene in light greys (row, col, 3) uint8, to lay classes over."""
        light = 0.6 * 255 + 0.4 * self.rgb.mean(-1, keepdims=True)
        return np.rint(np.repeat(np.where(self.valid[..., None], light, 255), 3, -1)).astype(np.uint8)

    @property
    def name(self) -> str:
        """The scene's name, and that it is simulated."""
        return self.scene.name + (" (simulated data)" if self.scene.simulated else "")

    # --- bands -----------------------------------------------------------------------------------

    @property
    def unit(self) -> str:
        """``"nm"``, or ``"(band index)"`` without wavelengths."""
        return "(band index)" if self.scene.wavelengths_nm is None else "nm"

    def band_at(self, where: float) -> int:
        """Index of the band nearest to a wavelength in nm, or to an index where there are no wavelengths."""
        if not np.isfinite(where) or not self.x.min() - 50 <= where <= self.x.max() + 50:
            reach = f"{self.x.min():g} to {self.x.max():g} {self.unit}"
            raise ValueError(f"{where:g} is outside the bands, which run {reach}")
        return int(np.abs(self.x - where).argmin())

    def band_text(self, band: int, short: bool = False) -> str:
        """A band in words."""
        if self.scene.wavelengths_nm is None:
            return f"{band}" if short else f"band {band}"
        return f"{self.x[band]:.0f} nm" if short else f"band {band} ({self.x[band]:.1f} nm)"

    @cached_property
    def bad(self) -> np.ndarray:
        """Booleans (band,), True for bands in water absorption and bands that are constant or hold NaN."""
        return bad_bands(self.sample, self.scene.wavelengths_nm)

    @cached_property
    def left_out(self) -> list[Span]:
        """The stretches of bands that are greyed, each with the reason: water absorption, and other bad bands."""
        x, waves, order = self.x, self.scene.wavelengths_nm, np.argsort(self.x, kind="stable")
        ascending, odd = x[order], (self.bad & ~water_bands(waves, len(x)))[order]
        half = float(np.median(np.diff(ascending))) / 2 if len(x) > 1 else 0.5
        found = [Span(low, high, f"{low:.0f} to {high:.0f} nm: water vapour leaves no light")
                 for low, high in (() if waves is None else WATER_NM) if high > x.min() and low < x.max()]  # fmt: skip
        for first, last in runs(odd):
            low, high, bands = float(ascending[first]), float(ascending[last]), order[first : last + 1]
            named = f"band {bands.min()}" if first == last else f"bands {bands.min()} to {bands.max()}"
            nm = "" if waves is None else f" ({low:.0f} nm)" if first == last else f" ({low:.0f} to {high:.0f} nm)"
            found.append(Span(low - half, high + half, f"{named}{nm}: constant, or not a number somewhere"))
        return found

    @cached_property
    def span(self) -> tuple[float, float]:
        """Values between which nearly all spectra run."""
        good = self.sample[:, ~self.bad]
        low, high = np.nanpercentile(good, (0.1, 99.9))
        margin = 0.05 * max(high - low, 1e-9)
        return float(low - margin), float(high + margin)

    def span_with(self, values: Any) -> tuple[float, float]:
        """`span`, widened to spectra (n, band) in their good bands."""
        good = np.reshape(values, (-1, self.scene.bands))[:, ~self.bad]
        good = good[np.isfinite(good)]
        return float(good.min(initial=self.span[0])), float(good.max(initial=self.span[1]))

    @cached_property
    def sample(self) -> np.ndarray:
        """About 2,000 spectra (n, band) float64, evenly spread."""
        rows, cols = np.nonzero(self.valid)
        step = max(1, len(rows) // 2000)
        return np.asarray(self.scene.hsi[rows[::step], cols[::step]], np.float64)

    # --- pixels and classes ----------------------------------------------------------------------

    def class_name(self, row: int, col: int) -> str:
        """Class of a pixel or ``"unlabelled"``."""
        return self.name_of(int(self.scene.labels[row, col]))

    def name_of(self, class_id: int, none: str = "unlabelled") -> str:
        """Name of a class: `none` for 0, its number beyond those that the scene names."""
        names = (none, *self.scene.class_names)
        return names[class_id] if class_id < len(names) else f"class {class_id}"

    def read_out(self, x: float, y: float, told: Callable[[int, int], str]) -> str:
        """What lies under the pointer at x = column, y = row: place, `told(row, col)`, LiDAR; empty beside."""
        col, row = round(x), round(y)
        if not (0 <= row < self.scene.shape[0] and 0 <= col < self.scene.shape[1]):
            return ""
        return f"row {row}, col {col}{self.place_text(row, col)}: {told(row, col)}{self.lidar_text(row, col)}"

    def place_text(self, row: int, col: int) -> str:
        """Map coordinates of a pixel's centre, with longitude and latitude; empty where the scene has no place."""
        scene = self.scene
        if scene.transform is None:
            return ""
        x, y = on_ground(scene.transform, row + 0.5, col + 0.5)
        if scene.crs is None:
            return f", x {x:.10g}, y {y:.10g}"
        lon, lat = _warped(scene.crs, "EPSG:4326", x, y)
        degrees = f"lon {lon:.5f}°, lat {lat:.5f}°"
        return f", {degrees}" if getattr(scene.crs, "is_geographic", False) else f", E {x:,.1f}, N {y:,.1f} ({degrees})"

    def pixel_at(self, text: str) -> tuple[int, int, str]:
        """Row and column that a text means, and how it was read.

        Two whole numbers within the raster are row and column; otherwise the scene's coordinates (x, y), or longitude
        and latitude. Raises ValueError where it is neither or lies outside.
        """
        scene, given = self.scene, re.split(r"[\s,;]+", text.strip())
        if len(given) != 2 or not all(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", v) for v in given):
            raise ValueError(f"{text!r} is no place; write row, column, or x, y, or longitude, latitude")
        a, b = (float(v) for v in given)
        rows, cols = scene.shape
        if "." not in "".join(given) and 0 <= a < rows and 0 <= b < cols:
            return int(a), int(b), "row, column"
        if scene.transform is None:
            reach = f"rows are 0..{rows - 1}, columns 0..{cols - 1}, and {scene.name} has no map coordinates"
            raise ValueError(f"{text.strip()} is outside the scene; {reach}")
        tries = [(a, b, "x, y")]
        if scene.crs is not None and abs(a) <= 180 and abs(b) <= 90:
            tries.append((*_warped("EPSG:4326", scene.crs, a, b), "longitude, latitude"))
        for x, y, how in tries:
            col, row = ~scene.transform * (x, y)
            if 0 <= row < rows and 0 <= col < cols:
                return int(row), int(col), how
        raise ValueError(f"{text.strip()} lies outside the scene as x, y and as longitude, latitude")

    def lidar_text(self, row: int, col: int) -> str:
        """LiDAR values of a pixel in words, empty without LiDAR."""
        if self.scene.lidar is None:
            return ""
        values = np.asarray(self.scene.lidar[row, col], float)
        return "".join(f", {n}: {v:.4g}" for n, v in zip(self.scene.lidar_names, values))

    def composition(self, pixels: np.ndarray, most: int = 3) -> str:
        """The most frequent classes among pixels (n, 2) of row and column, with their counts."""
        counts = np.bincount(self.scene.labels[pixels[:, 0], pixels[:, 1]], minlength=self.scene.n_classes + 1)
        names = ("unlabelled", *self.scene.class_names)
        top = [c for c in np.argsort(-counts, kind="stable")[:most] if counts[c]]
        return ", ".join(f"{names[c]} {counts[c]:,}" for c in top)

    @cached_property
    def class_spectra(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and deviations (C, band) of the classes, NaN for a class without pixels."""
        return class_means(self.scene.hsi, self.scene.usable, self.scene.n_classes)

    def ranking(self, mean: np.ndarray, most: int = 3) -> str:
        """The classes whose means are nearest to a spectrum (band,) by angle; empty where there are none."""
        good = ~self.bad & np.isfinite(mean)
        library = {n: m[good] for n, m in zip(self.scene.class_names, self.class_spectra[0])}
        try:
            nearest = rank_by_angle(mean[good], library)[:most]
        except ValueError:
            return ""
        listed = ", ".join(f"{name} {angle:.3f}" for name, angle in nearest)
        return f" Nearest class means by angle (rad): {listed}." if listed else ""


def _warped(source: Any, target: Any, x: float, y: float) -> tuple[float, float]:
    from rasterio.warp import transform  # GDAL is slow to import

    xs, ys = transform(source, target, [x], [y])
    return float(xs[0]), float(ys[0])
