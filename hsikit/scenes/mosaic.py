"""Tiles of one grid as one layer: `hsi: [a.tif, b.tif]`; where no tile lies, nothing was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer, Reader
from hsikit.scenes.place import SAME_PX, corner_at, on_ground
from hsikit.scenes.scene import SceneError

ALIKE = ("units", "channel_names", "wavelengths", "fwhm", "good", "scale", "offset", "nodata", "detector")
TILE = 1 << 40  # raw pixels of a tile are numbered from a multiple of this


def mosaic(tiles: Sequence[Layer]) -> Layer:
    """One layer over the rectangle that holds all tiles. Where several lie, the first that measured a pixel counts.

    Raises `SceneError` when a tile has no place, lies between the pixels of the first, or differs in its bands, their
    scale, no-data or units, or in data type.
    """
    first = tiles[0]
    if len(tiles) == 1:
        return first
    at = [_corner(first, tile) for tile in tiles]
    top, left = min(r for r, _ in at), min(c for _, c in at)
    corners = [(r - top, c - left) for r, c in at]
    rows, cols = (max(corner[i] + tile.shape[i] for corner, tile in zip(corners, tiles)) for i in (0, 1))
    heights = {tuple(layer.channel_names for layer in tile.lidar) for tile in tiles}
    note = ("heights left out", "not every tile has the same ones beside it", "get those of all, or name `lidar`")

    def of(take: Callable[[int, np.ndarray, slice, slice], np.ndarray], empty: Any, channels: int = 0) -> Reader:
        def read(rows: slice, cols: slice) -> np.ndarray:
            high, wide = rows.stop - rows.start, cols.stop - cols.start
            out = np.full((high, wide, channels) if channels else (high, wide), empty)
            done = np.zeros((high, wide), bool)
            for i, (tile, (row, col)) in enumerate(zip(tiles, corners)):
                own = (slice(max(rows.start - row, 0), min(rows.stop - row, tile.shape[0])),
                       slice(max(cols.start - col, 0), min(cols.stop - col, tile.shape[1])))  # fmt: skip
                if own[0].start >= own[0].stop or own[1].start >= own[1].stop:
                    continue
                here = tuple(slice(s.start + begin - whole.start, s.stop + begin - whole.start)
                             for s, begin, whole in zip(own, (row, col), (rows, cols)))  # fmt: skip
                stored = tile.read(*own)
                new = ~tile.missing(stored).all(2) & ~done[here]
                new &= True if tile.mask is None else tile.mask(*own)
                out[here][new] = take(i, stored, *own)[new]
                done[here] |= new
            return out

        return read

    sources = None
    if any(tile.source_pixel is not None for tile in tiles):
        sources = of(lambda i, _, *where: _sources(tiles[i], *where) + i * TILE, np.int64(-1))
    return replace(
        first, shape=(rows, cols, first.shape[2]), array=None,
        transform=corner_at(first.transform, top, left),
        read=of(lambda i, stored, *_: stored, first.dtype.type(0), first.shape[2]),
        mask=of(lambda i, stored, *_: np.ones(stored.shape[:2], bool), False),
        source_pixel=sources, channels_read=2 * first.shape[2],
        lidar=tuple(mosaic(kind) for kind in zip(*(tile.lidar for tile in tiles))) if len(heights) == 1 else (),
        files=tuple(dict.fromkeys(file for tile in tiles for file in tile.files)),
        findings=(*dict.fromkeys(f for tile in tiles for f in tile.findings), *((note,) if len(heights) > 1 else ())),
    )  # fmt: skip


def _corner(first: Layer, tile: Layer) -> tuple[int, int]:
    """Row and column of a tile's first pixel, counted from the first tile's."""
    both = f"{first.path.name} and {tile.path.name}"
    for what in ALIKE:
        one, other = getattr(first, what), getattr(tile, what)
        floats = isinstance(one, np.ndarray) and one.dtype.kind == "f"
        same = (one is None) == (other is None) and np.array_equal(one, other, equal_nan=floats)
        if first.shape[2] != tile.shape[2] or first.dtype != tile.dtype or not same:
            raise SceneError(f"{both} differ in {what.replace('_', ' ')}, so they are no tiles of one cube; "
                             "mosaic what is alike")  # fmt: skip
    if first.transform is None or tile.transform is None or first.crs != tile.crs:
        raise SceneError(f"{both} are not placed in one coordinate system; tiles need one")
    ends = np.array([[0, 0], [0, tile.shape[1]], [tile.shape[0], 0]], float)
    x, y = on_ground(tile.transform, ends[:, 0], ends[:, 1])
    cols, rows = on_ground(~first.transform, y, x)
    corner = np.rint([rows[0], cols[0]]).astype(int)
    if np.abs(np.stack([rows, cols], 1) - ends - corner).max() > SAME_PX:
        raise SceneError(f"{both} are not of one grid (pixel size, or pixels between pixels); warp them to one first")
    return int(corner[0]), int(corner[1])


def _sources(tile: Layer, rows: slice, cols: slice) -> np.ndarray:
    """The numbers of a tile's raw pixels, or of its own where it has none."""
    if tile.source_pixel is not None:
        return tile.source_pixel(rows, cols)
    return np.arange(rows.start, rows.stop)[:, None] * tile.shape[1] + np.arange(cols.start, cols.stop)
