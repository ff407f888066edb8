"""Figures of one quantity against another: epochs, window, exits, label budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator

from hsikit._util.wording import split_words, words
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
    table_title,
    titled,
)
from hsikit.scenes.scene import Scene

if TYPE_CHECKING:
    import pandas as pd

LOSSES = {"loss": "training loss", "train_loss": "training loss", "val_loss": "validation loss"}
ACCURACIES = {"train_oa": "training OA", "val_oa": "validation OA", "val_aa": "validation AA"}

TERMS = {"ce_final": "cross-entropy, final", "ce_exits": "cross-entropy, exits", "kl": "soft targets", "hint": "hint"}


@styled
def training_curves(histories: Mapping[str, pd.DataFrame], scene: Scene | None = None) -> Figure:
    """Losses and, where there are any, accuracies against epochs; a colour a run, a line style a quantity.

    Args:
        histories: Name -> columns epoch and any of loss, train_loss, val_loss, train_oa, val_oa, val_aa
            (accuracies as fractions). Rows without a value are skipped.
        scene: The scene trained on, for the title.

    Raises:
        FigureError: When there is no run, or a run has no epoch or no loss.
    """
    if not histories:
        raise FigureError("training_curves got no run; give name -> history")
    for name, history in histories.items():
        needed(history, ("epoch",), f"training_curves ({name})")
        if not set(LOSSES) & set(history):
            raise FigureError(f"{name} has none of the columns {list(LOSSES)}; it has {list(history)}")
    kinds = [LOSSES]
    if any(h.get(c) is not None and h[c].notna().any() for h in histories.values() for c in ACCURACIES):
        kinds.append(ACCURACIES)
    fig = new_figure(4.6 * len(kinds), 4.2)
    styles: dict[str, str] = {}
    for ax, kind in zip(fig.subplots(1, len(kinds), squeeze=False)[0], kinds):
        for k, history in enumerate(histories.values()):
            for column, label in kind.items():
                if column in history and history[column].notna().any():
                    style = LINES[list(dict.fromkeys(kind.values())).index(label)]
                    styles[label] = style
                    part = history[["epoch", column]].dropna()
                    scale = 100 if kind is ACCURACIES else 1
                    ax.plot(part["epoch"], scale * part[column], style, color=PALETTE[k % 8], linewidth=1.6)
        ax.set(xlabel="epoch", ylabel="accuracy (%)" if kind is ACCURACIES else "loss (nats)")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
    handles = [Line2D([], [], color=PALETTE[k % 8], linewidth=4, label=n) for k, n in enumerate(histories)]
    handles += [Line2D([], [], color="black", ls=style, label=name) for name, style in styles.items()]
    legend_below(fig, handles)
    fig.suptitle(titled("Training" if scene is None else f"{scene.name}: training", scene))
    return fig


@styled
def exit_curves(history: pd.DataFrame, scene: Scene | None = None) -> Figure:
    """Validation accuracy of every exit against epochs, and the share each loss term has in the loss.

    Args:
        history: Of one training of SDHSI-Net: columns epoch, val_oa, val_oa_exit_1.. (fractions) and the loss terms
            ce_final, ce_exits, kl, hint (nats).
        scene: The scene trained on, for the title.

    Raises:
        FigureError: When there is no exit's accuracy.
    """
    needed(history, ("epoch", "val_oa", "val_oa_exit_1"), "exit_curves")
    fig = new_figure(9.2, 4.2)
    left, right = fig.subplots(1, 2)
    exits = [*sorted(c for c in history if c.startswith("val_oa_exit_")), "val_oa"]
    for k, column in enumerate(exits):
        name = "final" if column == "val_oa" else column.removeprefix("val_oa_").replace("_", " ")
        left.plot(history["epoch"], 100 * history[column], LINES[k % 4], color=PALETTE[k % 8], label=name)
    for k, column in enumerate(c for c in TERMS if c in history):
        right.plot(history["epoch"], history[column], LINES[k % 4], color=PALETTE[k % 8], label=TERMS[column])
    right.set_yscale("log")
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.set(xlabel="epoch", ylabel="validation OA (%)")
    right.set(xlabel="epoch", ylabel="weighted loss term (nats)")
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
        ax.legend(frameon=False)
    fig.suptitle(titled("Every exit" if scene is None else f"{scene.name}: every exit", scene))
    return fig


@styled
def leakage_curve(table: pd.DataFrame) -> Figure:
    """Accuracy, and the share of test windows that overlap a training window, against the window's side.

    Args:
        table: Columns split, window (pixels), oa_mean, shared (fractions); oa_std, method, scene if there.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("split", "window", "oa_mean", "shared"), "leakage_curve")
    table, names = _named_series(table, ("split", "method"))
    fig = new_figure(9, 4.2)
    left, right = fig.subplots(1, 2)
    _series(left, table, names, "window", "oa_mean", "oa_std")
    splits, of_split = _named_series(table.drop_duplicates(["split", "window", "shared"]), ("split",))
    _series(right, splits, of_split, "window", "shared", colours=("#222222", "#999999"))  # of splits, not of methods
    left.set(xlabel="window side (px)", ylabel="overall accuracy (%)")
    right.set(xlabel="window side (px)", ylabel="test windows that share a pixel\nwith a training window (%)")
    for ax in (left, right):
        ax.set_xticks(sorted(table["window"].unique()))
        ax.set_ylim(-3, 103)
    right.legend()
    legend_below(fig, line_handles(names))
    fig.suptitle(table_title("Accuracy and shared pixels against window", table))
    return fig


@styled
def budget_curves(table: pd.DataFrame, metric: str = "oa",
                  budget: str = "label budget (training + validation)") -> Figure:  # fmt: skip
    """Accuracy against the label budget, a panel a split where there are several.

    Args:
        table: Columns method, budget (numbers or names, drawn at even steps in the table's order) and oa_mean
            (fraction), or that of another metric; oa_std, split and scene if there.
        metric: "oa" or "aa".
        budget: What is written below the axis.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("method", "budget", f"{metric}_mean"), "budget_curves")
    names = [words(str(m)) for m in dict.fromkeys(table["method"])]
    table = table.assign(series=[words(str(m)) for m in table["method"]])
    panels = list(table.groupby("split", sort=False)) if "split" in table else [("", table)]
    fig = new_figure(4.6 * max(len(panels), 1.3), 4.2)
    for ax, (split, part) in zip(fig.subplots(1, len(panels), squeeze=False, sharey=True)[0], panels):
        budgets = list(dict.fromkeys(part["budget"]))
        part = part.assign(step=[budgets.index(b) for b in part["budget"]])
        _series(ax, part, names, "step", f"{metric}_mean", f"{metric}_std", band=True)
        ax.set_xticks(range(len(budgets)), [str(b) for b in budgets])
        ax.set(xlabel=budget, title=split_words(str(split)))
        ax.set_xlim(-0.3, len(budgets) - 0.7)
    fig.axes[0].set_ylabel(f"{'overall' if metric == 'oa' else 'average'} accuracy (%), mean ± std")
    legend_below(fig, line_handles(names))
    fig.suptitle(table_title("Accuracy against label budget", table))
    return fig


@styled
def exits_accuracy(table: pd.DataFrame) -> Figure:
    """Accuracy of each exit, and against its cost and measured speed where the table has them.

    Args:
        table: Columns exit (1..K) and oa_mean (fraction); name (of an exit), oa_std, method, macs (multiply-accumulates
            a pixel), pixels_per_second and scene if there.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("exit", "oa_mean"), "exits_accuracy")
    table, names = _named_series(table.sort_values("exit", kind="stable"), ("method", "split"))
    axes_of = {
        "exit": "exit (shallow to deep)",
        "macs": "multiply-accumulates a pixel",
        "pixels_per_second": "measured speed (pixels a second)",
    }
    columns = [c for c in axes_of if c in table]
    width = 4.0 * max(len(columns), 1.4)
    fig = new_figure(width, 4.2)
    for ax, column in zip(fig.subplots(1, len(columns), squeeze=False, sharey=True)[0], columns):
        _series(ax, table, names, column, "oa_mean", "oa_std")
        ax.set_xlabel(axes_of[column])
        if column == "exit":
            called = dict(zip(table["exit"], table["name" if "name" in table else "exit"].astype(str)))
            ax.set_xticks(sorted(called), [called[k].removeprefix("exit ") for k in sorted(called)])
            continue
        ax.set_xscale("log")
        ax.margins(x=0.12)
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.xaxis.set_minor_formatter("")
        low, high = table[column].min(), table[column].max()
        if 1 < high / low < 20:  # the ticks of a decade are too few
            ax.set_xticks([float(f"{tick:.2g}") for tick in np.geomspace(low, high, 4)])
    several = "oa_std" in table and bool(table["oa_std"].notna().any())
    fig.axes[0].set_ylabel("overall accuracy (%)" + ", mean ± std" * several)
    if names != ["all"]:
        legend_below(fig, line_handles(names))
    fig.suptitle(table_title("Accuracy of the exits", table))
    return fig


@styled
def scaling_curves(table: pd.DataFrame) -> Figure:
    """Time and memory of a dense map against pixels, bands, window and classes, both axes logarithmic.

    Args:
        table: Columns quantity (a panel each), value, seconds and memory_mb.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("quantity", "value", "seconds", "memory_mb"), "scaling_curves")
    names = list(dict.fromkeys(table["quantity"]))
    measures = {"seconds": "time (s)", "memory_mb": "memory above scene and model (MB)"}
    fig = new_figure(2.7 * max(len(names), 2), 5.2)
    axes = fig.subplots(2, len(names), squeeze=False, sharex="col", sharey="row")
    for column, name in enumerate(names):
        part = table[table["quantity"] == name].sort_values("value")
        for ax, (measure, label) in zip(axes[:, column], measures.items()):
            ax.loglog(part["value"], part[measure], color=PALETTE[0], marker=MARKERS[0], linewidth=1.6)
            ax.grid(alpha=0.3)
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_formatter("")
            if not column:
                ax.set_ylabel(label)
        axes[1, column].set_xlabel({"window": "window side (px)"}.get(name, name))
        axes[1, column].set_xticks(part["value"], [f"{v / 1000:.0f}k" if v >= 4000 else f"{v}" for v in part["value"]])
        axes[1, column].xaxis.set_minor_formatter("")
    fig.suptitle(titled("A dense map with MMLGNet: one size varied at a time"))
    return fig


# --- parts ---------------------------------------------------------------------------------------


def _named_series(table: pd.DataFrame, columns: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    """The table with a column `series`, made of those columns that are there, and the series in order."""
    there = [c for c in columns if c in table and (table[c].nunique() > 1 or c == columns[0])]
    names = [", ".join(words(split_words(str(v))) for v in row) for row in table[there].to_numpy()]
    table = table.assign(series=names if there else "all")
    return table, list(dict.fromkeys(table["series"]))


def _series(ax: Axes, table: pd.DataFrame, names: list[str], x: str, y: str, std: str | None = None,
            band: bool = False, colours: Sequence[str] = PALETTE) -> None:  # fmt: skip
    """A line with markers and error bars (and a band of the same height) for each series, in percent, ascending."""
    for k, name in enumerate(names):
        part = table[table["series"] == name].sort_values(x)
        s = spread(part, std) if std else np.zeros(len(part))
        ax.errorbar(
            part[x], 100 * part[y].astype(float), yerr=np.where(s > 0, s, np.nan), color=colours[k % len(colours)],
            marker=MARKERS[k % 8], linestyle=LINES[k % 4], capsize=3, linewidth=1.6, label=name,
        )  # fmt: skip
        if band:
            middle = 100 * part[y].to_numpy(float)
            ax.fill_between(part[x], middle - s, middle + s, color=colours[k % len(colours)], alpha=0.15, linewidth=0)
    ax.grid(alpha=0.3)
