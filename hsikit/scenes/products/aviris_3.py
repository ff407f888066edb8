"""AVIRIS-3 and its kin as netCDF (`*_RFL_ORT.nc`), as JPL delivers them.

`reflectance/reflectance` is float32 (band, row, col), -9999 is no data; `easting` and `northing` are centres of pixels;
the system stands in `transverse_mercator` or `projection`. Bands in the windows of water vapour are bad.
NOT tried on a real file: written from documents and public readers, tested on made files.
Sources: HyTools, HyperCoast, hyperproc.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer
from hsikit.scenes.products.aviris_ng import WINDOWS
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, opened, outside, pixels, text, unverified
from hsikit.scenes.scene import SceneError

KIND = "AVIRIS-3 reflectance file"
CUBE = "reflectance/reflectance"
FILL = -9999.0


def open_product(path: Path) -> Layer | None:
    """The cube, or None where the file is none."""
    if not is_hdf5(path):
        return None
    with opened(path, KIND) as file:
        if "radiance/radiance" in file and "easting" in file:
            raise SceneError(f"{path} holds radiance, expected reflectance: *_RFL_ORT.nc")
        return _layer(path, file) if CUBE in file and "easting" in file else None


def _layer(path: Path, file: Any) -> Layer:
    from rasterio import Affine  # GDAL
    from rasterio.crs import CRS

    cube, group = cube_of(path, file, CUBE), file["reflectance"]
    bands, rows, cols = cube.shape
    east, north = (np.asarray(file[name][:], float) for name in ("easting", "northing"))
    if (len(north), len(east)) != (rows, cols) or min(rows, cols) < 2:
        raise SceneError(f"{path}: {len(north)} northings and {len(east)} eastings for {rows} x {cols} pixels")
    wide, high = (east[-1] - east[0]) / (cols - 1), (north[-1] - north[0]) / (rows - 1)  # high is negative: north up
    for axis, step in ((east, wide), (north, high)):
        if not np.allclose(np.diff(axis), step, rtol=1e-3):
            raise SceneError(f"{path}: its eastings or northings are not evenly spaced, so no grid; warp it first")
    system = file.get("transverse_mercator", file.get("projection"))
    wave = group["wavelength"]
    unit = text(wave.attrs.get("units", wave.attrs.get("unit")))
    waves, fwhm = nanometres(path, bands, wave, group["fwhm"], unit)
    return Layer(path, (rows, cols, bands), cube.dtype, partial(pixels, path, KIND, CUBE), wavelengths=waves, fwhm=fwhm,
                 good=outside(waves, WINDOWS), nodata=np.full(bands, FILL), units="reflectance",
                 crs=CRS.from_wkt(text(system.attrs.get("crs_wkt", system.attrs.get("spatial_ref")))),
                 transform=Affine(wide, 0, east[0] - wide / 2, 0, high, north[0] - high / 2),
                 findings=(unverified("AVIRIS-3 as netCDF"),))  # fmt: skip
