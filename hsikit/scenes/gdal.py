"""Rasters that GDAL reads: GeoTIFF with bands or pages, VRT, JPEG 2000, PNG; windows, masks, place, band facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from hsikit.scenes.envi import in_nm, named_wavelengths
from hsikit.scenes.scene import SceneError, readable

DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".vrt": "VRT", ".jp2": "JP2OpenJPEG", ".png": "PNG"}
GDAL_CACHE_MB = 64  # GDAL's own default is a twentieth of the machine's memory
Reader = Callable[[slice, slice], np.ndarray]


@contextmanager
def opened(path: Path, driver: str | None = None, name: str | None = None, missing_ok: bool = False) -> Iterator[Any]:
    """A rasterio dataset, all of whose errors come as one line; None where it cannot be opened and `missing_ok`."""
    import rasterio  # GDAL

    drivers = driver or DRIVERS[path.suffix.lower()]
    with readable(path, "raster", "export it again as GeoTIFF"), rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_MB):
        try:
            source = rasterio.open(name or path, driver=drivers)
        except Exception:
            if not missing_ok:
                raise
            source = None
        if source is None:
            yield None
            return
        with source:
            yield source


def raster_facts(path: Path) -> dict[str, Any]:
    """The fields of a `Layer` for a raster that is opened but not read."""
    if path.suffix.lower() == ".vrt" and b"VRTRawRasterBand" in path.read_bytes():
        raise SceneError(f"{path} shows the bytes of another file as pixels; name rasters in it, or the file itself")
    with opened(path) as source:
        pages = [name for name in source.subdatasets if name.startswith("GTIFF_DIR:")]
        if len(pages) > 1:
            return _pages(path, pages)
        if "complex" in " ".join(source.dtypes):
            raise SceneError(f"{path} holds {source.dtypes[0]} values, expected real numbers")
        alpha = source.count in (2, 4) and source.colorinterp[-1].name == "alpha"
        bands = list(range(1, source.count + (0 if alpha else 1)))
        flags = {flag.name for band in source.mask_flag_enums for flag in band}
        masked = alpha or "per_dataset" in flags
        names = [text or "" for text in source.descriptions][: len(bands)]
        waves, fwhm, good = _band_facts(source, bands, names)
        classes, colors = _classes(path, source)
        units = {unit for unit in source.units if unit}
        return {
            "shape": (source.height, source.width, len(bands)), "dtype": np.dtype(source.dtypes[0]),
            "read": partial(_stored, path, bands), "mask": partial(_unmasked, path) if masked else None,
            "wavelengths": waves, "fwhm": fwhm, "good": good, "nodata": _unless(source.nodatavals[: len(bands)], None),
            "scale": _unless(source.scales[: len(bands)], 1.0), "offset": _unless(source.offsets[: len(bands)], 0.0),
            "channel_names": tuple(names) if all(names) else (), "units": units.pop() if len(units) == 1 else "",
            "class_names": classes, "colors": colors, **place_of(source),
        }  # fmt: skip


def _window(rows: slice, cols: slice) -> tuple[tuple[int, int], tuple[int, int]]:
    return (rows.start, rows.stop), (cols.start, cols.stop)


def _stored(path: Path, bands: list[int], rows: slice, cols: slice) -> np.ndarray:
    with opened(path) as source:  # anew each time, so that processes and threads share nothing
        stored = source.read(bands, window=_window(rows, cols))
        return np.ascontiguousarray(np.moveaxis(stored, 0, -1))  # (channel, row, col) -> (row, col, channel)


def _unmasked(path: Path, rows: slice, cols: slice) -> np.ndarray:
    with opened(path) as source:
        return source.read_masks(1, window=_window(rows, cols)) > 0


def _pages(path: Path, pages: list[str]) -> dict[str, Any]:
    """A TIFF with a band a page, as scientific cameras write them.

    Raises `SceneError` when pages differ in size or type, or hold several bands each.
    """
    kinds = set()
    for name in pages:
        with opened(path, name=name) as source:
            kinds.add((source.height, source.width, source.count, source.dtypes[0]))
            facts = place_of(source)
    if len(kinds) > 1 or next(iter(kinds))[2] != 1:
        raise SceneError(f"{path} has {len(pages)} pages that are not one band each of one size; export one image")
    height, width, _, dtype = kinds.pop()

    def read(rows: slice, cols: slice) -> np.ndarray:
        out = np.empty((rows.stop - rows.start, cols.stop - cols.start, len(pages)), dtype)
        for band, name in enumerate(pages):
            with opened(path, name=name) as source:
                out[..., band] = source.read(1, window=_window(rows, cols))
        return out

    return {"shape": (height, width, len(pages)), "dtype": np.dtype(dtype), "read": read, **facts}


def place_of(source: Any) -> dict[str, Any]:
    """CRS and transform of a dataset, or its control points where they do not follow a transform."""
    from rasterio.transform import from_gcps

    t = source.transform
    transform = None if t.is_identity or t.is_degenerate or not np.isfinite(t[:6]).all() else t
    points, crs = source.gcps
    if transform is not None or not points:
        lost = transform is None and source.rpcs is not None
        note = ("place lost", "it is placed by rational polynomials alone", "orthorectify it first (gdalwarp -rpc)")
        return {"crs": source.crs, "transform": transform, "findings": (note,) if lost else ()}
    if len(points) > 2:
        fitted = from_gcps(points)
        back = ~fitted  # ground to pixels
        off = [(back.a * p.x + back.b * p.y + back.c - p.col, back.d * p.x + back.e * p.y + back.f - p.row)
               for p in points]  # fmt: skip
        if np.abs(off).max() <= 0.1:  # pixels
            return {"crs": crs, "transform": fitted}
    note = ("placed by control points", f"{len(points)} points that no one transform follows",
            "they are carried into maps; rasters are not laid on it by place: warp it first (gdalwarp)")  # fmt: skip
    return {"gcps": (points, crs), "findings": (note,)}


def _unless(values: Sequence[float | None], usual: float | None) -> np.ndarray | None:
    """Numbers (channel,) float64 with NaN for None; None where all are as usual."""
    return None if all(v == usual for v in values) else np.array([np.nan if v is None else v for v in values])


def _band_facts(source: Any, bands: list[int], names: list[str]) -> tuple[Any, Any, Any]:
    """Wavelengths and widths in nm, and good bands, wherever the file's metadata keep them; None where nowhere."""
    tags = [{k.lower(): v for k, v in {**source.tags(b, ns="IMAGERY"), **source.tags(b)}.items()} for b in bands]
    whole = {k.lower(): v for k, v in {**source.tags(), **source.tags(ns="ENVI")}.items()}
    unit = tags[0].get("wavelength_units") or whole.get("wavelength_units") or whole.get("wavelength units") or ""

    def numbers(key: str, imagery: str = "") -> np.ndarray | None:
        own = [t.get(key) or t.get(imagery) for t in tags]
        listed = whole.get(key, "").strip("{} \n").split(",")
        texts = own if all(own) else listed if len(listed) == len(bands) else None
        try:
            return None if texts is None else np.array([float(t) for t in texts])  # type: ignore[arg-type]
        except ValueError:
            return None

    waves, fwhm, good = numbers("wavelength", "central_wavelength_um"), numbers("fwhm", "fwhm_um"), numbers("bbl")
    if waves is not None and "central_wavelength_um" in tags[0] and "wavelength" not in tags[0]:
        unit = "um"
    if waves is None:
        waves, unit = named_wavelengths(names), "nm"
    factor = 1.0 if waves is None else in_nm(source.name, unit, waves)
    nm = lambda numbers: None if numbers is None else numbers * factor  # noqa: E731
    return nm(waves), nm(fwhm) if fwhm is not None and (fwhm > 0).all() else None, None if good is None else good != 0


def _classes(path: Path, source: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and colours of values 1..C that a class map keeps in its tags or beside it; empty where there are none."""
    names: tuple[str, ...] = ()
    try:
        names = tuple(str(name) for name in json.loads(source.tags().get("class_names", "[]")))
        if not names and Path(f"{path}.aux.xml").is_file():  # GDAL's side file, which rasterio does not tell of
            names = tuple(entry.text or "" for entry in ElementTree.parse(f"{path}.aux.xml").iter("Category"))[1:]
        table = source.colormap(1) if all(names) and names else {}
    except (ValueError, ElementTree.ParseError):  # no names that can be read, or no colour table
        return (names if all(names) else ()), ()
    colors = tuple("#{:02x}{:02x}{:02x}".format(*table[i][:3]) for i in range(1, len(names) + 1) if i in table)
    return (names if all(names) else ()), colors if len(colors) == len(names) else ()
