"""EMIT L2A reflectance (`EMIT_L2A_RFL_*.nc`), laid on its ground grid by its own lookup table (GLT).

`/reflectance` (downtrack, crosstrack, band) is as the sensor saw it; `/location/glt_x, glt_y` name for each cell of the
ground grid the crosstrack and downtrack pixel that it shows, from 1, 0 for none, negative where a neighbour fills in.
Cells that show one raw pixel carry its number (`source_pixel`). What the mask file beside it calls cloud is no
measurement. Lookup table, place and mask were tried on a real crop; reflectance and its bands on made files alone.
Sources: emit-utils, emit-sds-l2a, NASA's EMIT-Data-Resources.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, opened, outside, per_band, text, unverified
from hsikit.scenes.products.siblings import emit_clouds
from hsikit.scenes.scene import SceneError

KIND, GOOD = "EMIT L2A reflectance file", "good_wavelengths"
WINDOWS = ((1325.0, 1435.0), (1770.0, 1962.0))  # nm; where the file does not flag its bands
FILL, BLOCK, METRES = -9999.0, 32, 111_320  # downtrack rows read together; metres to a degree of latitude


def open_product(path: Path) -> Layer | None:
    """The orthorectified scene, or None where the file is none."""
    if not is_hdf5(path):
        return None
    with opened(path, KIND) as file:
        title = text(file.attrs.get("title"))
        if "EMIT" not in title and not {"sensor_band_parameters", "location"} <= set(file):
            return None
        if "reflectance" not in file:
            raise SceneError(f"{path} holds {title[:60] or 'no reflectance'}, expected L2A reflectance: EMIT_L2A_RFL_*")
        for group in sorted({"sensor_band_parameters", "location"} - set(file), reverse=True):
            raise SceneError(f"{path} has no {group}; take the file as delivered, not an excerpt of it")
        return _layer(path, file)


def _layer(path: Path, file: Any) -> Layer:
    from rasterio import Affine, crs  # GDAL

    cube, params = cube_of(path, file, "reflectance"), file["sensor_band_parameters"]
    down, across, bands = cube.shape
    y, x = (np.abs(file[f"location/glt_{axis}"][:].astype(np.int32)) - 1 for axis in "yx")  # from 0; -1 for none
    if y.shape != x.shape or y.ndim != 2 or y.max() >= down or x.max() >= across or ((y < 0) != (x < 0)).any():
        raise SceneError(f"{path}: its lookup table does not fit its {down} x {across} raw pixels; download it again")
    transform = Affine.from_gdal(*np.asarray(file.attrs["geotransform"], float).ravel())
    waves, fwhm = nanometres(path, bands, params["wavelengths"], params["fwhm"], "nm")
    clouds, beside, notes = emit_clouds(path, (down, across))
    high, wide = -METRES * transform.e, METRES * transform.a * math.cos(math.radians(transform.f))
    degrees = ("grid in degrees", f"a pixel is {high:.0f} m high, {wide:.0f} m wide", "warp the map if metres matter")
    number = lambda rows, cols: np.where(y[rows, cols] < 0, -1, y[rows, cols] * across + x[rows, cols])  # noqa: E731
    return Layer(
        path, (*y.shape, bands), np.dtype(np.float32), partial(_ortho, path, y, x, bands), wavelengths=waves,
        fwhm=fwhm, nodata=np.full(bands, FILL), units="reflectance",
        good=per_band(path, good, bands, "band flags") > 0.5 if (good := params.get(GOOD)) else outside(waves, WINDOWS),
        mask=lambda rows, cols: (y[rows, cols] >= 0) & ~clouds[y[rows, cols], x[rows, cols]],
        crs=crs.CRS.from_wkt(text(file.attrs["spatial_ref"])), transform=transform, files=(path, *beside),
        findings=(degrees, unverified("EMIT", "reflectance and its bands"), *notes), source_pixel=number,
    )  # fmt: skip


def _ortho(path: Path, y: np.ndarray, x: np.ndarray, bands: int, rows: slice, cols: slice) -> np.ndarray:
    down, across = y[rows, cols], x[rows, cols]
    out = np.full((*down.shape, bands), FILL, np.float32)
    with opened(path, KIND) as file:
        for block in np.unique(down[down >= 0] // BLOCK):  # a row on the ground crosses the whole track
            here = down // BLOCK == block
            top, left, right = block * BLOCK, across[here].min(), across[here].max() + 1
            part = file["reflectance"][top : top + BLOCK, left:right]
            out[here] = part[down[here] - top, across[here] - left]
    return out
