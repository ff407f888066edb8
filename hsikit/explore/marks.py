"""What an explorer draws, as plain data: charts, and the marks in them. `board.py` and `still.py` show them."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hsikit.scenes.scene import Scene

MOST_WRITTEN = 12  # columns of a table whose numbers can be read
WIDE = 2.5  # columns to a row from which a map is larger in a row of its own than beside other charts
NO_COLOUR = "#888888"
HIDDEN, DIM, PLAIN, LIT = 0, 1, 2, 3  # looks of points


@dataclass(frozen=True, eq=False)
class Line:
    """A spectrum or a curve.

    Attributes:
        name: What the legend says.
        y: Values (point,) over `x`; NaN lifts the pen.
        colour: Hex colour.
        std: Deviations (point,) drawn as a band around it, or None.
        class_id: Class 1..C whose mean it is, 0 for a picked one; a legend click shows or hides class means.
        shown: Drawn, or only named in the legend.
        width: In pixels.
        x: Where its points stand (point,); None for the chart's own.
        dash: Lengths of strokes and gaps in pixels; empty for a solid line.
        dots: A dot at every point; a single point always has one.
    """

    name: str
    y: np.ndarray
    colour: str
    std: np.ndarray | None = None
    class_id: int = 0
    shown: bool = True
    width: float = 1.6
    x: np.ndarray | None = None
    dash: tuple[float, ...] = ()
    dots: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dots", self.dots or len(self.y) == 1)


@dataclass(frozen=True)
class Ring:
    """A marked place, x = column, y = row on a map; perhaps with words beside it.

    `symbol` is ring, star, cross, or none for words alone.
    """

    x: float
    y: float
    colour: str
    text: str = ""
    symbol: str = "ring"


@dataclass(frozen=True)
class Cursor:
    """An upright line that can be dragged: where a band stands, in the colour it is shown in."""

    x: float
    colour: str
    name: str


@dataclass(frozen=True)
class Span:
    """A stretch of the axis that is greyed, and why."""

    low: float
    high: float
    why: str


@dataclass(frozen=True)
class Box:
    """A filled rectangle between two corners: a bar, or a cell of a table, perhaps with a word in its middle."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: str
    text: str = ""


@dataclass(frozen=True)
class Text:
    """Words at a place; `align` is left, center or right."""

    x: float
    y: float
    text: str
    align: str = "left"


@dataclass(frozen=True, eq=False)
class Outline:
    """A broken line through corners (m, 2) of x and y; NaN lifts the pen. Edges of fields and polygons."""

    xy: np.ndarray
    colour: str
    width: float = 1.6


@dataclass(frozen=True, eq=False)
class Points:
    """A cloud. An array that is the same object as before is not sent again.

    Attributes:
        xy: Places (n, 2).
        tints: Index (n,) uint8 into `palette`.
        palette: Hex colours.
        looks: `HIDDEN`, `DIM`, `PLAIN` or `LIT` for each point (n,) uint8.
        size: Diameter in pixels.
    """

    xy: np.ndarray
    tints: np.ndarray
    palette: tuple[str, ...]
    looks: np.ndarray
    size: float = 5.0


@dataclass(frozen=True, eq=False)
class Layer:
    """Classes over a map: values (row, col) uint8, 0 for nothing, and the colours of 1, 2, ... at one opacity."""

    values: np.ndarray
    palette: tuple[str, ...]
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Scale:
    """Colours (256, 3) uint8 of values between two limits."""

    low: float
    high: float
    ramp: np.ndarray


@dataclass(frozen=True)
class Entry:
    """A line of the legend; one of a class (1..C, 0 for unlabelled, -1 for no class) can be clicked."""

    label: str
    colour: str
    class_id: int = -1
    shown: bool = True


@dataclass(frozen=True)
class Size:
    """What a chart takes of a panel.

    Attributes:
        share: Of the width of a row, 0 to 1; charts fill rows from left to right.
        least: Width in pixels below which it goes to a row of its own.
        high, low: Height in pixels of its axes and titles, in a wide cell and in one under 900 px.
    """

    share: float = 0.5
    least: int = 300
    high: int = 360
    low: int = 170


@dataclass(frozen=True, eq=False)
class Chart:
    """A pair of axes and what stands in them.

    Attributes:
        title, x_label, y_label: Words.
        x: Where the points of lines stand (point,), ascending; empty for a map.
        x_range, y_range: First value at the left, last at the right; at the bottom and at the top. A map's rows run
            down: its `y_range` is (last row + 0.5, first row - 0.5).
        picture: A map (row, col, 3) uint8, or None.
        scale: Of a map with one value a pixel, or None.
        entries: Of the legend; empty for those of the lines.
        x_names, y_names: Words at 0, 1, 2, ... of an axis instead of numbers.
        zoom: What wheel and drag change: both axes, the x axis alone, or nothing.
        numbers: Numbers along the axes; clouds have none.
        view: Charts of one panel with the same word here are zoomed together.
        frame: Lines along the axes.
        legend: Whether a legend is shown.
        shown: Whether it is there at all; see `BLANK`.
        size: What it takes of the panel.
        hint: What a screen reader says of it.
    """

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x: np.ndarray = field(default_factory=lambda: np.empty(0))
    picture: np.ndarray | None = None
    scale: Scale | None = None
    layers: tuple[Layer, ...] = ()
    lines: tuple[Line, ...] = ()
    points: Points | None = None
    rings: tuple[Ring, ...] = ()
    cursors: tuple[Cursor, ...] = ()
    spans: tuple[Span, ...] = ()
    boxes: tuple[Box, ...] = ()
    texts: tuple[Text, ...] = ()
    outlines: tuple[Outline, ...] = ()
    entries: tuple[Entry, ...] = ()
    x_names: tuple[str, ...] = ()
    y_names: tuple[str, ...] = ()
    zoom: str = "both"
    numbers: bool = True
    view: str = ""
    frame: bool = True
    legend: bool = True
    shown: bool = True
    size: Size = Size()
    hint: str = ""


BLANK = Chart("", "", "", (0.0, 1.0), (0.0, 1.0), shown=False)  # in place of a chart that has nothing to show


def is_wide(scene: Scene) -> bool:
    """Whether a map takes the whole width of a panel."""
    top, bottom, left, right = scene.extent
    return right - left + 1 > WIDE * (bottom - top + 1)


class Kept:
    """Remembers what was made from something: what has not changed stays the same object, and is not sent again."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def __call__(self, name: str, sources: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What was made under a name, made anew where one of its sources is another object (or another number)."""
        before, _ = self._made.get(name, ((), None))
        same = [a is b or (np.isscalar(a) and a == b) for a, b in zip(before, sources)]
        if name not in self._made or len(before) != len(sources) or not all(same):
            self._made[name] = (sources, make())
        return self._made[name][1]


def map_of(title: str, picture: np.ndarray, scene: Scene, **more: Any) -> Chart:
    """A map (row, col, 3) uint8 of a scene as a chart; what lies around all that was measured is left out."""
    top, bottom, left, right = scene.extent
    pixel = "px" if scene.gsd_m is None else f"px of {scene.gsd_m:g} m"
    return Chart(title, f"column ({pixel})", f"row ({pixel})", (left - 0.5, right + 0.5), (bottom + 0.5, top - 0.5),
                 picture=picture, view="map", **more)  # fmt: skip


def bars_of(title: str, names: Sequence[str], values: Sequence[float], colours: Sequence[str],
            reach: tuple[float, float], x_label: str = "", **more: Any) -> Chart:  # fmt: skip
    """A lying bar for each name, with its number beside it."""
    boxes = tuple(Box(0.0, i - 0.38, float(v), i + 0.38, c) for i, (v, c) in enumerate(zip(values, colours)))
    beside = 0.02 * (reach[1] - reach[0])
    texts = tuple(Text(max(float(v), 0.0) + beside, float(i), f"{v:.2f}") for i, v in enumerate(values))
    return Chart(title, x_label, "", reach, (max(len(names), 1) - 0.5, -0.5), boxes=boxes, texts=texts,
                 y_names=tuple(names), zoom="", **more)  # fmt: skip


def table_of(title: str, values: np.ndarray, rows: Sequence[str], cols: Sequence[str], labels: tuple[str, str],
             **more: Any) -> Chart:  # fmt: skip
    """A table (row, col) as blue cells, darker for more, NaN blank; numbers where there is room for them."""
    top = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    boxes = []
    for (r, c), value in np.ndenumerate(values):
        if np.isfinite(value) and value > 0:
            share = float(np.sqrt(value / top)) * 0.8
            colour = "#" + "".join(f"{round(255 + share * (dark - 255)):02x}" for dark in (8, 48, 107))
            whole = f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}".removeprefix("0")
            boxes.append(Box(c - 0.5, r - 0.5, c + 0.5, r + 0.5, colour, whole if len(cols) <= MOST_WRITTEN else ""))
    return Chart(title, labels[0], labels[1], (-0.5, len(cols) - 0.5), (len(rows) - 0.5, -0.5), boxes=tuple(boxes),
                 x_names=tuple(cols), y_names=tuple(rows), zoom="", **more)  # fmt: skip


def cross(place: tuple[int, ...]) -> tuple[Ring, ...]:
    """A cross on the pixel (row, column) that was picked, here or in a linked explorer; nothing before."""
    return (Ring(place[1], place[0], "#000000", symbol="cross"),) if place else ()


def class_entries(names: Sequence[str], colours: Sequence[str], shown: Container[int] = ()) -> tuple[Entry, ...]:
    """A line of the legend for each class 1..C that can be clicked; those `shown` are pressed."""
    return tuple(Entry(name, colour, c, c in shown) for c, (name, colour) in enumerate(zip(names, colours), 1))


def class_layer(values: np.ndarray, colours: Sequence[str], opacity: float = 1.0) -> Layer:
    """Classes (row, col) in their colours; grey for those that have none."""
    without = max(0, int(values.max(initial=0)) - len(colours))
    return Layer(values, (*colours, *(NO_COLOUR,) * without), opacity)


def ramp_of(name: str, steps: int = 256) -> np.ndarray:
    """The colours (step, 3) uint8 of one of matplotlib's colour maps."""
    from matplotlib import colormaps  # slow to import

    return np.rint(255 * colormaps[name](np.linspace(0, 1, steps))[:, :3]).astype(np.uint8)


def share_of(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values lie between two limits, 0 to 1."""
    return np.clip((values - low) / max(high - low, 1e-9), 0, 1)


def shaded(values: np.ndarray, low: float, high: float, name: str, opacity: float) -> Layer:
    """Values (row, col) between two limits in the colours of a colour map, as a layer; NaN is left out."""
    steps = 1 + np.rint(254 * np.nan_to_num(share_of(values, low, high)))
    steps = np.where(np.isfinite(values), steps, 0).astype(np.uint8)
    return Layer(steps, tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in ramp_of(name, 255)), opacity)


def lifted(x: np.ndarray, *rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Places ascending and values (..., point) in that order, with a NaN that lifts the pen at each gap in `x`.

    A gap is a step of more than four times the median step.
    """
    order = np.argsort(x, kind="stable")
    x = x[order]
    steps = np.diff(x)
    gaps = np.flatnonzero(steps > 4 * np.median(steps)) + 1 if len(steps) else np.array([], int)
    return (np.insert(x, gaps, x[gaps - 1]), *(np.insert(v[..., order], gaps, np.nan, axis=-1) for v in rows))


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    padded = np.diff(np.concatenate([[0], np.asarray(flags, int), [0]]))
    return list(zip(np.flatnonzero(padded == 1).tolist(), (np.flatnonzero(padded == -1) - 1).tolist()))


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a hex colour."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def hex_of(colour: str) -> str:
    """The hex code of a colour's name or code; ValueError for what is no colour."""
    from matplotlib.colors import is_color_like, to_hex  # slow to import

    if not is_color_like(colour):
        raise ValueError(f"{colour!r} is no colour; give a name or a hex code such as #0072b2")
    return to_hex(colour)


def inside(outline: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Booleans (n,), True for points (n, 2) within an outline (m, 2); none where it has under 3 corners."""
    from matplotlib.path import Path  # slow to import

    if len(outline) < 3:
        return np.zeros(len(points), bool)
    return Path(np.vstack([outline, outline[:1]]), closed=True).contains_points(points)


def pixels_inside(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mask (row, col), True for pixels whose centre lies within an outline (m, 2) of x = column, y = row."""
    rows, cols = np.indices(shape)
    return inside(outline, np.column_stack([cols.ravel(), rows.ravel()])).reshape(shape)


def disc(centres: np.ndarray, radius: int, shape: tuple[int, int]) -> np.ndarray:
    """Mask (row, col), True within `radius` pixels of a path through points (n, 2) of x = column, y = row."""
    from scipy.ndimage import distance_transform_edt

    points = np.asarray(centres, float)
    steps = np.ceil(np.abs(np.diff(points, axis=0)).max(1, initial=0)).astype(int)  # pixels between two points
    dense = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(points, points[1:], np.maximum(steps, 1))]
    path = np.rint(np.vstack([*dense, points[-1:]])).astype(int)[:, ::-1]  # (point, 2) of row, column
    path = path[((path >= 0) & (path < shape)).all(1)]
    found = np.zeros(shape, bool)
    if len(path):
        first = np.maximum(path.min(0) - radius, 0)
        window = found[first[0] : path[:, 0].max() + radius + 1, first[1] : path[:, 1].max() + radius + 1]
        away = np.ones(window.shape, bool)
        away[tuple((path - first).T)] = False
        window[...] = distance_transform_edt(away) <= radius
    return found


def short(text: str, most: int) -> str:
    """A text, cut with an ellipsis beyond `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
