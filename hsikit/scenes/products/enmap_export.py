"""EnMAP L2A as EnMAP-Box exports it: a GeoTIFF that says all but which detector measured a band.

Bands stand in the order of the detectors, VNIR first, so that their wavelengths fall once. Tried on three real crops.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsikit.scenes.layers import Layer

BANDS, FIRST_NM, LAST_NM, OFF_NM = 224, 418.0, 2446.0, 5.0


def as_product(layer: Layer) -> Layer | None:
    """The layer with its detectors; None where its bands are not EnMAP's. Sorted ones no longer tell their detector."""
    waves = layer.wavelengths
    if waves is None or len(waves) != BANDS:
        return None
    if abs(waves.min() - FIRST_NM) > OFF_NM or abs(waves.max() - LAST_NM) > OFF_NM:
        return None
    falls = np.flatnonzero(np.diff(waves) < 0)
    detector = np.where(np.arange(BANDS) <= falls[0], "vnir", "swir") if len(falls) == 1 else None
    return replace(layer, detector=detector, units=layer.units or "reflectance" * layer.scaled)
