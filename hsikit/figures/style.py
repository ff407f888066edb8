"""What all figures share: one style, one palette, class legends, complaints about tables."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ParamSpec

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from hsikit._util.errors import HsikitError
from hsikit._util.wording import split_words, words
from hsikit.scenes.scene import Scene

if TYPE_CHECKING:
    import pandas as pd

STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "figure.titlesize": 12,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.interpolation": "nearest",
    "svg.hashsalt": "hsikit",  # the same names inside a file for the same figure
    "text.parse_math": False,  # class names and sentences may hold a dollar sign
}
# Okabe and Ito (2008) without the yellow that vanishes on white; markers say the same without colour.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
MARKERS = "osD^vPX*"
LINES = ("-", "--", ":", "-.")
WRONG, RIGHT = "#D55E00", "#D9D9D9"
P = ParamSpec("P")


class FigureError(HsikitError, ValueError):
    """A figure cannot be drawn or saved from what was given. The message names what to change."""


def style() -> AbstractContextManager[None]:
    """The shared style, whatever the user's own is; nothing of it stays."""
    return matplotlib.style.context(["default", STYLE])


class Picture(Figure):
    """A figure that shows itself as PNG at the end of a cell, under whatever backend the notebook runs."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        with style():
            self.savefig(buffer, format="png")
        return buffer.getvalue()


def styled(make: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under the shared style, lay out once, then leave positions alone: a second layout is slow.

    The figure notes the dotted path of its function in `made_by`.
    """

    @functools.wraps(make)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            figure = make(*args, **kwargs)
            _spell(figure)
            for _ in range(2):  # an axis label finds its place in the first pass, its room in the second
                figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.made_by = f"{make.__module__}.{make.__qualname__}"  # type: ignore[attr-defined]  # for manifests
        return figure

    return wrapper


def _spell(figure: Figure) -> None:
    """Scenes and methods in words wherever they stand in a figure."""
    for text in figure.findobj(Text):
        text.set_text(words(text.get_text()))
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        if isinstance(axis.get_major_locator(), FixedLocator):  # its labels are written anew at each drawing
            now = [label.get_text() for label in axis.get_ticklabels()]
            if now != (spelt := [words(text) for text in now]):
                axis.set_ticklabels(spelt)


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure that lays itself out, outside pyplot."""
    figure = Picture(figsize=(width_in, height_in), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def titled(text: str, scene: Scene | None = None, wrap: int = 90) -> str:
    """A title, wrapped, with the word simulated in it where the scene is."""
    if scene is not None and scene.simulated and "simulated" not in text.lower():
        text = f"{text} (simulated data)"
    return textwrap.fill(text, wrap)


def table_title(text: str, table: pd.DataFrame) -> str:
    """A title with the scenes and the only split a table speaks of; simulated scenes are called so."""
    for column in ("scene", "split"):
        values = list(dict.fromkeys(table[column])) if column in table else []
        if values and (column == "scene" or len(values) == 1):
            text += ", " + ", ".join(words(split_words(str(v))) for v in values)
    return titled(text)


def needed(table: pd.DataFrame, columns: Iterable[str], figure: str) -> pd.DataFrame:
    """The table, or a complaint that names the columns it lacks."""
    missing = [c for c in columns if c not in table]
    if missing:
        raise FigureError(f"{figure} needs the columns {missing}; the table has {list(table)}")
    if table.empty:
        raise FigureError(f"{figure} got a table without rows; run the experiment first")
    return table


def spread(table: pd.DataFrame, column: str) -> np.ndarray:
    """Standard deviations in percent, 0 where there are none (a single seed)."""
    if column not in table:
        return np.zeros(len(table))
    return 100 * np.nan_to_num(table[column].to_numpy(float))


def patch(colour: str, label: str) -> Patch:
    """A legend entry for an area."""
    return Patch(facecolor=colour, edgecolor="#666666", linewidth=0.5, label=label)


def class_handles(scene: Scene, classes: Iterable[int], counts: Sequence[int] | None = None) -> list[Patch]:
    """Legend patches in class colours for classes 1..C, with counts where given."""
    handles = []
    for place, c in enumerate(classes):
        number = "" if counts is None else f" ({counts[place]:,})"
        handles.append(patch(scene.colors[c - 1], scene.class_names[c - 1] + number))
    return handles


def legend_below(figure: Figure, handles: Sequence[Any]) -> None:
    """A legend under all panels, in as many columns as the width holds."""
    longest = max((len(str(h.get_label())) for h in handles), default=1)
    columns = max(1, min(len(handles), int(figure.get_figwidth() / (0.075 * longest + 0.5))))
    figure.legend(handles=list(handles), loc="outside lower center", ncols=columns)


def line_handles(names: Sequence[str]) -> list[Line2D]:
    """Legend lines for named series: colour and marker of the palette, in order."""
    return [Line2D([], [], color=PALETTE[i % 8], marker=MARKERS[i % 8], label=name) for i, name in enumerate(names)]


def swatches(axes: Axes, colours: Sequence[str]) -> None:
    """A square in class colour before each label of the vertical axis, at 0, 1, 2, ..."""
    for place, colour in enumerate(colours):
        axes.annotate(
            "■", (0, place), (-5, 0), axes.get_yaxis_transform(), "offset points",
            color=colour, ha="right", va="center_baseline", fontsize=13, annotation_clip=False,
        )  # fmt: skip
    axes.tick_params(axis="y", length=0, pad=18)
