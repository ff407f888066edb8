"""Agencies' products, recognised by what is in them, not by their names: a loader each, which fills a `Layer`.

`open_product` takes what no general reader could (HDF5, netCDF, a delivered folder); `as_product` adds what an ordinary
raster does not say of itself. Facts and their sources stand in each module.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hsikit.scenes.layers import Finding, Layer
from hsikit.scenes.products import aviris_3, aviris_ng, dlr, emit, enmap_export, neon, prisma, tanager
from hsikit.scenes.products.hdf5 import RADIANCE, is_hdf5
from hsikit.scenes.scene import SceneError

LOADERS = (neon, emit, dlr, prisma, tanager, aviris_3)  # each has open_product(path)
RASTERS = (enmap_export, aviris_ng)  # each has as_product(layer), for rasters that `open_layer` opens
OVERLAP = ("swir", "vnir", "both")


def open_product(path: Path) -> Layer | None:
    """The cube of a product, or None where the path is none that a loader recognises.

    Raises `SceneError` for a product that is damaged, incomplete, or of a level that is not surface reflectance.
    """
    if path.suffix.lower() == ".zip" and path.is_file():
        raise SceneError(f"{path} is packed; unpack it and name the folder, or the file inside")
    if not path.exists():
        return None
    layers = (name.open_product(path) for name in LOADERS)
    found = next((by_wavelength(_sound(layer)) for layer in layers if layer is not None), None)
    return _only_one(path) if found is None and path.is_dir() else found


def _only_one(folder: Path) -> Layer | None:
    """The one cube among a folder's files, beside masks and geometry; None where no file is a product's."""
    found, refused = [], []
    for file in sorted(file for file in folder.iterdir() if is_hdf5(file)):
        try:
            found += [layer] if (layer := open_product(file)) is not None else []
        except SceneError as error:
            refused.append(error)
    if len(found) > 1:
        names = ", ".join(layer.path.name for layer in found[:4])
        raise SceneError(f"{folder} holds {len(found)} cubes ({names}); name one, or several as `hsi: [a, b]`")
    if refused and not found:
        raise refused[0]
    return found[0] if found else None


def _sound(layer: Layer) -> Layer:
    """The layer with NaN for no data where it holds real numbers.

    Raises `SceneError` when numbers that describe it cannot be: they would make wrong values without an error.
    """
    facts = {key: getattr(layer, key) for key in ("wavelengths", "fwhm", "scale", "offset")}
    facts["place"] = np.array(layer.transform[:6]) if layer.transform is not None else None
    wrong = [key for key, values in facts.items() if values is not None and not np.isfinite(values).all()]
    wrong += ["scale"] if layer.scale is not None and not (layer.scale > 0).all() else []
    wrong += ["place"] if layer.transform is not None and not abs(layer.transform.determinant) > 0 else []
    if wrong:
        raise SceneError(f"{layer.path}: its {wrong[0]} holds numbers that cannot be; download it again")

    def read(rows: slice, cols: slice) -> np.ndarray:
        stored = layer.read(rows, cols)
        stored[layer.missing(stored)] = np.nan
        return stored

    return replace(layer, read=read) if layer.dtype.kind == "f" else layer


def as_product(layer: Layer) -> Layer:
    """The layer of an ordinary raster, with what is known of the product that it holds, if it holds one."""
    layers = (name.as_product(layer) for name in RASTERS)
    return next((by_wavelength(found) for found in layers if found is not None), layer)


def by_wavelength(layer: Layer) -> Layer:
    """The layer with its bands in ascending order; cube, widths, flags and gains move by one index vector.

    Bands of wavelength 0, which PRISMA has, are left out: they were never measured.
    """
    if layer.wavelengths is None:
        return layer
    order = np.argsort(layer.wavelengths, kind="stable")
    return layer.take(order[~(layer.wavelengths[order] <= 0)])


def doubled(layer: Layer, keep: str | None) -> tuple[np.ndarray, tuple[Finding, ...]]:
    """Booleans (band,): bands that lie where the layer's two detectors overlap, of the one not to be kept.

    Args:
        layer: A cube; nothing is doubled unless it knows its detectors.
        keep: "swir" (also for None), "vnir" or "both".

    Raises:
        SceneError: For another word, or for a choice where there is nothing to choose.
    """
    if keep not in (None, *OVERLAP):
        raise SceneError(f"overlap is {keep!r:.40}, expected one of {', '.join(OVERLAP)}")
    waves, detector = layer.wavelengths, layer.detector
    none = np.zeros(layer.shape[2], bool)
    if detector is None or waves is None:
        if keep is not None:
            raise SceneError(f"{layer.path}: overlap is given, but its bands do not say which detector measured them")
        return none, ()
    vnir, swir = detector == "vnir", detector == "swir"
    if keep == "both" or not vnir.any() or not swir.any():
        return none, ()
    low, high = waves[swir].min(), waves[vnir].max()
    out = (vnir if keep != "vnir" else swir) & (waves >= low) & (waves <= high)
    if not out.any():
        return none, ()
    kept, other = ("VNIR", "swir") if keep == "vnir" else ("SWIR", "vnir")
    where = f"both measured {low:.0f} to {high:.0f} nm; there the {kept} bands are kept, {out.sum()} others left out"
    return out, (("two detectors overlap", where, f"`overlap: {other}` keeps the others, `overlap: both` all"),)


__all__ = ["LOADERS", "OVERLAP", "RADIANCE", "as_product", "by_wavelength", "doubled", "open_product", "unverified"]
