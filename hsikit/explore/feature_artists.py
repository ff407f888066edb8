"""What a `FeatureView` is made of: a cloud of points, and a table of classes by classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hsikit.explore.pieces import short

MOST_CHUNKS = 12  # a line a class hides the classes before it; shuffled chunks mix the colours at the same cost
MOST_WRITTEN = 9  # classes of a table whose numbers can be read
SMALL = 8


class Cloud:
    """Points in colours, drawn by `plot` in shuffled chunks (a scatter takes ten times as long)."""

    def __init__(self, axes: Axes, points: int) -> None:
        self.axes = axes
        self.chunks = int(np.clip(points // 800, 3, MOST_CHUNKS))  # a line costs as much as 200 points
        self.chunk = np.random.default_rng(0).integers(0, self.chunks, points)
        self._lines: dict[tuple[int, int], Line2D] = {}

    def draw(self, xy: np.ndarray, category: np.ndarray, colours: list[str], shown: np.ndarray) -> None:
        """Put the shown points (n,) where they are, in the colours of their categories."""
        for line in self._lines.values():
            line.set_visible(False)
        code = self.chunk * len(colours) + category
        order = np.flatnonzero(shown)[np.argsort(code[shown], kind="stable")]
        groups = np.split(order, np.flatnonzero(np.diff(code[order])) + 1) if len(order) else []
        for group in groups:
            line = self._line(int(self.chunk[group[0]]), int(category[group[0]]))
            line.set_data(*xy[group].T)
            line.set_visible(True)
            line.set_color(colours[category[group[0]]])

    def _line(self, chunk: int, category: int) -> Line2D:
        if (chunk, category) not in self._lines:
            dots = dict(ms=3.2, mew=0, alpha=0.85, zorder=2 + chunk / self.chunks, animated=True)
            (line,) = self.axes.plot([], [], "o", **dots)  # type: ignore[arg-type]
            self._lines[chunk, category] = line
        return self._lines[chunk, category]


class Matrix:
    """A class x class table as an image, with numbers where they can be read; classes are named by number.

    Rows and columns stay where they are: classes that are hidden leave theirs blank.
    """

    def __init__(self, axes: Axes, classes: list[int], x: str, y: str) -> None:
        self.axes, self.classes = axes, classes
        size = len(classes)
        blank = np.zeros((max(size, 1), max(size, 1)))
        axes.set_visible(size > 1)
        self.image = axes.imshow(blank, cmap="Blues", vmin=0, vmax=1.25, aspect="auto", animated=True)
        self.title = axes.set_title("", loc="left", fontsize=10, animated=True)
        axes.set_xticks(range(size), [str(c) for c in classes], fontsize=SMALL - 1)
        axes.set_yticks(range(size), [str(c) for c in classes], fontsize=SMALL - 1)
        axes.tick_params(length=0)
        axes.set_xlabel(x, fontsize=SMALL, labelpad=1)
        axes.set_ylabel(y, fontsize=SMALL, labelpad=1)
        middle: dict[str, Any] = dict(ha="center", va="center", fontsize=SMALL, animated=True, visible=False)
        written = np.ndindex(size, size) if size <= MOST_WRITTEN else ()
        self.texts = {(row, col): axes.text(col, row, "", **middle) for row, col in written}

    def draw(self, values: np.ndarray, title: str) -> None:
        """Show values (k, k), NaN for blank; darker is more."""
        if not len(self.classes):
            return
        top = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
        self.image.set_data(np.sqrt(np.nan_to_num(values) / (top or 1.0)))
        for place, text in self.texts.items():
            value = values[place]
            text.set_visible(bool(value > 0))  # NaN is not
            if value > 0:
                text.set_text(f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}".removeprefix("0"))
                text.set_color("#ffffff" if value > 0.5 * top else "#000000")
        reach = "" if self.texts else f" (to {top:.2g})"
        self.title.set_text(short(title, 34) + reach)
