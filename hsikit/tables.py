"""Tables as functions of the ledger: measured scores with their spread, and what others printed, apart."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from hsikit.compare import best_by_validation
from hsikit.experiments.store import Store, write_aside
from hsikit.experiments.summary import summarise

# Each scene has a table of its own; the disjoint split leads, the random one is a parity check.
TABLES: dict[str, dict[str, Any]] = {
    "indian_pines": {"scene": "indian_pines", "splits": ["fields", "fields_w15", "random_10"],
                     "make": "hsikit sweep baselines_indian_pines; hsikit sweep sdhsi_fields"},
    "simulated": {"scene": "simulated", "splits": ["block_3", "random_3"],
                  "make": "hsikit sweep mmlgnet_simulated"},
    "muufl_subset": {"scene": "muufl_subset", "splits": ["west_east", "masks_150"],
                     "make": "HSIKIT_DATA=... hsikit sweep mmlgnet_muufl_subset"},
}  # fmt: skip
SHOWN_AS = {
    "muufl_subset": "MUUFL subset (18,100 px)",
    "simulated": "simulated valley",
    "indian_pines": "Indian Pines",
}


# The README shows these methods; their scenes' tables show all.
MAIN = {
    "indian_pines": ["coordinates", "LDA", "SVM", "SVM + profiles", "2-D CNN", "SDHSI-Net trunk", "SDHSI-Net"],
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
# Labels of configs that go by their method's name, as tables show them.
SHOWN_NAMES = {"mmlgnet": "MMLGNet pixels (MiniLM)", "mmlgnet with random vectors": "MMLGNet pixels (random vectors)",
               "mmlgnet with shuffled words": "MMLGNet pixels (shuffled words)"}  # fmt: skip
ARMS = ("SDHSI-Net: ", "mmlgnet with ")  # how names of ablation arms begin
# What a map says of the ground, means over seeds: share of the mapped area, of the pixels of a field, and an interval.
GROUND = ("area OA", "field OA", "OA over fields")
MARKS = ("<!-- results -->", "<!-- /results -->")


class TableError(ValueError):
    """A table that is not known, or that the ledger cannot fill. The message says what to run."""


def available(store: Store | None = None) -> list[dict[str, Any]]:
    """The tables, how many runs each could use, and the command that makes more."""
    rows = list((store or Store.of_environment()).rows().values())
    return [{"table": name, "scene": SHOWN_AS[t["scene"]], "splits": ", ".join(t["splits"]),
             "runs": len(rows_of(name, rows)), "made by": t["make"]} for name, t in TABLES.items()]  # fmt: skip


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


def best_of(name: str, rows: list[dict[str, Any]], arms: bool = True) -> list[dict[str, Any]]:
    """A table's runs of the configuration that validation prefers for each method, under the names tables show.

    Args:
        arms: False leaves out the arms of ablations, as pictures of whole methods do.

    Raises:
        TableError: When the table is unknown or no run fits it.
    """
    shown = [row | dict.fromkeys(("name", "method"), SHOWN_NAMES.get(row["name"], row["name"]))
             for row in rows_of(name, rows)]  # fmt: skip
    if not shown:
        raise TableError(f"the ledger has no run for table {name}; make them with: {TABLES[name]['make']}")
    return best_by_validation(row for row in shown if arms or not row["name"].startswith(ARMS))


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
            lines.append({"split": split, "method": entry["method"], "n": entry["n"], "OA": _percent(entry, "oa"),
                          "AA": _percent(entry, "aa"), "kappa": _percent(entry, "kappa"),
                          **ground.get((entry["method"], split), {}),
                          "seconds": f"{entry['seconds']:.1f}", "parameters": row["parameters"],
                          "trials": row["trials"] * row["tried"],
                          "encoder": row["encoder"], "classes": row["tested_classes"]})  # fmt: skip
    found = pd.DataFrame(lines).drop(columns=[] if any(line["encoder"] for line in lines) else "encoder")
    return found.fillna({column: "" for column in GROUND})


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
            twin = next((o for o in left if o["our row"] == line["method"]), None)
            lines.append(line | (_reported_cells(twin) if twin else {}))
            left = [o for o in left if o is not twin]
        lines += [{"split": split, **_reported_cells(other)} for other in left]
    return pd.DataFrame(lines, dtype=object).fillna("")


def _reported_cells(other: dict[str, Any]) -> dict[str, Any]:
    return {"reported as": other["method"], "reported OA": other["oa"], "reported AA": other["aa"],
            "reported kappa": other["kappa"], "source": other["source"]}  # fmt: skip


def make(name: str | None = None, commit: bool = False, store: Store | None = None) -> list[dict[str, Any]]:
    """The lines of a table (or of all), written to figures/tables as CSV and Markdown with `commit`."""
    store = store or Store.of_environment()
    rows = list(store.rows().values())
    lines: list[dict[str, Any]] = []
    for each in [name] if name else [t["table"] for t in available(store) if t["runs"]]:
        table = side_by_side(each, rows)
        if commit:
            write(table, each, store.ledger.parent)
        lines += table.to_dict("records")
    readme = Path("README.md")
    if commit and readme.exists() and MARKS[0] in readme.read_text():
        update_readme(readme, rows)
    return lines


def main_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The README's table: OA / AA of the main methods, the disjoint split first."""
    lines = []
    for name, methods in MAIN.items():
        table = measured(name, rows).set_index(["split", "method"])
        disjoint, parity = TABLES[name]["splits"][0], TABLES[name]["splits"][-1]
        for method in methods:
            cells = {}
            for head, split in (("disjoint split", disjoint), ("overlapping split", parity)):
                found = (split, method) in table.index
                line = table.loc[(split, method)] if found else None
                cells[head] = "" if line is None else f"{split}: {line['OA']} / {line['AA']} (n = {line['n']})"
            if any(cells.values()):
                lines.append({"scene": SHOWN_AS[name], "method": method, **cells})
    return pd.DataFrame(lines)


def update_readme(readme: Path, rows: list[dict[str, Any]]) -> None:
    """Put the main table between its two marks."""
    before, _, rest = readme.read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    table = main_table(rows).to_markdown(index=False)
    write_aside(readme, f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}")


def write(table: pd.DataFrame, name: str, folder: Path) -> None:
    """Write a table as CSV and as Markdown with its footnotes."""
    folder.mkdir(parents=True, exist_ok=True)
    write_aside(folder / f"{name}.csv", table.to_csv(index=False))
    write_aside(folder / f"{name}.md", table.to_markdown(index=False) + "\n\n" + footnotes(name) + "\n")


def footnotes(name: str) -> str:
    """What a reader must know beside the numbers of a table."""
    notes = [f"Scene: {SHOWN_AS[TABLES[name]['scene']]}. Scores in percent on test pixels, mean ± standard deviation "
             "over n seeds; seconds are training and fitting on the ledger's machine. AA over the classes tested. "
             "`trials`: settings compared on validation pixels. No ± where all seeds gave the same map.",
             "`area OA`: weighted by the area each class covers in the map (Olofsson et al. 2014). `field OA`: mean "
             "over fields of the share of pixels that are right. `OA over fields`: 95 % bootstrap interval over whole "
             "fields or blocks of at least 32 test pixels, which leaves smaller ones out. Means over seeds; empty for "
             "runs made before these were noted, or where a mapped class has no test pixel."]  # fmt: skip
    if name == "simulated":
        notes.append("Simulated data: no sensor saw this scene; it carries no claim on language or sensors.")
    if name == "muufl_subset":
        notes.append("A subset of MUUFL: these figures do not compare with published ones.")
        notes.append(
            "`MMLGNet pixels` has a window of one pixel and discriminants for bands; `mmlgnet with ...` are its "
            "ablation arms. These settings were found on the label budget alone, see the config mmlgnet_muufl_subset; "
            "`MMLGNet (MiniLM)` has window 11, all bands and untuned settings."
        )
    if name == "indian_pines":
        notes.append(
            "`random_10` is a parity check with the literature: its test windows share pixels with training windows, "
            "and coordinates alone score high. Reported cells were printed by the source named."
        )
        notes.append(
            "`trials` counts what was looked at on validation pixels and what is in the ledger. SDHSI-Net and its "
            "trunk were tried in the same settings and take the same (see sdhsi_indian_pines, sdhsi_fields); the other "
            "networks took over batch and epochs of an earlier SDHSI-Net and got no trials of their own."
        )
    return "\n\n".join(notes)


def _percent(entry: dict[str, Any], key: str) -> str:
    mean, std = 100 * entry[f"{key}_mean"], entry[f"{key}_std"]
    spread = f"{100 * std:.2f}" if std is not None else "0.00"
    return f"{mean:.2f}" if spread == "0.00" else f"{mean:.2f} ± {spread}"
