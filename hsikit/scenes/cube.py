"""The cube that a YAML names: one file, a product or tiles, with what the YAML says of its values and bands."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np

from hsikit.scenes.layers import Finding, Layer, open_layer, per_channel
from hsikit.scenes.mosaic import mosaic
from hsikit.scenes.products import as_product, doubled, open_product
from hsikit.scenes.products.hdf5 import RADIANCE
from hsikit.scenes.scene import SceneError
from hsikit.scenes.yaml_file import Named, bands_of, entries, number_of

log = logging.getLogger(__name__)


def opened(path: Path, spec: Mapping[str, Any]) -> tuple[Layer, bool]:
    """The cube, of one file or of tiles, as file and YAML describe it, and whether the file alone calls 0 no-data."""
    layers = []
    for file in entries(path, spec["hsi"], "hsi"):
        layer = _file(path, spec, file)
        if layer.flat:
            raise SceneError(f"{file.path} is {layer.shape[:2]}, expected (row, col, band)")
        if layer.units == RADIANCE and "radiance" not in str(spec.get("units", "")).lower():
            raise SceneError(f"{file.path} holds radiance, expected reflectance; if radiance is meant, write "
                             "`units: radiance` beside `hsi` in a YAML file")  # fmt: skip
        given = {key: spec.get(key) for key in ("nodata", "scale", "offset")}
        given |= {key: value for key in given if (value := getattr(file, key)) is not None}
        layers.append(told(path, layer, given, ""))
    zeros = layers[0].nodata
    lenient = given["nodata"] is None and zeros is not None and bool((zeros == 0).all())
    return mosaic(layers), lenient


def _file(path: Path, spec: Mapping[str, Any], file: Named) -> Layer:
    order = spec.get("byte_order")
    if order not in (None, "little", "big"):
        raise SceneError(f"{path}: byte_order is {short(order)}, expected little or big")
    encoding = file.encoding or spec.get("encoding")
    return open_product(file.path) or as_product(
        open_layer(file.path, file.variable, encoding and str(encoding), order)
    )


def told(path: Path, layer: Layer, given: Mapping[str, Any], what: str) -> Layer:
    """The layer with no-data, scale and offset as the YAML gives them."""
    changes: dict[str, Any] = {}
    for key in ("nodata", "scale", "offset"):
        value = number_of(path, f"{what}{key}", given.get(key))
        try:
            changes |= {} if value is None else {key: per_channel(value, layer.shape[2])}
        except ValueError as error:
            raise SceneError(f"{path}: {what}{key} has {error}; give one number, or one a channel") from None
    return replace(layer, **changes)


def chosen_bands(path: Path, spec: Mapping[str, Any]) -> tuple[Layer, np.ndarray, bool, list[Finding]]:
    """The cube with its good bands, their numbers in the file, whether zeros may be values, and what was noticed."""
    layer, lenient = opened(path, spec)
    bands, waves, good = layer.shape[2], layer.wavelengths, layer.good
    if "wavelengths_nm" in spec:
        try:
            waves = np.array(spec["wavelengths_nm"], np.float64).ravel()
        except (ValueError, TypeError):
            raise SceneError(f"{path}: wavelengths_nm must be a list of numbers in nm") from None
    for what, have in (("wavelengths", waves), ("bad-band flags", good)):
        if have is not None and have.size != bands:
            raise SceneError(f"{path}: {have.size} {what} for {bands} bands; give one a band")
    keep = spec.get("bad_bands", "drop")
    if keep not in ("drop", "keep"):
        raise SceneError(f"{path}: bad_bands is {short(keep)}, expected drop or keep")
    layer = replace(layer, wavelengths=waves)
    dropped = bands_of(path, spec.get("drop_bands"), bands, waves)
    twice, found = doubled(layer, spec.get("overlap"))
    dropped |= twice
    flagged = np.zeros(bands, bool) if good is None or keep == "keep" else ~good
    if (dropped | flagged).all():
        raise SceneError(f"{path}: bad bands cannot be dropped (all are marked bad); write `bad_bands: keep`")
    if flagged.any():
        log.info("%s: dropped %d of %d bands that the header marks bad", path.stem, flagged.sum(), bands)
    kept = np.flatnonzero(~(dropped | flagged))
    return layer.take(kept), kept, lenient, [*layer.findings, *found]
