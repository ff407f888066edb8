"""`SpectraExplorer`: a map and its spectra, linked, with their controls."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import ipywidgets as w
import numpy as np

from hsikit.explore.marks import Chart
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import button, hand, help_of, menu, number_box, pages_of, row_of, walks
from hsikit.explore.spectra import Spectra
from hsikit.explore.spectra_list import stamped
from hsikit.explore.spectra_marks import map_chart, map_key, rings, spectra_chart
from hsikit.explore.spectra_picture import COLOUR_MAPS, MODES

LABEL = {"description_width": "100px"}
MOST = 20_000
HELP = (
    "<b>Map</b>: a click picks a pixel, the last six stay; Ctrl and click keeps it for good. The wheel zooms, a drag "
    "moves, a double click shows all and picks nothing. With <i>lasso</i> or <i>box</i> a drag takes the mean of the "
    "pixels inside.",
    "<b>Spectra</b>: a click shows the band there; drag R, G, B or the mark of the band; wheel, drag and double click "
    "as in the map; a click on a class in the legend shows or hides its mean.",
    "<b>Keys</b>: Tab walks through the controls; with the picture in focus arrow keys move the picked pixel, + and − "
    "zoom, Home shows all; on a slider arrow keys change the band. Undo brings back what was cleared.",
)


class SpectraExplorer(Spectra, Panel):
    """A map and its spectra, linked: `Spectra` with a picture and controls. Works from a script as well.

    Example:
        >>> explorer = hsikit.explore.SpectraExplorer(hsikit.load_scene("indian_pines"))
        >>> explorer.pick(20, 100).class_name
        'corn notill'
        >>> figure = explorer.static()
    """

    def _charts(self) -> dict[str, Chart]:
        """Both charts; a map whose colours are as before is the one before, with other rings."""
        chart = self._kept("map", map_key(self), lambda: map_chart(self))
        return {"map": replace(chart, rings=rings(self)), "spectra": spectra_chart(self)}

    def _acts(self) -> Acts:
        return self._map_acts(("map",), self.click) | {
            ("map", "outline"): lambda m: self.select_outline(np.array(m["points"], float)),
            ("spectra", "click"): lambda m: self.click_band(float(m["x"])),
            ("spectra", "double"): lambda _: self.unclick_band(),
            ("spectra", "move"): lambda m: self.move(int(m["place"]), float(m["at"])),
            ("spectra", "class"): lambda m: self.toggle_class(int(m["class_id"])),
        }

    def _controls(self) -> list[Any]:
        return self._governed_by(SpectraControls(self))


class SpectraControls:
    """Rows of labelled widgets around the picture. Each calls a method of the explorer; `sync` follows its state."""

    def __init__(self, explorer: SpectraExplorer) -> None:
        self.explorer = explorer
        self._hand()
        self._picture()
        self._spectra()

    def _hand(self) -> None:
        explorer = self.explorer
        self.tool = hand(explorer)
        self.undo, self.redo = walks(explorer)
        self.clear = button(explorer, "Clear", "Remove all spectra", explorer.clear)
        self.row, self.col = (number_box(name, n - 1) for name, n in zip(("row", "column"), explorer.scene.shape))
        for box in (self.row, self.col):
            explorer._on(box, lambda _: explorer.pick(self.row.value, self.col.value))
        self.place = w.Text(placeholder="row, column or x, y", continuous_update=False, layout={"width": "170px"})
        explorer._on(self.place, lambda text: text.strip() and explorer.go_to(text))
        self.asked, self.help = help_of(HELP)

    def _picture(self) -> None:
        explorer, on, scene = self.explorer, self.explorer._on, self.explorer.scene
        self.mode = on(menu("picture", list(zip(MODES, MODES)), 215, 62), explorer.show)
        self.rgb = [on(_typed(n), lambda _: explorer.show_bands(*(box.value for box in self.rgb))) for n in "RGB"]
        places = [(f"{explorer.x[band]:.0f}", int(band)) for band in np.argsort(explorer.x, kind="stable")]
        label = "one band" + (" (nm)" if scene.wavelengths_nm is not None else "")
        self.cursor = w.SelectionSlider(options=places, description=label, style=LABEL, layout={"width": "98%"})
        on(self.cursor, lambda band: explorer.show_bands(explorer.x[band]))
        self.stretch = w.FloatRangeSlider(
            value=(2, 98), min=0, max=100, step=0.5, description="stretch (%)", continuous_update=False
        )
        on(self.stretch, lambda percentiles: setattr(explorer, "stretch", percentiles))
        self.colours = menu("colours", [("its own", ""), *zip(COLOUR_MAPS, COLOUR_MAPS)], 160, 62)
        on(self.colours, lambda name: setattr(explorer, "colour_map", name))
        self.histogram = w.HTML()
        self.truth = on(_opacity("ground truth"), lambda v: explorer.set_layers(truth=v))
        self.lidar = on(_opacity("LiDAR"), lambda v: explorer.set_layers(lidar=v))
        channels = [(name, i) for i, name in enumerate(scene.lidar_names)] or [("none", 0)]
        self.channel = menu("channel", channels, 210, 62)
        on(self.channel, lambda v: explorer.set_layers(channel=v))
        self.lidar.disabled = self.channel.disabled = scene.lidar is None

    def _spectra(self) -> None:
        explorer, on = self.explorer, self.explorer._on
        self.continuum = on(w.Checkbox(description="remove continuum", indent=False), explorer.set_continuum)
        classes = [(name, c) for c, name in enumerate(explorer.scene.class_names, 1)]
        self.means = on(w.SelectMultiple(options=classes, description="means of", rows=4), self._show_means)
        self.listed = on(menu("spectrum", [("none yet", -1)], 270, 62), lambda _: self._follow_list())
        self.name = w.Text(description="name", continuous_update=False, layout={"width": "230px"})
        on(self.name, lambda name: explorer.change(self.listed.value, name=name))
        self.colour = w.ColorPicker(description="colour", value="#0072b2", layout={"width": "190px"})
        on(self.colour, lambda colour: explorer.change(self.listed.value, colour=colour))
        self.keep = button(explorer, "Keep", "Keep this spectrum", lambda: explorer.change(self.listed.value))
        self.remove = button(explorer, "Remove", "Remove this spectrum", lambda: explorer.remove(self.listed.value))
        self.file = w.Text(stamped(), description="file", layout={"width": "330px"})
        self.save = button(explorer, "Save", "Save the list as .csv or .sli", self._save)
        self.load = button(explorer, "Load", "Read a .csv or .sli library", lambda: explorer.load(self.file.value))
        left_out = "".join(f"<li>{escape(span.why)}</li>" for span in explorer.facts.left_out)
        self.left_out = w.HTML(f"<ul style='margin:0'>{left_out or '<li>none</li>'}</ul>")

    # --- layout and links ------------------------------------------------------------------------

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the picture."""
        picture = row_of(self.mode, *self.rgb, self.stretch, self.colours)
        pages = pages_of({
            "Picture": w.VBox([picture, w.HBox([self.cursor, self.histogram])]),
            "Layers": row_of(self.truth, self.lidar, self.channel),
            "Spectra": row_of(self.listed, self.keep, self.remove, self.name, self.colour, self.continuum),
            "Class means": self.means,
            "Library": row_of(self.file, self.save, self.load),
            "Bands left out": self.left_out,
        })  # fmt: skip
        hand = row_of(self.tool, self.undo, self.redo, self.clear, self.row, self.col, self.place, self.asked)
        return [hand, self.help, None, pages]

    def sync(self) -> None:
        """Set the controls to the explorer's state."""
        explorer = self.explorer
        self.mode.value, self.cursor.value = explorer.mode, explorer.band
        for box, band in zip(self.rgb, explorer.rgb_bands):
            box.value = round(float(explorer.x[band]), 2)
        self.stretch.value, self.colours.value = explorer.stretch, explorer.colour_map
        self.truth.value, self.lidar.value = explorer.truth_opacity, explorer.lidar_opacity
        self.channel.value, self.continuum.value = explorer.lidar_channel, explorer.continuum
        self.means.value = tuple(sorted(explorer.classes_shown))
        if explorer.mode == "one band" or explorer.colour_map:
            self.histogram.value = histogram(explorer)
        self._sync_list()

    def _sync_list(self) -> None:
        explorer = self.explorer
        entries = [(f"{i + 1} {s.name}{'' if s.kept else ' (not kept)'}", i) for i, s in enumerate(explorer.entries)]
        if tuple(entries) != tuple(self.listed.options):
            chosen, named = self.listed.value, self.listed.label
            self.listed.options = entries or [("none yet", -1)]
            same = 0 <= chosen < len(entries) and entries[chosen][0].removesuffix(" (not kept)") == named.removesuffix(
                " (not kept)"
            )
            self.listed.value = chosen if same and explorer.entries[-1].kept else len(entries) - 1
        if explorer.current is not None and len(explorer.current.pixels) == 1:
            self.row.value, self.col.value = (int(v) for v in explorer.current.pixels[0])
        self._follow_list()

    def _follow_list(self) -> None:
        place = self.listed.value
        for control in (self.name, self.colour, self.keep, self.remove):
            control.disabled = place < 0
        if place >= 0:
            before, self.explorer._syncing = self.explorer._syncing, True
            self.name.value = self.explorer.entries[place].name
            self.colour.value = self.explorer.entries[place].colour
            self.explorer._syncing = before

    # --- what they do ----------------------------------------------------------------------------

    def _show_means(self, wanted: tuple[int, ...]) -> None:
        explorer = self.explorer
        with explorer.step():
            for c in explorer.classes_shown ^ set(wanted):
                explorer.toggle_class(c, c in wanted)

    def _save(self) -> None:
        self.explorer.save(self.file.value)
        self.file.value = stamped()


def histogram(explorer: Spectra) -> str:
    """Counts of the values on show between their extremes as a small picture (SVG), the stretch between two lines."""
    values, (low, high), _ = explorer.shown_values()
    fine = values[explorer.valid]
    fine = fine[:: max(1, fine.size // MOST)]  # enough to see how values lie
    fine = fine[np.isfinite(fine)]
    if not fine.size:
        return ""
    counts, edges = np.histogram(fine, 64)
    tall = 26 * counts / max(counts.max(), 1)
    bars = "".join(f'<rect x="{2 * i}" y="{28 - h:.1f}" width="2" height="{h:.1f}"/>' for i, h in enumerate(tall))
    at = [128 * (v - edges[0]) / max(edges[-1] - edges[0], 1e-9) for v in (low, high)]
    lines = "".join(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="28" stroke="#d55e00" stroke-width="1.5"/>' for x in at)
    return f'<svg width="130" height="28" fill="#767676" role="img" aria-label="histogram">{bars}{lines}</svg>'


def _opacity(name: str) -> Any:
    return w.FloatSlider(0, min=0, max=1, step=0.1, description=name, readout_format=".1f", style=LABEL)


def _typed(name: str) -> Any:
    style = {"description_width": "14px"}
    return w.FloatText(description=name, continuous_update=False, style=style, layout={"width": "98px"})
