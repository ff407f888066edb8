"""Figures of classes found by their words."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from hsikit.figures.style import PALETTE, legend_below, line_handles, needed, new_figure, styled, table_title

MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@styled
def unseen_auroc(table: pd.DataFrame) -> Figure:
    """How well each class left out of training is ranked by its words, beside the controls.

    Args:
        table: As `hsikit.tables.unseen_table` gives it: columns split, class, test pixels, and one for
            each arm and ranking, AUROC from 0 to 1; the last line is the mean over classes.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("class", "test pixels"), "unseen_auroc")
    columns = [c for c in table.columns if c not in ("scene", "split", "class", "test pixels")]
    fig = new_figure(8, 0.42 * len(table) + 2.2)
    ax = fig.subplots()
    ax.axvline(0.5, color="#666666", linewidth=1, linestyle="--")
    places = range(len(table))
    for k, column in enumerate(columns):
        ax.plot(table[column], places, MARKERS[k % len(MARKERS)], color=PALETTE[k % len(PALETTE)], markersize=7)
    ax.axhline(len(table) - 1.5, color="#bbbbbb", linewidth=1)
    pixels = ["" if pd.isna(n) else f" ({int(n):,} px)" for n in table["test pixels"]]
    ax.set_yticks(places, [f"{name}{n}" for name, n in zip(table["class"], pixels)])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set(xlim=(0, 1.02), xlabel="AUROC among all test pixels, mean over seeds (dashed: a random order)")
    handles = line_handles(columns)
    for k, handle in enumerate(handles):
        handle.set(marker=MARKERS[k % len(MARKERS)], color=PALETTE[k % len(PALETTE)], linestyle="none")
    legend_below(fig, handles)
    fig.suptitle(
        table_title("Classes never trained on, found by their words", table.drop(columns="split", errors="ignore"))
    )
    return fig
