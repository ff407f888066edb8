import json
from pathlib import Path

import pytest
import yaml

from hsikit import tables
from hsikit.experiments import LedgerError, Store, expand
from hsikit.tables.catalogue import KINDS

ROOT = Path(__file__).parents[2]
LEDGER = Store(ledger=ROOT / "figures" / "tables" / "runs.jsonl")


def row(name, split, seed, oa, scene="indian_pines", epochs=3, val=0.5):
    scores = {"oa": oa, "aa": oa, "kappa": oa, "val_oa": val, "seconds": 1.0, "parameters": 7, "tested_classes": 9}
    names = {
        "name": name,
        "method": name,
        "scene": scene,
        "split": split,
        "seed": seed,
        "encoder": "",
        "trials": 1,
        "machine": "m",
        "threads": 1,
    }
    return (
        {"hash": f"{name}{split}{seed}{epochs}", "config": {"train": {"epochs": epochs}, "model": {}, "seed": seed}}
        | names
        | scores
    )


def test_percent_mean_and_spread_disjoint_split_first_best_method_first():
    rows = [
        row("a", "random_10", 0, 0.9),
        row("a", "fields", 0, 0.5),
        row("a", "fields", 1, 0.6),
        row("b", "fields", 0, 0.7),
    ]
    table = tables.measured("indian_pines", rows)
    assert list(table["split"]) == ["fields", "fields", "random_10"]
    assert list(table["method"]) == ["b", "a", "a"]
    assert list(table["OA"]) == ["70.00", "55.00 ± 7.07", "90.00"]
    assert list(table["n"]) == [1, 2, 1]


def test_of_several_configurations_the_best_by_validation_stands_with_how_many_were_tried():
    rows = [row("a", "fields", 0, 0.9, epochs=3, val=0.4), row("a", "fields", 0, 0.2, epochs=9, val=0.8)]
    table = tables.measured("indian_pines", rows)
    assert list(table["OA"]) == ["20.00"]
    assert list(table["trials"]) == [2]


def test_arms_of_ablations_and_leavings_of_searches_stand_elsewhere(tmp_path, monkeypatch):
    arm = next(e for e in expand("sdhsi_partitions") if (e.label, e.scene) == ("sdhsi_trunk", "indian_pines"))
    monkeypatch.setitem(tables.TABLES["indian_pines"], "tried", [str(tmp_path / "left.yaml")])
    left = {"method": "lda", "scene": "indian_pines", "split": {"kind": "fields"}, "seeds": [0, 1]}
    (tmp_path / "left.yaml").write_text(json.dumps(left))
    trunk = [e.hash for e in expand(str(tmp_path / "left.yaml"))]
    rows = [
        row("mine", "fields", 0, 0.5),
        row("sdhsi_trunk", "fields", 0, 0.6) | {"hash": arm.hash},
        row("trunk, epoch by validation", "fields", 0, 0.9) | {"hash": trunk[0]},
        row("trunk, epoch by validation", "fields", 1, 0.7) | {"hash": trunk[1]},
        row("mine", "fields", 0, 0.6, epochs=9, val=0.4),
    ]
    assert [(r["name"], r["oa"], r["trials"]) for r in tables.best_of("indian_pines", rows)] == [("mine", 0.5, 2)]
    left = tables.tried("indian_pines", rows).to_dict("records")
    assert [(r["method"], r["epochs"], r["n"], r["OA"], r["validation OA"]) for r in left] == [
        ("trunk, epoch by validation", 3, 2, "80.00", "50.00"),
        ("mine", 9, 1, "60.00", "40.00"),
    ]
    with pytest.raises(tables.TableError, match="no run for table simulated"):
        tables.best_of("simulated", rows)


def test_a_method_that_configs_name_stands_in_their_settings_and_pairs_share_them():
    rows = list(LEDGER.rows().values())
    best = tables.best_of("indian_pines", rows)
    for split in ("fields", "fields_w15", "random_10"):
        pair = [[r for r in best if (r["name"], r["split"]) == (name, split)] for name in
                ("SDHSI-Net", "SDHSI-Net trunk")]  # fmt: skip
        assert [sorted(r["seed"] for r in arm) for arm in pair] == [list(range(10))] * 2
        for part in ("model", "train", "split"):
            assert len({str(r["config"][part]) for arm in pair for r in arm}) == 1
    assert {"mmlgnet", "trunk", "RF + profiles"} <= {r["name"] for r in tables.best_of("muufl_subset", rows)}


def test_half_precision_is_a_method_of_its_own():
    half = row("a", "fields", 0, 0.9, val=0.9)
    half["config"]["train"]["mixed"] = True
    table = tables.measured("indian_pines", [row("a", "fields", 0, 0.5), half])
    assert dict(zip(table["method"], table["OA"])) == {"a": "50.00", "a, bfloat16": "90.00"}


def test_reported_cells_stand_in_columns_of_their_own_and_only_for_their_split():
    rows = [
        row("HybridSN (window 11)", "random_10", 0, 0.9),
        row("hybridsn", "random_10", 0, 0.9),
        row("a", "fields", 0, 0.5),
    ]
    table = tables.side_by_side("indian_pines", rows)
    ours = table[table["method"] == "hybridsn"].iloc[0]
    assert (ours["OA"], ours["reported OA"], ours["reported as"]) == ("90.00", 98.39, "HybridSN")
    assert (table[table["split"] == "fields"]["reported OA"] == "").all()
    assert set(table["reported as"]) == {"", "HybridSN", "SSRN", "3D-CNN", "SSFTT"}


@pytest.mark.parametrize("name", ["simulated", "muufl_subset"])
def test_subset_and_simulated_scenes_never_stand_beside_published_cells(name):
    split = tables.TABLES[name]["splits"][0]
    table = tables.side_by_side(name, [row("a", split, 0, 0.5, scene=name)])
    assert [c for c in table.columns if c.startswith("reported")] == []
    said = " ".join(KINDS[name].notes)
    assert "Simulated data" in said or "A subset of MUUFL" in said


def test_every_reported_cell_is_in_the_table_with_its_source():
    source = yaml.safe_load((ROOT / "hsikit" / "reported.yaml").read_text())
    entries = [e for splits in source.values() for es in splits.values() for e in es]
    table = tables.reported()
    assert len(table) == len(entries)
    assert (table["source"].str.len() > 5).all()
    mmlgnet = table[table["method"] == "MMLGNet"]
    assert list(mmlgnet["oa"].dropna()) == [88.79]
    assert "SDHSI-Net" not in set(table["method"])  # no cell of it is known


def test_a_table_that_cannot_be_filled_names_the_command():
    with pytest.raises(tables.TableError, match="hsikit sweep baselines_simulated; hsikit sweep mmlgnet_simulated"):
        tables.measured("simulated", [])
    with pytest.raises(tables.TableError, match="there are indian_pines"):
        tables.measured("nothing", [])


def test_the_committed_ledger_is_whole():
    try:
        rows = LEDGER.rows()
    except LedgerError as error:
        pytest.fail(str(error))
    assert len(rows) <= len(LEDGER.ledger.read_text().splitlines())
    for each in rows.values():
        assert each["kappa"] <= each["oa"] + 1e-9
        assert 0 <= each["aa"] <= 1
