"""The tables of a scene: every method on its splits, measured, and what others printed in columns of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd
import yaml

from hsikit.experiments.config import Experiment, expand
from hsikit.experiments.ledger import Store
from hsikit.scenes import Scene
from hsikit.splits import make_split
from hsikit.tables.cells import SHOWN, TableError, machine, percent
from hsikit.tables.frames import frame, pooled, spread, summarise
from hsikit.tables.layout import NETWORKS, TABLES
from hsikit.tables.stats import best_by_validation, settings_of

Rows = list[dict[str, Any]]
# What a map says of the ground, means over seeds: share of the mapped area, of the pixels of a field, and an interval.
GROUND = ("area OA", "field OA", "OA over fields")


@cache
def _arms(*configs: str) -> dict[str, str]:
    """Hash of every run that shipped configs ask for -> its label there."""
    return {e.hash: e.label for config in configs for e in expand(config)}


def rows_of(name: str, rows: Iterable[dict[str, Any]]) -> Rows:
    """Runs of a table's scene and splits, under its configs' labels; those of studies with tables of their own are out.

    Raises:
        TableError: When the table is unknown.
    """
    if name not in TABLES:
        raise TableError(f"no table called {name!r}; there are {', '.join(TABLES)}")
    table = TABLES[name]
    own, apart = _arms(*table["configs"]), _arms(*table.get("elsewhere", ()))
    here = [r for r in rows if r["scene"] == table["scene"] and (r["hash"] in own or r["hash"] not in apart)]
    drawn = pooled(here)
    if not table.get("partitions"):  # those of other draws stand elsewhere
        drawn = [r for r, of in zip(here, drawn) if r["split"] == of["split"]]
    return [r | {"name": own.get(r["hash"], r["name"])} for r in drawn if r["split"] in table["splits"]]


def best_of(name: str, rows: Iterable[dict[str, Any]]) -> Rows:
    """A table's runs, one configuration a method, under the names tables show.

    A method that the table's configs name stands in their settings, which were chosen on validation pixels as each
    config says; any other in the configuration that validation prefers. `trials` of a row counts what was looked at on
    validation pixels for all its configurations.

    Raises:
        TableError: When the table is unknown or no run fits it; what would make it is said.
    """
    known = [row | dict.fromkeys(("name", "method"), _shown(name, row)) for row in rows_of(name, rows)]
    table = TABLES[name]
    own, left = _arms(*table["configs"]), _arms(*table.get("tried", ()))
    taken = set(own.values())
    settings = {settings_of(row) for row in known if row["hash"] in own}  # another config may hold more seeds of them
    other = {row["hash"] for row in known if row["name"] not in taken and row["hash"] not in left}
    shown = [row for row in known if settings_of(row) in settings or row["hash"] in other]
    if not shown:
        commands = "; ".join(f"hsikit sweep {config}" for config in table["configs"])
        raise TableError(f"the ledger has no run for table {name}; make them with: {commands}")
    trials: dict[tuple[str, str], dict[str, int]] = {}
    for row in known:
        trials.setdefault((row["name"], row["split"]), {})[settings_of(row)] = row["trials"]
    return [row | {"trials": sum(trials[row["name"], row["split"]].values())} for row in best_by_validation(shown)]


def best_rows(name: str, rows: Iterable[dict[str, Any]], splits: Sequence[str], methods: Sequence[str] = ()) -> Rows:
    """Rows of a table's best configurations on some splits; empty where the ledger has none.

    A method without a row on the first split is left out: no score stands without the disjoint one.

    Args:
        splits: The disjoint one first; rows come in this order.
        methods: Names as the table shows them, in the order wanted; all if left out.
    """
    here = [r for r in rows_of(name, rows) if r["split"] in splits]
    best = best_of(name, here) if here else []
    order = list(methods) or list(dict.fromkeys(r["name"] for r in best))
    first = {r["name"] for r in best if r["split"] == splits[0]}.intersection(order)
    return sorted((r for r in best if r["name"] in first),
                  key=lambda r: (splits.index(r["split"]), order.index(r["name"])))  # fmt: skip


def _shown(name: str, row: dict[str, Any]) -> str:
    """The name a table gives to a run; half precision is another method.

    Over partitions each split has one precision, which the table's notes name.
    """
    half = ", bfloat16" if row["config"]["train"].get("mixed") and not TABLES[name].get("partitions") else ""
    return row["name"] + half


def tried(name: str, rows: Rows) -> pd.DataFrame:
    """Configurations that were scored on a scene's test pixels and stand in no other table of it: no claim.

    Columns split, method, window, epochs, n, OA, AA, kappa, validation OA (percent, means over seeds).
    """
    taken = {row["hash"] for row in best_of(name, rows)}
    groups: dict[tuple[str, ...], Rows] = {}
    for r in rows_of(name, rows):
        if r["hash"] not in taken:
            groups.setdefault((r["split"], r["name"], settings_of(r)), []).append(r)
    lines = []
    for (split, method, _), some in groups.items():
        e, config = spread(frame(some), "split").iloc[0], some[0]["config"]
        scores = {shown: e.get(f"{key}_mean") for key, shown in {**SHOWN, "val_oa": "validation OA"}.items()}
        lines.append({"split": split, "method": method, "window": config["model"].get("window", ""),
                      "epochs": config["train"].get("epochs", ""), "n": len(some),
                      **{shown: "" if pd.isna(v) else f"{100 * v:.2f}" for shown, v in scores.items()}})  # fmt: skip
    return pd.DataFrame(lines)


def measured(name: str, rows: Rows) -> pd.DataFrame:
    """Measured scores of a table in percent, mean ± std over seeds: one line a split and method.

    Where a method was tried in several configurations, the best by validation stands, with how many were tried.

    Raises:
        TableError: When the table is unknown or no run fits it.
    """
    best = best_of(name, rows)
    facts = {(r["split"], r["name"]): r for r in best}
    means = spread(frame(best), "split", "method").sort_values("oa_mean", ascending=False, kind="stable")
    order = [e for split in TABLES[name]["splits"] for e in means[means["split"] == split].to_dict("records")]
    lines = []
    for e in order:
        row = facts[e["split"], e["method"]]
        lines.append({"split": e["split"], "method": e["method"], "n": e["n"],
                      **{shown: percent(e, key) for key, shown in SHOWN.items()}, **_ground(e),
                      "seconds": f"{e['seconds_mean']:.1f}", "parameters": row["parameters"],
                      "trials": row["trials"], "machine": machine(row),
                      "encoder": row["encoder"], "classes": row["tested_classes"]})  # fmt: skip
    found = pd.DataFrame(lines).drop(columns=[] if any(line["encoder"] for line in lines) else "encoder")
    return found.fillna(dict.fromkeys(GROUND, ""))


def _ground(entry: dict[str, Any]) -> dict[str, str]:
    """Cells of `GROUND`, none where a run of the line lacks them."""
    area, field, low, high = (100 * entry.get(f"{key}_mean", float("nan")) for key in
                              ("area_oa", "field_oa", "group_low", "group_high"))  # fmt: skip
    texts = "" if pd.isna(area) else f"{area:.2f}", f"{field:.2f}", "" if pd.isna(low) else f"{low:.1f} to {high:.1f}"
    return {} if pd.isna(field) else dict(zip(GROUND, texts))


def per_class(name: str, rows: Rows) -> pd.DataFrame:
    """Recall of each class, then OA, AA and kappa, in percent: a line each, the README's methods beside each other."""
    main = TABLES[name]["main"]
    best = [r for r in best_of(name, rows) if r["name"] in main]
    recalls = spread(frame(best, "class"), "split", "item", "method").to_dict("records")
    cells = {(e["split"], e["item"], e["method"]): percent(e, "recall") for e in recalls}
    for e in spread(frame(best), "split", "method").to_dict("records"):
        cells |= {(e["split"], shown, e["method"]): percent(e, key) for key, shown in SHOWN.items()}
    classes = [*(best[0]["per_class"] if best else ()), *SHOWN.values()]
    lines = []
    for split in TABLES[name]["splits"]:
        there = [m for m in main if (split, "OA", m) in cells]
        lines += [{"split": split, "class": c, **{m: cells.get((split, c, m), "") for m in there}}
                  for c in classes if any((split, c, m) in cells for m in there)]  # fmt: skip
    return pd.DataFrame(lines).fillna("")


def splits_side_by_side(name: str, rows: Rows) -> pd.DataFrame:
    """Every method of a scene under the disjoint and under the overlapping split, and how far apart its OA is."""
    table = measured(name, rows)
    disjoint, parity = TABLES[name]["splits"][0], TABLES[name]["splits"][-1]
    cells = {(e["split"], e["method"]): e for e in table.to_dict("records")}
    methods = [m for split in (disjoint, parity) for m in table.loc[table["split"] == split, "method"]]
    lines = []
    for method in dict.fromkeys(methods):
        sides = {split: cells.get((split, method), {}) for split in (disjoint, parity)}
        own = {f"{split} {key}": side.get(key, "") for split, side in sides.items() for key in ("OA", "AA", "n")}
        there = [float(side["OA"].split()[0]) for side in sides.values() if side]
        gap = f"{there[1] - there[0]:+.1f}" if len(there) == 2 else ""
        lines.append({"method": method, **own, f"{parity} minus {disjoint} (points of OA)": gap})
    return pd.DataFrame(lines)


def reported(scene: str | None = None) -> pd.DataFrame:
    """What others printed, in percent, with its source: one line a scene, split and method."""
    source = yaml.safe_load((resources.files("hsikit") / "reported.yaml").read_text())
    lines = [
        {"scene": place, "split": split, "method": entry["name"], "our row": entry.get("method", ""),
         **{key: entry.get(key) for key in ("oa", "aa", "kappa")},
         "per class": "; ".join(f"{k} {v}" for k, v in entry.get("per_class", {}).items()), "source": entry["source"]}
        for place, splits in source.items() for split, entries in splits.items() for entry in entries
    ]  # fmt: skip
    table = pd.DataFrame(lines)
    return table if scene is None else table[table["scene"] == scene].reset_index(drop=True)


def side_by_side(name: str, rows: Rows) -> pd.DataFrame:
    """Measured scores, and in columns of their own what others printed for the same scene and split."""
    table = measured(name, rows)
    others = reported(TABLES[name]["scene"])
    if not others["split"].isin(TABLES[name]["splits"]).any():
        return table
    lines = []
    for split in TABLES[name]["splits"]:
        left = others[others["split"] == split].to_dict("records")
        for line in table[table["split"] == split].to_dict("records"):
            twin = next((o for o in left if o["our row"] == line["method"].lower()), None)
            lines.append(line | (_reported_cells(twin) if twin else {}))
            left = [o for o in left if o is not twin]
        lines += [{"split": split, **_reported_cells(other)} for other in left]
    return pd.DataFrame(lines, dtype=object).fillna("")


def _reported_cells(other: dict[str, Any]) -> dict[str, Any]:
    return {"reported as": other["method"], "reported OA": other["oa"], "reported AA": other["aa"],
            "reported kappa": other["kappa"], "source": other["source"]}  # fmt: skip


# --- frames of figures -----------------------------------------------------------------------------


def accuracy_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Mean and std over seeds of each method and split, the highest OA on the first row's split first."""
    table = pd.DataFrame(summarise(rows))
    if table.empty:
        return table
    first = table[table["split"] == table["split"].iloc[0]].set_index("method")["oa_mean"]
    return table.sort_values("method", key=lambda m: -m.map(first), kind="stable")


def single(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Single runs, a line each: scores, sizes of the split, seconds and parameters."""
    columns = ["name", "split", "oa", "aa", "kappa", "n_train", "n_val", "n_test", "seconds", "parameters"]
    return pd.DataFrame(list(rows), columns=columns)


def recall_table(rows: Iterable[dict[str, Any]], class_names: Sequence[str]) -> pd.DataFrame:
    """Recall of each class that was tested: columns split, method, class (1..C), n, recall_mean, recall_std."""
    table = spread(frame(rows, "class"), "split", "method", "item")
    return table.assign(**{"class": [1 + list(class_names).index(name) for name in table["item"]]})


def windows_table(rows: Iterable[dict[str, Any]], scene: Scene) -> pd.DataFrame:
    """Accuracy of one seed by window and split, with the share of test windows that overlap a training window.

    Returns:
        Columns scene, method, split ("random" or "disjoint"), window (pixels), oa_mean and shared (fractions).
    """
    lines, splits = [], {}
    for row in rows:
        config, name = row["config"], row["split"]
        if name not in splits:
            splits[name] = make_split(scene, config["split"], row["seed"])
        window, random = config["model"]["window"], config["split"]["kind"] == "random"
        lines.append({"scene": row["scene"], "method": NETWORKS.get(row["method"], row["method"]),
                      "split": "random" if random else "disjoint", "window": window, "oa_mean": row["oa"],
                      "shared": splits[name].leakage(window).shared})  # fmt: skip
    return pd.DataFrame(lines)


def folders_table(arms: Mapping[str, Experiment], store: Store, known: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
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
