"""Tanager orthorectified surface reflectance (`*_ortho_sr_hdf5.h5`), as Planet delivers it.

`HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance` is float32 (band, row, col) with wavelengths, widths and good bands
as attributes; outer corners stand in `StructMetadata.0`, the system in the grid's `epsg_code`. Pixels without data and
under cloud or cirrus are no measurement.
NOT tried on a real file: written from documents and public readers, tested on made files.
Sources: Planet's open STAC items, hyperproc, HyperCoast.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, number, opened, per_band, pixels, text, unverified
from hsikit.scenes.scene import SceneError

KIND = "Tanager file"
GRID = "HDFEOS/GRIDS/HYP"
FIELDS = f"{GRID}/Data Fields"
MASKS = {"nodata_pixels": (1, 255), "beta_cloud_mask": (1, 254), "beta_cirrus_mask": (1, 254)}  # bad values; 255: none
FILL = -9999.0


def open_product(path: Path) -> Layer | None:
    """The cube, or None where the file is none."""
    if not is_hdf5(path):
        return None
    with opened(path, KIND) as file:
        if "HDFEOS/SWATHS/HYP" in file and GRID not in file:
            raise SceneError(f"{path} is in the sensor's geometry (basic); expected the grid: *_ortho_sr_hdf5.h5")
        if GRID not in file:
            return None
        if f"{FIELDS}/surface_reflectance" not in file:
            held = ", ".join(file.get(FIELDS, ()))[:80] or "nothing"
            raise SceneError(f"{path} holds {held}; expected surface_reflectance: *_ortho_sr_hdf5.h5")
        return _layer(path, file)


def _layer(path: Path, file: Any) -> Layer:
    from rasterio.crs import CRS  # GDAL
    from rasterio.transform import from_bounds

    name = f"{FIELDS}/surface_reflectance"
    cube = cube_of(path, file, name)
    bands, rows, cols = cube.shape
    struct = text(file["HDFEOS INFORMATION/StructMetadata.0"])
    (west, north), (east, south) = ([float(v) for v in re.search(rf"{key}=\(([^,]+),([^)]+)\)", struct).groups()]  # type: ignore[union-attr]
                                    for key in ("UpperLeftPointMtrs", "LowerRightMtrs"))  # fmt: skip
    masks = [key for key in MASKS if f"{FIELDS}/{key}" in file]

    def clear(top: slice, left: slice) -> np.ndarray:
        bad = np.zeros((top.stop - top.start, left.stop - left.start), bool)
        with opened(path, KIND) as file:
            for key in masks:
                flags = file[f"{FIELDS}/{key}"][top, left]
                bad |= (flags >= MASKS[key][0]) & (flags <= MASKS[key][1])
        return ~bad

    waves, fwhm = nanometres(path, bands, cube.attrs["wavelengths"], cube.attrs["fwhm"])
    return Layer(path, (rows, cols, bands), cube.dtype, partial(pixels, path, KIND, name), wavelengths=waves, fwhm=fwhm,
                 mask=clear, good=per_band(path, cube.attrs["good_wavelengths"], bands, "band flags") > 0.5,
                 nodata=np.full(bands, FILL), units="reflectance",
                 crs=CRS.from_epsg(int(number(file[GRID].attrs["epsg_code"]))),
                 transform=from_bounds(west, south, east, north, cols, rows),
                 findings=(unverified("Tanager"),))  # fmt: skip
