"""NEON AOP surface reflectance (DP3.30006.001 and .002, flight lines of DP1) with its canopy height and surface models.

`SITE/Reflectance/Reflectance_Data` (row, col, band), divided by `Scale_Factor`; bands in the windows of water vapour
are bad; `Map_Info` places the upper left corner. CHM and DSM of the same tile are looked for beside the file, then in
the downloaded tree. Tried on a real subset (values, bands) and real CHM tiles; the cube's place on made files alone.
Sources: NEON's tutorials and data pages, HyTools, hyperproc.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer, open_layer
from hsikit.scenes.products.hdf5 import cube_of, is_hdf5, nanometres, number, opened, outside, pixels, text
from hsikit.scenes.products.siblings import neon_heights
from hsikit.scenes.scene import SceneError

KIND = "NEON reflectance file"
WINDOWS = ((1340.0, 1445.0), (1790.0, 1955.0))  # nm; where the file does not name its own


def open_product(path: Path) -> Layer | None:
    """The tile or flight line, with the heights that belong to it; None where the file is none."""
    if not is_hdf5(path):
        return None
    with opened(path, KIND) as file:
        found = [(site, kind) for site, group in file.items() if hasattr(group, "items")
                 for kind in ("Reflectance", "Radiance") if kind in group]  # fmt: skip
        if not found:
            return None
        site, kind = found[0]
        if kind == "Radiance":
            raise SceneError(f"{path} holds radiance, expected reflectance: a file of DP3.30006 or DP1.30006")
        layer = _layer(path, file[site][kind], f"{site}/{kind}/Reflectance_Data")
    beside, later = neon_heights(path, site, layer)
    lidar = tuple(replace(open_layer(tif), channel_names=(f"{kind} (m)",)) for kind, tif in beside.items())
    return replace(layer, lidar=lidar, files=(path, *beside.values()), findings=(*layer.findings, *later))


def _layer(path: Path, group: Any, name: str) -> Layer:
    from rasterio.crs import CRS  # GDAL

    data, meta = cube_of(path, group, "Reflectance_Data"), group["Metadata"]
    bands, spectral, place = data.shape[2], meta["Spectral_Data"], meta["Coordinate_System"]
    fwhm = spectral.get("FWHM")
    lost = fwhm is not None and fwhm.size != bands
    note = ("band widths left out", f"{fwhm.size} for {bands} bands" if lost else "", "they are wrong in the file")
    waves, fwhm = nanometres(path, bands, spectral["Wavelength"], None if lost else fwhm)
    own = [group.attrs[k] for i in (1, 2) if (k := f"Band_Window_{i}_Nanometers") in group.attrs]
    # The corrected product (.002) renamed a layer; mixing it with .001 in one mosaic would change the level.
    corrected = "Aerosol_Optical_Thickness" in meta.get("Ancillary_Imagery", ()) or "bidirectional" in path.name

    return Layer(path, data.shape, data.dtype, partial(pixels, path, KIND, name, bands_first=False), wavelengths=waves,
                 good=outside(waves, own or WINDOWS), fwhm=fwhm,
                 nodata=np.full(bands, number(data.attrs.get("Data_Ignore_Value", -9999))),
                 scale=np.full(bands, 1 / number(data.attrs["Scale_Factor"])),
                 units="reflectance, corrected for BRDF and slope" if corrected else "reflectance",
                 crs=CRS.from_epsg(int(number(place["EPSG Code"]))), findings=(note,) if lost else (),
                 transform=_transform(path, text(place["Map_Info"])))  # fmt: skip


def _transform(path: Path, info: str) -> Any:
    from rasterio.transform import from_origin  # GDAL

    east, north, width, height = (float(part) for part in info.split(",")[3:7])
    if re.search(r"rotation\s*=\s*-?0*\.?0*[1-9]", info):
        raise SceneError(f"{path} is rotated ({info[:80]}), which NEON's files never are; warp it to a grid first")
    return from_origin(east, north, width, height)
