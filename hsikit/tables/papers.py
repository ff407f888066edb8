"""The papers' own tables and figure frames: arms, label budgets, exits, separation, damage, unseen classes.

Functions take ledger rows under the labels of their configs, as `hsikit.experiments.rows_of` gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

import pandas as pd
import yaml

from hsikit.experiments.config import Experiment
from hsikit.separation import METRICS, Separation
from hsikit.tables.cells import SHOWN, difference, percent
from hsikit.tables.frames import frame, paired, pooled, spread
from hsikit.tables.layout import BUDGETS, FULL
from hsikit.tables.steps import gap

Rows = Iterable[dict[str, Any]]
Pair = tuple[str, str]
PROMPT = "prompt"  # of the rankings of `hsikit.analysis.unseen`, which loads torch, the one by the class's own words


def assumptions(paper: str, experiment: Experiment, window: int) -> pd.DataFrame:
    """What is known of each part of a paper's method, what is assumed here, and the values of a run.

    Args:
        paper: "mmlgnet" or "sdhsi".
        experiment: A run of that method; its config gives the values.
        window: Side of the network's windows in pixels.

    Returns:
        Columns part, paper says, we assume, value; empty where nothing is known or nothing had to be assumed.

    Raises:
        ValueError: For another paper.
    """
    known = yaml.safe_load((resources.files("hsikit") / "papers.yaml").read_text(encoding="utf-8"))
    if paper not in known:
        raise ValueError(f"no paper called {paper!r}; there are {', '.join(known)}")
    facts = asdict(experiment) | {"window": window, "inputs": _inputs_said(experiment)}
    return pd.DataFrame([{"part": line["part"], "paper says": line["says"], "we assume": line["ours"],
                          "value": line["value"].format(**facts).replace("_", " ")}
                         for line in known[paper]["parts"]])  # fmt: skip


def _inputs_said(experiment: Experiment) -> str:
    """What a run reads of each sensor, in words."""
    read = {sensor: ", ".join(experiment.inputs.get(sensor, ())).replace("_", " ") for sensor in ("hsi", "lidar")}
    return f"HSI: {read['hsi'] or 'bands'}; LiDAR: {read['lidar'] or 'as it is'}"


# --- arms of ablations -----------------------------------------------------------------------------


def arms(labels: Mapping[str, str], rows: Rows) -> pd.DataFrame:
    """Scores of the arms of an ablation and their difference in OA from the full method (`gap`), on each split.

    Args:
        labels: What a line is called -> the arm's label.
        rows: Of the ablation's config.
    """
    rows = sorted(
        (r for r in pooled(rows) if r["name"] in labels.values()), key=lambda r: [*labels.values()].index(r["name"])
    )
    shown = {label: line for line, label in labels.items()}
    lines = []
    for e in spread(frame(rows), "scene", "split", "method").to_dict("records"):
        found = None if e["method"] == FULL else gap(rows, (e["split"], e["scene"]), e["method"], FULL)
        lines.append({"split": e["split"], "arm": shown[e["method"]], "n": e["n"],
                      **{name: percent(e, key) for key, name in SHOWN.items()},
                      "OA minus reference (points)": difference(found) if found else ""})  # fmt: skip
    return pd.DataFrame(lines)


# --- SDHSI-Net -------------------------------------------------------------------------------------


def budgets_table(rows: Rows) -> pd.DataFrame:
    """Accuracy by label budget (`BUDGETS`): columns method, split (the family), budget, n, oa_mean, oa_std, aa_mean."""
    order = list(BUDGETS)
    rows = sorted((r for r in rows if r["split"] in BUDGETS), key=lambda r: order.index(r["split"]))
    table = spread(frame(rows), "split", "method")
    family, written = ([BUDGETS[split][k] for split in table["split"]] for k in (0, 1))
    columns = ["method", "split", "budget", "n", "oa_mean", "oa_std", "aa_mean"]
    return table.assign(split=family, budget=written).reindex(columns=columns)


def exits_table(rows: Rows) -> pd.DataFrame:
    """Mean and std over seeds of each exit: method, split, exit (from 1), name, n, oa_*, aa_*, macs."""
    table = spread(frame(rows, "exit"), "method", "split", "at", "item")
    table = table.rename(columns={"at": "exit", "item": "name", "macs_mean": "macs"})
    columns = ["method", "split", "exit", "name", "n", "oa_mean", "oa_std", "aa_mean", "aa_std", "macs"]
    return table.reindex(columns=columns).dropna(subset=["oa_mean"]).reset_index(drop=True)


def static_exits(rows: Rows, tolerance: float = 0.003) -> pd.DataFrame:
    """The shallowest exit of each run whose validation OA is within `tolerance` of the final output's.

    Returns columns split, seed, exit, oa, oa_final, lost (points of OA on test pixels), macs_ratio (full over exit).
    """
    run = ["method", "split", "seed", "hash"]
    wide = frame(rows, "exit").pivot_table("value", [*run, "at"], "measure", sort=False).reset_index()
    wide = wide.reindex(columns=[*run, "at", "oa", "val_oa", "macs"]).dropna(subset=["val_oa"])
    found = []
    for (_, split, seed, _), exits in wide.groupby(run, sort=False):
        final = exits.iloc[-1]
        chosen = exits[exits["val_oa"] >= final["val_oa"] - tolerance].iloc[0]
        found.append({"split": split, "seed": seed, "exit": int(chosen["at"]), "oa": chosen["oa"],
                      "oa_final": final["oa"], "lost": 100 * (final["oa"] - chosen["oa"]),
                      "macs_ratio": final["macs"] / chosen["macs"]})  # fmt: skip
    return pd.DataFrame(found, columns=["split", "seed", "exit", "oa", "oa_final", "lost", "macs_ratio"])


def static_means(rows: Rows) -> pd.DataFrame:
    """Means over seeds of `static_exits`, a line a split."""
    return static_exits(rows).drop(columns="seed").groupby("split", sort=False).mean().reset_index()


def separation_table(rows: Rows, split: str) -> pd.DataFrame:
    """Separation of the final features, a row a run: column name, split, and the measures of `hsikit.separation`."""
    return pd.DataFrame([{"name": r["name"], "split": r["split"], "scene": r["scene"], **r["exits"][-1]["separation"]}
                         for r in rows if r["split"] == split and r.get("exits")])  # fmt: skip


def separations(measured: Mapping[str, Separation]) -> pd.DataFrame:
    """Separation of several feature spaces, a row each: column name, and the measures of `hsikit.separation`."""
    return pd.DataFrame([{"name": name, **{m: getattr(found, m) for m in METRICS}} for name, found in measured.items()])


def separation_differences(rows: Rows, pair: Pair, split: str) -> pd.DataFrame:
    """Separation at each depth with and without, paired by seed.

    Returns columns exit, metric, better, n, with, without, difference, low, high (95 % interval), in the metric's own
    units.
    """
    long = frame([r for r in rows if r["split"] == split], "exit")
    order = long["measure"].map({metric: k for k, metric in enumerate(METRICS)}).sort_values(kind="stable")
    table = paired(long.loc[order.dropna().index], {"": pair}, "item", "measure")
    table = table.assign(better=table["measure"].map(METRICS)).rename(columns={"item": "exit", "measure": "metric"})
    return table[["exit", "metric", "better", "n", "with", "without", "difference", "low", "high"]]


def robustness_table(rows: Rows, split: str) -> pd.DataFrame:
    """Accuracy under damage: columns method, scene, split, kind, severity (0: undamaged), n, oa_mean, oa_std."""
    long = frame([r for r in rows if r["split"] == split], "damage")
    damaged, whole = long[long["item"] != "none"], long[long["item"] == "none"]
    undamaged = [whole.assign(item=kind) for kind in damaged["item"].unique()]
    table = spread(pd.concat([*undamaged, damaged]), "method", "scene", "split", "item", "at")
    table = table.rename(columns={"item": "kind", "at": "severity"})
    return table.reindex(columns=["method", "scene", "split", "kind", "severity", "n", "oa_mean", "oa_std"])


def robustness_differences(rows: Rows, pair: Pair, split: str) -> pd.DataFrame:
    """OA under damage with and without, in percent, and their paired difference in points."""
    long = frame([r for r in rows if r["split"] == split], "damage")
    table = paired(long[long["measure"] == "oa"], {"": pair}, "item", "at", "measure")
    table = table.rename(columns={"item": "kind", "at": "severity"})
    both = {f"OA {arm} (%)": 100 * table[arm] for arm in ("with", "without")}
    return table.assign(**both)[["kind", "severity", "n", *both, "difference", "low", "high"]]


# --- MMLGNet ---------------------------------------------------------------------------------------


def unseen_table(rows: Rows) -> pd.DataFrame:
    """AUROC of every unseen class, mean over seeds: a line a class and split, a column a method and ranking.

    Args:
        rows: Ledger rows, of which those with `unseen` count. The last line is the mean over classes, each of which
            counts once for every split that leaves it out.
    """
    long = _unseen(rows)
    pixels = long[long["measure"] == "pixels"].groupby(["split", "class"], sort=False)["value"].first().astype(int)
    table = _rankings(long, ["split", "class"])
    table.loc[("all", "mean over classes"), :] = table.mean()
    table.insert(0, "test pixels", pixels.reindex(table.index))
    return table.reset_index()


def unseen_gains(rows: Rows) -> pd.DataFrame:
    """The first method's prompt against every other column, paired over classes, means over seeds.

    Returns:
        Columns comparison, classes, difference, low, high (AUROC, 95 % t interval over classes), p (two-sided
        Wilcoxon, None under 8 classes).
    """
    long = _unseen(rows)
    table = _rankings(long, ["split", "class"]).groupby("class", sort=False).mean()  # a class counts once
    first = f"{long['method'].iloc[0]}: {PROMPT}"
    over = table.rename_axis(columns="method").stack().rename("value").rename_axis(["seed", "method"]).reset_index()
    pairs = {f"{first} − {other}": (first, other) for other in table.columns.drop(first)}
    found = paired(over.assign(measure="auroc", partition=0), pairs, "measure", primary=len(pairs))
    return found.rename(columns={"n": "classes"})[["comparison", "classes", "difference", "low", "high", "p"]]


def _unseen(rows: Rows) -> pd.DataFrame:
    long = frame(rows, "unseen").rename(columns={"item": "class"})
    if long.empty:
        raise ValueError("no run left a class out; give runs of a split with unseen classes")
    return long


def _rankings(long: pd.DataFrame, lines: list[str]) -> pd.DataFrame:
    """Mean AUROC, a column a method and ranking."""
    named = long[long["measure"] != "pixels"].assign(column=lambda part: part["method"] + ": " + part["measure"])
    return named.astype({"value": float}).pivot_table("value", lines, "column", sort=False)
