"""EMIT L2A reflectance (`EMIT_L2A_RFL_*.nc`), laid on its ground grid by its own lookup table (GLT).

`/reflectance` (downtrack, crosstrack, band) is in the sensor's geometry; `/location/glt_x, glt_y` name for each cell of
the ground grid the crosstrack and downtrack pixel it shows, counted from 1, 0 for none, negative where a neighbour
fills in. Cells that show one raw pixel carry its number (`source_pixel`), as they repeat one measurement. Cloud,
cirrus, spacecraft and dilated cloud of the mask file beside it (same time and scene) are no measurement.
Tried on a real crop's mask, lookup table and place, and on a real table of bands; reflectance on made files alone.
Sources: emit-utils, emit-sds-l2a, NASA's EMIT-Data-Resources.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer, Reader
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, opened, outside, per_band, text
from hsikit.scenes.products.siblings import emit_clouds
from hsikit.scenes.scene import SceneError

KIND = "EMIT L2A reflectance file"
WINDOWS = ((1325.0, 1435.0), (1770.0, 1962.0))  # nm; where the file does not flag its bands
FILL = -9999.0
BLOCK = 32  # downtrack rows read together


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
        for group in ("sensor_band_parameters", "location"):
            if group not in file:
                raise SceneError(f"{path} has no {group}; take the file as delivered, not an excerpt of it")
        return _layer(path, file)


def _layer(path: Path, file: Any) -> Layer:
    from rasterio import Affine  # GDAL
    from rasterio.crs import CRS

    cube, params = cube_of(path, file, "reflectance"), file["sensor_band_parameters"]
    down, across, bands = cube.shape
    y, x = (np.abs(file[f"location/glt_{axis}"][:].astype(np.int64)) - 1 for axis in "yx")  # from 0; -1 for none
    if y.shape != x.shape or y.ndim != 2 or y.max() >= down or x.max() >= across or ((y < 0) != (x < 0)).any():
        raise SceneError(f"{path}: its lookup table does not fit its {down} x {across} raw pixels; download it again")
    west, width, _, north, _, height = np.asarray(file.attrs["geotransform"], float).ravel()
    waves, fwhm = nanometres(path, bands, params["wavelengths"], params["fwhm"], "nm")
    good = params.get("good_wavelengths")
    clouds, beside = emit_clouds(path, (down, across))
    metres = 111_320 * abs(height), 111_320 * abs(width) * math.cos(math.radians(north + height * len(y) / 2))
    findings = [("grid in degrees", f"a pixel is {metres[0]:.0f} m high and {metres[1]:.0f} m wide", "where metres "
                 "matter, warp the map: gdalwarp -t_srs EPSG:326xx -r near")]  # fmt: skip
    if clouds is None:
        findings.append(("clouds not masked", f"no EMIT_L2A_MASK file of this scene beside {path.name}",
                         "download it too, into the same folder, or give `valid`"))  # fmt: skip
    there = lambda rows, cols: y[rows, cols] >= 0  # noqa: E731
    clear = lambda rows, cols: there(rows, cols) & ~np.asarray(clouds)[y[rows, cols], x[rows, cols]]  # noqa: E731
    return Layer(
        path, (*y.shape, bands), np.dtype(np.float32), _ortho(path, y, x, bands), wavelengths=waves,
        fwhm=fwhm, nodata=np.full(bands, FILL), units="reflectance",
        good=outside(waves, WINDOWS) if good is None else per_band(path, good, bands, "band flags") > 0.5,
        mask=there if clouds is None else clear, crs=CRS.from_wkt(text(file.attrs["spatial_ref"])),
        transform=Affine(width, 0, west, 0, height, north), files=(path, *beside), findings=tuple(findings),
        source_pixel=lambda rows, cols: np.where(there(rows, cols), y[rows, cols] * across + x[rows, cols], -1),
    )  # fmt: skip


def _ortho(path: Path, y: np.ndarray, x: np.ndarray, bands: int) -> Reader:
    def read(rows: slice, cols: slice) -> np.ndarray:
        down, across = y[rows, cols], x[rows, cols]
        out = np.full((*down.shape, bands), FILL, np.float32)
        with opened(path, KIND) as file:
            for block in np.unique(down[down >= 0] // BLOCK):  # a row on the ground crosses the whole track
                here = down // BLOCK == block
                top, left, right = block * BLOCK, across[here].min(), across[here].max() + 1
                part = file["reflectance"][top : top + BLOCK, left:right]
                out[here] = part[down[here] - top, across[here] - left]
        return out

    return read
