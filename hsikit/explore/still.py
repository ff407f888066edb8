"""Charts as a picture: the marks that `board.py` shows in a browser, drawn by matplotlib for pages and papers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.transforms import ScaledTranslation

from hsikit.explore.marks import DIM, LIT, PLAIN, Chart, Points, short

SMALL = 8.5
MOST_NAMES = 26  # in a legend
WIDE_IN = 10.6
SYMBOLS = {"ring": "o", "star": "*", "cross": "+"}


class PlainFigure(Figure):
    """A figure without formulas: a dollar sign in the name of a class is a dollar sign."""

    def draw(self, renderer: Any) -> None:
        with rc_context({"text.parse_math": False}):
            super().draw(renderer)


def picture_of(charts: Mapping[str, Chart]) -> Figure:
    """All charts, row by row as in a panel."""
    rows = rows_of([chart for chart in charts.values() if chart.shown])
    high = [0.0125 * max(chart.size.high or 50 for chart in row) for row in rows]
    figure = PlainFigure(figsize=(WIDE_IN, sum(high)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    with rc_context({"text.parse_math": False}):
        cells = figure.add_gridspec(len(rows), 1, height_ratios=high)
        for place, row in enumerate(rows):
            inner = cells[place].subgridspec(1, len(row), width_ratios=[chart.size.share for chart in row])
            for column, chart in enumerate(row):
                draw(figure.add_subplot(inner[0, column]), chart)
    return figure


def rows_of(charts: list[Chart]) -> list[list[Chart]]:
    """Charts in rows whose shares of the width are at most 1 together."""
    rows: list[list[Chart]] = []
    for chart in charts:
        if rows and sum(c.size.share for c in rows[-1]) + chart.size.share <= 1.001:
            rows[-1].append(chart)
        else:
            rows.append([chart])
    return rows


def draw(axes: Axes, chart: Chart) -> None:
    """A chart in its axes."""
    if chart.picture is not None:
        axes.imshow(chart.picture, interpolation="nearest")
        for layer in chart.layers:
            table = np.vstack([np.zeros((1, 4)), to_rgba_array(layer.palette)]) if layer.palette else np.zeros((1, 4))
            axes.imshow(table[layer.values], interpolation="nearest", alpha=layer.opacity)
    for box in chart.boxes:
        axes.add_patch(Rectangle((box.x0, box.y0), box.x1 - box.x0, box.y1 - box.y0, color=box.colour, lw=0))
        if box.text:
            light = sum(int(box.colour[i : i + 2], 16) for i in (1, 3, 5)) >= 330
            axes.text((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, box.text, ha="center", va="center",
                      fontsize=SMALL - 1, color="#000000" if light else "#ffffff", clip_on=True)  # fmt: skip
    draw_lines(axes, chart)
    if chart.points is not None:
        draw_points(axes, chart.points)
    for outline in chart.outlines:
        axes.plot(*outline.xy.T, color=outline.colour, lw=outline.width, zorder=4)
    draw_rings(axes, chart)
    for text in chart.texts:
        axes.text(text.x, text.y, text.text, ha=text.align, va="center", fontsize=SMALL)
    decorate(axes, chart)


def draw_lines(axes: Axes, chart: Chart) -> None:
    """Spectra with their bands of ± one deviation, cursors, greyed stretches."""
    for line in chart.lines:
        if not line.shown:
            continue
        x = chart.x if line.x is None else line.x
        if not line.class_id:
            axes.plot(x, line.y, color="#ffffff", lw=line.width + 1.6, zorder=3)
        style: Any = (0, line.dash) if line.dash else "-"
        axes.plot(x, line.y, color=line.colour, lw=line.width, ls=style, marker="o" if line.dots else "", ms=5,
                  zorder=2.5 if line.class_id else 3)  # fmt: skip
        if line.std is not None and np.isfinite(line.std).any():
            axes.fill_between(x, line.y - line.std, line.y + line.std, color=line.colour, alpha=0.2, lw=0)
    for span in chart.spans:
        axes.axvspan(span.low, span.high, color="#e8e8e8", alpha=0.8, lw=0, zorder=3.5)
    for cursor in chart.cursors:
        axes.axvline(cursor.x, lw=1.2, ls="--", color=cursor.colour, zorder=4)


def draw_points(axes: Axes, points: Points) -> None:
    """Dim points first, lit ones with a rim last; those of one look mixed, so that no class hides another."""
    mixed = np.random.default_rng(0).permutation(len(points.xy))
    colours = to_rgba_array(points.palette)
    for look, alpha, rim in ((DIM, 0.2, 0.0), (PLAIN, 0.85, 0.0), (LIT, 1.0, 0.6)):
        which = mixed[points.looks[mixed] == look]
        x, y = points.xy[which, 0], points.xy[which, 1]
        axes.scatter(x, y, s=(0.72 * points.size + rim) ** 2, c=colours[points.tints[which]], alpha=alpha,
                     lw=rim, edgecolors="#000000" if rim else "none", zorder=2 + 0.1 * look)  # fmt: skip


def draw_rings(axes: Axes, chart: Chart) -> None:
    """Marked places and their words, with a light rim."""
    for ring in chart.rings:
        symbol = SYMBOLS.get(ring.symbol, "")
        for colour, width in (("#ffffff", 4), (ring.colour, 2)) if symbol else ():
            axes.plot(ring.x, ring.y, symbol, ms=9, mfc="none", mec=colour, mew=width, zorder=6)
        if ring.text:
            right = ring.x > sum(axes.get_xlim()) / 2 if chart.picture is not None else ring.x > sum(chart.x_range) / 2
            words = axes.annotate(ring.text, (ring.x, ring.y), (-7 if right else 7, 0), textcoords="offset points",
                                  ha="right" if right else "left", va="center", fontsize=SMALL, zorder=7)  # fmt: skip
            words.set_path_effects([Stroke(linewidth=2.5, foreground="#ffffff"), Normal()])


def decorate(axes: Axes, chart: Chart) -> None:
    """Words, numbers, colour scale, legend."""
    axes.set(xlim=chart.x_range, ylim=chart.y_range)
    axes.set_xlabel(chart.x_label, fontsize=SMALL + 0.5)
    axes.set_ylabel(chart.y_label, fontsize=SMALL + 0.5)
    axes.set_title(short(chart.title, 58 if chart.size.share > 0.34 else 36), loc="left", fontsize=10)
    axes.tick_params(labelsize=SMALL)
    if chart.numbers:
        axes.locator_params(axis="y", nbins=5 if chart.picture is not None else 6)
        axes.locator_params(
            axis="x", nbins=5 if chart.picture is not None else min(6, max(2, round(14 * chart.size.share)))
        )
    else:
        axes.set(xticks=[], yticks=[])
    for names, put in ((chart.x_names, axes.set_xticks), (chart.y_names, axes.set_yticks)):
        if names:
            put(
                range(len(names)), [short(name, 26) for name in names], fontsize=SMALL if len(names) < 13 else SMALL - 2
            )
            axes.tick_params(length=0)
    if not chart.frame or not chart.size.high:
        axes.set_axis_off()
    elif chart.picture is None and chart.numbers:
        axes.spines[["top", "right"]].set_visible(False)
    if chart.scale is not None:
        below = axes.transAxes + ScaledTranslation(0, -46 / 72, axes.figure.dpi_scale_trans)  # under the words
        bar = axes.inset_axes((0.2, 0, 0.6, 0.03), transform=below)
        bar.imshow(chart.scale.ramp[None], aspect="auto")
        bar.set(yticks=[])
        bar.set_xticks([0, 255], [f"{chart.scale.low:.4g}", f"{chart.scale.high:.4g}"])
        bar.tick_params(labelsize=SMALL, length=0)
    draw_legend(axes, chart)


def draw_legend(axes: Axes, chart: Chart) -> None:
    """Beside curves; below maps and clouds."""
    if not chart.legend:
        return
    if chart.entries:
        handles: list[Any] = [Patch(facecolor=e.colour, edgecolor="#666666", lw=0.5, label=short(e.label, 24))
                              for e in chart.entries]  # fmt: skip
        down = ScaledTranslation(0, -(36 if chart.numbers else 14) / 72, axes.figure.dpi_scale_trans)
        below = axes.transAxes + down if chart.size.high else axes.transAxes
        axes.legend(handles=handles[:MOST_NAMES], loc="upper left", bbox_to_anchor=(0, 0 if chart.size.high else 1),
                    bbox_transform=below,
                    fontsize=SMALL - 0.5, frameon=False, handlelength=1.0, labelspacing=0.2, columnspacing=1.0,
                    borderaxespad=0, ncols=max(1, round(6 * chart.size.share)))  # fmt: skip
        return
    handles = [Line2D([], [], color=line.colour, lw=2.6, ls=(0, line.dash) if line.dash else "-",
                      label=short(line.name, 27)) for line in chart.lines if line.shown and line.name]  # fmt: skip
    if chart.spans:
        handles.append(Patch(facecolor="#e8e8e8", edgecolor="#666666", lw=0.5, label="bands left out"))
    if handles:
        axes.legend(handles=handles[:MOST_NAMES], loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=SMALL,
                    frameon=False, handlelength=1.4, labelspacing=0.3)  # fmt: skip
