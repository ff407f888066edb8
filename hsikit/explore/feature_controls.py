"""The controls of a `FeatureSpaceExplorer`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np

from hsikit.explore.pieces import BOX, button, drag_shapes, place_boxes, swatch
from hsikit.explore.redraw import Gestures

if TYPE_CHECKING:
    from hsikit.explore.feature_space import FeatureSpaceExplorer
    from hsikit.explore.feature_view import FeatureView

SETTLED = {"continuous_update": False, "style": {"description_width": "80px"}, "layout": {"width": "260px"}}


class FeatureControls:
    """Rows of labelled widgets around the picture."""

    def __init__(self, explorer: FeatureSpaceExplorer) -> None:
        from hsikit.explore.feature_space import COLOUR_BY

        self.explorer = explorer
        on, points = explorer._on, len(explorer.pixels)
        wide = {"width": "240px"}
        self.space = on(
            w.Dropdown(options=list(explorer.spaces), description="space", layout=wide),
            lambda v: self.show(space=v),
        )
        methods = [("PCA", "pca"), ("t-SNE", "tsne"), ("UMAP", "umap")]
        self.beside = on(
            w.Dropdown(
                options=[("nothing", ""), *((n, n) for n in explorer.spaces)], description="beside", layout=wide
            ),
            lambda v: self.show(beside=v),
        )
        self.beside.disabled = len(explorer.spaces) < 2
        self.method = on(
            w.Dropdown(options=methods, description="picture", layout={"width": "190px"}),
            lambda v: self.show(method=v),
        )
        most = max(2, min(100, (points - 1) // 3))
        self.perplexity = w.IntSlider(min(30, most), min=1, max=most, description="perplexity", **SETTLED)
        self.neighbours = w.IntSlider(
            min(15, points - 1), min=2, max=max(3, min(100, points - 1)), description="neighbours", **SETTLED
        )
        on(self.perplexity, lambda v: self.show(perplexity=v))
        on(self.neighbours, lambda v: self.show(neighbours=v))
        self.color = on(w.Dropdown(options=COLOUR_BY, description="colour by", layout=wide), explorer.color)
        self.shape = drag_shapes()
        self.clear = button(explorer, "Clear", "Light nothing", explorer.clear)
        self.row, self.col = place_boxes(explorer.scene.shape)
        self.light = button(explorer, "Light", "Light the shown pixel nearest to this place", self._light)
        self.classes: dict[int, Any] = {}
        for c in np.unique(explorer.labels).tolist():
            box = w.Checkbox(True, description=f"{c} {explorer.class_name(c)}", indent=False)
            box.layout = w.Layout(width="auto", margin="0 14px 0 0")
            self.classes[c] = on(box, partial(explorer.toggle_class, c))

    def show(self, **change: Any) -> None:
        """Compute other pictures beside the other controls, then show them."""
        explorer = self.explorer
        settings = explorer.settings(**change)
        explorer.say(f"Computing {settings.method} of {len(explorer.pixels):,} px …")
        explorer._later("picture", partial(explorer.pictures.of, settings), partial(explorer._place, settings))

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the picture."""
        explorer = self.explorer
        colour = {c: explorer.scene.colors[c - 1] if c else "#bbbbbb" for c in self.classes}
        toggles = [w.HBox([w.HTML(swatch(colour[c])), box]) for c, box in self.classes.items()]
        return [
            _row(self.space, self.beside, self.method, self.perplexity, self.neighbours),
            None,
            _row(self.color, self.shape, self.clear, self.row, self.col, self.light),
            _row(w.HTML("classes:&nbsp;"), *toggles),
        ]

    def connect(self, view: FeatureView) -> None:
        """Listen to the mouse: drag in a cloud or on the map; a click lights the nearest point or pixel."""
        explorer, guard = self.explorer, self.explorer._guard
        self.gestures = [
            Gestures(axes, view.redraw, guard(partial(explorer.pick_point, beside=beside)),
                     guard(partial(explorer.select_points, beside=beside)))
            for axes, beside in ((view.axes, False), (view.second, True))
        ]  # fmt: skip
        pixel = guard(lambda x, y: explorer.pick(round(y), round(x)))
        self.gestures.append(Gestures(view.map, view.redraw, pixel, guard(explorer._map_outline)))
        explorer._on(self.shape, self._set_shape)

    def sync(self) -> None:
        """Set the controls to the explorer's state."""
        explorer = self.explorer
        self.space.value, self.method.value = explorer.space, explorer.method
        self.beside.value = explorer.beside or ""
        self.perplexity.value, self.neighbours.value = int(explorer.perplexity), explorer.neighbours
        self.perplexity.disabled, self.neighbours.disabled = (
            explorer.method != "tsne",
            explorer.method != "umap",
        )
        self.color.value = explorer.color_by
        for c, box in self.classes.items():
            box.value = c in explorer.classes_shown

    def _set_shape(self, shape: str) -> None:
        for gesture in self.gestures:
            gesture.shape = shape

    def _light(self) -> None:
        self.explorer.pick(self.row.value, self.col.value)


def _row(*children: Any) -> Any:
    return w.HBox(list(children), layout=BOX)
