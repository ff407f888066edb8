"""ENVI cubes, memory-mapped in their stored dtype and order, with what their header says about the bands."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.scene import SceneError

log = logging.getLogger(__name__)

INTERLEAVES = ("bil", "bip", "bsq")
DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bil", ".bip", ".bsq")
PER_NM = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "micrometers": 1e3, "micrometer": 1e3, "um": 1e3}
PER_NM |= {"microns": 1e3, "µm": 1e3, "angstroms": 0.1}
NO_UNIT = ("", "unknown", "index", "none")
SAMPLE_BANDS = 16
ROUGHER = 8.0  # bytes in the wrong order make spectra this much rougher, and more


def is_envi(path: Path) -> bool:
    """Whether the path is an ENVI header, or a data file with one beside it."""
    return path.suffix.lower() == ".hdr" or header_of(path) is not None


def header_of(path: Path) -> Path | None:
    """The header that belongs to a data file: `cube.img.hdr` or `cube.hdr`."""
    for candidate in (Path(str(path) + ".hdr"), path.with_suffix(".hdr")):
        if candidate.is_file():
            return candidate
    return None


def open_envi(path: Path) -> dict[str, Any]:
    """Open an ENVI cube without reading it.

    Args:
        path: The header, or the data file beside it.

    Returns:
        `cube` (row, col, band), memory-mapped read-only; `wavelengths` in nm (band,) or None; `good` (band,)
        booleans of the bad-band list or None; `nodata` or None; `data_file`.

    Raises:
        SceneError: When the header is damaged, its data are missing or of another size, the interleave,
            type or byte order cannot be.
    """
    header = path if path.suffix.lower() == ".hdr" else header_of(path)
    if header is None or not header.is_file():
        raise SceneError(f"{path} is missing, or has no ENVI header (.hdr) beside it")
    data_file = _data_file(header) if header == path else path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = _open(header, data_file)
    except SceneError:
        raise
    # A damaged header can raise almost anything while it is parsed; all of it means the same to the caller.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise SceneError(f"{header} is not a readable ENVI header ({reason or type(error).__name__})") from error
    _check_byte_order(header, opened["cube"])
    return opened


def _data_file(header: Path) -> Path:
    stem = header.with_suffix("")
    for suffix in DATA_SUFFIXES:
        for candidate in (Path(str(stem) + suffix), Path(str(stem) + suffix.upper())):
            if candidate.is_file():
                return candidate
    raise SceneError(f"{header} has no data file beside it; expected {stem.name}{{{', '.join(DATA_SUFFIXES[1:])}}}")


def _open(header: Path, data_file: Path) -> dict[str, Any]:
    from spectral.io import envi

    fields = envi.read_envi_header(str(header))
    interleave = str(fields.get("interleave", "")).strip().lower()
    if interleave not in INTERLEAVES:
        raise SceneError(f"{header} has interleave {interleave!r}, expected one of {', '.join(INTERLEAVES)}")
    if str(fields.get("byte order", "0")).strip() not in ("0", "1"):
        raise SceneError(f"{header} has byte order {fields['byte order']!r}, expected 0 (little) or 1 (big)")
    if "spectral library" in str(fields.get("file type", "")).lower():
        raise SceneError(f"{header} is a spectral library, expected an image")
    kind = np.dtype(envi.envi_to_dtype[str(fields["data type"]).strip()])
    if kind.kind not in "uif":
        raise SceneError(f"{header} holds {kind} values, expected integers or real numbers")
    rows, cols, bands = (int(fields[k]) for k in ("lines", "samples", "bands"))
    offset = int(fields.get("header offset", 0))
    if min(rows, cols, bands) < 1 or offset < 0:
        raise SceneError(f"{header} says {rows} x {cols} pixels and {bands} bands, expected at least 1 of each")
    expected, found = offset + rows * cols * bands * kind.itemsize, data_file.stat().st_size
    if expected != found:
        raise SceneError(
            f"{header} says {rows} x {cols} x {bands} {kind} ({expected:,} bytes), but {data_file.name} has "
            f"{found:,} bytes; correct lines, samples, bands or data type"
        )
    waves = _wavelengths(header, fields)
    good = np.array([float(b) != 0 for b in fields["bbl"]]) if "bbl" in fields else None
    image = envi.open(str(header), str(data_file))
    nodata = fields.get("data ignore value")
    return {
        "cube": image.open_memmap(interleave="bip", writable=False),  # transposed views stay on disk
        "wavelengths": waves,
        "good": good,
        "nodata": None if nodata is None else float(nodata),
        "data_file": data_file,
    }


def _wavelengths(header: Path, fields: dict[str, Any]) -> np.ndarray | None:
    """Band centres in nm, by the unit that the header names; None where it gives none."""
    if "wavelength" not in fields:
        return None
    unit = str(fields.get("wavelength units", "nanometers")).strip().lower()
    if unit in NO_UNIT:
        unit = "nanometers"
    if unit not in PER_NM:
        raise SceneError(f"{header} gives wavelengths in {unit!r}, expected Nanometers or Micrometers")
    return np.array([float(w) for w in fields["wavelength"]]) * PER_NM[unit]


def sample(cube: np.ndarray) -> np.ndarray:
    """A few values (pixel, band) spread over the cube, so that one of any size opens at once."""
    rows, cols, bands = cube.shape
    across = [np.unique(((np.arange(n) + 0.5) * size / n).astype(int)) for n, size in ((8, rows), (8, cols))]
    spread = np.unique(np.linspace(0, bands - 1, SAMPLE_BANDS).astype(int))
    return np.asarray(cube[np.ix_(*across, spread)]).reshape(-1, spread.size)  # (8, 8, band) -> (pixel, band)


def _check_byte_order(header: Path, cube: np.ndarray) -> None:
    """Look at a few pixels: are they spectra only when their bytes are swapped?"""
    values = sample(cube)
    with np.errstate(all="ignore"):
        as_is, swapped = _roughness(values), _roughness(values.byteswap())
    if as_is > ROUGHER * swapped:
        raise SceneError(
            f"{header}: the values make sense only with their bytes swapped; change `byte order` to the other of 0, 1"
        )


def _roughness(spectra: np.ndarray) -> float:
    """Mean step between neighbouring bands; infinite where numbers are not, or lie beyond any sensor's."""
    values = spectra.astype(np.float64)
    if spectra.dtype.itemsize == 1 or values.shape[1] < 2:
        return 0.0
    wild = ~np.isfinite(values) | (np.abs(values) > 1e12) | ((values != 0) & (np.abs(values) < 1e-12))
    if wild.mean() > 0.25:
        return np.inf
    return float(np.abs(np.diff(np.where(wild, 0.0, values), axis=1)).mean())
