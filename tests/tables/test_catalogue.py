"""Committed tables against the ledger: by the functions that make them, and by hand."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hsikit import tables
from hsikit.experiments import Store, expand
from hsikit.tables.catalogue import missing

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "figures" / "tables"
LEDGER = Store(ledger=FOLDER / "runs.jsonl")
ROWS = list(LEDGER.rows().values())
COMMITTED = sorted(p.stem for p in FOLDER.glob("*.csv") if p.stem != "speed")
SCENES = [name for name in tables.TABLES if name in COMMITTED]


@cache
def built():
    return {table.name: table for table in tables.make(store=LEDGER)}


def committed(name):
    return pd.read_csv(FOLDER / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.mark.parametrize("name", COMMITTED)
def test_every_cell_of_a_committed_table_is_what_the_ledger_gives(name, tmp_path):
    tables.write(built()[name], tmp_path)
    for kind in ("csv", "md", "tex"):
        file = f"{name}.{kind}"
        assert (FOLDER / file).read_text() == (tmp_path / file).read_text(), "run: hsikit table --commit"


def test_only_tables_of_scenes_without_a_run_are_not_there():
    assert set(built()) == set(COMMITTED)
    scenes = {r["scene"] for r in ROWS}
    lacking = [name for name in tables.NAMES if name not in COMMITTED and name != "simulated_tried"]  # nothing was
    assert set(tables.TABLES) - scenes <= {re.sub("_(splits|classes|tried)$", "", name) for name in lacking}
    assert [name for name in lacking if not missing(name, LEDGER)] == []  # the ledger holds all of its runs


def test_nothing_else_lies_beside_the_tables():
    kinds = {f"{name}.{kind}" for name in COMMITTED for kind in ("csv", "md", "tex")}
    assert {p.name for p in FOLDER.iterdir() if not p.name.endswith(".lock")} == kinds | {"runs.jsonl", "speed.csv"}


def test_the_readmes_table_is_what_the_ledger_gives():
    shown = (ROOT / "README.md").read_text().split(tables.MARKS[0])[1].split(tables.MARKS[1])[0].strip()
    assert shown == tables.main_table(ROWS).to_markdown(index=False)


def by_hand(values):
    values = 100 * np.array(values)
    spread = f"{values.std(ddof=1):.2f}" if len(values) > 1 else "0.00"
    return f"{values.mean():.2f}" if spread == "0.00" else f"{values.mean():.2f} ± {spread}"


@pytest.mark.parametrize("name", SCENES)
def test_scores_of_scene_tables_are_means_of_ledger_lines(name):
    """From the file's lines with numpy alone: every cell is the mean and std of one configuration's runs."""
    found = defaultdict(lambda: defaultdict(dict))
    table = tables.TABLES[name]
    own, apart = ({e.hash for config in table.get(key, ()) for e in expand(config)} for key in ("configs", "elsewhere"))
    for line in LEDGER.ledger.read_text().splitlines():
        row = json.loads(line)
        if row["hash"] in apart - own:
            continue  # of a study with tables of its own, be it in the same settings
        split = row["config"]["split"]
        if table.get("partitions") and split["kind"] == "fields":
            number = split.pop("partition", 0)
            row["split"] = row["split"].removesuffix(f"_p{number}")
            if number != row["seed"]:
                continue  # more seeds of a partition stand in a study of their own
        config = json.dumps({k: v for k, v in row["config"].items() if k != "seed"}, sort_keys=True)
        found[row["scene"], row["split"]][config][row["seed"]] = row
    scene, cells = table["scene"], committed(name)
    assert len(cells[cells["n"] != ""]) > 25
    for line in cells[cells["n"] != ""].to_dict("records"):
        runs = found[scene, line["split"]].values()
        triples = [tuple(by_hand([r[key] for r in some.values()]) for key in ("oa", "aa", "kappa")) for some in runs]
        assert (line["OA"], line["AA"], line["kappa"]) in triples, line["method"]


def test_every_method_has_five_seeds_unless_its_cost_is_told():
    for name in SCENES:
        cells = committed(name)
        few = cells[(cells["n"] != "") & (cells["n"].replace("", "0").astype(int) < 5)]
        text = (FOLDER / f"{name}.md").read_text()
        told = text.rpartition("\n\n")[2] if "\n\nMissing of" in text else ""
        dear = few["method"].str.contains("window 25, 12 epochs")
        assert [method for method in few["method"][~dear] if method not in told] == []
        if dear.any():
            assert "over 10 minutes a seed" in text


@pytest.mark.parametrize("name", SCENES)
def test_coordinates_and_a_shallow_row_stand_on_every_split_and_the_disjoint_one_leads(name):
    cells = committed(name)
    assert list(dict.fromkeys(cells["split"])) == tables.TABLES[name]["splits"]
    if tables.TABLES[name].get("partitions"):  # coordinates beside the split that overlaps
        known = {"lda", "SVM + profiles"}
        assert "coordinates" in set(cells[cells["split"] == tables.TABLES[name]["splits"][-1]]["method"])
    else:
        known = {"coordinates", "LDA", "SVM", "RF"}
    for _, part in cells.groupby("split"):
        assert known <= set(part["method"])


def test_recall_by_hand():
    cells = committed("muufl_subset_classes").set_index(["split", "class"])
    best = tables.best_of("muufl_subset", ROWS)
    runs = [r for r in best if (r["name"], r["split"]) == ("RF + profiles", "west_east")]
    assert len(runs) == 10
    tested = [cls for cls, value in runs[0]["per_class"].items() if value is not None]
    assert len(tested) >= 8
    for cls in tested:
        assert cells.loc[("west_east", cls), "RF + profiles"] == by_hand([r["per_class"][cls] for r in runs])
    assert cells.loc[("west_east", "OA"), "RF + profiles"] == by_hand([r["oa"] for r in runs])


def test_a_difference_over_partitions_by_hand():
    line = committed("sdhsi_partitions").query("cube == 'repaired' and method == 'sdhsi_unlabelled'").iloc[0]
    experiments = [e for e in expand("sdhsi_partitions") if e.scene == "indian_pines_repaired"]
    known = {r["hash"]: r for r in ROWS}
    scores = {m: {e.seed: known[e.hash]["oa"] for e in experiments if e.label == m} for m in tables.PAIR}
    gap = 100 * (pd.Series(scores["sdhsi_unlabelled"]) - pd.Series(scores["sdhsi_trunk"]))
    low, high = stats.t.interval(0.95, len(gap) - 1, gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap)))
    assert line["naive (OA)"] == f"[{low:+.2f}, {high:+.2f}]"
    assert line["OA minus trunk (points)"].startswith(f"{gap.mean():+.2f} [")
    assert line["n"] == str(len(gap)) == "20"


def test_best_cells_are_bold_and_second_ones_in_italics_once_a_split_and_column():
    lines = (FOLDER / "mmlgnet_muufl_subset.md").read_text().splitlines()
    column = [line.split("|")[4].strip() for line in lines if line.startswith("| 150-per-class masks")]
    column = column[: (committed("mmlgnet_muufl_subset")["split"] == "masks_150").sum()]  # of the first page
    numbers = [float(cell.replace("*", "").split()[0]) for cell in column]
    order = np.argsort(numbers)
    assert [k for k, cell in enumerate(column) if cell.startswith("**")] == [order[-1]]
    assert [k for k, cell in enumerate(column) if re.match(r"\*\d", cell)] == [order[-2]]


def test_every_scored_configuration_stands_in_some_table():
    """None is hidden: best, arm of an ablation, study of budgets, windows or labels, or listed as tried."""
    for name in SCENES:
        taken = {r["hash"] for r in tables.best_of(name, ROWS)}
        arms = {r["hash"] for r in tables.rows_of(name, ROWS) if r["name"].startswith(("SDHSI-Net: ", "mmlgnet with "))}
        left = [r for r in tables.rows_of(name, ROWS) if r["hash"] not in taken | arms]
        table = built().get(f"{name}_tried")
        listed = 0 if table is None else table.cells["n"].sum()
        assert listed >= len(left)


def test_committing_touches_the_readme_of_its_own_project_alone(tmp_path, monkeypatch):
    text = f"before {tables.MARKS[0]} old {tables.MARKS[1]} after"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(text)
    elsewhere = Store(ledger=tmp_path / "other.jsonl")
    with pytest.raises(tables.TableError, match="holds no row for any table"):
        tables.make(commit=True, store=elsewhere)
    some = [
        r for r in ROWS if r["scene"] == "simulated" or (r["scene"], r["method"]) == ("indian_pines_repaired", "lda")
    ]
    elsewhere.ledger.write_text("".join(json.dumps(r) + "\n" for r in some))
    tables.make(commit=True, store=elsewhere)
    assert (tmp_path / "README.md").read_text() == text
    own = Store(ledger=tmp_path / "figures" / "tables" / "runs.jsonl")
    own.ledger.parent.mkdir(parents=True)
    own.ledger.write_bytes(elsewhere.ledger.read_bytes())
    tables.make("simulated", commit=True, store=own)
    assert (tmp_path / "README.md").read_text() == text
    tables.make(commit=True, store=own)
    again = (tmp_path / "README.md").read_text()
    assert again.startswith("before <!-- results -->\n| scene ")
    assert again.endswith("<!-- /results --> after")
    assert "old" not in again


def test_an_empty_ledger_says_which_rows_are_missing_and_the_commands(tmp_path):
    empty = Store(ledger=tmp_path / "runs.jsonl")
    with pytest.raises(tables.TableError) as caught:
        tables.build("sdhsi_wrong_labels_fields", empty)
    text = str(caught.value)
    assert "cannot fill table sdhsi_wrong_labels_fields" in text
    assert "all 90 runs (sdhsi_trunk, 10 % wrong labels, sdhsi, 10 % wrong labels" in text
    assert "Of unknown length: `hsikit sweep sdhsi_wrong_labels_fields`." in text
    with pytest.raises(tables.TableError, match=r"HSIKIT_DATA=\.\.\. hsikit sweep baselines_muufl_subset"):
        tables.build("muufl_subset_classes", empty)
    with pytest.raises(tables.TableError, match="no table called 'nothing'; there are indian_pines"):
        tables.build("nothing", empty)
    listed = {line["table"]: line for line in tables.available(empty)}
    wrong = listed["sdhsi_wrong_labels_fields"]
    assert wrong["missing"] == wrong["runs"] == 90
    assert wrong["minutes"] is None  # nothing to judge by:
    assert wrong["of unknown length"] == 90
    assert listed["trento"]["made by"] == "hsikit fetch trento && hsikit sweep mmlgnet_trento"
    assert wrong["made by"] == "hsikit sweep sdhsi_wrong_labels_fields"


def test_the_list_of_tables_needs_neither_torch_nor_pandas():
    heavy = ("torch", "pandas", "scipy.stats", "sklearn", "statsmodels", "matplotlib")
    code = ("import sys; from hsikit.tables import available; print(len(available())); "
            f"print([name for name in {heavy} if name in sys.modules])")  # fmt: skip
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.split("\n")[:2] == [str(len(tables.NAMES)), "[]"]


def test_a_table_that_lacks_some_rows_is_made_and_says_which(tmp_path):
    wanted = [e for e in expand("mmlgnet_muufl_subset") if e.split_name == "masks_150" and e.seed < 3]
    known = LEDGER.rows()
    some = Store(ledger=tmp_path / "runs.jsonl")
    some.ledger.write_text("".join(json.dumps(known[e.hash]) + "\n" for e in wanted[:7]))
    table = tables.build("mmlgnet_muufl_subset", some)
    assert table.cells["n"].sum() == 7
    assert "Missing of mmlgnet_muufl_subset" in table.notes[-1]
    assert "hsikit sweep mmlgnet_muufl_subset`. Missing" in table.notes[-1]
    assert table.notes[-1].endswith("hsikit sweep mmlgnet_muufl_networks`.")


@pytest.mark.parametrize("name", COMMITTED)
def test_simulated_and_subset_scenes_are_called_so_and_published_cells_stand_apart(name):
    text = (FOLDER / f"{name}.md").read_text()
    if "simulated" in name:
        assert "Simulated data: no sensor saw this scene" in text
    if "muufl" in name or ("mmlgnet" in name and "simulated" not in name):
        assert "A subset of MUUFL: these figures do not compare with published ones" in text
    reported = [c for c in committed(name) if "reported" in c]
    assert bool(reported) == (name == "indian_pines")
