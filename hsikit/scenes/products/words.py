"""What several loaders say in the same words."""

from __future__ import annotations

from hsikit.scenes.layers import Finding

RADIANCE = "radiance (as the sensor saw it)"


def unverified(product: str, what: str = "the whole reader") -> Finding:
    """What is said of a loader that no real file could verify."""
    return ("reader not tried on a real file", f"{product}: {what}, written after the published layout alone",
            "compare some values and a place with another program before you rely on it")  # fmt: skip
