"""PRISMA L2D surface reflectance (`PRS_L2D_STD_*.he5`), both detectors in one cube.

`HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/{VNIR,SWIR}_Cube` are uint16 (row, band, col); a value is
min + DN * (max - min) / 65535 with `L2ScaleVnirMin`, ... of its detector. Wavelengths are listed descending, 0 for
bands that were not measured. A pixel is no measurement where all its bands are 0, a sample where the error matrix
says 1. The corners are centres of pixels of 30 m. The detectors overlap: see `hsikit.scenes.products.doubled`.
NOT tried on a real file: written from documents and public readers, tested on made files.
Sources: EnMAP-Box, prismaread, hyperproc, HyperCoast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer
from hsikit.scenes.products import unverified
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, number, opened, per_band, text
from hsikit.scenes.scene import SceneError

KIND = "PRISMA L2D file"
FIELDS = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"
PIXEL_M = 30.0
DETECTORS = ("VNIR", "SWIR")
FULL, INVALID = 65535.0, 1  # DN of the maximum; of the error matrix: not valid in level 1


def open_product(path: Path) -> Layer | None:
    """The cube of both detectors, or None where the file is none."""
    if not is_hdf5(path):
        return None
    with opened(path, KIND) as file:
        level = text(file.attrs.get("Processing_Level"))
        if not level or not any(name.startswith("PRS_") for name in file.get("HDFEOS/SWATHS", ())):
            return None
        if level.upper().lstrip("L") != "2D":
            raise SceneError(f"{path} is of level {level}, which is not on a grid; expected L2D: PRS_L2D_STD_*.he5")
        return _layer(path, file)


def _layer(path: Path, file: Any) -> Layer:
    from rasterio.crs import CRS  # GDAL
    from rasterio.transform import from_origin

    waves, fwhm, scale, offset, detector, shapes = [], [], [], [], [], []
    for name in DETECTORS:
        title, cube = name.title(), cube_of(path, file, f"{FIELDS}/{name}_Cube")
        bands = cube.shape[1]
        there = per_band(path, file.attrs[f"List_Cw_{title}_Flags"], bands, "band flags") > 0
        listed = (file.attrs[f"List_{what}_{title}"] for what in ("Cw", "Fwhm"))
        centres, widths = nanometres(path, bands, *listed, "nm")
        waves.append(np.where(there, centres, 0))
        fwhm.append(widths)
        low, high = (number(file.attrs[f"L2Scale{title}{end}"]) for end in ("Min", "Max"))
        scale += [(high - low) / FULL] * bands
        offset += [low] * bands
        detector += [name.lower()] * bands
        shapes.append((cube.shape[0], cube.shape[2]))
    if shapes[0] != shapes[1]:
        raise SceneError(f"{path}: VNIR is {shapes[0]}, SWIR {shapes[1]} pixels; the file is damaged")
    rows, cols = shapes[0]
    west, north, east, south = (number(file.attrs[f"Product_{corner}corner_{to}"])
                                for corner in ("UL", "LR") for to in ("easting", "northing"))  # fmt: skip
    lat = file.get("HDFEOS/SWATHS/PRS_L2D_HCO/Geolocation Fields/Latitude")  # falls from row to row
    turned = lat is not None and abs(lat[-1, 0] - lat[0, 0]) / rows < abs(lat[0, -1] - lat[0, 0]) / cols
    if turned or abs(west + PIXEL_M * (cols - 1) - east) > 1 or abs(north - PIXEL_M * (rows - 1) - south) > 1:
        raise SceneError(f"{path}: its corners are {east - west:g} x {north - south:g} m apart, not {rows} x {cols} "
                         "pixels of 30 m in (row, band, col); its axes or corners are not as published")  # fmt: skip
    measured = np.concatenate(waves) > 0

    def read(top: slice, left: slice) -> np.ndarray:
        parts, invalid = [], []
        with opened(path, KIND) as file:
            for name in DETECTORS:
                part = np.moveaxis(file[f"{FIELDS}/{name}_Cube"][top, :, left], 1, 2)  # -> (row, col, band)
                errors = file.get(f"{FIELDS}/{name}_PIXEL_L2_ERR_MATRIX")
                parts.append(part.astype(np.float32))
                invalid.append(np.zeros(part.shape, bool) if errors is None
                               else np.moveaxis(errors[top, :, left], 1, 2) == INVALID)  # fmt: skip
        out = np.concatenate(parts, 2)
        padding = (out[..., measured] == 0).all(2)[..., None]
        out[np.concatenate(invalid, 2) | padding] = np.nan
        return out

    return Layer(path, (rows, cols, len(scale)), np.dtype(np.float32), read, wavelengths=np.concatenate(waves),
                 fwhm=np.concatenate(fwhm), scale=np.array(scale), offset=np.array(offset), units="reflectance",
                 detector=np.array(detector), crs=CRS.from_epsg(int(number(file.attrs["Epsg_Code"]))),
                 transform=from_origin(west - PIXEL_M / 2, north + PIXEL_M / 2, PIXEL_M, PIXEL_M),
                 findings=(unverified("PRISMA L2D"),))  # fmt: skip
