"""What loaders share: words, and of HDF5 and netCDF: is it one, open it, plain text, numbers and pixels out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.envi import in_nm
from hsikit.scenes.layers import Finding
from hsikit.scenes.matlab import HDF5_SIGNATURE
from hsikit.scenes.scene import SceneError, readable

RADIANCE = "radiance (as the sensor saw it)"


def unverified(product: str, what: str = "the whole reader") -> Finding:
    """What is said of a loader that no real file could verify."""
    return ("reader not tried on a real file", f"{product}: {what}, written after the published layout alone",
            "compare some values and a place with another program before you rely on it")  # fmt: skip


def is_hdf5(path: Path) -> bool:
    """Whether the file begins as HDF5 and netCDF 4 do (MATLAB's begin otherwise)."""
    if not path.is_file():
        return False
    with readable(path, "file", "check that it may be read"), path.open("rb") as file:
        return file.read(len(HDF5_SIGNATURE)) == HDF5_SIGNATURE


@contextmanager
def opened(path: Path, kind: str) -> Iterator[Any]:
    """The open file; whatever a damaged one raises comes as one line."""
    with readable(path, kind, "download it again"):
        import h5py  # a tenth of a second

        with h5py.File(path, "r") as file:
            yield file


def pixels(path: Path, kind: str, name: str, rows: slice, cols: slice, bands_first: bool = True) -> np.ndarray:
    """Values (row, col, band) out of a data set that holds (band, row, col), or else (row, col, band)."""
    with opened(path, kind) as file:
        data = file[name]
        return np.ascontiguousarray(np.moveaxis(data[:, rows, cols], 0, -1)) if bands_first else data[rows, cols]


def text(value: Any) -> str:
    """An attribute or data set as text: bytes or not, a scalar or an array of length 1; "" for None."""
    if value is None:
        return ""
    first = np.asarray(value[()] if hasattr(value, "shape") and hasattr(value, "id") else value).ravel()[:1]
    found = first[0] if first.size else ""
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)


def number(value: Any) -> float:
    """An attribute or data set of one number. Raises `ValueError` when it is none."""
    return float(text(value))


def cube_of(path: Path, file: Any, name: str) -> Any:
    """A data set of real numbers with three axes. Raises `SceneError` when it is missing or something else."""
    data = file.get(name)
    if data is None or len(getattr(data, "shape", ())) != 3 or getattr(data, "dtype", np.dtype("S1")).kind not in "uif":
        found = "missing" if data is None else f"{getattr(data, 'dtype', 'a group')} {getattr(data, 'shape', '')}"
        raise SceneError(f"{path}: {name} is {found}, expected numbers with three axes; download it again")
    return data


def per_band(path: Path, values: Any, bands: int, what: str) -> np.ndarray:
    """Numbers (band,) float64. Raises `SceneError` when there are more or fewer than bands."""
    found = np.asarray(values[()] if hasattr(values, "id") else values, np.float64).ravel()
    if found.size != bands:
        raise SceneError(f"{path}: {found.size} {what} for {bands} bands; the file is damaged or no whole product")
    return found


def nanometres(path: Path, bands: int, centres: Any, widths: Any, unit: str = "") -> tuple[np.ndarray, Any]:
    """Band centres and widths (band,) in nm; without a unit, centres all below 100 are micrometres, widths as they."""
    waves = per_band(path, centres, bands, "wavelengths")
    factor = in_nm(str(path), unit, waves)
    return waves * factor, None if widths is None else per_band(path, widths, bands, "widths") * factor


def outside(waves: np.ndarray, windows: Any) -> np.ndarray:
    """Booleans (band,), False inside any of the windows (low, high) in nm."""
    return ~np.logical_or.reduce([(waves >= low) & (waves <= high) for low, high in windows])
