"""The controls of a `SpectraExplorer`. Each one calls a method of the explorer; `sync` follows its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np

from hsikit.explore.panel import BOX
from hsikit.explore.spectra_picture import MODES

if TYPE_CHECKING:
    from hsikit.explore.central import CentralView
    from hsikit.explore.spectra import SpectraExplorer


class SpectraControls:
    """Rows of labelled widgets around the picture."""

    def __init__(self, explorer: SpectraExplorer) -> None:
        self.explorer = explorer
        on, scene = explorer._on, explorer.scene
        self.mode = on(self._menu(), explorer.show)
        self.rgb = [on(self._band(name), self._show_rgb) for name in ("red", "green", "blue")]
        self.cursor = on(self._band("one band", "310px", "105px"), lambda band: explorer.show_bands(explorer.x[band]))
        self.truth = on(_opacity("ground truth"), lambda v: explorer.set_layers(truth=v))
        self.lidar = on(_opacity("LiDAR"), lambda v: explorer.set_layers(lidar=v))
        self.lidar.disabled = scene.lidar is None
        channels = [(name, i) for i, name in enumerate(scene.lidar_names)] or [("none", 0)]
        self.channel = w.Dropdown(options=channels, description="channel", layout={"width": "210px"})
        self.channel.disabled = scene.lidar is None
        on(self.channel, lambda v: explorer.set_layers(channel=v))
        self.shape = drag_shapes()
        self.row, self.col = (_number(name, n - 1) for name, n in zip(("row", "column"), scene.shape))
        self.pick = self._button("Pick", "Pick this pixel", lambda: explorer.pick(self.row.value, self.col.value))
        self.continuum = on(w.Checkbox(description="remove continuum", indent=False), explorer.set_continuum)
        self._list_controls()

    def _list_controls(self) -> None:
        explorer = self.explorer
        self.listed = w.Dropdown(options=[("none yet", -1)], description="spectrum", layout={"width": "300px"})
        self.name = w.Text(description="name", continuous_update=False, layout={"width": "230px"})
        self.colour = w.ColorPicker(concise=False, description="colour", value="#0072b2", layout={"width": "190px"})
        explorer._on(self.listed, lambda place: self._follow_list())
        explorer._on(self.name, lambda name: explorer.change(self.listed.value, name=name))
        explorer._on(self.colour, lambda colour: explorer.change(self.listed.value, colour=colour))
        self.keep = self._button("Keep", "Keep this spectrum", lambda: explorer.change(self.listed.value))
        self.remove = self._button("Remove", "Remove this spectrum", lambda: explorer.remove(self.listed.value))
        self.clear = self._button("Clear", "Remove all spectra", explorer.clear)
        self.file = w.Text("spectra.csv", description="file", layout={"width": "230px"})
        self.save = self._button("Save", "Save the list as .csv or .sli", lambda: explorer.save(self.file.value))
        self.load = self._button("Load", "Read a .csv or .sli library", lambda: explorer.load(self.file.value))

    # --- layout and links ------------------------------------------------------------------------

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the picture."""
        return [
            _row(self.mode, *self.rgb),
            _row(self.cursor, self.truth, self.lidar, self.channel),
            None,
            _row(self.shape, self.row, self.col, self.pick, self.continuum),
            _row(self.listed, self.keep, self.name, self.colour, self.remove, self.clear),
            _row(self.file, self.save, self.load),
        ]

    def connect(self, view: CentralView) -> None:
        """What a drag on the map draws follows the buttons; the view itself listens to the mouse."""
        self.explorer._on(self.shape, lambda shape: setattr(view.widget, "tool", shape))

    def sync(self) -> None:
        """Set the controls to the explorer's state."""
        explorer = self.explorer
        self.mode.value = explorer.mode
        for slider, band in zip((*self.rgb, self.cursor), (*explorer.rgb_bands, explorer.band)):
            slider.value = band
        self.truth.value, self.lidar.value = explorer.truth_opacity, explorer.lidar_opacity
        self.channel.value, self.continuum.value = explorer.lidar_channel, explorer.continuum
        entries = [(f"{i + 1} {s.name}{'' if s.kept else ' (not kept)'}", i) for i, s in enumerate(explorer.spectra)]
        chosen = self.listed.value
        if tuple(entries) != tuple(self.listed.options):
            self.listed.options = entries or [("none yet", -1)]
            last = len(entries) - 1
            self.listed.value = chosen if 0 <= chosen < last and explorer.spectra[last].kept else last
        if explorer.current is not None and len(explorer.current.pixels) == 1:
            self.row.value, self.col.value = (int(v) for v in explorer.current.pixels[0])
        self._follow_list()

    def _follow_list(self) -> None:
        place = self.listed.value
        for control in (self.name, self.colour, self.keep, self.remove):
            control.disabled = place < 0
        if place >= 0:
            before, self.explorer._syncing = self.explorer._syncing, True
            self.name.value = self.explorer.spectra[place].name
            self.colour.value = self.explorer.spectra[place].colour
            self.explorer._syncing = before

    # --- pieces ----------------------------------------------------------------------------------

    def _menu(self) -> Any:
        narrow = {"description_width": "50px"}
        return w.Dropdown(options=MODES, description="picture", style=narrow, layout={"width": "190px"})

    def _band(self, name: str, width: str = "220px", label: str = "75px") -> Any:
        """A slider over the bands in order of wavelength: its values are bands, so that nothing is rounded."""
        x, nm = self.explorer.x, self.explorer.scene.wavelengths_nm is not None
        order = np.argsort(x, kind="stable")
        places = [(f"{x[band]:.0f}", int(band)) for band in order]
        return w.SelectionSlider(
            options=places, description=name + (" (nm)" if nm else ""),
            style={"description_width": label}, layout={"width": width},
        )  # fmt: skip

    def _show_rgb(self, _: int) -> None:
        self.explorer.show_bands(*(self.explorer.x[slider.value] for slider in self.rgb))

    def _button(self, label: str, tooltip: str, action: Any) -> Any:
        return button(self.explorer, label, tooltip, action)


def button(explorer: Any, label: str, tooltip: str, action: Any) -> Any:
    """A button that runs an action under the explorer's guard."""
    made = w.Button(description=label, tooltip=tooltip, layout={"width": "76px"})
    made.on_click(explorer._guard(lambda _: action()))
    return made


def drag_shapes() -> Any:
    """Buttons that choose what a drag draws."""
    return w.ToggleButtons(
        options=["lasso", "box"], description="drag a", style={"button_width": "60px", "description_width": "50px"},
        layout={"width": "240px"},
    )  # fmt: skip


def swatch(colour: str) -> str:
    """A square in class colour, as HTML."""
    box = "display:inline-block;width:12px;height:12px;border:1px solid #666;margin-right:4px"
    return f'<span style="{box};background:{colour}"></span>'


def _opacity(name: str) -> Any:
    return w.FloatSlider(
        0, min=0, max=1, step=0.1, description=name, readout_format=".1f",
        style={"description_width": "92px"}, layout={"width": "215px"},
    )  # fmt: skip


def _number(name: str, most: int) -> Any:
    return w.BoundedIntText(0, min=0, max=most, description=name, layout={"width": "150px"})


def _row(*children: Any) -> Any:
    return w.HBox(list(children), layout=BOX)
