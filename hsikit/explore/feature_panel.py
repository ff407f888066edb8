"""`FeatureSpaceExplorer`: clouds, map and spectra, linked, with their controls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import ipywidgets as w
import numpy as np
from matplotlib.figure import Figure

from hsikit.explore.feature_marks import charts
from hsikit.explore.feature_space import COLOUR_BY, FeatureSpace
from hsikit.explore.marks import Chart
from hsikit.explore.panel import Act, Acts, Panel
from hsikit.explore.pieces import button, hand, help_of, menu, place_box, row_of, walks
from hsikit.explore.state import Progress
from hsikit.explore.still import picture_of

SETTLED = {"continuous_update": False, "style": {"description_width": "76px"}, "layout": {"width": "250px"}}
SETTLE_S = 0.2
MEASURING, STOPPED = (("measuring separation …",),), (("separation: stopped",),)
METHODS = [("PCA", "pca"), ("t-SNE", "tsne"), ("UMAP", "umap")]
HELP = (
    "<b>Clouds and map</b>: with <i>lasso</i> or <i>box</i> a drag lights the points or pixels inside, everywhere; a "
    "click lights the nearest. The wheel zooms, a drag with <i>pan</i> moves, a double click shows all.",
    "<b>Legend</b>: a click shows only this class and dims the rest, again shows all; Ctrl and click adds a class.",
    "<b>Keys</b>: Tab walks through the controls; with a cloud in focus arrow keys move, + and − zoom, Home shows all; "
    "in the map arrow keys walk from pixel to pixel.",
)


class FeatureSpaceExplorer(FeatureSpace, Panel):
    """Select in the cloud and see the map, or the other way round: `FeatureSpace` with a picture and controls.

    Example:
        >>> scene = hsikit.load_scene("indian_pines")
        >>> explorer = hsikit.explore.FeatureSpaceExplorer({"input": scene.hsi}, scene.labels, scene, cap_per_class=20)
        >>> explorer.only(14)
        >>> explorer.message
        'Only woods; again shows all, Ctrl adds another.'
    """

    _numbers: tuple[Any, Sequence[Sequence[str]]] = (None, MEASURING)

    def static(self) -> Figure:
        """The present state as a figure of its own, with its numbers."""
        return picture_of(charts(self, self._kept, self.measure()))

    def _charts(self) -> dict[str, Chart]:
        return charts(self, self._kept, self._numbers[1])

    def _acts(self) -> Acts:
        found = self._map_acts(("map",), lambda row, col, _: self.pick(row, col))
        found["map", "outline"] = lambda m: self.select_outline(np.array(m["points"], float))
        found["key", "class"] = lambda m: self.only(int(m["class_id"]), bool(m.get("ctrl")))
        return found | self._cloud_acts("cloud", False) | self._cloud_acts("beside", True)

    def _cloud_acts(self, name: str, beside: bool) -> dict[tuple[str, str], Act]:
        found = self._click_acts((name,), lambda m: self.pick_point(m["x"], m["y"], beside))
        found[name, "outline"] = lambda m: self.select_points(np.array(m["points"], float), beside)
        found[name, "hover"] = lambda m: setattr(self._view, "pointer", self.about(int(m["index"])))
        return found

    # --- numbers take a while, so they follow the picture ------------------------------------------

    def _measure_later(self) -> None:
        key = (self.settings(), frozenset(self.classes_shown))
        if self._numbers[1] is MEASURING and key == self._numbers[0] and "numbers" not in self._jobs:
            self._numbers = (None, STOPPED)  # the next change measures again
            self._view.refresh()
        elif key != self._numbers[0]:
            self._numbers = (key, MEASURING)
            self._view.refresh()
            self._later("numbers", self._measured, lambda lines: self._tell_numbers(key, lines))

    def _measured(self, progress: Progress) -> list[tuple[str, ...]]:
        if progress.told is not None:
            time.sleep(SETTLE_S)  # the picture first; and of several changes in a row only the last is measured
        progress.step(0.1)
        return self.measure()

    def _tell_numbers(self, key: Any, lines: list[tuple[str, ...]]) -> None:
        self._numbers = (key, lines)
        self._view.refresh()

    def _controls(self) -> list[Any]:
        return self._governed_by(FeatureControls(self))

    def _sync(self) -> None:
        super()._sync()
        self._measure_later()


class FeatureControls:
    """Rows of labelled widgets around the picture."""

    def __init__(self, explorer: FeatureSpaceExplorer) -> None:
        self.explorer = explorer
        on, points, spaces = explorer._on, len(explorer.pixels), list(explorer.spaces)
        self.space = on(menu("space", spaces, 230, 56), lambda v: self.show(space=v))
        beside = [("nothing", ""), *((name, name) for name in spaces)]
        self.beside = on(menu("beside", beside, 230, 56), lambda v: self.show(beside=v))
        self.beside.disabled = len(spaces) < 2
        self.method = on(menu("picture", METHODS, 150, 56), lambda v: self.show(method=v))
        most = max(2, min(100, (points - 1) // 3))
        self.perplexity = w.IntSlider(min(30, most), min=1, max=most, description="perplexity", **SETTLED)
        reach = max(3, min(100, points - 1))
        self.neighbours = w.IntSlider(min(15, points - 1), min=2, max=reach, description="neighbours", **SETTLED)
        on(self.perplexity, lambda v: self.show(perplexity=v))
        on(self.neighbours, lambda v: self.show(neighbours=v))
        self.color = on(menu("colour", COLOUR_BY, 180, 56), explorer.color)
        self.table = on(menu("table", ("confusion", "distances"), 170, 56), lambda v: setattr(explorer, "table", v))
        self.table.disabled = explorer.prediction is None
        self.tool = hand(explorer, "lasso")
        self.walks = walks(explorer)
        self.clear = button(explorer, "Clear", "Light nothing", explorer.clear)
        self.go_to = place_box(explorer, explorer.pick)
        self.asked, self.help = help_of(HELP)

    def show(self, **change: Any) -> None:
        """Compute other pictures beside the other controls, then show them."""
        explorer = self.explorer
        settings = explorer.settings(**change)
        explorer.say(f"Computing {settings.method} of {len(explorer.pixels):,} px …")
        explorer._later("picture", partial(explorer.pictures.of, settings), partial(explorer._place, settings))

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the picture."""
        first = row_of(self.tool, *self.walks, self.clear, self.go_to, self.color, self.asked)
        return [
            first,
            self.help,
            None,
            row_of(self.space, self.beside, self.method, self.perplexity, self.neighbours, self.table),
        ]

    def sync(self) -> None:
        """Set the controls to the explorer's state."""
        explorer = self.explorer
        self.space.value, self.method.value = explorer.space, explorer.method
        self.beside.value = explorer.beside or ""
        self.perplexity.value, self.neighbours.value = int(explorer.perplexity), explorer.neighbours
        for slider, method in ((self.perplexity, "tsne"), (self.neighbours, "umap")):
            slider.layout.display = "" if explorer.method == method else "none"
        self.color.value, self.table.value = explorer.color_by, explorer.table
