"""What a `FeatureView` is made of: a cloud of points, and a table of classes by classes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hsikit.explore.pieces import short

CHUNKS = 20  # a line a class hides the classes before it; shuffled chunks mix the colours at the same cost
MOST_WRITTEN = 9  # classes of a table whose numbers can be read
SMALL = 8


class Cloud:
    """Points in colours, drawn by `plot` in shuffled chunks (a scatter takes ten times as long)."""

    def __init__(self, axes: Axes, points: int) -> None:
        self.axes = axes
        self.chunk = np.random.default_rng(0).integers(0, CHUNKS, points)
        self._lines: dict[tuple[int, int], Line2D] = {}

    def draw(self, xy: np.ndarray, category: np.ndarray, colours: list[str], shown: np.ndarray) -> None:
        """Put the shown points (n,) where they are, in the colours of their categories."""
        for line in self._lines.values():
            line.set_data([], [])
        code = self.chunk * len(colours) + category
        order = np.flatnonzero(shown)[np.argsort(code[shown], kind="stable")]
        groups = np.split(order, np.flatnonzero(np.diff(code[order])) + 1) if len(order) else []
        for group in groups:
            line = self._line(int(self.chunk[group[0]]), int(category[group[0]]))
            line.set_data(*xy[group].T)
            line.set_color(colours[category[group[0]]])

    def _line(self, chunk: int, category: int) -> Line2D:
        if (chunk, category) not in self._lines:
            (line,) = self.axes.plot([], [], "o", ms=3.2, mew=0, alpha=0.85, zorder=2 + chunk / CHUNKS)
            self._lines[chunk, category] = line
        return self._lines[chunk, category]


class Matrix:
    """A class x class table as an image, with numbers where they can be read; classes are named by number."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        axes.set_animated(True)  # ticks and all: every selection may change them

    def draw(self, values: np.ndarray, classes: list[int], title: str, x: str, y: str) -> None:
        """Show values (k, k) of k classes; darker is more."""
        if len(classes) < 2:
            self.hide(f"{short(title, 30)}: fewer than 2 classes")
            return
        ax = self.axes
        ax.clear()
        ax.set_animated(True)
        ax.set_axis_on()
        top = float(values.max(initial=0)) or 1.0
        ax.imshow(np.sqrt(values / top), cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
        numbers = range(len(classes))
        ax.set_xticks(numbers, [str(c) for c in classes], fontsize=SMALL - 1)
        ax.set_yticks(numbers, [str(c) for c in classes], fontsize=SMALL - 1)
        ax.tick_params(length=0)
        whole = values.dtype.kind in "iu"
        if len(classes) <= MOST_WRITTEN:
            for row, col in np.ndindex(values.shape):
                text = f"{values[row, col]:d}" if whole else f"{values[row, col]:.2f}".removeprefix("0")
                if values[row, col]:
                    dark = values[row, col] > 0.5 * top
                    ax.text(col, row, text, ha="center", va="center", fontsize=SMALL,
                            color="#ffffff" if dark else "#000000")  # fmt: skip
        reach = "" if len(classes) <= MOST_WRITTEN else f" (to {top:.2g})"
        ax.set_title(short(title, 34) + reach, loc="left", fontsize=10)
        ax.set_xlabel(x, fontsize=SMALL, labelpad=1)
        ax.set_ylabel(y, fontsize=SMALL, labelpad=1)

    def hide(self, why: str) -> None:
        """Show a line of text instead."""
        self.axes.clear()
        self.axes.set_animated(True)
        self.axes.set_axis_off()
        self.axes.set_title(why, loc="left", fontsize=SMALL)
