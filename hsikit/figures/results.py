"""Figures of scores: confusion, accuracies of methods, their differences, recall of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hsikit._util.wording import heading, split_words
from hsikit.figures.style import (
    MARKERS,
    PALETTE,
    FigureError,
    legend_below,
    needed,
    new_figure,
    spread,
    styled,
    swatches,
    table_title,
    titled,
)
from hsikit.scenes.scene import Scene
from hsikit.separation import METRICS

if TYPE_CHECKING:
    from hsikit.metrics import Scores


@styled
def confusion_matrix(scores: Scores, scene: Scene | None = None) -> Figure:
    """Confusion of true (row) and mapped (column) classes: colour is the share of the row, text the pixels.

    Classes neither tested nor predicted are left out. A row may miss pixels that got no answer.

    Args:
        scores: What `hsikit.score` returns.
        scene: Adds class colours, and says where the scene is simulated.
    """
    counts = np.asarray(scores.confusion)
    shown = np.flatnonzero((scores.support > 0) | (counts.sum(0) > 0))
    counts, support = counts[np.ix_(shown, shown)], np.asarray(scores.support)[shown]
    share = 100 * counts / np.maximum(support, 1)[:, None]
    names = [scores.class_names[c] for c in shown]
    side = 0.52 * len(shown) + 0.4
    longest = max(map(len, names))
    fig = new_figure(side + 0.09 * longest + 2.4, side + 0.07 * longest + 1.2)
    ax = fig.subplots()
    image = ax.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.argwhere(counts > 0):
        ink = "white" if share[row, column] > 55 else "black"
        ax.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=ink, fontsize=9)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), [f"{n} ({s:,})" for n, s in zip(names, support)])
    if scene is not None:
        swatches(ax, [scene.colors[int(c)] for c in shown])
    ax.spines[:].set_visible(False)
    ax.set(xlabel="mapped class", ylabel="true class (test px)")
    fig.colorbar(image, ax=ax, label="share of the true class (%)", shrink=0.8)
    tested = f"{scores.tested} of {len(scores.class_names)} classes"
    text = f"OA {100 * scores.oa:.1f} %, AA {100 * scores.aa:.1f} % ({tested})"
    fig.suptitle(titled(text if scene is None else f"{scene.name}: {text}", scene, int(11 * fig.get_figwidth())))
    return fig


@styled
def accuracy_bars(table: pd.DataFrame, metric: str = "oa") -> Figure:
    """Accuracy of each method, a bar a split, mean ± standard deviation over seeds.

    Args:
        table: Columns method, split and ``<metric>_mean`` (fractions); ``<metric>_std``, n, scene if there.
            One row for each method and split; splits keep their order, so put the disjoint one first.
        metric: ``"oa"``, ``"aa"`` or ``"kappa"``.

    Raises:
        FigureError: On missing columns or a method that comes twice for a split.
    """
    mean = f"{metric}_mean"
    needed(table, ("method", "split", mean), "accuracy_bars")
    if table.duplicated(["method", "split"]).any():
        raise FigureError("accuracy_bars needs one row a method and split; choose one scene and configuration")
    methods, splits = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table["split"]))
    high = 0.8 / len(splits)
    fig = new_figure(8, 0.24 * len(methods) * max(1.5, len(splits)) + 1.6)
    ax = fig.subplots()
    for k, split in enumerate(splits):
        part = table[table["split"] == split]
        y = np.array([methods.index(m) for m in part["method"]]) + (k - (len(splits) - 1) / 2) * high
        x, s = 100 * part[mean].to_numpy(float), spread(part, f"{metric}_std")
        style: dict[str, Any] = {
            "color": PALETTE[k],
            "hatch": ("", "//", "..", "xx")[k % 4],
            "edgecolor": "white",
        }
        ax.barh(y, x, height=0.92 * high, xerr=np.where(s > 0, s, np.nan), label=split, **style)
        for place, value, std, n in zip(y, x, s, part["n"] if "n" in part else [0] * len(part)):
            text = f"{value:.1f} ± {std:.1f}" if std > 0 else f"{value:.1f}" + (" (n = 1)" if n == 1 else "")
            ax.text(value + std + 1, place, text, va="center", fontsize=9)
    ax.set_yticks(range(len(methods)), methods)
    ax.set_ylim(len(methods) - 0.5, -0.5)
    ax.set(xlim=(0, 118), xticks=range(0, 101, 20), xlabel=f"{_named(metric)}, mean ± std over seeds")
    handles = [
        Patch(
            facecolor=PALETTE[k],
            hatch=("", "//", "..", "xx")[k % 4],
            edgecolor="white",
            label=split_words(str(s)),
        )
        for k, s in enumerate(splits)
    ]
    legend_below(fig, handles)
    fig.suptitle(table_title("Accuracy on test pixels", table))
    return fig


@styled
def paired_differences(table: pd.DataFrame) -> Figure:
    """Paired differences in points with their 95 % intervals; filled where the interval is clear of 0.

    Args:
        table: Columns comparison, difference, low, high (points); n, p, metric and note if there, over, what the
            interval is over (seeds without it), reference, which the title then names, and group, under whose
            head lines stand together.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("comparison", "difference", "low", "high"), "paired_differences")
    groups = list(table["group"]) if "group" in table and table["group"].nunique() > 1 else [""] * len(table)
    order = sorted(range(len(groups)), key=lambda k: groups.index(groups[k]))
    table, groups = table.iloc[order], [groups[k] for k in order]
    begins = [k for k, group in enumerate(groups) if k == 0 or group != groups[k - 1]]
    heads = len(begins) if len(begins) > 1 else 0
    places = np.arange(len(table)) + [sum(b <= k for b in begins) if heads else 0 for k in range(len(table))]
    fig = new_figure(8, 0.45 * (len(table) + 0.7 * heads) + 1.6)
    ax = fig.subplots()
    ax.axvline(0, color="#666666", linewidth=1, linestyle="--")
    numbers = table[["difference", "low", "high"]].astype(float).to_numpy()
    for place, (middle, low, high) in zip(places, numbers):
        clear = low > 0 or high < 0
        colour = PALETTE[0] if clear else "#666666"
        ax.plot([low, high], [place, place], color=colour, linewidth=2)
        ax.plot(middle, place, "o", color=colour, markerfacecolor=colour if clear else "white", markersize=8)
    for place, row in zip(places, table.to_dict("records")):
        ax.annotate(_numbers(row), (1.02, place), xycoords=ax.get_yaxis_transform(), va="center", fontsize=9)
    for k in begins[: heads or 0]:
        ax.text(-0.02, places[k] - 0.85, groups[k], transform=ax.get_yaxis_transform(), ha="right",
                va="center", fontweight="bold", fontsize=9)  # fmt: skip
    ax.set_yticks(places, [str(c) for c in table["comparison"]])
    ax.set_ylim(places[-1] + 0.5, -0.5)
    metric = str(table["metric"].iloc[0]).upper() if "metric" in table else "accuracy"
    over = table["over"].iloc[0] if "over" in table else "seeds"
    ax.set_xlabel(f"difference in {metric} (points), 95 % interval over {over}; filled: clear of 0")
    to = f" to {table['reference'].iloc[0]}" if "reference" in table else ""
    fig.suptitle(table_title(f"Paired differences{to}", table))
    return fig


@styled
def claims_forest(table: pd.DataFrame) -> Figure:
    """What was claimed, a panel a claim: every budget's difference with its 95 % interval, better to the right.

    Args:
        table: As `hsikit.tables.claims_of` gives it: columns claim, measure, split, n, difference, low, high, verdict.
            Where lower is better, as for compactness, signs are turned.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("claim", "measure", "split", "n", "difference", "low", "high", "verdict"), "claims_forest")
    parts = dict(list(table.groupby("claim", sort=False)))
    splits = list(dict.fromkeys(table["split"]))
    fig = new_figure(3.1 * len(parts) + 2.2, 0.42 * len(splits) + 1.7)
    for k, (ax, (claim, part)) in enumerate(zip(fig.subplots(1, len(parts), squeeze=False)[0], parts.items())):
        ax.axvline(0, color="#666666", linewidth=1, linestyle="--")
        sign = -1 if METRICS.get(part["measure"].iloc[0]) == "lower" else 1
        for row in part.to_dict("records"):
            place, colour = splits.index(row["split"]), {"held": PALETTE[0], "the opposite": PALETTE[5]}
            ink = colour.get(row["verdict"], "#666666")
            ends = [sign * row["low"], sign * row["high"]]
            ax.plot(ends, [place, place], color=ink, linewidth=2)
            ax.plot(sign * row["difference"], place, "o", color=ink, markersize=8,
                    markerfacecolor=ink if row["verdict"] in colour else "white")  # fmt: skip
        names = [f"{split_words(s)} (n = {int(table.loc[table['split'] == s, 'n'].max())})" for s in splits]
        ax.set_yticks(range(len(splits)), names if k == 0 else [""] * len(splits))
        unit = {"oa": "points of OA"}.get(part["measure"].iloc[0], heading(part["measure"].iloc[0]))
        ax.set(ylim=(len(splits) - 0.5, -0.5), title=claim, xlabel=unit + ", sign turned" * (sign < 0))
    words = {"held: interval above 0": PALETTE[0], "the opposite: below 0": PALETTE[5], "not shown": "#666666"}
    legend_below(fig, [Line2D([], [], color=ink, marker="o", label=text, markerfacecolor="white" if text == "not shown"
                              else ink) for text, ink in words.items()])  # fmt: skip
    fig.suptitle(titled("With minus without, 95 % intervals: better to the right", wrap=int(9 * fig.get_figwidth())))
    return fig


@styled
def difference_spread(runs: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Every run's difference from its reference as a dot, over their mean and its 95 % interval.

    Args:
        runs: A row a run: columns comparison and difference (points).
        table: A row a comparison, as `paired_differences` takes it.

    Raises:
        FigureError: On missing columns.
    """
    needed(runs, ("comparison", "difference"), "difference_spread")
    needed(table, ("comparison", "difference", "low", "high"), "difference_spread")
    fig = new_figure(8, 0.6 * len(table) + 1.6)
    ax = fig.subplots()
    ax.axvline(0, color="#666666", linewidth=1, linestyle="--")
    for place, row in enumerate(table.to_dict("records")):
        own = runs.loc[runs["comparison"] == row["comparison"], "difference"].to_numpy(float)
        lifted = place + 0.3 * (np.arange(len(own)) % 9 - 4) / 8  # beside one another, in the order of the runs
        ax.plot(own, lifted, "o", color=PALETTE[0], alpha=0.45, markersize=4, markeredgewidth=0)
        ax.plot([row["low"], row["high"]], [place, place], color="#222222", linewidth=2.5)
        ax.plot(row["difference"], place, "D", color="#222222", markersize=7)
        ax.annotate(_numbers(row), (1.02, place), xycoords=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.set_yticks(range(len(table)), [str(c) for c in table["comparison"]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel("difference in OA (points): a dot a run; diamond and bar: mean and its 95 % interval")
    fig.suptitle(table_title(f"How far one run could mislead, {len(runs)} runs", table))
    return fig


@styled
def per_class_recall(table: pd.DataFrame, scene: Scene) -> Figure:
    """Recall of each class, a marker a method, mean ± standard deviation over seeds.

    Args:
        table: Columns method, class (1..C) and recall_mean (fraction); recall_std if there, and split, which the
            title then names.
        scene: Gives names and colours.

    Raises:
        FigureError: On missing columns or a class the scene does not have.
    """
    needed(table, ("method", "class", "recall_mean"), "per_class_recall")
    classes = sorted({int(c) for c in table["class"]})
    if classes[0] < 1 or classes[-1] > scene.n_classes:
        raise FigureError(f"classes run from {classes[0]} to {classes[-1]}, {scene.name} has 1 to {scene.n_classes}")
    methods = list(dict.fromkeys(table["method"]))
    fig = new_figure(8, 0.2 * len(classes) * max(2, len(methods)) ** 0.6 + 1.9)
    ax = fig.subplots()
    for k, method in enumerate(methods):
        part = table[table["method"] == method]
        y = np.array([classes.index(int(c)) for c in part["class"]])
        y = y + (k - (len(methods) - 1) / 2) * 0.7 / len(methods)
        s = spread(part, "recall_std")
        ax.errorbar(
            100 * part["recall_mean"].to_numpy(float), y, xerr=np.where(s > 0, s, np.nan), linestyle="none",
            marker=MARKERS[k % 8], color=PALETTE[k % 8], markersize=6, elinewidth=1,
        )  # fmt: skip
    for place in range(1, len(classes)):
        ax.axhline(place - 0.5, color="#dddddd", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(classes)), [scene.class_names[c - 1] for c in classes])
    swatches(ax, [scene.colors[c - 1] for c in classes])
    ax.set(xlim=(-2, 102), ylim=(len(classes) - 0.5, -0.5), xlabel="recall (%), mean ± std over seeds")
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[k % 8], color=PALETTE[k % 8], label=m)
        for k, m in enumerate(methods)
    ]
    legend_below(fig, handles)
    on = f", {split_words(str(table['split'].iloc[0]))}" if "split" in table else ""
    fig.suptitle(titled(f"{scene.name}: recall of each class{on}", scene))
    return fig


def _numbers(row: dict) -> str:
    """The difference, its interval, and what else the row says."""
    text = f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]".replace("-", "−")
    if row.get("n") is not None:
        text += f", n = {int(row['n'])}"
    p = row.get("p")
    return text if p is None or p != p else f"{text}, p = {p:.2g}"


def _named(metric: str) -> str:
    return {"oa": "overall accuracy (%)", "aa": "average accuracy (%)", "kappa": "Cohen's kappa (x 100)"}.get(
        metric, f"{metric} (%)"
    )
