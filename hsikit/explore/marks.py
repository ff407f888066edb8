"""What an explorer draws, as plain data: one chart a pair of axes. `central.py` and `still.py` show it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Line:
    """A spectrum as it is drawn.

    Attributes:
        name: What the legend says.
        y: Values (point,) over the chart's `x`.
        colour: Hex colour.
        std: Deviations (point,) drawn as a band around it, or None.
        class_id: Class 1..C whose mean it is, 0 for a picked one; a legend click shows or hides class means.
        shown: Drawn, or only named in the legend.
        width: In pixels.
    """

    name: str
    y: np.ndarray
    colour: str
    std: np.ndarray | None = None
    class_id: int = 0
    shown: bool = True
    width: float = 1.6


@dataclass(frozen=True)
class Ring:
    """A marked place, x = column, y = row."""

    x: float
    y: float
    colour: str


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


@dataclass(frozen=True, eq=False)
class Scale:
    """Colours (256, 3) uint8 of values between two limits."""

    low: float
    high: float
    ramp: np.ndarray


@dataclass(frozen=True, eq=False)
class Chart:
    """A pair of axes and what stands in them.

    Attributes:
        title, x_label, y_label: Words.
        x: Where the points of lines stand (point,), ascending; empty for a map.
        x_range, y_range: First and last value of the axes; a map's rows run down.
        picture: A map (row, col, 3) uint8, or None.
        scale: Of a map with one value a pixel, or None.
    """

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x: np.ndarray = field(default_factory=lambda: np.empty(0))
    picture: np.ndarray | None = None
    scale: Scale | None = None
    lines: tuple[Line, ...] = ()
    rings: tuple[Ring, ...] = ()
    cursors: tuple[Cursor, ...] = ()
    spans: tuple[Span, ...] = ()


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
