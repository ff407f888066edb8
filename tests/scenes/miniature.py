"""Small files in the layouts that real scenes come in."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
import scipy.io
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

UTM = CRS.from_epsg(32632)
CORNER = (600_000.0, 5_100_000.0)  # west, north in metres


def grid(pixel_m: float = 2.0, east_m: float = 0.0, south_m: float = 0.0) -> Any:
    """A north-up transform near `CORNER`."""
    return from_origin(CORNER[0] + east_m, CORNER[1] - south_m, pixel_m, pixel_m)


def cube(rows: int = 12, cols: int = 10, bands: int = 6, dtype: Any = np.int16, seed: int = 0) -> np.ndarray:
    """Smooth spectra between 100 and some 2,000 counts (row, col, band)."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(300, 1500, (rows, cols, 1))
    return (level * (1 + 0.1 * np.sin(np.arange(bands) / 2)) + rng.normal(0, 3, (rows, cols, bands))).astype(dtype)


def labels(rows: int = 12, cols: int = 10, classes: int = 3) -> np.ndarray:
    """Stripes of classes with an unlabelled rim."""
    out = np.zeros((rows, cols), np.uint8)
    out[1:-1, 1:-1] = (np.arange(cols - 2) * classes // (cols - 2) + 1)[None]
    return out


def write_mat(path: Path, version: str, **arrays: Any) -> Path:
    """Variables (arrays, strings, dicts as structs, lists as cells) in a MATLAB 5 or 7.3 file."""
    if version == "5":
        scipy.io.savemat(path, {k: _cells(v) for k, v in arrays.items()}, do_compression=True)
        return path
    with h5py.File(path, "w", userblock_size=512) as f:
        for name, value in arrays.items():
            _put(f, f, name, value)
    with path.open("r+b") as f:
        f.write(b"MATLAB 7.3 MAT-file, Platform: test".ljust(124) + b"\x00\x02IM")
    return path


def _cells(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _cells(v) for k, v in value.items()}
    if isinstance(value, list):
        out = np.empty((1, len(value)), object)
        out[0] = [_cells(v) for v in value]
        return out
    return value


def _put(f: h5py.File, group: Any, name: str, value: Any) -> None:
    if isinstance(value, dict):
        node = group.create_group(name)
        node.attrs["MATLAB_class"] = np.bytes_("struct")
        for key, part in value.items():
            _put(f, node, key, part)
    elif isinstance(value, list):
        refs = f.require_group("#refs#")
        held = []
        for item in value:
            key = f"r{len(refs)}"
            _put(f, refs, key, item)
            held.append(refs[key].ref)
        node = group.create_dataset(name, data=np.array([[r] for r in held], h5py.ref_dtype), dtype=h5py.ref_dtype)
        node.attrs["MATLAB_class"] = np.bytes_("cell")
    elif isinstance(value, str):
        node = group.create_dataset(name, data=np.array([[ord(c)] for c in value], np.uint16))
        node.attrs["MATLAB_class"] = np.bytes_("char")
    else:
        array = np.atleast_2d(np.asarray(value))
        node = group.create_dataset(name, data=array.T)
        node.attrs["MATLAB_class"] = np.bytes_({"f8": "double", "f4": "single"}.get(array.dtype.str[1:], "uint8"))


ENVI_TYPES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "c8": 6, "u2": 12}


def write_envi(folder: Path, data: np.ndarray, layout: str = "bil", name: str = "cube", **fields: Any) -> Path:
    """An ENVI header and its data (`.dat`); extra header fields replace the right ones."""
    order = {"bip": (0, 1, 2), "bil": (0, 2, 1), "bsq": (2, 0, 1)}[layout]
    big = data.dtype.byteorder == ">"
    (folder / f"{name}.dat").write_bytes(np.ascontiguousarray(data.transpose(order)).tobytes())
    head = {
        "samples": data.shape[1],
        "lines": data.shape[0],
        "bands": data.shape[2],
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": ENVI_TYPES[data.dtype.str[1:]],
        "interleave": layout,
        "byte order": int(big),
        "wavelength units": "Nanometers",
        "wavelength": list(450 + 50.0 * np.arange(data.shape[2])),
    } | {key.replace("_", " "): value for key, value in fields.items()}
    lines = []
    for key, value in head.items():
        if value is None:
            continue
        text = "{" + ", ".join(str(v) for v in value) + "}" if isinstance(value, (list, tuple)) else str(value)
        lines.append(f"{key} = {text}")
    header = folder / f"{name}.hdr"
    header.write_text("ENVI\n" + "\n".join(lines) + "\n")
    return header


def write_tiff(path: Path, data: np.ndarray, transform: Any = None, crs: Any = None, tags: Any = None,
               **profile: Any) -> Path:  # fmt: skip
    """A GeoTIFF of (row, col) or (row, col, channel)."""
    bands = data[None] if data.ndim == 2 else np.moveaxis(data, -1, 0)
    if transform is not None:
        profile |= {"transform": transform, "crs": crs or UTM}
    profile |= {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", dtype=bands.dtype, **profile) as target:
            target.update_tags(**(tags or {}))
            target.write(bands)
    return path


def map_info(pixel_m: float = 2.0) -> dict[str, Any]:
    """ENVI header fields that place a cube on `grid(pixel_m)`."""
    return {
        "map info": [
            "UTM",
            "1",
            "1",
            CORNER[0],
            CORNER[1],
            pixel_m,
            pixel_m,
            "32",
            "North",
            "WGS-84",
            "units=Meters",
        ]
    }


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes replaced, a stretch cut out, doubled or zeroed, or the end cut off."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(out)))
        span = int(rng.integers(1, 32))
        match rng.integers(5):
            case 0 | 1:
                out[at] = rng.integers(256)
            case 2:
                del out[at : at + span]
            case 3:
                out[at:at] = out[at : at + span]
            case 4:
                out[at : at + span] = bytes(len(out[at : at + span]))
        out = out or bytearray(b"\0")
    return bytes(out[: rng.integers(1, len(out) + 1)] if rng.random() < 0.1 else out)
