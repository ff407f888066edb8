"""Figures of what language is worth: classes told apart by their words, beside controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hsikit.figures.style import PALETTE, needed, new_figure, styled, table_title

LABELS = {"other classes": "both classes left out of training", "none": "no label at all"}


@styled
def pairs_auroc(table: pd.DataFrame) -> Figure:
    """Two classes told apart: mean AUROC over pairs of each method, a panel for what was trained on.

    Args:
        table: Lines of `hsikit.tables.pairs_table`: columns labels ("other classes" or "none"), method, auroc, low,
            high; scene if there.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("labels", "method", "auroc", "low", "high"), "pairs_auroc")
    panels = list(table.groupby("labels", sort=False))
    fig = new_figure(8, 0.42 * len(table) + 1.4 + 0.5 * len(panels))
    axes = fig.subplots(
        len(panels), 1, squeeze=False, sharex=True, height_ratios=[len(part) + 0.6 for _, part in panels]
    )
    for ax, (labels, part) in zip(axes[:, 0], panels):
        places = np.arange(len(part))
        ax.axvline(0.5, color="#666666", linewidth=1, linestyle="--")
        reach = [part["auroc"] - part["low"], part["high"] - part["auroc"]]
        ax.errorbar(
            part["auroc"], places, xerr=reach, fmt="o", color=PALETTE[0], markersize=7, capsize=3, linewidth=1.6
        )
        for place, value in zip(places, part["auroc"]):
            ax.text(1.03, place, f"{value:.2f}", va="center", fontsize="small", transform=ax.get_yaxis_transform())
        ax.set_yticks(places, [str(name).removeprefix("zero-shot, ") for name in part["method"]])
        ax.set_ylim(len(part) - 0.5, -0.5)
        ax.set_title(LABELS.get(str(labels), str(labels)), loc="left", fontsize="medium")
    axes[-1, 0].set(xlim=(0, 1.0), xlabel="AUROC of one class against the other, mean over pairs (dashed: by chance)")
    fig.suptitle(table_title("Two classes told apart by their words", table))
    return fig
