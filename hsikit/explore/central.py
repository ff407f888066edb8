"""The live map and spectra of a `SpectraExplorer`: state goes out as bytes, clicks and drags come in.

`central.js` draws; a click reaches the spectrum sooner than through a matplotlib canvas, as no picture is encoded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets as t
from matplotlib import colormaps

from hsikit.explore.pieces import short
from hsikit.explore.spectra_drawn import axis, colour_scale, cursors, legend, lines
from hsikit.explore.spectra_view import bad_spans, spectra_title

if TYPE_CHECKING:
    from hsikit.explore.spectra import SpectraExplorer
    from hsikit.explore.spectra_drawn import Line

WIDTH = 800  # of the canvas in CSS pixels: what JupyterLab has at 1280 with its file browser open
HINT = (
    "Map and spectra. Click a pixel for its spectrum, drag around pixels for their mean, click the spectra to show a "
    "band. Arrow keys move the picked pixel, plus and minus zoom; Ctrl and wheel zoom too, Shift and drag move."
)


class Central(anywidget.AnyWidget):
    """What the browser shows; every trait is read by `central.js`."""

    _esm = Path(__file__).with_name("central.js")
    _css = Path(__file__).with_name("central.css")

    fixed = t.Dict().tag(sync=True)
    pixels = t.Bytes().tag(sync=True)  # (row, col, 3) uint8
    picture = t.Dict().tag(sync=True)
    spectra: t.List = t.List().tag(sync=True)
    cursors: t.List = t.List().tag(sync=True)
    axis = t.Dict().tag(sync=True)
    legend: t.List = t.List().tag(sync=True)
    pointer = t.Unicode().tag(sync=True)
    tool = t.Unicode("lasso").tag(sync=True)


class CentralView:
    """Keeps a `Central` at the state of its explorer, and hands on what the mouse did."""

    live = True

    def __init__(self, explorer: SpectraExplorer) -> None:
        self.explorer = explorer
        self._order = np.argsort(explorer.x, kind="stable")
        self._map_state: Any = None
        self.widget = Central(fixed=self._fixed(), **self._state())
        guard = explorer._guard
        self._acts = {
            "click": guard(lambda m: explorer.pick(round(m["y"]), round(m["x"]))),
            "outline": guard(lambda m: explorer.select_outline(np.array(m["points"], float))),
            "band": guard(lambda m: explorer.show_bands(float(m["at"]))),
            "class": guard(lambda m: explorer.toggle_class(int(m["class_id"]))),
            "hover": guard(self._hover),
        }
        self.widget.on_msg(self._hear)

    def refresh(self) -> None:
        """Bring every trait to the current state; those that are the same are not sent."""
        with self.widget.hold_sync():
            for name, value in self._state().items():
                setattr(self.widget, name, value)

    def show(self) -> None:
        """Nothing is left to do: the browser draws by itself."""

    # --- state to traits -------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        explorer = self.explorer
        low, high, unit = axis(explorer)
        state: dict[str, Any] = {
            "spectra": [self._packed(line) for line in lines(explorer)],
            "cursors": [dict(at=at, colour=colour) for at, colour in cursors(explorer)],
            "axis": dict(low=low, high=high, unit=unit),
            "legend": legend(explorer),
        }
        angle = explorer.current if explorer.mode == "spectral angle" else None
        layers = (explorer.truth_opacity, explorer.lidar_opacity, explorer.lidar_channel)
        map_state = (explorer.mode, explorer.rgb_bands, explorer.band, layers, angle)
        if map_state != self._map_state:
            self._map_state = map_state
            colours = np.clip(255 * explorer.picture() + 0.5, 0, 255).astype(np.uint8)
            state |= {"pixels": colours.tobytes(), "picture": self._heading()}
        return state

    def _heading(self) -> dict[str, Any]:
        """Title of the map, with its colour scale where a pixel has one value."""
        title, scale = short(self.explorer.title, 58), colour_scale(self.explorer)
        if scale is None:
            return {"title": title}
        (low, high), cmap = scale
        ramp = (255 * colormaps[cmap](np.arange(256))[:, :3] + 0.5).astype(np.uint8).tobytes()
        return {"title": title, "low": f"{low:.4g}", "high": f"{high:.4g}", "ramp": ramp}

    def _packed(self, line: Line) -> dict[str, Any]:
        pack = lambda values: values[self._order].astype(np.float32).tobytes()  # noqa: E731
        flat = line.pixels[:, 0] * self.explorer.scene.shape[1] + line.pixels[:, 1]
        return {
            "colour": line.colour,
            "wide": line.picked,
            "mean": pack(line.mean),
            "std": None if line.std is None else pack(line.std),
            "pixels": flat.astype(np.int32).tobytes(),
        }

    def _fixed(self) -> dict[str, Any]:
        """What never changes: sizes, places in CSS pixels, the axis over the bands, words."""
        explorer, scene = self.explorer, self.explorer.scene
        x = explorer.x[self._order]
        pixel = "px" if scene.gsd_m is None else f"px of {scene.gsd_m:g} m"
        wave = "band" if scene.wavelengths_nm is None else "wavelength (nm)"
        return places(*scene.shape) | {
            "rows": scene.shape[0], "cols": scene.shape[1], "x": x.tolist(), "span": list(explorer.facts.reach),
            "gap": 4 * float(np.median(np.diff(x))) if len(x) > 1 else 1.0,
            "bad": [list(span) for span in bad_spans(explorer.x, explorer.bad, scene.wavelengths_nm)],
            "hint": HINT, "column": f"column ({pixel})", "row": f"row ({pixel})", "wave": wave,
            "spectra_title": spectra_title(scene),
        }  # fmt: skip

    # --- messages --------------------------------------------------------------------------------

    def _hear(self, _: Any, content: dict[str, Any], __: Any) -> None:
        act = self._acts.get(content.get("kind", ""))
        if act is not None:
            act(content)

    def _hover(self, message: dict[str, Any]) -> None:
        self.widget.pointer = self.explorer.under_pointer(message["x"], message["y"])


def places(rows: int, cols: int) -> dict[str, Any]:
    """Left, top, width and height of map, colour scale and spectra in CSS pixels; wide scenes stand above."""
    if cols > 1.6 * rows:
        wide, high = WIDTH - 72, round((WIDTH - 72) * rows / cols)
        top = 30 + high + 92
        axes, height = [76, top, WIDTH - 90, 220], top + 220 + 42
    else:
        side = 380 / max(rows, cols)
        wide, high = round(side * cols), round(side * rows)
        left, height = 58 + wide + 80, max(30 + high + 66, 440)
        axes = [left, 30, WIDTH - left - 12, height - 72]
    scale = [58 + wide // 4, 30 + high + 42, wide // 2, 9]
    return {"width": WIDTH, "height": height, "map": [58, 30, wide, high], "scale": scale, "axes": axes}
