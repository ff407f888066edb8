"""Spectra as numbers: angles, class means, continuum, indices, bad bands, spectral libraries.

angle = spectral_angle(scene.hsi, scene.hsi[10, 20])        # (row, col) in radians
mean, std = class_means(scene.hsi, scene.usable, scene.n_classes)
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hsikit._util import contents
from hsikit._util.errors import door
from hsikit.scenes.envi import PER_NM, decoded, header_of, in_nm, read_header
from hsikit.scenes.scene import RANGE_NM

WATER_NM = ((1350.0, 1430.0), (1800.0, 1960.0))  # water vapour leaves no light there (assumed limits)
INDICES_NM = {  # (a - b) / (a + b) at these wavelengths
    "NDVI": (860.0, 660.0),  # vegetation; Rouse et al. 1974
    "NDWI": (560.0, 860.0),  # open water; McFeeters 1996
    "NDMI": (860.0, 1650.0),  # canopy moisture; Gao 1996 with the 1650 nm band of Landsat
}
CHUNK = 20_000  # spectra worked on at once; bounds memory over mapped files


def spectral_angle(cube: np.ndarray, spectrum: np.ndarray, bands: np.ndarray | None = None) -> np.ndarray:
    """Angle between one spectrum and all others, which brightness does not change.

    Args:
        cube: Spectra (..., band), any real dtype.
        spectrum: The reference (band,).
        bands: Booleans (band,), True for the bands to compare. Default: all.

    Returns:
        Angles (...) in radians, float32, 0 to pi; NaN where a spectrum holds NaN or is zero throughout.

    Raises:
        ValueError: When lengths differ, no band is left, or the reference holds NaN or is zero.

    Source: Kruse et al. 1993, Remote Sensing of Environment 44, eq. 1.
    """
    reference = np.asarray(spectrum, np.float64).ravel()
    use = np.ones(reference.size, bool) if bands is None else np.asarray(bands, bool)
    if reference.size != cube.shape[-1] or use.shape != reference.shape:
        raise ValueError(
            f"the spectrum has {reference.size} bands, the mask {use.size}, the cube {cube.shape[-1]}; they must agree"
        )
    if not use.any():
        raise ValueError("no band is left to compare; keep at least one")
    reference = reference[use]
    length = np.linalg.norm(reference)
    if not np.isfinite(length) or length == 0:
        raise ValueError("the spectrum holds NaN or is zero in all bands; pick another one")
    flat = cube.reshape(-1, cube.shape[-1])  # (pixel, band)
    cosine = np.empty(len(flat))
    for start in range(0, len(flat), CHUNK):
        part = np.asarray(flat[start : start + CHUNK], np.float64)
        part = part if use.all() else part[:, use]
        with np.errstate(invalid="ignore", divide="ignore"):
            norms = np.sqrt(np.einsum("pb,pb->p", part, part))
            cosine[start : start + CHUNK] = part @ (reference / length) / norms
    return np.arccos(np.clip(cosine, -1, 1)).astype(np.float32).reshape(cube.shape[:-1])


def class_means(cube: np.ndarray, labels: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (ddof 1) of the spectra of each class.

    Args:
        cube: Spectra (row, col, band).
        labels: Classes (row, col), 1..n_classes; 0 is left out.
        n_classes: Number of classes C.

    Returns:
        Means and deviations, both (C, band) float64; NaN for a class without pixels, and for the deviation
        of a single pixel.

    Raises:
        ValueError: When the labels have another size than the cube or lie outside 0..n_classes.
    """
    labels = np.asarray(labels)
    if labels.shape != cube.shape[:2]:
        raise ValueError(f"the labels are {labels.shape}, the cube {cube.shape}; rows and columns must agree")
    if labels.min() < 0 or labels.max() > n_classes:
        raise ValueError(f"labels run from {labels.min()} to {labels.max()}, expected 0 to {n_classes}")
    mean = np.full((n_classes, cube.shape[2]), np.nan)
    std = mean.copy()
    for c in np.unique(labels[labels > 0]):
        spectra = np.asarray(cube[labels == c], np.float64)  # (pixel, band)
        mean[c - 1] = spectra.mean(0)
        if len(spectra) > 1:
            std[c - 1] = spectra.std(0, ddof=1)
    return mean, std


def rank_by_angle(spectrum: np.ndarray, library: Mapping[str, np.ndarray]) -> list[tuple[str, float]]:
    """Named spectra (band,) with their angle to `spectrum` in radians, nearest first; NaN ones left out."""
    names = [n for n, s in library.items() if np.isfinite(s).all()]
    if not names:
        return []
    angles = spectral_angle(np.stack([library[n] for n in names]), spectrum)
    return [(names[i], float(angles[i])) for i in np.argsort(angles, kind="stable") if np.isfinite(angles[i])]


# --- continuum -----------------------------------------------------------------------------------


def continuum_removed(spectra: np.ndarray, wavelengths_nm: np.ndarray) -> np.ndarray:
    """Spectra divided by their upper convex hull, so that only absorption features remain.

    Args:
        spectra: Positive spectra (..., band).
        wavelengths_nm: Band centres (band,) in any order.

    Returns:
        Values (..., band) float64, 1 on the hull; all NaN for a spectrum that holds NaN.

    Raises:
        ValueError: When lengths differ.

    Source: Clark and Roush 1984.
    """
    spectra, x = np.asarray(spectra, np.float64), np.asarray(wavelengths_nm, np.float64)
    if x.shape != spectra.shape[-1:]:
        raise ValueError(f"{x.size} wavelengths for {spectra.shape[-1]} bands; give one a band")
    order = np.argsort(x, kind="stable")
    flat = spectra.reshape(-1, x.size)[:, order]  # (pixel, band), wavelengths ascending
    out = np.full(flat.shape, np.nan)
    fine = np.flatnonzero(np.isfinite(flat).all(1))
    for start in range(0, fine.size, CHUNK):
        part = fine[start : start + CHUNK]
        with np.errstate(invalid="ignore", divide="ignore"):
            out[part] = flat[part] / _upper_hull(x[order], flat[part])
    back = np.empty_like(out)
    back[:, order] = out
    return back.reshape(spectra.shape)


def _upper_hull(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Upper hull (pixel, band) of y (pixel, band) over ascending x."""
    from spectral.algorithms.continuum import spectral_continuum  # half a second

    for end in (x == x[0], x == x[-1]):  # several bands may share a wavelength where two spectrometers meet
        y = np.where(end, y[:, end].max(1, keepdims=True), y)
    return y if x[0] == x[-1] else np.asarray(spectral_continuum(y, x))


# --- indices and bands ---------------------------------------------------------------------------


def normalised_difference(cube: np.ndarray, wavelengths_nm: np.ndarray | None, a_nm: float, b_nm: float) -> np.ndarray:
    """(a - b) / (a + b) of the bands nearest to two wavelengths, (row, col) float32; NaN where a + b is 0.

    Raises `ValueError` without wavelengths, or where no band lies within 50 nm of a wanted wavelength.
    """
    if wavelengths_nm is None:
        raise ValueError("an index needs wavelengths; give the scene's band centres in nm")
    picks = []
    for nm in (a_nm, b_nm):
        distance = np.abs(np.asarray(wavelengths_nm) - nm)
        if distance.min() > 50:
            raise ValueError(f"no band lies within 50 nm of {nm:g} nm, which the index needs")
        picks.append(np.asarray(cube[..., int(distance.argmin())], np.float32))
    with np.errstate(invalid="ignore", divide="ignore"):
        index = (picks[0] - picks[1]) / (picks[0] + picks[1])
    return np.where(np.isfinite(index), index, np.nan)


@door
def ndvi(cube: np.ndarray, wavelengths_nm: np.ndarray | None) -> np.ndarray:
    """Normalised difference vegetation index (row, col) float32 of bands near 860 and 660 nm.

    Meant for reflectance; over raw counts or radiance it still ranks pixels, but its level means little.
    Source: Rouse et al. 1974. Raises like `normalised_difference`.

    Example:
        >>> red_and_infrared = np.array([[[0.1, 0.5]]])  # one leafy pixel
        >>> hsikit.ndvi(red_and_infrared, np.array([660.0, 860.0])).round(2)
        array([[0.67]], dtype=float32)
    """
    return normalised_difference(cube, wavelengths_nm, *INDICES_NM["NDVI"])


def water_bands(wavelengths_nm: np.ndarray | None, n_bands: int | None = None) -> np.ndarray:
    """Booleans (band,), True where water vapour absorbs (`WATER_NM`); all False without wavelengths."""
    if wavelengths_nm is None:
        return np.zeros(n_bands or 0, bool)
    x = np.asarray(wavelengths_nm, np.float64)
    return np.logical_or.reduce([(x >= low) & (x <= high) for low, high in WATER_NM])


def bad_bands(spectra: np.ndarray, wavelengths_nm: np.ndarray | None) -> np.ndarray:
    """Booleans (band,), True for water absorption and for bands that are constant or hold NaN.

    All False where no band would be left. `spectra` (n, band) is a sample of the scene.
    """
    odd = ~np.isfinite(spectra).all(0) | (np.ptp(spectra, axis=0) == 0)
    bad = odd | water_bands(wavelengths_nm, spectra.shape[1])
    return bad if not bad.all() else np.zeros(bad.shape, bool)


# --- spectral libraries --------------------------------------------------------------------------


def write_library(path: str | Path, spectra: Mapping[str, np.ndarray], wavelengths_nm: np.ndarray | None) -> Path:
    """Write named spectra (band,) as CSV (a column each) or as an ENVI library (.sli with its .hdr).

    Raises `ValueError` without spectra, for another ending than .csv or .sli, or spectra of unlike lengths.
    """
    path = Path(path)
    lengths = {np.size(s) for s in spectra.values()}
    if len(lengths) != 1:
        raise ValueError(f"{len(spectra)} spectra with {sorted(lengths)} bands; give at least one, all alike")
    if path.suffix not in (".csv", ".sli"):
        raise ValueError(f"{path.name} ends in {path.suffix!r}; name a .csv or .sli file")
    table = np.stack([np.asarray(s, np.float64) for s in spectra.values()])  # (spectrum, band)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as aside:
        part = Path(aside) / path.name
        if path.suffix == ".csv":
            _write_csv(part, list(spectra), table, wavelengths_nm)
        else:
            _write_sli(part, list(spectra), table, wavelengths_nm)
            os.replace(part.with_suffix(".hdr"), path.with_suffix(".hdr"))
        shutil.move(part, path)
    return path


def read_library(path: str | Path) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Named spectra (band,) and wavelengths (band,) in nm, or None, from CSV or an ENVI library.

    A CSV has a column of wavelengths (in nm or micrometres, as its heading says) or of band numbers, and a column a
    spectrum. Values beyond 1e30, which mark deleted channels, are NaN; of spectra with one name the later are numbered.
    Raises `ValueError` when the file is missing, is neither a table of numbers nor an ENVI library, or its first
    heading does not say what the first column holds.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not there; name a .csv or .sli file")
    names, table, waves = _read_sli(path) if path.suffix.lower() == ".sli" else _read_csv(path)
    table = np.where(np.abs(table) < 1e30, table, np.nan)  # (spectrum, band)
    low, high = RANGE_NM
    if waves is not None and not ((waves >= low) & (waves <= high)).all():
        span = f"{waves.min():g} to {waves.max():g} nm"
        raise ValueError(f"{path.name}: wavelengths run from {span}, expected {low:g} to {high:g}; correct their unit")
    library: dict[str, np.ndarray] = {}
    for name, values in zip(names, table):
        number = 2
        given = name
        while name in library:
            name, number = f"{given} {number}", number + 1
        library[name] = values
    return library, waves


def _write_csv(path: Path, names: Sequence[str], table: np.ndarray, waves: np.ndarray | None) -> None:
    first = np.arange(table.shape[1]) if waves is None else np.asarray(waves)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["band" if waves is None else "wavelength_nm", *names])
        writer.writerows([repr(float(v)) for v in line] for line in np.column_stack([first, table.T]))


def _read_csv(path: Path) -> tuple[list[str], np.ndarray, np.ndarray | None]:
    text = decoded(contents(path))
    first = text.split("\n", 1)[0]
    lines = list(csv.reader(text.splitlines(), delimiter=max("\t;,", key=first.count)))
    try:
        table = np.array([line for line in lines[1:] if line], float).T  # (column, band)
        names = lines[0][1:]
        if table.ndim != 2 or len(table) != len(names) + 1 or not names:
            raise ValueError
    except (ValueError, IndexError):
        wanted = "a first line wavelength_nm,name,... and numbers below it"
        raise ValueError(f"{path.name} is not a table of spectra; expected {wanted}") from None
    heading = lines[0][0].strip().lower()
    if heading in ("band", "bands", "channel", "index", "number", "#"):
        return names, table[1:], None
    words = re.findall(r"[a-zµ]+", heading.replace("_", " ").replace("μ", "µ"))
    units = [PER_NM[word] for word in words if word in PER_NM]
    if not units and not any(word.startswith(("wave", "wvl", "wl", "lambda")) for word in words):
        wanted = "wavelength_nm, wavelength_um or band"
        raise ValueError(f"{path.name}: the first column is called {lines[0][0]!r}; call it {wanted}")
    return names, table[1:], table[0] * (units[0] if units else in_nm(path.name, "", table[0]))


def _write_sli(path: Path, names: Sequence[str], table: np.ndarray, waves: np.ndarray | None) -> None:
    from spectral.io import envi

    header: dict[str, list[str] | str] = {
        "spectra names": [n.replace(",", ";").replace("{", "(").replace("}", ")") for n in names]
    }
    if waves is not None:
        header |= {"wavelength": [repr(float(w)) for w in waves], "wavelength units": "Nanometers"}
    envi.SpectralLibrary(table.astype(np.float32), header, None).save(str(path.with_suffix("")))


def _read_sli(path: Path) -> tuple[list[str], np.ndarray, np.ndarray | None]:
    from spectral.io import envi

    header = header_of(path)
    try:
        if header is None:
            raise ValueError("it has no header (.hdr) beside it")
        fields = read_header(header)
        rows, bands = int(fields["lines"]), int(fields["samples"])
        order = "<>"[int(fields.get("byte order", 0))]
        kind = np.dtype(envi.envi_to_dtype[str(fields["data type"])]).newbyteorder(order)
        table = np.fromfile(path, kind, rows * bands, offset=int(fields.get("header offset", 0))).reshape(rows, bands)
        scale = float(fields.get("reflectance scale factor", 1)) or 1.0
        names = [str(name) for name in np.atleast_1d(fields.get("spectra names", []))]
        given = np.array([float(w) for w in np.atleast_1d(fields.get("wavelength", []))])
        waves = given * in_nm(path.name, str(fields.get("wavelength units", "")), given) if given.size else None
        if given.size not in (0, bands) or len(names) not in (0, rows):
            raise ValueError(f"{given.size} wavelengths and {len(names)} names for {rows} spectra of {bands} bands")
    # A damaged header can raise almost anything while it is parsed; all of it means the same to the caller.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ValueError(f"{path.name} cannot be read as an ENVI spectral library: {reason}") from error
    return names or [f"spectrum {i}" for i in range(1, rows + 1)], table.astype(np.float64) / scale, waves
