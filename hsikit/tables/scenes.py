"""The table of a scene: every method on its splits, measured, and what others printed in columns of its own."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pandas as pd
import yaml

from hsikit.experiments.config import expand
from hsikit.tables.cells import TableError, percent
from hsikit.tables.frames import summarise
from hsikit.tables.stats import best_by_validation

# Each scene has a table of its own; the disjoint split leads, the random one is a parity check. Configs make its rows.
TABLES: dict[str, dict[str, Any]] = {
    "indian_pines": {"scene": "indian_pines", "splits": ["fields", "fields_w15", "random_10"],
                     "configs": ["baselines_indian_pines", "baselines_indian_pines_w15", "sdhsi_fields",
                                 "sdhsi_indian_pines", "sdhsi_ce_indian_pines", "sdhsi_paper_short"]},
    "simulated": {"scene": "simulated", "splits": ["block_3", "random_3"],
                  "configs": ["baselines_simulated", "mmlgnet_simulated"]},
    "muufl_subset": {"scene": "muufl_subset", "splits": ["west_east", "masks_150"],
                     "configs": ["baselines_muufl_subset", "mmlgnet_muufl_subset", "mmlgnet_window11"]},
    "trento": {"scene": "trento", "splits": ["fields", "official"], "configs": ["mmlgnet_trento"]},
    "muufl": {"scene": "muufl", "splits": ["block_5", "masks_150", "random_5"], "configs": ["mmlgnet_muufl"]},
    "pavia_university": {"scene": "pavia_university", "splits": ["fields", "random_10"],
                         "configs": ["sdhsi_pavia_university"]},
    "salinas": {"scene": "salinas", "splits": ["fields", "random_10"], "configs": ["sdhsi_salinas"]},
}  # fmt: skip
SHOWN_AS = {
    "trento": "Trento",
    "muufl": "MUUFL",
    "pavia_university": "Pavia University",
    "salinas": "Salinas",
    "muufl_subset": "MUUFL subset (18,100 px)",
    "simulated": "simulated valley",
    "indian_pines": "Indian Pines",
}


# These methods stand in the README and in the tables of classes; the scenes' own tables show all.
MAIN = {
    "indian_pines": [
        "coordinates",
        "LDA",
        "SVM + profiles",
        "2-D CNN",
        "SSRN (50 band means)",
        "SSFTT (window 11)",
        "SDHSI-Net trunk",
        "SDHSI-Net",
    ],
    "simulated": [
        "coordinates",
        "LDA + means",
        "trunk + cross-entropy",
        "MMLGNet (random vectors)",
        "MMLGNet (MiniLM)",
    ],
    "muufl_subset": [
        "coordinates",
        "LDA + means",
        "RF + profiles",
        "MMLGNet (MiniLM)",
        "pixel trunk + balanced cross-entropy",
        "MMLGNet pixels (random vectors)",
        "MMLGNet pixels (MiniLM)",
    ],
}
WORDS_OR_NOT = ["coordinates", "LDA + means", "RF + profiles", "trunk + balanced cross-entropy",
                "MMLGNet (random vectors)", "MMLGNet (MiniLM)"]  # fmt: skip
WITH_OR_WITHOUT = ["coordinates", "LDA", "SVM", "2-D CNN", "HybridSN (window 11)", "SDHSI-Net trunk", "SDHSI-Net"]
MAIN |= {"trento": WORDS_OR_NOT, "muufl": WORDS_OR_NOT, "pavia_university": WITH_OR_WITHOUT, "salinas": WITH_OR_WITHOUT}
# Labels of configs that go by their method's name, as tables show them.
SHOWN_NAMES = {"mmlgnet": "MMLGNet pixels (MiniLM)", "mmlgnet with random vectors": "MMLGNet pixels (random vectors)",
               "mmlgnet with shuffled words": "MMLGNet pixels (shuffled words)"}  # fmt: skip
ARMS = ("SDHSI-Net: ", "mmlgnet with ")  # how names of ablation arms begin
# What a map says of the ground, means over seeds: share of the mapped area, of the pixels of a field, and an interval.
GROUND = ("area OA", "field OA", "OA over fields")
# Of earlier settings, with one or two seeds: in the table of what was tried.
SEARCHED = (", epoch by validation", "MMLGNet (shuffled words)", "some % of the gradient", "SSRN")
TRIED_SCORES = {"oa": "OA", "aa": "AA", "kappa": "kappa", "val_oa": "validation OA"}


def rows_of(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs of a table's scene and splits; those of the window study and with wrong labels stand in no table.

    Raises:
        TableError: When the table is unknown.
    """
    if name not in TABLES:
        raise TableError(f"no table called {name!r}; there are {', '.join(TABLES)}")
    table = TABLES[name]
    here = [r for r in rows if r["scene"] == table["scene"] and r["split"] in table["splits"]]
    here = [r for r in here if not r["config"]["train"].get("wrong_labels")]
    return [r for r in here if not r["name"].split(", ")[-1].startswith("window ")]


def best_of(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A table's runs, one configuration a method, under the names tables show.

    A method that the table's configs name stands in their settings, which were chosen on validation pixels as each
    config says; any other in the configuration that validation prefers. `trials` of a row counts what was looked at on
    validation pixels for all its configurations. Arms of ablations have tables of their own.

    Raises:
        TableError: When the table is unknown or no run fits it; what would make it is said.
    """
    wanted = {e.hash: e.label for config in TABLES[name]["configs"] for e in expand(config)} if name in TABLES else {}
    known = [row | dict.fromkeys(("name", "method"), _shown(row)) for row in rows_of(name, rows)]
    named = {(SHOWN_NAMES.get(label, label)) for label in wanted.values()}
    shown = [row for row in known if not row["name"].startswith(ARMS) and not row["name"].endswith(SEARCHED)]
    shown = [row for row in shown if row["hash"] in wanted or row["name"] not in named]
    if not shown:
        raise TableError(f"the ledger has no run for table {name}; make them with: {commands(name)}")
    trials: dict[tuple[str, str], dict[str, int]] = {}
    for row in known:
        trials.setdefault((row["name"], row["split"]), {})[settings(row)] = row["trials"]
    return [row | {"trials": sum(trials[row["name"], row["split"]].values())} for row in best_by_validation(shown)]


def _shown(row: dict[str, Any]) -> str:
    """The name a table gives to a run; half precision is another method."""
    half = ", bfloat16" if row["config"]["train"].get("mixed") else ""
    return SHOWN_NAMES.get(row["name"], row["name"]) + half


def settings(row: dict[str, Any]) -> str:
    """What a run was made with, its seed left out."""
    return json.dumps({k: v for k, v in row["config"].items() if k != "seed"}, sort_keys=True)


def commands(name: str) -> str:
    """The commands that make a scene table's rows."""
    return "; ".join(f"hsikit sweep {config}" for config in TABLES[name]["configs"])


def tried(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Configurations that were scored on a scene's test pixels and stand in no other table of it: no claim.

    Columns split, method, window, epochs, n, OA, AA, kappa, validation OA (percent, means over seeds).
    """
    taken = {row["hash"] for row in best_of(name, rows)}
    left = [r for r in rows_of(name, rows) if r["hash"] not in taken]
    left = [r for r in left if not r["name"].startswith(ARMS) or r["name"].endswith(SEARCHED)]
    lines = [
        {"split": r["split"], "method": r["name"], "settings": settings(r), "seed": r["seed"],
         "window": r["config"]["model"].get("window", ""), "epochs": r["config"]["train"].get("epochs", ""),
         **{shown: 100 * r[key] if r[key] is not None else None for key, shown in TRIED_SCORES.items()}}
        for r in left
    ]  # fmt: skip
    if not lines:
        return pd.DataFrame()
    groups = pd.DataFrame(lines).groupby(["split", "method", "window", "epochs", "settings"], sort=False)
    means = groups.agg(n=("seed", "size"), **{shown: (shown, "mean") for shown in TRIED_SCORES.values()}).reset_index()
    for shown in TRIED_SCORES.values():
        means[shown] = ["" if pd.isna(v) else f"{v:.2f}" for v in means[shown].astype(float)]
    return means.drop(columns="settings")


def measured(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Measured scores of a table in percent, mean ± std over seeds: one line a split and method.

    Where a method was tried in several configurations, the best by validation stands, with how many were tried.

    Raises:
        TableError: When the table is unknown or no run fits it.
    """
    best, table = best_of(name, rows), TABLES[name]
    extra = {(r["name"], r["split"]): r for r in best}
    ground = _ground(best)
    lines = []
    for split in table["splits"]:
        entries = [e for e in summarise(best) if e["split"] == split]
        for entry in sorted(entries, key=lambda e: -e["oa_mean"]):
            row = extra[entry["method"], split]
            lines.append({"split": split, "method": entry["method"], "n": entry["n"], "OA": percent(entry, "oa"),
                          "AA": percent(entry, "aa"), "kappa": percent(entry, "kappa"),
                          **ground.get((entry["method"], split), {}),
                          "seconds": f"{entry['seconds']:.1f}", "parameters": row["parameters"],
                          "trials": row["trials"], "machine": machine(row),
                          "encoder": row["encoder"], "classes": row["tested_classes"]})  # fmt: skip
    found = pd.DataFrame(lines).drop(columns=[] if any(line["encoder"] for line in lines) else "encoder")
    return found.fillna({column: "" for column in GROUND})


def machine(row: dict[str, Any]) -> str:
    """Where a run was made, and with how many threads."""
    return f"{row['machine']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"


def _ground(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, str]]:
    """Cells of `GROUND` by (name, split), where every run of a line has them."""
    found = {}
    for place, part in pd.DataFrame(rows).groupby(["name", "split"]):
        if "field_oa" not in part or part["field_oa"].isna().any():
            continue
        mean = lambda key: 100 * part[key].astype(float).mean(skipna=False)  # noqa: B023, E731
        area, low, high = mean("area_oa"), mean("group_low"), mean("group_high")
        found[place] = {"area OA": "" if pd.isna(area) else f"{area:.2f}", "field OA": f"{mean('field_oa'):.2f}",
                        "OA over fields": "" if pd.isna(low) else f"{low:.1f} to {high:.1f}"}  # fmt: skip
    return found


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


def side_by_side(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
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
