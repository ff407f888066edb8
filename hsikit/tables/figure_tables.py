"""From rows and fitted models to the tables that figures draw; each function belongs to one figure.

    figures.robustness_curves(figure_tables.robustness_table(rows_of(store, "sdhsi_fields")))

What is missing is not made up: a function leaves out rows without the facts it needs, and gives an empty table where
there are none, which the figure then refuses by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hsikit.experiments.config import Experiment, load_config
from hsikit.experiments.ledger import Store
from hsikit.fitted import Fitted
from hsikit.scenes import Scene
from hsikit.splits import make_split
from hsikit.tables.frames import against, gains, summarise

Row = dict[str, Any]


def folders_table(arms: Mapping[str, Experiment], store: Store, known: Mapping[str, Row]) -> pd.DataFrame:
    """Which runs `load_run` finds in a folder, and what training the others should take.

    Args:
        known: Rows by hash, such as those of the committed ledger; a run's own row tells its seconds.

    Returns:
        Columns run, split, hash, folder (there or not), seconds (0 where it is there, NaN where unknown).
    """
    lines = []
    for name, e in arms.items():
        there = store.folder(e.hash).exists()
        seconds = 0.0 if there else known.get(e.hash, {}).get("seconds", float("nan"))
        lines.append({"run": name, "split": e.split_name, "hash": e.hash, "folder": there, "seconds": seconds})
    return pd.DataFrame(lines)


def best_rows(table: str, rows: Iterable[Row], splits: Sequence[str], methods: Sequence[str] = ()) -> list[Row]:
    """Rows of a table's best configurations on some splits; empty where the ledger has none.

    A method without a row on the first split is left out: no score stands without the disjoint one.

    Args:
        table: A name of `hsikit.tables.TABLES`.
        splits: The disjoint one first; rows come in this order.
        methods: Names as the table shows them, in the order wanted; all but arms of ablations if left out.
    """
    from hsikit import tables

    here = [r for r in rows if r["split"] in splits]
    if not tables.rows_of(table, here):
        return []
    best = tables.best_of(table, here)
    first = {r["name"] for r in best if r["split"] == splits[0] and r["name"] in (methods or [r["name"]])}
    order = list(methods) or list(dict.fromkeys(r["name"] for r in best))
    best = sorted((r for r in best if r["name"] in first), key=lambda r: order.index(r["name"]))
    return sorted(best, key=lambda r: splits.index(r["split"]))


def accuracy_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Mean and std over seeds of each method and split, the highest OA on the first row's split first."""
    table = pd.DataFrame(summarise(rows))
    first = table[table["split"] == table["split"].iloc[0]].set_index("method")["oa_mean"]
    return table.assign(order=-table["method"].map(first)).sort_values("order", kind="stable").drop(columns="order")


def windows_table(rows: Iterable[Row], scene: Scene) -> pd.DataFrame:
    """Accuracy by window and split, with the share of test windows that overlap a training window.

    Args:
        rows: Of one seed, names such as "SDHSI-Net, window 9".

    Returns:
        Columns scene, method, split ("random" or "disjoint"), window (pixels), oa_mean and shared (fractions).
    """
    lines, splits, shared = [], {}, {}
    for row in rows:
        name, window = row["split"], row["config"]["model"]["window"]
        if name not in splits:
            splits[name] = make_split(scene, row["config"]["split"], row["seed"])
        if (name, window) not in shared:
            shared[name, window] = splits[name].leakage(window).shared
        kind = "random" if name.startswith("random") else "disjoint"
        lines.append({"scene": row["scene"], "method": row["name"].split(",")[0], "split": kind, "window": window,
                      "oa_mean": row["oa"], "shared": shared[name, window]})  # fmt: skip
    return pd.DataFrame(lines)


def gains_table(rows: Sequence[Row], config: str) -> pd.DataFrame:
    """A config's named comparisons as `figures.paired_differences` draws them, OA and AA of each split."""
    table = gains(rows, load_config(config)["comparisons"])
    named = table["split"].str.replace("_", " ") + ", " + table["gain"] + ", " + table["metric"].str.upper()
    return table.assign(comparison=named).drop(columns=["metric", "split"])


def ablation_table(rows: Sequence[Row], reference: str) -> pd.DataFrame:
    """OA of every arm minus the reference's, paired by seed; the method's name before the colon is left out."""
    table = against(rows, reference)
    method, _, plain = reference.rpartition(": ")
    arms = table["comparison"].str.removesuffix(f" − {reference}").str.removeprefix(f"{method}: ")
    return table[table["metric"] == "oa"].assign(comparison=arms, reference=plain)


def separation_table(rows: Iterable[Row], split: str) -> pd.DataFrame:
    """Separation of the final features, a row a run: column name, split, and the measures of `hsikit.separation`."""
    return pd.DataFrame([{"name": r["name"], "split": r["split"], "scene": r["scene"], **r["exits"][-1]["separation"]}
                         for r in rows if r["split"] == split and r.get("exits")])  # fmt: skip


def robustness_table(rows: Iterable[Row], split: str) -> pd.DataFrame:
    """Accuracy under damage: columns method, scene, split, kind, severity (0: undamaged), n, oa_mean, oa_std."""
    lines = []
    for row in (r for r in rows if r["split"] == split and r.get("robustness")):
        kinds = dict.fromkeys(d["kind"] for d in row["robustness"])
        plain = [{"kind": kind, "severity": 0.0, "oa": row["oa"]} for kind in kinds]
        lines += [{"method": row["name"], "scene": row["scene"], "split": split, **d}
                  for d in [*plain, *row["robustness"]]]  # fmt: skip
    if not lines:
        return pd.DataFrame()
    groups = pd.DataFrame(lines).groupby(["method", "scene", "split", "kind", "severity"], sort=False)
    return groups.agg(n=("oa", "size"), oa_mean=("oa", "mean"), oa_std=("oa", "std")).reset_index()


def recall_table(rows: Iterable[Row], class_names: Sequence[str]) -> pd.DataFrame:
    """Recall of each class that was tested: columns split, method, class (1..C), n, recall_mean, recall_std."""
    lines = [{"split": r["split"], "method": r["name"], "class": 1 + list(class_names).index(name), "recall": value}
             for r in rows for name, value in r["per_class"].items() if value is not None]  # fmt: skip
    if not lines:
        return pd.DataFrame()
    groups = pd.DataFrame(lines).groupby(["split", "method", "class"], sort=False)["recall"]
    return groups.agg(n="size", recall_mean="mean", recall_std="std").reset_index()


def occlusion_table(model: Fitted, scene: Scene, pixels: np.ndarray, groups: int = 12) -> pd.DataFrame:
    """What single pixels' answers lose without a group of bands and without a sensor.

    Args:
        pixels: Flat indices (n,), such as some of `split.test`.
        groups: Number of band groups.

    Returns:
        A row a pixel and hidden part: columns pixel, class (true, 1..C; 0 without a label), hidden ("bands", or a
        sensor's name), low and high (of a group: nm, or band from 1; NaN for a sensor), drop (of the answer's
        probability).
    """
    from hsikit.analysis.occlusion import Occlusion

    occlusion, lines = Occlusion(model, scene, groups), []
    waves = occlusion.scene.wavelengths_nm
    at = 1 + np.arange(occlusion.scene.bands) if waves is None else np.asarray(waves)[occlusion.order]
    for pixel in np.asarray(pixels):
        row, col = divmod(int(pixel), scene.shape[1])
        answer = occlusion.ask(row, col)
        facts = {"pixel": int(pixel), "class": int(scene.usable[row, col])}
        lines += [facts | {"hidden": "bands", "low": float(at[first]), "high": float(at[last]), "drop": float(drop)}
                  for (first, last), drop in zip(answer.groups, answer.band_drop)]  # fmt: skip
        lines += [facts | {"hidden": name, "low": np.nan, "high": np.nan, "drop": drop}
                  for name, drop in answer.sensor_drop.items()]  # fmt: skip
    return pd.DataFrame(lines)
