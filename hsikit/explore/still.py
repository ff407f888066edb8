"""Charts as a picture: the marks that `board.py` shows in a browser, drawn by matplotlib for pages and papers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hsikit.explore.marks import Chart
from hsikit.explore.pieces import short
from hsikit.explore.redraw import PlainFigure, plain_text

SMALL = 8.5
MOST_NAMES = 26  # in a legend


def picture_of(map_chart: Chart, line_chart: Chart, wide: bool) -> Figure:
    """A map and its spectra side by side, or one above the other for wide scenes."""
    figure = PlainFigure(figsize=(10.4, 7.4) if wide else (10.6, 4.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    ratio = {"height_ratios": (3, 2)} if wide else {"width_ratios": (2, 3)}
    with plain_text():
        top, bottom = figure.subplots(*((2, 1) if wide else (1, 2)), gridspec_kw=ratio)
        draw_map(top, map_chart)
        draw_lines(bottom, line_chart)
    return figure


def draw_map(axes: Axes, chart: Chart) -> None:
    """Picture, rings and colour scale."""
    assert chart.picture is not None
    axes.imshow(chart.picture, interpolation="nearest")
    for ring in chart.rings:
        for colour, width in (("#ffffff", 4), (ring.colour, 2)):
            axes.plot(ring.x, ring.y, "o", ms=9, mfc="none", mec=colour, mew=width, zorder=6)
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label)
    axes.locator_params(nbins=5)
    axes.set_title(short(chart.title, 58), loc="left", fontsize=10)
    if chart.scale is not None:
        bar = axes.inset_axes((0.2, -0.24, 0.6, 0.03))
        bar.imshow(chart.scale.ramp[None], aspect="auto")
        bar.set(yticks=[])
        bar.set_xticks([0, 255], [f"{chart.scale.low:.4g}", f"{chart.scale.high:.4g}"])
        bar.tick_params(labelsize=SMALL, length=0)


def draw_lines(axes: Axes, chart: Chart) -> None:
    """Spectra with their bands of ± one deviation, cursors, greyed stretches, and a legend beside them."""
    for line in chart.lines:
        if not line.shown:
            continue
        if not line.class_id:
            axes.plot(chart.x, line.y, color="#ffffff", lw=line.width + 1.6, zorder=3)
        axes.plot(chart.x, line.y, color=line.colour, lw=line.width, zorder=3 if not line.class_id else 2.5)
        if line.std is not None and np.isfinite(line.std).any():
            low, high = line.y - line.std, line.y + line.std
            axes.fill_between(chart.x, low, high, color=line.colour, alpha=0.2, lw=0)
    for span in chart.spans:
        axes.axvspan(span.low, span.high, color="#e8e8e8", alpha=0.8, lw=0, zorder=3.5)
    for cursor in chart.cursors:
        axes.axvline(cursor.x, lw=1.2, ls="--", color=cursor.colour, zorder=4)
    axes.set(xlim=chart.x_range, ylim=chart.y_range, xlabel=chart.x_label, ylabel=chart.y_label)
    axes.set_title(chart.title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.locator_params(nbins=6)
    handles: list[Any] = [Line2D([], [], color=line.colour, lw=2.6, label=short(line.name, 27))
                          for line in chart.lines if line.shown]  # fmt: skip
    if chart.spans:
        handles.append(Patch(facecolor="#e8e8e8", edgecolor="#666666", lw=0.5, label="bands left out"))
    if handles:
        axes.legend(handles=handles[:MOST_NAMES], loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=SMALL,
                    frameon=False, handlelength=1.2, labelspacing=0.3)  # fmt: skip
