"""Charts in a browser: marks go out as bytes, clicks and drags come in.

`board_draw.js` draws a chart, `board_hand.js` hears mouse and keys: code of our own because a click reaches its
spectrum two to three times sooner than through a plotting library (measured against Plotly in one browser), and neither
encodes a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as w
import numpy as np
import traitlets as t

from hsikit.explore.marks import Chart, Entry, Line, short

Acts = Mapping[tuple[str, str], Callable[[dict[str, Any]], Any]]
SCRIPTS = ("board_draw.js", "board_hand.js")
MOST_SENT = 900_000  # pixels of a map; Jupyter's server drops what is over 3 MB in one go


class ChartWidget(anywidget.AnyWidget):
    """A chart as the browser gets it; every trait is read by the scripts."""

    _esm = "".join(Path(__file__).with_name(name).read_text() for name in SCRIPTS)
    _css = Path(__file__).with_name("board.css")

    head = t.Dict().tag(sync=True)  # words, ranges and what can be done
    picture = t.Bytes().tag(sync=True)  # (row, col, 3) uint8
    scale = t.Dict().tag(sync=True)
    layers: t.List = t.List().tag(sync=True)  # (row, col) uint8 each
    palettes: t.List = t.List().tag(sync=True)
    opacities: t.List = t.List().tag(sync=True)
    x = t.Bytes().tag(sync=True)  # float64
    lines: t.List = t.List().tag(sync=True)
    xy = t.Bytes().tag(sync=True)  # (n, 2) float32
    tints = t.Bytes().tag(sync=True)
    looks = t.Bytes().tag(sync=True)
    dots = t.Dict().tag(sync=True)  # palette and size of points
    marks = t.Dict().tag(sync=True)
    legend: t.List = t.List().tag(sync=True)
    view: t.List = t.List().tag(sync=True)  # left, top, right, bottom of what is shown; empty for all
    tool = t.Unicode("pan").tag(sync=True)  # what a drag does: pan, lasso, box or brush
    brush = t.Dict({"radius": 2, "colour": "#000000"}).tag(sync=True)


class Board:
    """Keeps charts in a browser at the marks of an explorer, and hands on what the mouse did.

    Args:
        charts: Gives the charts that are to be shown, by name; always the same names.
        acts: What is called with a message, by chart and kind. `click` holds x, y, ctrl and the index of the point that
            is near, or -1; `hover` the same; `double` nothing: the click before it was half a double click; `outline`
            points [[x, y], ...] of a lasso or box; `brush` points, first and done; `class` class_id and ctrl of a
            legend entry; `move` place and at of a cursor; `key` key and ctrl: digits, brackets, Z and Y.

    Attributes:
        widget: The box that shows them.
        parts: The widgets of the charts, by name.
    """

    def __init__(self, charts: Callable[[], Mapping[str, Chart]], acts: Acts) -> None:
        self.charts = charts
        self._sent: dict[tuple[str, str], Any] = {}
        self.parts: dict[str, ChartWidget] = {}
        self._pointer = w.HTML().add_class("hsikit-pointer")
        linked: dict[str, ChartWidget] = {}
        for name, chart in charts().items():
            heard = {kind: act for (whose, kind), act in acts.items() if whose == name}
            self.parts[name] = part = ChartWidget(**dict(self._changes(name, chart, heard)))
            self._show_or_hide(name, chart)
            part.on_msg(lambda _, m, __, heard=heard: heard[m["kind"]](m) if m.get("kind") in heard else None)
            if chart.view in linked:
                w.jslink((linked[chart.view], "view"), (part, "view"))
            elif chart.view:
                linked[chart.view] = part
        self._heard = {name: {kind for whose, kind in acts if whose == name} for name in self.parts}
        box = w.Box(list(self.parts.values())).add_class("hsikit-board")  # laid out by board.css
        self.widget = w.VBox([box, self._pointer], layout={"width": "100%"})

    def __getitem__(self, name: str) -> ChartWidget:
        return self.parts[name]

    def refresh(self) -> None:
        """Bring every chart to the current marks; what is the same is not sent."""
        for name, chart in self.charts().items():
            self._show_or_hide(name, chart)
            with self.parts[name].hold_sync():
                for trait, value in self._changes(name, chart, self._heard[name]):
                    setattr(self.parts[name], trait, value)

    def _show_or_hide(self, name: str, chart: Chart) -> None:
        self.parts[name].layout.display = None if chart.shown else "none"

    def set_tool(self, tool: str) -> None:
        """What a drag does in charts that hear of it: pan, lasso, box or brush."""
        for part in self.parts.values():
            part.tool = tool

    @property
    def pointer(self) -> str:
        """The line of words below the charts: what lies under the mouse."""
        return self._pointer.value

    @pointer.setter
    def pointer(self, words: str) -> None:
        self._pointer.value = escape(words)

    def _changes(self, name: str, chart: Chart, heard: Any) -> Iterator[tuple[str, Any]]:
        """Traits and values of a chart; large arrays only where they are not the objects of the time before."""
        yield "head", head(chart, heard)
        yield "marks", marks(chart)
        yield "lines", [packed(line) for line in chart.lines if line.shown]
        yield "legend", [vars(entry) for entry in entries(chart)]
        yield "palettes", [list(layer.palette) for layer in chart.layers]
        yield "opacities", [layer.opacity for layer in chart.layers]
        yield "x", chart.x.astype(np.float64).tobytes()
        yield "scale", scale(chart)
        arrays: dict[str, tuple[Any, ...]] = {"picture": (chart.picture,)} if chart.picture is not None else {}
        arrays["layers"] = tuple(layer.values for layer in chart.layers)
        if points := chart.points:
            yield "dots", {"palette": list(points.palette), "size": points.size}
            arrays |= {"xy": (points.xy,), "tints": (points.tints,), "looks": (points.looks,)}
        for trait, found in arrays.items():
            before = self._sent.get((name, trait), (None,))
            if len(before) != len(found) or any(a is not b for a, b in zip(before, found)):
                self._sent[name, trait] = found
                step = 1 if trait not in ("picture", "layers") else step_of(found[0].shape) if found else 1
                sent = [packed_array(a[::step, ::step] if step > 1 else a, trait) for a in found]
                yield trait, sent if trait == "layers" else sent[0]


def step_of(shape: tuple[int, ...]) -> int:
    """Of a map (row, col) so large that only every n-th row and column is shown, n; else 1."""
    return int(np.ceil(np.sqrt(shape[0] * shape[1] / MOST_SENT)))


def packed_array(values: np.ndarray, trait: str) -> bytes:
    """A large array as the browser gets it; classes beyond 255 share a colour."""
    small = values.astype(np.float32) if trait == "xy" else np.minimum(values, 255).astype(np.uint8)
    return small.tobytes()


def head(chart: Chart, heard: Any) -> dict[str, Any]:
    """Words and ranges; whether a drag may draw, keys are heard, and a click snaps to the points of lines."""
    rows, cols = (0, 0) if chart.picture is None else chart.picture.shape[:2]
    step = step_of((rows, cols)) if rows else 1
    thinned = f" (drawn: every {step}. row and column)" if step > 1 else ""
    return {
        "title": short(chart.title, 58 if chart.size.share > 0.34 else 36) + thinned, "step": step,
        "x_label": chart.x_label,
        "y_label": chart.y_label, "x_range": list(chart.x_range), "y_range": list(chart.y_range), "rows": rows,
        "cols": cols, "zoom": chart.zoom, "numbers": chart.numbers, "hint": chart.hint,
        "scaled": chart.scale is not None,
        "x_names": list(chart.x_names), "y_names": [short(name, 26) for name in chart.y_names],
        "tools": "outline" in heard or "brush" in heard,
        "keys": "key" in heard, "snap": bool(chart.cursors), "frame": chart.frame, "size": vars(chart.size),
    }  # fmt: skip


def marks(chart: Chart) -> dict[str, Any]:
    """What is small: it is sent whole."""
    small = {name: [vars(mark) for mark in getattr(chart, name)]
             for name in ("rings", "cursors", "spans", "boxes", "texts")}  # fmt: skip
    outlines = [dict(x=o.xy[:, 0].astype(np.float64).tobytes(), y=o.xy[:, 1].astype(np.float32).tobytes(),
                     colour=o.colour, width=o.width) for o in chart.outlines]  # fmt: skip
    return small | {"outlines": outlines}


def scale(chart: Chart) -> dict[str, Any]:
    """The colour scale of a map with one value a pixel."""
    if chart.scale is None:
        return {}
    return {"low": f"{chart.scale.low:.4g}", "high": f"{chart.scale.high:.4g}", "ramp": chart.scale.ramp.tobytes()}


def packed(line: Line) -> dict[str, Any]:
    """A line as the browser gets it, values as float32."""
    pack = lambda values: None if values is None else np.asarray(values, np.float32).tobytes()  # noqa: E731
    places = None if line.x is None else np.asarray(line.x, np.float64).tobytes()
    return {"colour": line.colour, "wide": not line.class_id, "mean": pack(line.y), "x": places,
            "std": pack(line.std), "width": line.width, "dash": list(line.dash), "dots": line.dots}  # fmt: skip


def entries(chart: Chart) -> list[Entry]:
    """The legend: as it is given, or listed spectra, classes, and bands left out."""
    if chart.entries or not chart.legend:
        return list(chart.entries)
    lines = sorted(chart.lines, key=lambda line: line.class_id > 0)
    found = [Entry(n.name, n.colour, n.class_id or -1, n.shown) for n in lines if n.name]
    return found + ([Entry("bands left out", "#d9d9d9", shown=False)] if chart.spans else [])
