"""Explorers: linked views of scenes, spectra and feature spaces for JupyterLab, also without a browser.

Each is a class with plain state and methods, `static()` for a figure and `widget()` for the interactive view.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "SpectraExplorer": "hsikit.explore.spectra",
    "FeatureSpaceExplorer": "hsikit.explore.feature_space",
    "LeakageExplorer": "hsikit.explore.leakage",
    "PromptExplorer": "hsikit.explore.prompts",
    "LabelPainter": "hsikit.explore.painter",
    "Why": "hsikit.explore.why",
    "CompareMaps": "hsikit.explore.compare_maps",
}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"hsikit.explore has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_MODULE_OF[name]), name)
