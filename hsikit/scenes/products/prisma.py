"""PRISMA L2D surface reflectance (`PRS_L2D_STD_*.he5`), both detectors in one cube.

`HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/{VNIR,SWIR}_Cube` are uint16 (row, band, col); a value is
min + DN * (max - min) / 65535 with `L2ScaleVnirMin`, ... of its detector. Wavelengths are listed descending, 0 for
bands that were not measured. A pixel is no measurement where all its bands are 0, a sample where the error matrix
says 1. The corners are centres of pixels of 30 m. The detectors overlap: see `hsikit.scenes.products.doubled`.
NOT tried on a real file: written from documents and public readers, tested on made files.
Sources: EnMAP-Box, prismaread, hyperproc.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, number, opened, per_band, text, unverified
from hsikit.scenes.scene import SceneError

KIND, SWATH = "PRISMA L2D file", "HDFEOS/SWATHS/PRS_L2D_HCO"
FIELDS = f"{SWATH}/Data Fields"
PIXEL_M, FULL, INVALID = 30.0, 65535.0, 1  # DN of the maximum; of the error matrix: not valid in level 1


def open_product(path: Path) -> Layer | None:
    """The cube of both detectors, or None where the file is none."""
    if not is_hdf5(path):
        return None
    from rasterio import crs, transform  # GDAL

    with opened(path, KIND) as file:
        level = text(file.attrs.get("Processing_Level"))
        if not level or not any(name.startswith("PRS_") for name in file.get("HDFEOS/SWATHS", ())):
            return None
        if level.upper().lstrip("L") != "2D":
            raise SceneError(f"{path} is of level {level}, which is not on a grid; expected L2D: PRS_L2D_STD_*.he5")
        (shape, vnir), (other, swir) = (_bands(path, file, name) for name in ("VNIR", "SWIR"))
        west, north, east, south = (number(file.attrs[f"Product_{corner}corner_{to}"])
                                    for corner in ("UL", "LR") for to in ("easting", "northing"))  # fmt: skip
        lat = file.get(f"{SWATH}/Geolocation Fields/Latitude")  # falls from row to row
        turned = lat is not None and abs(lat[-1, 0] - lat[0, 0]) / shape[0] < abs(lat[0, -1] - lat[0, 0]) / shape[1]
        off = west + PIXEL_M * (shape[1] - 1) - east, north - PIXEL_M * (shape[0] - 1) - south
        if shape != other or turned or max(map(abs, off)) > 1:
            raise SceneError(f"{path} has VNIR of {shape}, SWIR of {other} pixels (row, col) and corners {off} m from "
                             "a grid of 30 m; it is damaged, or its axes are not as published")  # fmt: skip
        system = crs.CRS.from_epsg(int(number(file.attrs["Epsg_Code"])))
    waves, fwhm, scale, offset = np.hstack([vnir, swir])
    return Layer(path, (*shape, len(waves)), np.dtype(np.float32), partial(_read, path, waves > 0),
                 wavelengths=waves, fwhm=fwhm, scale=scale, offset=offset, units="reflectance", crs=system,
                 detector=np.repeat(["vnir", "swir"], [vnir.shape[1], swir.shape[1]]),
                 transform=transform.from_origin(west - PIXEL_M / 2, north + PIXEL_M / 2, PIXEL_M, PIXEL_M),
                 findings=(unverified("PRISMA L2D"),))  # fmt: skip


def _bands(path: Path, file: Any, name: str) -> tuple[tuple[int, int], np.ndarray]:
    """Rows and columns of a detector; centre (0: not measured), width, gain and offset (4, band) of its bands."""
    rows, bands, cols = cube_of(path, file, f"{FIELDS}/{name}_Cube").shape
    title, each = name.title(), np.ones(bands)
    there = per_band(path, file.attrs[f"List_Cw_{title}_Flags"], bands, "band flags") > 0
    centres, widths = nanometres(path, bands, file.attrs[f"List_Cw_{title}"], file.attrs[f"List_Fwhm_{title}"], "nm")
    low, high = (number(file.attrs[f"L2Scale{title}{end}"]) for end in ("Min", "Max"))
    return (rows, cols), np.stack([centres * there, widths, each * (high - low) / FULL, each * low])


def _read(path: Path, measured: np.ndarray, rows: slice, cols: slice) -> np.ndarray:
    at = lambda data: np.moveaxis(data[rows, :, cols], 1, 2)  # noqa: E731 (row, band, col) -> (row, col, band)
    with opened(path, KIND) as file:
        fields = file[FIELDS]
        out = np.concatenate([at(fields[f"{name}_Cube"]) for name in ("VNIR", "SWIR")], 2).astype(np.float32)
        errors = [fields.get(f"{name}_PIXEL_L2_ERR_MATRIX") for name in ("VNIR", "SWIR")]
        if None not in errors:
            out[np.concatenate([at(matrix) for matrix in errors], 2) == INVALID] = np.nan
    out[~(np.nan_to_num(out[..., measured]) > 0).any(2)] = np.nan  # padding; one band alone may be clipped to 0
    return out
