"""AVIRIS-NG and AVIRIS-3 reflectance in ENVI form, as JPL delivers it: what the header does not say.

425 bands of 376 to 2500 nm (NG) or 284 of 383 to 2488 nm (3), float fractions, -9999 is no data; wavelengths may stand
in the band names alone. Without a `bbl` the bands of water vapour and NG's first are bad. Radiance (`_rdn_`) has the
same form: it is told by name, description or value, and refused unless the YAML says `units: radiance`.
NG was tried on real crops (one of reflectance, two of radiance; one rotated), AVIRIS-3 in ENVI form on none.
Sources: JPL's readmes, ISOFIT, HyTools.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from hsikit.scenes.envi import decoded, sample
from hsikit.scenes.layers import Layer
from hsikit.scenes.products.hdf5 import RADIANCE, outside, unverified

SENSORS = {425: (374.0, 2502.0, 376.9), 284: (380.0, 2492.0, 0.0)}  # bands: range in nm, and how far up they are bad
WINDOWS = ((1340.0, 1440.0), (1780.0, 1960.0))  # nm
BRIGHT = 1.6  # no surface reflects so much of the light at the median; radiance in uW nm-1 cm-2 sr-1 often does


def as_product(layer: Layer) -> Layer | None:
    """The layer with bad bands, no-data and units; None where it is no cube of these sensors in ENVI form."""
    waves = layer.wavelengths
    if waves is None or len(waves) not in SENSORS or len(layer.files) != 2:
        return None
    low, high, first = SENSORS[len(waves)]
    if not (low < waves.min() < low + 6 and high - 6 < waves.max() < high):
        return None
    header = layer.files[0]
    told = re.search(r"description\s*=\s*\{[^}]*\}", decoded(header.read_bytes()))
    name = f"{layer.path.name} {header.name} {told[0] if told else ''}".lower()
    radiance = re.search(r"rdn|radiance", name) is not None or _bright(layer)
    bad = () if len(waves) == 425 else (unverified("AVIRIS-3 in ENVI form"),)
    return replace(
        layer, units=RADIANCE if radiance else "reflectance", findings=(*layer.findings, *bad),
        good=outside(waves, (*WINDOWS, (0.0, first))) if layer.good is None and not radiance else layer.good,
        nodata=np.full(len(waves), -9999.0) if layer.nodata is None else layer.nodata,
    )  # fmt: skip


def _bright(layer: Layer) -> bool:
    """Whether sampled values are above what a surface can reflect."""
    values = sample(layer.array() if layer.array is not None else np.empty((1, 1, 1)))
    measured = values[np.isfinite(values) & (values > -9000)]
    return measured.size > 0 and float(np.median(measured)) > BRIGHT
