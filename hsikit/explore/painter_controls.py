"""The controls of a `LabelPainter`. Each one calls a method of the painter; `sync` follows its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np

from hsikit.explore.painter_fit import MODELS
from hsikit.explore.painting import LAYERS, TOOLS
from hsikit.explore.pieces import button, place_boxes, row_of
from hsikit.explore.redraw import Gestures

if TYPE_CHECKING:
    from hsikit.explore.painter import LabelPainter
    from hsikit.explore.painter_view import PainterView


class PainterControls:
    """Rows of labelled widgets around the picture."""

    def __init__(self, explorer: LabelPainter) -> None:
        self.explorer = explorer
        on = explorer._on
        press = lambda *a: button(explorer, *a)  # noqa: E731
        self.classes = on(w.Dropdown(description="class", layout={"width": "250px"}), self._choose)
        self.name = w.Text(description="new class", placeholder="name", layout={"width": "230px"})
        self.add = press("Add", "Add a class with this name", self._add)
        self.rename = press("Rename", "Give this name to the chosen class", self._rename)
        self.colour = on(w.ColorPicker(description="colour", concise=False, layout={"width": "190px"}), self._recolour)
        self.tool = on(w.ToggleButtons(options=TOOLS, description="drag a", style={"button_width": "60px"}),
                       lambda v: explorer.choose(tool=v))  # fmt: skip
        self.radius = on(w.IntSlider(2, 0, 20, description="radius (px)", layout={"width": "260px"}),
                         lambda v: explorer.choose(radius=v))  # fmt: skip
        self.row, self.col = place_boxes(explorer.scene.shape)
        self.dab = press("Paint", "Paint a dab of the brush at this row and column", self._dab)
        self.undo = press("Undo", "Take the last stroke back", explorer.undo)
        self.angle = w.BoundedFloatText(0.05, min=0.001, max=1.57, step=0.01, description="angle (rad)",
                                        layout={"width": "180px"})  # fmt: skip
        self.suggest = press("Suggest", "Propose unpainted pixels that look alike", self._suggest)
        self.accept = press("Accept", "Paint what is suggested", explorer.accept)
        self.dismiss = press("Dismiss", "Forget the suggestions", explorer.dismiss)
        self.model = on(w.Dropdown(options=list(MODELS.items()), description="model", layout={"width": "300px"}),
                        lambda v: explorer.choose(method=v))  # fmt: skip
        self.fit = press("Fit", "Fit the model on what is painted", explorer.request_fit)
        self.layer = on(w.Dropdown(options=LAYERS, description="show", layout={"width": "200px"}), explorer.show)
        self.file = w.Text("labels.tif", description="file", layout={"width": "230px"})
        self.save = press("Save", "Write what is painted as .tif or .npz", lambda: explorer.save(self.file.value))
        self.load = press("Load", "Read painted labels", lambda: explorer.load(self.file.value))

    # --- layout and links ------------------------------------------------------------------------

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the picture."""
        return [
            row_of(self.classes, self.colour, self.name, self.add, self.rename),
            row_of(self.tool, self.radius, self.undo, self.row, self.col, self.dab),
            None,
            row_of(self.angle, self.suggest, self.accept, self.dismiss),
            row_of(self.model, self.fit, self.layer),
            row_of(self.file, self.save, self.load),
        ]

    def connect(self, view: PainterView) -> None:
        """Listen to the mouse on both pictures: corrections may be painted on the map."""
        guard = self.explorer._guard
        self.hands = [
            Hand(axes, view.redraw, guard(self._click), guard(self._drag)) for axes in (view.map, view.answer)
        ]

    def sync(self) -> None:
        """Set the controls to the painter's state."""
        explorer, painting = self.explorer, self.explorer
        entries = [("eraser", 0), *((f"{c} {name}", c) for c, name in enumerate(painting.class_names, 1))]
        if tuple(entries) != tuple(self.classes.options):
            self.classes.options = entries
        self.classes.value = explorer.active
        self.colour.disabled = self.rename.disabled = explorer.active == 0
        if explorer.active:
            self.colour.value = painting.colors[explorer.active - 1]
        self.tool.value, self.radius.value, self.layer.value = explorer.tool, explorer.radius, explorer.layer
        self.model.value = explorer.method
        self.undo.disabled = not painting.can_undo
        self.accept.disabled = self.dismiss.disabled = explorer.suggested is None
        for hand in self.hands:
            hand.dress(explorer)

    # --- what they do ----------------------------------------------------------------------------

    def _choose(self, class_id: int | None) -> None:
        if class_id is not None:
            self.explorer.choose(class_id)

    def _add(self) -> None:
        self.explorer.add_class(self.name.value)
        self.name.value = ""

    def _rename(self) -> None:
        self.explorer.change_class(self.explorer.active, name=self.name.value)
        self.name.value = ""

    def _recolour(self, colour: str) -> None:
        self.explorer.change_class(self.explorer.active, color=colour)

    def _suggest(self) -> None:
        self.explorer.suggest(self.angle.value)

    def _dab(self) -> None:
        self.explorer.brush(np.array([[self.col.value, self.row.value]]))

    def _click(self, x: float, y: float) -> None:
        if self.explorer.tool == "brush":
            self.explorer.brush(np.array([[x, y]]))
        else:
            self.explorer.click(0, 0)

    def _drag(self, outline: np.ndarray) -> None:
        (self.explorer.brush if self.explorer.tool == "brush" else self.explorer.lasso)(outline)


class Hand(Gestures):
    """Gestures whose line shows the brush: as wide as it paints, in the colour of the class."""

    def outline(self) -> np.ndarray:
        """The corners; a brush goes along its trail and back, so that its line stays open."""
        trail = np.array(self._trail)
        return super().outline() if self.shape != "brush" else np.vstack([trail, trail[::-1]])

    def dress(self, explorer: LabelPainter) -> None:
        """Take over tool, width and colour."""
        self.shape = explorer.tool
        colour = explorer.colors[explorer.active - 1] if explorer.active else "#ffffff"
        (x0, _), (x1, _) = self.axes.transData.transform([(0, 0), (1, 0)])
        wide = (2 * explorer.radius + 1) * abs(x1 - x0) * 72 / self.axes.figure.dpi
        brush = explorer.tool == "brush"
        self.line.set(color=colour if brush else "#000000", linewidth=max(wide, 1.6) if brush else 1.6)
        self.line.set_solid_capstyle("round")
