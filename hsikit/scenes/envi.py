"""ENVI cubes, memory-mapped in their stored dtype and order, with what their header says about the bands."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.scene import SceneError, readable

INTERLEAVES = {"bil": (0, 2, 1), "bip": (0, 1, 2), "bsq": (1, 2, 0)}  # -> (row, col, band)
STORED = {"bil": ("lines", "bands", "samples"), "bip": ("lines", "samples", "bands"),
          "bsq": ("bands", "lines", "samples")}  # fmt: skip
DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bil", ".bip", ".bsq")
PER_NM = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "micrometers": 1e3, "micrometer": 1e3, "um": 1e3}
PER_NM |= {"nanometres": 1.0, "nanometre": 1.0, "micrometres": 1e3, "micrometre": 1e3}
PER_NM |= {"microns": 1e3, "micron": 1e3, "µm": 1e3, "angstroms": 0.1}
NO_UNIT = ("", "unknown", "index", "none")
SAMPLE_BANDS = 16
ROUGHER = 8.0  # bytes in the wrong order make spectra this much rougher, and more


def decoded(raw: bytes, encoding: str | None = None) -> str:
    """Text out of bytes: UTF-8 with or without its mark, else Latin-1; or as `encoding` says.

    Raises `ValueError` when the encoding is unknown or does not fit.
    """
    if encoding:
        try:
            return raw.decode(encoding)
        except (LookupError, UnicodeDecodeError) as error:
            raise ValueError(f"the text is not in {encoding!r} ({error})") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def is_envi(path: Path) -> bool:
    """Whether the path is an ENVI header, or a data file with one beside it."""
    return path.suffix.lower() == ".hdr" or header_of(path) is not None


def header_of(path: Path) -> Path | None:
    """The header that belongs to a data file: `cube.img.hdr` or `cube.hdr`, in small letters or capitals."""
    beside = [Path(f"{path}{end}") for end in (".hdr", ".HDR")] + [path.with_suffix(end) for end in (".hdr", ".HDR")]
    return next((candidate for candidate in beside if candidate.is_file()), None)


def read_header(header: Path, encoding: str | None = None) -> dict[str, Any]:
    """The fields of a header, as `spectral` reads them, whatever its encoding."""
    from spectral.io import envi

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # of names in capitals
        plain = Path(folder) / "plain.hdr"
        plain.write_text(decoded(header.read_bytes(), encoding), encoding="utf-8")
        return envi.read_envi_header(str(plain))


def envi_facts(path: Path, encoding: str | None = None, byte_order: str | None = None) -> dict[str, Any]:
    """Open an ENVI cube without reading it.

    Args:
        path: The header, or the data file beside it.
        encoding: Of the header; UTF-8, or else Latin-1, if not given.
        byte_order: "little" or "big", in the place of the header's; it is then not doubted.

    Returns:
        `cube` (row, col, band), memory-mapped read-only, and fields of a `Layer`; `files` are header and data.

    Raises:
        SceneError: When the header is damaged, its data are missing or of another size, the interleave,
            type or byte order cannot be.
    """
    header = path if path.suffix.lower() == ".hdr" else header_of(path)
    if header is None or not header.is_file():
        raise SceneError(f"{path} is missing, or has no ENVI header (.hdr) beside it")
    data_file = _data_file(header) if header == path else path
    with readable(header, "ENVI header", "export it again"):
        facts = _facts(header, read_header(header, encoding), data_file, byte_order)
    doubt = None if byte_order else _check_byte_order(header, facts["cube"])
    return facts | {"files": (header, data_file), "findings": (doubt,) if doubt else ()}


def _data_file(header: Path) -> Path:
    stem = header.with_suffix("")
    for suffix in DATA_SUFFIXES:
        for candidate in (Path(str(stem) + suffix), Path(str(stem) + suffix.upper())):
            if candidate.is_file():
                return candidate
    raise SceneError(f"{header} has no data file beside it; expected {stem.name}{{{', '.join(DATA_SUFFIXES[1:])}}}")


def _facts(header: Path, fields: dict[str, Any], data_file: Path, byte_order: str | None) -> dict[str, Any]:
    bands = int(fields["bands"])
    cube = _mapped(header, fields, data_file, byte_order)
    waves, factor = _wavelengths(header, fields)
    each = lambda key: _numbers(header, fields, key, bands)  # noqa: E731
    fwhm, good, nodata = each("fwhm"), each("bbl"), np.atleast_1d(fields.get("data ignore value", []))
    scale, offset, units = each("data gain values"), each("data offset values"), ""
    if scale is None and (whole := float(fields.get("reflectance scale factor", 1))) not in (0.0, 1.0):
        scale, units = np.full(bands, 1 / whole), "reflectance"
    names, colors = _classes(fields)
    return {
        "cube": cube, "wavelengths": waves, "good": None if good is None else good != 0,
        "fwhm": fwhm * factor if fwhm is not None and (fwhm > 0).all() else None, "scale": scale, "offset": offset,
        "units": units, "nodata": np.full(bands, float(nodata[0])) if nodata.size else None, "class_names": names,
        "colors": colors,
    }  # fmt: skip


def _mapped(header: Path, fields: dict[str, Any], data_file: Path, byte_order: str | None) -> np.ndarray:
    """The data (row, col, band), memory-mapped, once size, type and order are what the header says."""
    from spectral.io import envi

    interleave = str(fields.get("interleave", "")).strip().lower()
    if interleave not in INTERLEAVES:
        raise SceneError(f"{header} has interleave {interleave!r}, expected one of {', '.join(INTERLEAVES)}")
    order = str(fields.get("byte order", "0")).strip()
    if order not in ("0", "1"):
        raise SceneError(f"{header} has byte order {fields['byte order']!r}, expected 0 (little) or 1 (big)")
    if "spectral library" in str(fields.get("file type", "")).lower():
        raise SceneError(f"{header} is a spectral library, expected an image")
    if str(fields.get("file compression", "0")).strip() not in ("", "0"):
        raise SceneError(f"{header} says that its data are compressed; export them uncompressed")
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
    big = byte_order == "big" if byte_order else order == "1"
    stored = np.memmap(data_file, kind.newbyteorder(">" if big else "<"), "r", offset,
                       tuple(int(fields[k]) for k in STORED[interleave]))  # fmt: skip
    return stored.transpose(INTERLEAVES[interleave])  # a view, still on disk


def _numbers(header: Path, fields: dict[str, Any], key: str, bands: int) -> np.ndarray | None:
    if key not in fields:
        return None
    found = np.array([float(v) for v in np.atleast_1d(fields[key])])
    if found.size != bands:
        what = "bad-band flags" if key == "bbl" else key
        raise SceneError(f"{header}: {found.size} {what} for {bands} bands; give one a band")
    return found


def _wavelengths(header: Path, fields: dict[str, Any]) -> tuple[np.ndarray | None, float]:
    """Band centres in nm, and the factor of the header's unit; None where it gives none."""
    if "wavelength" in fields:
        given = np.array([float(w) for w in np.atleast_1d(fields["wavelength"])])
        factor = in_nm(str(header), str(fields.get("wavelength units", "")), given)
        return given * factor, factor
    return named_wavelengths([str(name) for name in np.atleast_1d(fields.get("band names", []))]), 1.0


def named_wavelengths(names: Sequence[str]) -> np.ndarray | None:
    """Band centres in nm out of names such as "376.44 Nanometers"; None unless every name is of that kind."""
    found = [re.match(r"\D{0,12}?(\d+(?:\.\d+)?)\s*([a-zµμ]+)\b", name.strip().lower()) for name in names]
    known = [(float(m[1]), PER_NM.get(m[2].replace("μ", "µ"))) for m in found if m]
    if not names or len(known) < len(names) or any(factor is None for _, factor in known):
        return None
    return np.array([number * (factor or 1.0) for number, factor in known])


def in_nm(where: str, unit: str, values: np.ndarray) -> float:
    """What to multiply wavelengths by for nm; without a unit, those all below 100 are micrometres.

    Raises `SceneError` for a unit of another kind.
    """
    unit = unit.strip().lower()
    if unit in NO_UNIT:
        return 1e3 if values.size and values.max() < 100 else 1.0
    if unit not in PER_NM:
        raise SceneError(f"{where} gives wavelengths in {unit!r}, expected Nanometers or Micrometers")
    return PER_NM[unit]


def _classes(fields: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and colours of values 1..C of a classification, whose value 0 is the unclassified."""
    names = [str(name) for name in np.atleast_1d(fields.get("class names", []))]
    if "classification" not in str(fields.get("file type", "")).lower() or len(names) < 2:
        return (), ()
    parts = [int(float(v)) for v in fields.get("class lookup", [])]
    colors = ["#{:02x}{:02x}{:02x}".format(*parts[i : i + 3]) for i in range(3, len(parts) - 2, 3)]
    whole = len(colors) == len(names) - 1 and all(0 <= v < 256 for v in parts)
    return tuple(names[1:]), tuple(colors) if whole else ()


def sample(cube: np.ndarray) -> np.ndarray:
    """A few values (pixel, band) spread over the cube, so that one of any size opens at once."""
    rows, cols, bands = cube.shape
    across = [np.unique(((np.arange(n) + 0.5) * size / n).astype(int)) for n, size in ((8, rows), (8, cols))]
    spread = np.unique(np.linspace(0, bands - 1, SAMPLE_BANDS).astype(int))
    return np.asarray(cube[np.ix_(*across, spread)]).reshape(-1, spread.size)  # (8, 8, band) -> (pixel, band)


def _check_byte_order(header: Path, cube: np.ndarray) -> tuple[str, str, str] | None:
    """Look at a few pixels: are they spectra only when their bytes are swapped?

    Values that are all multiples of 256 may as well be those of an 8-bit camera in the upper byte: a finding.
    """
    values = sample(cube)
    with np.errstate(all="ignore"):
        as_is, swapped = _roughness(values), _roughness(values.byteswap())
    if as_is <= ROUGHER * swapped:
        return None
    if values.dtype.kind in "ui" and (values % 256 == 0).all():
        return ("values are multiples of 256", "all sampled pixels", "if they should be small numbers, the bytes are "
                "swapped: write `byte_order: big` or `little`, which also settles that they are right")  # fmt: skip
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
