"""Every raster that stands beside a cube comes onto the cube's grid here, and nowhere else.

beside = place(open_layer(Path("dsm.tif")), cube)                    # heights: bilinear, or means of finer pixels
beside = place(open_layer(Path("labels.tif")), cube, classes=True)   # classes: nearest, or the majority of finer pixels
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hsikit.scenes.layers import Finding, Layer, Reader
from hsikit.scenes.scene import SceneError, readable

SAME_PX = 0.05  # grids whose corners lie this near to each other are one
FINEST = 400.0  # more pixels a side than that are no raster of the same ground
FINER = 1.5  # from so many source pixels a side on, a pixel is made of all of them
NO_CLASS = -float(1 << 24)  # a number that float32 holds and no class has
TILE_PIXELS = 1 << 24  # source pixels held at a time
EDGE = np.linspace(0, 1, 21)
Warp = Callable[[np.ndarray], np.ndarray]


class OnGrid(Protocol):
    """A scene or a layer: what has a size and perhaps a place."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def crs(self) -> Any: ...
    @property
    def transform(self) -> Any: ...


def place(layer: Layer, on: OnGrid, classes: bool = False) -> Layer:
    """A layer on another grid, read a rectangle at a time as before.

    On the same grid (compared in pixels of the cube, whatever the reference systems are called) it is as it is; so it
    is where either has no place and the sizes agree. Where both have one it is warped: pixels of like size or coarser
    to the nearest for classes and bilinearly for heights; of finer ones the majority, or the mean of those that hold a
    value. What was done is in the result's findings.

    Args:
        layer: What is placed.
        on: A scene or a layer; its rows, columns, `crs` and `transform`.
        classes: Whether values are classes, which have no mean.

    Raises:
        SceneError: When sizes differ and not both are placed, or the two do not overlap on the ground; both are named.
    """
    rows, cols = on.shape[:2]
    same_size = layer.shape[:2] == (rows, cols)
    if layer.transform is None or on.transform is None:
        if same_size and layer.transform is not None:  # and the cube has none to compare with
            where = f"{layer.path.name} says where it lies, but the cube does not"
            told = ("laid on by size alone", where, "give the cube its place, or see in scene.plot() that they fit")
            return replace(layer, findings=(*layer.findings, told))
        if same_size:
            return layer
        raise SceneError(f"{_named(layer, on)}, and not both are georeferenced{_remedy(layer, on, classes)}")
    to_source = _Mapping(layer, on)
    ends = [(0, 0), (0, cols), (rows, 0), (rows, cols)]
    at = to_source(np.array(ends, float))  # (corner, 2): where the grid's corners lie among the layer's pixels
    if same_size and np.abs(at - ends).max() <= SAME_PX:
        return layer
    border = np.concatenate([np.c_[EDGE * rows, 0 * EDGE + c] for c in (0, cols)]
                            + [np.c_[0 * EDGE + r, EDGE * cols] for r in (0, rows)])  # fmt: skip
    reach = to_source(border)
    if not np.isfinite(reach).all() or (reach.max(0) <= 0).any() or (reach.min(0) >= layer.shape[:2]).any():
        raise SceneError(f"{_named(layer, on)}, and they do not overlap on the ground; check both their systems")
    finer = math.sqrt(abs(np.linalg.det([(at[2] - at[0]) / rows, (at[1] - at[0]) / cols])))
    if finer > FINEST:
        lie = f"{finer:.0f} of its pixels lie along one of the cube's"
        raise SceneError(f"{_named(layer, on)}; {lie}, too many to gather{_remedy(layer, on, classes)}")
    return _warped(layer, on, to_source, finer, classes, _told(layer, on, at, finer, classes, to_source.guessed))


class _Mapping:
    """Places (row, col) of a grid's pixels, as places among a layer's pixels."""

    def __init__(self, layer: Layer, on: OnGrid) -> None:
        self.layer, self.on = layer, on
        self.guessed = (layer.crs is None) != (on.crs is None)  # one says no system: taken to be the other's

    def __call__(self, at: np.ndarray) -> np.ndarray:
        from rasterio.warp import transform

        x, y = on_ground(self.on.transform, at[:, 0], at[:, 1])
        if self.layer.crs is not None and self.on.crs is not None and self.layer.crs != self.on.crs:
            with readable(self.layer.path, "raster in the cube's coordinate system", _named(self.layer, self.on)):
                x, y = transform(self.on.crs, self.layer.crs, x, y)  # PROJ raises classes of its own
        cols, rows = on_ground(~self.layer.transform, np.asarray(y), np.asarray(x))  # the inverse: ground to pixels
        return np.stack([rows, cols], 1)


def _warped(layer: Layer, on: OnGrid, to_source: _Mapping, finer: float, classes: bool, found: Finding) -> Layer:
    def reader(make: Callable[[np.ndarray, Warp], np.ndarray], how: str) -> Reader:
        def read(rows: slice, cols: slice) -> np.ndarray:
            high, wide = rows.stop - rows.start, cols.stop - cols.start
            part = _source_window(layer, to_source, rows, cols, finer)
            if part is None:
                return np.full((high, wide, layer.shape[2]), np.nan, np.float32)
            if (part[0].stop - part[0].start) * (part[1].stop - part[1].start) > TILE_PIXELS and max(high, wide) > 1:
                if high >= wide:  # in halves, so that the finest source takes no more memory than any other
                    middle = rows.start + high // 2
                    return np.concatenate([read(slice(rows.start, middle), cols), read(slice(middle, rows.stop), cols)])
                middle = cols.start + wide // 2
                return np.hstack([read(rows, slice(cols.start, middle)), read(rows, slice(middle, cols.stop))])
            here = corner_at(layer.transform, part[0].start, part[1].start)
            there = corner_at(on.transform, rows.start, cols.start)
            warp = lambda v: _reproject(layer.path, v, here, layer.crs, (high, wide), there, on.crs, how)  # noqa: E731
            values = layer.values(*part)
            if not classes:
                return make(values, warp)
            made = make(np.nan_to_num(values, nan=NO_CLASS), warp)  # none counts among the majority as any class does
            return np.where(made == NO_CLASS, np.float32(np.nan), made)

        return read

    plain = lambda values, warp: warp(values)  # noqa: E731
    if finer < FINER:
        read, quality = reader(plain, "nearest" if classes else "bilinear"), None
    else:
        read = reader(plain, "mode" if classes else "average")
        quality = reader(_purity if classes else _spread, "average")
    return replace(layer, shape=(on.shape[0], on.shape[1], layer.shape[2]), dtype=np.dtype(np.float32), array=None,
                   read=read, quality=quality, nodata=None, scale=None, offset=None, mask=None, crs=on.crs,
                   transform=on.transform, gcps=None, source_pixel=None,
                   findings=(*layer.findings, found))  # fmt: skip


def on_ground(transform: Any, rows: Any, cols: Any) -> tuple[Any, Any]:
    """Coordinates x, y of places (row, col)."""
    t = transform
    return t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f


def corner_at(transform: Any, row: int, col: int) -> Any:
    """The transform of a raster that begins at a row and column of another."""
    return transform * type(transform).translation(col, row)


def _source_window(layer: Layer, to_source: _Mapping, rows: slice, cols: slice, finer: float) -> Any:
    """The layer's rows and columns that can reach a rectangle of the grid; None where it does not reach any."""
    span = lambda s: s.start + EDGE * (s.stop - s.start)  # noqa: E731
    at = to_source(np.stack(np.meshgrid(span(rows), span(cols)), -1).reshape(-1, 2))
    low = np.maximum(np.floor(at.min(0) - 2 - 2 * finer), 0).astype(int)
    high = np.minimum(np.ceil(at.max(0) + 2 + 2 * finer), layer.shape[:2]).astype(int)
    return None if (high <= low).any() else (slice(low[0], high[0]), slice(low[1], high[1]))


def _reproject(path: Path, values: np.ndarray, transform: Any, crs: Any, shape: tuple[int, int], to_transform: Any,
               to_crs: Any, how: str) -> np.ndarray:  # fmt: skip
    """Values (row, col, channel) with NaN for none, on another grid."""
    import rasterio
    from rasterio.warp import Resampling, reproject

    plain = rasterio.crs.CRS.from_epsg(3857)  # stands for "the same system" where one of the two has none
    crs, to_crs = (plain, plain) if crs is None or to_crs is None else (crs, to_crs)
    target = np.full((values.shape[2], *shape), np.nan, np.float32)
    with readable(path, "raster on the cube's grid", "reproject it to that first"):
        reproject(np.ascontiguousarray(np.moveaxis(values, -1, 0)), target, src_transform=transform, src_crs=crs,
                  dst_transform=to_transform, dst_crs=to_crs, src_nodata=np.nan, dst_nodata=np.nan,
                  resampling=Resampling[how], tolerance=0)  # exact, so that pieces equal the whole  # fmt: skip
    return np.ascontiguousarray(np.moveaxis(target, 0, -1))


def _purity(values: np.ndarray, warp: Warp) -> np.ndarray:
    """Largest share that a class has of every pixel's finer pixels."""
    most = np.full_like(warp(values), np.nan)
    for value in np.unique(values):
        most = np.fmax(most, warp((values == value).astype(np.float32)))
    return most


def _spread(values: np.ndarray, warp: Warp) -> np.ndarray:
    """Standard deviation of the finer pixels of each pixel."""
    near_zero = values - (np.nanmean(values) if np.isfinite(values).any() else 0)  # squares keep their digits
    return np.sqrt(np.maximum(warp(near_zero**2) - warp(near_zero) ** 2, 0))


def _told(layer: Layer, on: OnGrid, at: np.ndarray, finer: float, classes: bool, guessed: bool) -> Finding:
    """What was done, in words: how far it lies off, how fine it is, how it was resampled."""
    off = at[0] / finer
    how = "nearest" if classes else "bilinear"
    if finer >= FINER:
        how = "the majority of the finer pixels" if classes else "the mean of the finer pixels"
    where = (
        f"{layer.path.name} was resampled to the cube's grid ({how}): it begins {-off[0]:+.2f} rows, "
        f"{-off[1]:+.2f} columns from the cube's first pixel, with {finer:.3g} of its pixels to one of the cube's"
    )
    if guessed:
        where += "; one of the two names no coordinate system and is taken to be in the other's"
    return "raster on another grid", where, "if it should lie elsewhere, correct its georeference"


def _named(layer: Layer, on: OnGrid) -> str:
    """Both grids in words: sizes first, then where they lie."""
    sizes = f"{layer.path} is {layer.shape[:2]}, the cube {tuple(on.shape[:2])} (row, col)"
    return f"{sizes}; the one lies {_at(layer)}, the other {_at(on)}"


def _at(grid: OnGrid) -> str:
    if grid.transform is None:
        return "where its file does not say"
    system = "no system" if grid.crs is None else str(grid.crs.to_string())[:40]
    return f"at {grid.transform.c:.10g}, {grid.transform.f:.10g} in {system}"


def _remedy(layer: Layer, on: OnGrid, classes: bool) -> str:
    size, how = f"{on.shape[1]} {on.shape[0]}", "mode" if classes else "average"
    return (f"; so {'the labels are' if classes else 'it is'} not resampled; give "
            f"{'labels' if classes else 'a raster'} of the cube's size, as "
            f"`gdalwarp -r {how} -ts {size} in.tif out.tif` makes of one that covers the same ground, or place it: "
            "`gdal_translate -a_srs EPSG:... -a_ullr west north east south in.tif out.tif`")  # fmt: skip
