"""A user's arrays, whatever file holds them: ENVI, GeoTIFF, MATLAB 5 and 7.3, NPY and NPZ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.envi import is_envi, open_envi
from hsikit.scenes.matlab import read_mat, variables
from hsikit.scenes.raster import read_place, read_raster
from hsikit.scenes.scene import SceneError

RASTERS = (".tif", ".tiff", ".vrt", ".jp2", ".png")


@dataclass(frozen=True)
class Stored:
    """An array as its file holds it, (row, col) or (row, col, channel), and what the file says about it."""

    array: np.ndarray
    wavelengths: np.ndarray | None = None
    good: np.ndarray | None = None
    nodata: float | None = None
    crs: Any = None
    transform: Any = None

    @property
    def placed(self) -> bool:
        """Whether the file says where on the ground it lies."""
        return self.crs is not None and self.transform is not None


def read_stored(path: Path, variable: str | None = None) -> Stored:
    """Read or memory-map an array; ENVI and NPY stay on disk.

    Args:
        path: The file; for ENVI its header or its data.
        variable: Which variable of a MATLAB or NPZ file; may be left out where there is only one.

    Raises:
        SceneError: When the file is missing, damaged, of an unknown kind, or holds no array of real
            numbers.
    """
    if not path.exists():
        raise SceneError(f"{path} is missing")
    suffix = path.suffix.lower()
    if suffix == ".mat":
        stored = Stored(_from_mat(path, variable))
    elif suffix in (".npy", ".npz"):
        stored = Stored(read_numpy(path, variable))
    elif suffix in RASTERS:
        stored = _from_raster(path)
    elif is_envi(path):
        stored = _from_envi(path)
    else:
        kinds = ".hdr (ENVI), .tif, .mat, .npy, .npz"
        raise SceneError(f"{path} is of no kind that can be read; expected one of {kinds}")
    if stored.array.dtype.kind not in "buif":
        raise SceneError(f"{path} holds {stored.array.dtype} values, expected integers or real numbers")
    return stored


def _from_envi(path: Path) -> Stored:
    opened = open_envi(path)
    crs, transform = read_place(opened["data_file"])
    return Stored(opened["cube"], opened["wavelengths"], opened["good"], opened["nodata"], crs, transform)


def _from_raster(path: Path) -> Stored:
    array, profile = read_raster(path)
    return Stored(
        array,
        wavelengths=profile["wavelengths"],
        nodata=profile["nodata"],
        crs=profile["crs"],
        transform=profile["transform"],
    )


def _from_mat(path: Path, variable: str | None) -> np.ndarray:
    value = read_mat(path, _chosen(path, variable, variables(path)))
    if not isinstance(value, np.ndarray):
        raise SceneError(f"{path} holds a {type(value).__name__}, expected an array; name another `variable`")
    return value


def read_numpy(path: Path, variable: str | None = None) -> np.ndarray:
    """The array of an NPY file, memory-mapped, or one of an NPZ; never a pickled object.

    Raises:
        SceneError: When the file is damaged, holds objects, or lacks the variable.
    """
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as held:
            return held[_chosen(path, variable, list(held))]
    except SceneError:
        raise
    # A damaged file can raise almost anything inside NumPy; all of it means the same to the caller.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise SceneError(f"{path} is not a readable NumPy file of plain numbers ({reason})") from error


def _chosen(path: Path, variable: str | None, there: list[str]) -> str:
    if variable is not None:
        if there and variable not in there:
            raise SceneError(f"{path} has no variable {variable!r}; it holds: {', '.join(there)}")
        return variable
    if len(there) > 1:
        raise SceneError(f"{path} holds several variables ({', '.join(there)}); say which with `variable`")
    return there[0] if there else "data"
