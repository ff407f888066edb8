"""A map and its spectra in a browser: marks go out as bytes, clicks and drags come in.

`central.js` draws. It is code of our own because a click reaches its spectrum two to three times sooner than through a
plotting library (measured against Plotly in one browser), and neither encodes a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from hsikit.explore.marks import Chart, Line
from hsikit.explore.pieces import short

HINT = (
    "Map and spectra. Click a pixel for its spectrum, click the spectra to show a band, drag the marks of bands. Arrow "
    "keys move the picked pixel, plus and minus zoom, Home shows all; so do wheel and double click, and a drag moves."
)


class Central(anywidget.AnyWidget):
    """What the browser shows; every trait is read by `central.js`."""

    _esm = Path(__file__).with_name("central.js")
    _css = Path(__file__).with_name("central.css")

    fixed = t.Dict().tag(sync=True)
    pixels = t.Bytes().tag(sync=True)  # (row, col, 3) uint8
    picture = t.Dict().tag(sync=True)
    rings: t.List = t.List().tag(sync=True)
    spectra: t.List = t.List().tag(sync=True)
    cursors: t.List = t.List().tag(sync=True)
    axis = t.Dict().tag(sync=True)
    legend: t.List = t.List().tag(sync=True)
    pointer = t.Unicode().tag(sync=True)
    tool = t.Unicode("pan").tag(sync=True)  # what a drag on the map does: pan, lasso or box


class CentralView:
    """Keeps a `Central` at a map and its spectra, and hands on what the mouse did.

    Args:
        charts: Gives the two charts that are to be shown; a picture that is the same object is not sent again.
        acts: What is called with a message of the browser, by its kind.
    """

    live = True

    def __init__(
        self, charts: Callable[[], tuple[Chart, Chart]], acts: dict[str, Callable[[dict[str, Any]], Any]]
    ) -> None:
        self.charts, self.acts = charts, acts
        self._sent: np.ndarray | None = None
        the_map, spectra = charts()
        self.widget = Central(fixed=fixed(the_map, spectra), **self._state(the_map, spectra))
        self.widget.on_msg(self._hear)

    def refresh(self) -> None:
        """Bring every trait to the current marks; those that are the same are not sent."""
        with self.widget.hold_sync():
            for name, value in self._state(*self.charts()).items():
                setattr(self.widget, name, value)

    def show(self) -> None:
        """Nothing is left to do: the browser draws by itself."""

    def _state(self, the_map: Chart, spectra: Chart) -> dict[str, Any]:
        low, high = spectra.y_range
        state: dict[str, Any] = {
            "spectra": [packed(line) for line in spectra.lines if line.shown],
            "cursors": [dict(at=c.x, colour=c.colour, name=c.name) for c in spectra.cursors],
            "rings": [dict(x=ring.x, y=ring.y, colour=ring.colour) for ring in the_map.rings],
            "axis": dict(low=low, high=high, unit=spectra.y_label),
            "legend": legend(spectra),
        }
        if the_map.picture is not None and the_map.picture is not self._sent:
            self._sent = the_map.picture
            state |= {"pixels": the_map.picture.tobytes(), "picture": heading(the_map)}
        return state

    def _hear(self, _: Any, content: dict[str, Any], __: Any) -> None:
        act = self.acts.get(content.get("kind", ""))
        if act is not None:
            act(content)


def fixed(the_map: Chart, spectra: Chart) -> dict[str, Any]:
    """What never changes: sizes, the axis over the bands, greyed stretches, words."""
    assert the_map.picture is not None
    rows, cols = the_map.picture.shape[:2]
    return {
        "rows": rows, "cols": cols, "x": spectra.x.tolist(), "span": list(spectra.x_range),
        "bad": [[span.low, span.high] for span in spectra.spans], "hint": HINT, "column": the_map.x_label,
        "row": the_map.y_label, "wave": spectra.x_label, "spectra_title": spectra.title,
    }  # fmt: skip


def heading(the_map: Chart) -> dict[str, Any]:
    """Title of the map, with its colour scale where a pixel has one value."""
    title, scale = short(the_map.title, 58), the_map.scale
    if scale is None:
        return {"title": title}
    return {"title": title, "low": f"{scale.low:.4g}", "high": f"{scale.high:.4g}", "ramp": scale.ramp.tobytes()}


def packed(line: Line) -> dict[str, Any]:
    """A line as the browser gets it, values as float32."""
    pack = lambda values: values.astype(np.float32).tobytes()  # noqa: E731
    std = None if line.std is None else pack(line.std)
    return {"colour": line.colour, "wide": not line.class_id, "mean": pack(line.y), "std": std}


def legend(spectra: Chart) -> list[dict[str, Any]]:
    """Label, colour, class_id (0 if none) and shown of each entry: listed spectra, classes, bands left out."""
    lines = sorted(spectra.lines, key=lambda line: line.class_id > 0)
    found = [dict(label=n.name, colour=n.colour, class_id=n.class_id, shown=n.shown) for n in lines]
    if spectra.spans:
        found.append(dict(label="bands left out", colour="#d9d9d9", class_id=0, shown=False))
    return found
