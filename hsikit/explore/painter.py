"""`LabelPainter`: paint classes on a scene, fit a light model, look at its map, correct, fit again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from hsikit.explore import painter_marks
from hsikit.explore.marks import Chart
from hsikit.explore.painter_files import load_painting, save_painting
from hsikit.explore.painter_fit import MODELS, fit_light
from hsikit.explore.painting import LAYERS, TOOLS, WIDEST, Painting
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import button, help_of, menu, number_box, opacity_of, pages_of, row_of, walks
from hsikit.explore.spectra_list import stamped

HELP = (
    "<b>Paint</b> on either map: <i>brush</i> and <i>eraser</i> along a drag, <i>lasso</i> and <i>box</i> what "
    "they enclose. <i>fill</i> takes the area of one class that is clicked, or, where nothing is painted, the "
    "pixels around it whose spectra lie within the angle. <i>picker</i>, or Ctrl and click, takes the class under "
    "the pointer, as does a click in the legend.",
    "<b>Look</b>: the wheel zooms, Shift and drag moves, a double click shows all.",
    "<b>Keys</b>, with a map in focus: 1 to 9 choose a class, 0 erases, [ and ] change the brush, Ctrl+Z and "
    "Ctrl+Y walk back and on, arrow keys move and paint, Home shows all.",
)


class LabelPainter(Painting, Panel):
    """A scene to paint on and the map that a model makes of it: `Painting` with pictures and controls."""

    def request_fit(self, method: str | None = None) -> None:
        """`fit` beside the other controls, with progress; what is painted meanwhile counts at the next fit."""
        method = method or self.method
        scene, split = self.labelled_scene(), self.split()
        self.say(f"Fitting on {split.n_train:,} painted px …")
        self._later("fit", partial(fit_light, method, scene, split), partial(self.take, method, split))

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write what is painted: .tif, .npz, or polygons as .geojson or .gpkg; see `painter_files.save_painting`."""
        written = save_painting(self, path, overwrite)
        with self.step(f"Wrote {self.counts().sum():,} painted px to {written}."):
            return written

    def load(self, path: str | Path) -> None:
        """Replace what is painted by what a .tif or .npz holds; one step that can be taken back."""
        with self.step():
            count = load_painting(self, path)
            self.message = f"Read {count:,} painted px of {len(self.class_names)} classes from {Path(path).name}."

    # --- the panel -------------------------------------------------------------------------------

    _trail: tuple[Any, ...] = ()  # of a stroke that is being drawn

    def _charts(self) -> dict[str, Chart]:
        return painter_marks.charts(self, self._kept)

    def _acts(self) -> Acts:
        acts = self._map_acts(("map", "answer"), self.click, self._brushed)
        for name in ("map", "answer"):
            acts |= {
                (name, "outline"): lambda m: self.drag(np.array(m["points"], float)),
                (name, "key"): lambda m: self.press(m["key"], bool(m.get("ctrl"))),
            }
        return acts | {("map", "class"): lambda m: self.choose(int(m["class_id"]))}

    def _brushed(self, m: dict[str, Any]) -> None:
        """Corners of a stroke arrive while it is drawn; it is painted when it ends."""
        self._trail = (*(() if m["first"] else self._trail), *m["points"])
        if m["done"]:
            self.drag(np.array(self._trail, float))

    def _controls(self) -> list[Any]:
        return self._governed_by(PainterControls(self))


class PainterControls:
    """Rows of labelled widgets around the pictures. Each calls a method of the painter; `sync` follows its state."""

    def __init__(self, explorer: LabelPainter) -> None:
        self.explorer = explorer
        on, press = explorer._on, partial(button, explorer)
        self.classes = on(menu("class", (), 200, 40), explorer.choose)
        self.tool = on(w.ToggleButtons(options=TOOLS, style={"button_width": "64px"}, layout={"width": "auto"}),
                       lambda v: explorer.choose(tool=v))  # fmt: skip
        self.radius = on(w.IntSlider(2, 0, WIDEST, description="radius (px)", layout={"width": "215px"}),
                         lambda v: explorer.choose(radius=v))  # fmt: skip
        self.undo, self.redo = walks(explorer)
        self.asked, self.help = help_of(HELP)
        self.name = w.Text(description="new class", placeholder="name", layout={"width": "230px"})
        self.add = press("Add", "Add a class with this name", self._add)
        self.rename = press("Rename", "Give this name to the chosen class", self._rename)
        self.colour = on(w.ColorPicker(description="colour", layout={"width": "190px"}),
                         lambda colour: explorer.change_class(explorer.active, color=colour))  # fmt: skip
        self.opacity = opacity_of(explorer)
        self.angle = w.BoundedFloatText(explorer.angle, min=0.001, max=1.57, step=0.01, description="angle (rad)",
                                        layout={"width": "180px"})  # fmt: skip
        on(self.angle, lambda v: setattr(explorer, "angle", v))
        self.suggest = press("Suggest", "Propose unpainted pixels that look alike", explorer.suggest)
        self.accept = press("Accept", "Paint what is suggested", explorer.accept)
        self.dismiss = press("Dismiss", "Forget the suggestions", explorer.dismiss)
        self.model = on(menu("model", list(MODELS.items()), 300), lambda v: explorer.choose(method=v))
        self.fit = press("Fit", "Fit the model on what is painted", explorer.request_fit)
        self.layer = on(menu("show", LAYERS, 200), explorer.show)
        self.angles = w.HTML()
        self.file = w.Text(stamped(name="labels", ending=".tif"), description="file", layout={"width": "330px"})
        self.save = press("Save", "Write .tif or .npz, or polygons as .geojson or .gpkg", self._save)
        self.load = press("Load", "Read painted labels", lambda: explorer.load(self.file.value))
        self.row, self.col = (number_box(name, n - 1) for name, n in zip(("row", "column"), explorer.scene.shape))
        self.dab = press("Paint", "Use the tool at this row and column",
                         lambda: explorer.click(self.row.value, self.col.value))  # fmt: skip

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the pictures."""
        hand = row_of(self.classes, self.tool, self.radius, self.undo, self.redo, self.asked)
        pages = pages_of({
            "Classes": row_of(self.name, self.add, self.rename, self.colour, self.opacity),
            "Fit": row_of(self.model, self.fit, self.layer),
            "Alike": row_of(self.angle, self.suggest, self.accept, self.dismiss),
            "Angles": self.angles,
            "Files": row_of(self.file, self.save, self.load),
            "By number": row_of(self.row, self.col, self.dab),
        })  # fmt: skip
        return [hand, self.help, None, pages]

    def sync(self) -> None:
        """Set the controls to the painter's state."""
        explorer = self.explorer
        entries = [("eraser", 0), *((f"{c} {name}", c) for c, name in enumerate(explorer.class_names, 1))]
        if tuple(entries) != tuple(self.classes.options):
            self.classes.options = entries
        self.classes.value, self.angle.value = explorer.active, explorer.angle
        self.colour.disabled = self.rename.disabled = explorer.active == 0
        if explorer.active:
            self.colour.value = explorer.colors[explorer.active - 1]
        self.tool.value, self.radius.value, self.layer.value = explorer.tool, explorer.radius, explorer.layer
        self.model.value = explorer.method
        self.accept.disabled = self.dismiss.disabled = explorer.suggested is None
        self.angles.value = painter_marks.angle_table(explorer)
        self._hand()

    def _hand(self) -> None:
        """What the browser draws while the mouse moves: as wide as it paints, in the colour of the class."""
        explorer = self.explorer
        drawn = {"brush": "brush", "eraser": "brush", "lasso": "lasso", "box": "box"}
        erases = explorer.tool == "eraser" or not explorer.active
        brush = {"radius": explorer.radius, "colour": "#ffffff" if erases else explorer.colors[explorer.active - 1]}
        for name in ("map", "answer"):
            part = explorer._view[name]
            part.tool, part.brush = drawn.get(explorer.tool, "pan"), brush

    # --- what they do ----------------------------------------------------------------------------

    def _add(self) -> None:
        self.explorer.add_class(self.name.value)
        self.name.value = ""

    def _rename(self) -> None:
        self.explorer.change_class(self.explorer.active, name=self.name.value)
        self.name.value = ""

    def _save(self) -> None:
        self.explorer.save(self.file.value)
        self.file.value = stamped(name="labels", ending=".tif")
