"""Rasters that GDAL reads, as arrays (row, col, channel) with their place, and onto another grid."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.scene import SceneError


def read_raster(path: str | Path) -> tuple[np.ndarray, dict[str, Any]]:
    """A raster (row, col, channel) in its stored dtype; its crs, transform, nodata and wavelengths (nm).

    `crs` and `transform` are None where the file is not georeferenced, `wavelengths` where bands carry none.

    Raises:
        SceneError: When the file is missing or GDAL cannot read it.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    path = Path(path)
    if not path.is_file():
        raise SceneError(f"{path} is missing")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as source:
                if "complex" in " ".join(source.dtypes):
                    raise SceneError(f"{path} holds {source.dtypes[0]} values, expected real numbers")
                array = np.moveaxis(source.read(), 0, -1)  # (channel, row, col) -> (row, col, channel)
                profile = {
                    "crs": source.crs,
                    "transform": source.transform if source.crs is not None else None,
                    "nodata": source.nodata,
                    "wavelengths": band_wavelengths(source),
                }
    except (RasterioError, MemoryError, ValueError) as error:
        if isinstance(error, SceneError):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise SceneError(f"{path} is not a readable raster ({reason}); export it again as GeoTIFF") from error
    return np.ascontiguousarray(array), profile


def read_place(path: Path) -> tuple[Any, Any]:
    """CRS and transform of a file that GDAL may know, or (None, None)."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(path) as source:
                return (source.crs, source.transform) if source.crs is not None else (None, None)
    except (RasterioError, ValueError):
        return None, None


def onto_grid(
    array: np.ndarray,
    crs: Any,
    transform: Any,
    nodata: float | None,
    shape: tuple[int, int],
    to_crs: Any,
    to_transform: Any,
) -> np.ndarray:
    """A raster (row, col, channel) resampled bilinearly onto another grid, float32, NaN where it has nothing.

    Raises:
        SceneError: When the two do not overlap, or their systems cannot be brought together.
    """
    from rasterio.errors import RasterioError
    from rasterio.warp import Resampling, reproject

    source = np.moveaxis(np.asarray(array, np.float32), -1, 0)  # (channel, row, col)
    target = np.full((source.shape[0], *shape), np.nan, np.float32)
    try:
        reproject(
            source,
            target,
            src_crs=crs,
            src_transform=transform,
            src_nodata=np.nan if nodata is None else nodata,
            dst_crs=to_crs,
            dst_transform=to_transform,
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
    except (RasterioError, ValueError) as error:
        raise SceneError(f"the raster cannot be brought to the cube's grid ({str(error).splitlines()[0]})") from error
    if not np.isfinite(target).any():
        raise SceneError("the raster and the cube do not overlap on the ground")
    return np.ascontiguousarray(np.moveaxis(target, 0, -1))


def band_wavelengths(source: Any) -> np.ndarray | None:
    """Band centres in nm from the bands' own metadata, where every band has one."""
    found = []
    for band in range(1, source.count + 1):
        tags = {k.lower(): v for k, v in source.tags(band).items()}
        try:
            value = float(tags["wavelength"])
        except (KeyError, ValueError):
            return None
        found.append(value * 1e3 if tags.get("wavelength_units", "").lower().startswith("micro") else value)
    return np.array(found)
