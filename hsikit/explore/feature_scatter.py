"""Clouds of more than `MOST_DRAWN` points, drawn by the graphics card (jupyter-scatter, the extra `clouds`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
import jscatter
import numpy as np
import pandas as pd

from hsikit.explore.feature_drawn import categories

if TYPE_CHECKING:
    from hsikit.explore.feature_space import FeatureSpaceExplorer

HEIGHT_PX = 420


class BigClouds:
    """One or two clouds of a `FeatureSpaceExplorer` side by side; what is lit in one is lit in the other.

    Attributes:
        widget: The box that holds them.
        scatters: The clouds shown, `jscatter.Scatter`.
    """

    def __init__(self, explorer: FeatureSpaceExplorer) -> None:
        self.explorer, self.widget = explorer, w.HBox([], layout={"width": "1060px"})
        self.scatters: list[Any] = []
        self._drawn: Any = None
        self._follows = False

    def refresh(self) -> None:
        """Bring the clouds to the state of the explorer; a selection leaves points and colours alone."""
        explorer = self.explorer
        state = (explorer.settings(), explorer.color_by, frozenset(explorer.classes_shown))
        if state != self._drawn:
            self._drawn = state
            pair = [explorer.xy] if explorer.xy_beside is None else [explorer.xy, explorer.xy_beside]
            self.scatters = [self._scatter(xy) for xy in pair]
            self.widget.children = [scatter.show() for scatter in self.scatters]
            for child in self.widget.children:
                child.layout.flex = "1 1 0%"  # share the width
        self._follows = True
        try:
            for scatter in self.scatters:
                scatter.selection(np.flatnonzero(explorer.lit))
        finally:
            self._follows = False

    def _scatter(self, xy: np.ndarray) -> Any:
        explorer = self.explorer
        category, names, colours = categories(explorer)
        found = np.unique(category)
        named = pd.Categorical([f"{c} {names[c]}" for c in category], [f"{c} {names[c]}" for c in found])
        frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "category": named})
        scatter = jscatter.Scatter(x="x", y="y", data=frame, height=HEIGHT_PX)
        scatter.color(by="category", map=[colours[c] for c in found])
        if not explorer.visible.all():
            scatter.filter(np.flatnonzero(explorer.visible))
        scatter.widget.observe(explorer._guard(self._chosen), names="selection")
        return scatter

    def _chosen(self, change: dict[str, Any]) -> None:
        if not self._follows:  # drawn by hand, not set by the explorer
            self.explorer.select_indices(np.asarray(change["new"], int))
