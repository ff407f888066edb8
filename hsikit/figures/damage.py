"""Figures of what is lost when a part of the input is hidden or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hsikit.figures.style import (
    LINES,
    MARKERS,
    PALETTE,
    FigureError,
    legend_below,
    line_handles,
    needed,
    new_figure,
    spread,
    styled,
    swatches,
    table_title,
    titled,
)
from hsikit.scenes.scene import Scene

if TYPE_CHECKING:
    import pandas as pd

# kind of damage -> how its severity is measured; see `hsikit.analysis.damage`
DAMAGES = {
    "noise": "noise (standard deviations of a band)",
    "stripes": "stripes (standard deviations of a band)",
    "dropped_bands": "bands lost (%)",
}


@styled
def occlusion_loss(table: pd.DataFrame, scene: Scene) -> Figure:
    """How much of its probability an answer loses without a group of bands, and by class without a sensor.

    Args:
        table: As `occlusion_table` gives it, a row a pixel and hidden part: columns pixel, hidden ("bands" or a
            sensor's name), low, high (of a group of bands: nm, or band from 1), class (1..C), drop (probability lost).
        scene: The scene asked; gives names and colours.

    Raises:
        FigureError: On missing columns, no group of bands, or a class the scene does not have.
    """
    needed(table, ("pixel", "hidden", "low", "high", "class", "drop"), "occlusion_loss")
    classes = sorted({int(c) for c in table["class"]})
    if classes[0] < 1 or classes[-1] > scene.n_classes:
        raise FigureError(f"classes run from {classes[0]} to {classes[-1]}, {scene.name} has 1 to {scene.n_classes}")
    bands, sensors = table[table["hidden"] == "bands"], table[table["hidden"] != "bands"]
    if bands.empty:
        raise FigureError("occlusion_loss needs rows of hidden bands; ask with groups of at least 1")
    fig = new_figure(11, 1.6 + max(2.8, 0.4 * len(classes)))
    left, right = fig.subplots(1, 2, gridspec_kw={"width_ratios": [1.5, 1]})
    means = 100 * bands.groupby(["low", "high"])["drop"].mean()
    edges = np.array(means.index.to_list(), float)  # (group, low and high)
    widths = np.maximum(edges[:, 1] - edges[:, 0], 1)
    left.bar(edges[:, 0], means, widths, align="edge", color=PALETTE[0], edgecolor="white")
    left.axhline(0, color="#666666", linewidth=1)
    left.set(xlabel=f"{'band' if scene.wavelengths_nm is None else 'wavelength (nm)'} of the hidden group",
             ylabel="probability lost (points), mean")  # fmt: skip
    legend_below(fig, _draw_sensors(right, sensors, classes, scene))
    for ax in (left, right):
        ax.grid(alpha=0.3)
    text = f"{scene.name}: probability that answers lose without a part of the input"
    fig.suptitle(titled(f"{text}, {table['pixel'].nunique():,} test pixels", scene, 110))
    return fig


def _draw_sensors(ax: Axes, table: pd.DataFrame, classes: list[int], scene: Scene) -> list[Line2D]:
    """Mean loss of each class without each sensor; returns what goes into the legend."""
    handles = []
    for k, name in enumerate(dict.fromkeys(table["hidden"])):
        lost = 100 * table[table["hidden"] == name].groupby("class")["drop"].mean().reindex(classes)
        style: dict[str, Any] = {"color": PALETTE[1 + k], "marker": MARKERS[k], "markersize": 8, "linestyle": "none"}
        ax.plot(lost, range(len(classes)), **style)
        handles.append(Line2D([], [], label=f"without {name}", **style))
    ax.axvline(0, color="#666666", linewidth=1)
    ax.set_yticks(range(len(classes)), [scene.class_names[c - 1] for c in classes])
    ax.set(ylim=(len(classes) - 0.5, -0.5), xlabel="probability lost (points), mean")
    swatches(ax, [scene.colors[c - 1] for c in classes])
    return handles


@styled
def robustness_curves(table: pd.DataFrame) -> Figure:
    """Accuracy against the severity of damage, a panel a kind; trained on undamaged pixels.

    Args:
        table: Columns method, kind (of `hsikit.analysis.damage`), severity (0: undamaged) and oa_mean (fraction);
            oa_std, scene and split if there.

    Raises:
        FigureError: On missing columns or an unknown kind of damage.
    """
    needed(table, ("method", "kind", "severity", "oa_mean"), "robustness_curves")
    kinds = list(dict.fromkeys(table["kind"]))
    if not set(kinds) <= set(DAMAGES):
        raise FigureError(f"damage {sorted(set(kinds) - set(DAMAGES))} is unknown; there are {', '.join(DAMAGES)}")
    methods = list(dict.fromkeys(table["method"]))
    fig = new_figure(3.6 * max(len(kinds), 1.4), 4.2)
    axes = fig.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for ax, kind in zip(axes, kinds):
        for k, method in enumerate(methods):
            part = table[(table["kind"] == kind) & (table["method"] == method)].sort_values("severity")
            scale, std = 100 if kind == "dropped_bands" else 1, spread(part, "oa_std")
            # Side by side, so that whiskers can be told apart.
            aside = 0.015 * table.loc[table["kind"] == kind, "severity"].max() * (k - (len(methods) - 1) / 2)
            x, y = part["severity"].to_numpy(float) + aside, part["oa_mean"].to_numpy(float)
            ax.errorbar(
                scale * x, 100 * y, yerr=np.where(std > 0, std, np.nan),
                color=PALETTE[k % 8], marker=MARKERS[k % 8], linestyle=LINES[k % 4], capsize=3, linewidth=1.6,
            )  # fmt: skip
        ax.set_xlabel(DAMAGES[kind])
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("overall accuracy (%), mean ± std")
    legend_below(fig, line_handles(methods))
    fig.suptitle(table_title("Accuracy on damaged measurements", table))
    return fig
