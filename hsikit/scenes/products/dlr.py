"""EnMAP L2A and DESIS L2A as DLR delivers them: a folder with SPECTRAL_IMAGE.TIF, METADATA.XML and quality layers.

The metadata hold each band's centre, width, gain and offset (value = DN * gain + offset, -32768 is no data); the TIFF
holds the place. A band whose mean is -1000000 holds no data. Cloud, its shadow, cirrus and background of the quality
layers are no measurement; haze and snow are. EnMAP's two detectors overlap: see `hsikit.scenes.products.doubled`.
EnMAP was tried on real pixels (crops exported by EnMAP-Box), its metadata and all of DESIS on made files alone.
Sources: the importers of EnMAP-Box, EnPT, ACOLITE, hyperproc.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import Layer, Reader, open_layer
from hsikit.scenes.products.hdf5 import unverified
from hsikit.scenes.products.siblings import delivered, quality_layers
from hsikit.scenes.scene import SceneError, readable

WHERE = {"EnMAP": ".//{*}bandCharacterisation/{*}bandID", "DESIS": ".//{*}specific/{*}bandCharacterisation/{*}band"}
TAGS = {"EnMAP": ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand"),
        "DESIS": ("wavelengthCenterOfBand", "wavelengthWidthOfBand", "gainOfBand", "offsetOfBand")}  # fmt: skip
NO_MEAN, BACKGROUND = -1_000_000.0, 3  # of a band's statistics; of EnMAP's QL_QUALITY_CLASSES
LAYERS = {"EnMAP": "CLOUD|CLOUDSHADOW|CIRRUS|CLASSES", "DESIS": "2"}  # what stands after QL_QUALITY
DESIS_CLOUDS = [0, 5, 6]  # shadow, cloud over land, cloud over water, of the ten layers of QL_QUALITY-2


def open_product(path: Path) -> Layer | None:
    """The cube of a folder, of its metadata or of its image; None where the path is none."""
    if (found := delivered(path)) is None:
        return None
    image, xml, root = found
    with readable(xml, "metadata file of EnMAP or DESIS", "download it again"):
        mission = next((name for name, where in WHERE.items() if root.find(where) is not None), "DESIS")
        level = re.search(r"(L\d[A-Z]?)-DT", image.name + xml.name, re.IGNORECASE)
        if level and level[1].upper() != "L2A":
            raise SceneError(f"{image} is of level {level[1]}, expected L2A, which holds surface reflectance")
        bands = [[float(band.get("number") or band.findtext("{*}bandNumber")),
                  *(float(band.findtext(f"{{*}}{tag}")) for tag in TAGS[mission])]
                 for band in root.iterfind(WHERE[mission])]  # fmt: skip
        number, waves, fwhm, gain, offset = np.array(sorted(bands)).reshape(-1, 5).T
        layer = open_layer(image)
        if layer.shape[2] != len(number) or not np.array_equal(number, np.arange(len(number)) + 1):
            raise SceneError(f"{image} has {layer.shape[2]} bands, {xml.name} describes {len(number)}; they are of two")
        means = {b.get("number"): b.findtext("{*}mean") for b in root.iterfind(".//{*}bandStatistics/{*}bandID")}
        good = [float(means.get(str(int(n))) or 0) != NO_MEAN for n in number]
        quality = {name: open_layer(file) for name, file in quality_layers(image, LAYERS[mission]).items()}
    note = unverified(mission, "its METADATA.XML" if mission == "EnMAP" else "the whole reader")
    return replace(layer, wavelengths=waves, fwhm=fwhm, good=np.array(good), scale=gain, offset=offset,
                   nodata=np.full(len(number), -32768.0), mask=_clear(layer, quality) if quality else layer.mask,
                   units="reflectance", detector=_detectors(root, len(number)), findings=(*layer.findings, note),
                   files=(image, xml, *(flag.path for flag in quality.values())))  # fmt: skip


def _clear(layer: Layer, quality: dict[str, Layer]) -> Reader:
    for flag in quality.values():
        if flag.shape[:2] != layer.shape[:2]:
            raise SceneError(f"{flag.path} is {flag.shape[:2]}, {layer.path.name} {layer.shape[:2]}; they are of two")
    rules = {"CLASSES": lambda v: v == BACKGROUND, "2": lambda v: v[..., DESIS_CLOUDS] > 0}
    bad = lambda name, values: rules.get(name, lambda v: v > 0)(values).any(2)  # noqa: E731
    return lambda rows, cols: ~np.any([bad(name, flag.read(rows, cols)) for name, flag in quality.items()], axis=0)


def _detectors(root: Any, bands: int) -> np.ndarray | None:
    """ "vnir" or "swir" (band,), or None where the metadata do not list them, as of DESIS, which has one."""
    found = np.full(bands, "", "U4")
    for name in ("vnir", "swir"):
        listed = root.findtext(f".//{{*}}{name}ProductQuality/{{*}}expectedChannelsList") or ""
        found[[int(n) - 1 for n in re.findall(r"\d+", listed)]] = name
    return found if (found != "").all() else None
