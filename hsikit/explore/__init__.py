"""Explorers: linked views of scenes, spectra and feature spaces for JupyterLab, also without a browser.

Each is a class with plain state and methods, `static()` for a figure and `widget()` for the interactive view.
"""

from __future__ import annotations

from hsikit._util import lazily

__all__, __getattr__ = lazily(__name__, {
    "hsikit.explore.linked": ("link",),
    "hsikit.explore.spectra_panel": ("SpectraExplorer",),
    "hsikit.explore.feature_panel": ("FeatureSpaceExplorer",),
    "hsikit.explore.leakage_panel": ("LeakageExplorer",),
    "hsikit.explore.prompts_panel": ("PromptExplorer",),
    "hsikit.explore.painter": ("LabelPainter",),
    "hsikit.explore.why_panel": ("Why",),
    "hsikit.explore.compare_panel": ("CompareMaps",),
})  # fmt: skip
