"""Tables that figures draw: means by hand, order, and what is left out."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny

import hsikit
from hsikit import tables
from hsikit.experiments import Store


def row(name, seed, oa=0.5, split="fields", **more):
    return {"hash": f"{name}{seed}{split}", "name": name, "method": name, "scene": "indian_pines", "split": split,
            "seed": seed, "oa": oa, "aa": oa, "kappa": oa, "seconds": 1.0, "val_oa": 0.5, "trials": 1,
            "config": {"seed": seed, "train": {}, "model": {"window": 3}}, **more}  # fmt: skip


def test_folders_say_which_runs_are_there_and_how_long_the_others_take(tmp_path):
    arms = {n: SimpleNamespace(hash=n, split_name="fields") for n in ("there", "known", "unknown")}
    (tmp_path / "there").mkdir()
    table = tables.folders_table(arms, Store(runs=tmp_path), {"known": {"seconds": 12.0}, "there": {"seconds": 9.0}})
    assert table["folder"].to_list() == [True, False, False]
    np.testing.assert_array_equal(table["seconds"], [0, 12, np.nan])


def test_best_rows_come_in_the_order_asked_for_and_need_the_disjoint_split():
    rows = [row(n, s, split=split) for n in ("one", "two") for s in (0, 1) for split in ("random_10", "fields")]
    rows += [row("random only", 0, split="random_10")]
    found = tables.best_rows("indian_pines", rows, ["fields", "random_10"])
    assert [r["split"] for r in found] == ["fields"] * 4 + ["random_10"] * 4
    assert {r["name"] for r in found} == {"one", "two"}
    some = tables.best_rows("indian_pines", rows, ["fields"], ["two", "absent", "one"])
    assert [r["name"] for r in some] == ["two", "two", "one", "one"]
    assert tables.best_rows("indian_pines", [], ["fields"]) == []
    with pytest.raises(ValueError, match="no table called"):
        tables.best_rows("moon", rows, ["fields"])


def test_accuracies_are_ordered_by_the_first_split():
    rows = [row("a", 0, 0.2), row("b", 0, 0.4), row("a", 0, 0.9, "random_10"), row("b", 0, 0.8, "random_10")]
    table = tables.accuracy_table(rows)
    assert table["method"].to_list() == ["b", "b", "a", "a"]
    assert table["split"].iloc[0] == "fields"


def test_windows_have_the_share_of_overlapping_test_windows():
    scene = tiny.tiny_scene()
    kind = {"kind": "random", "train": 0.3}
    rows = [row(f"SVM, window {w}", 0, split="random_30") for w in (1, 5)]
    for r, w in zip(rows, (1, 5)):
        r |= {"config": {"model": {"window": w}, "split": kind}, "method": "SVM"}
    table = tables.windows_table(rows, scene)
    split = hsikit.make_split(scene, kind, 0)
    assert table["shared"].to_list() == [0.0, split.leakage(5).shared]
    assert table["method"].to_list() == ["SVM", "SVM"]
    assert set(table["split"]) == {"random"}
    assert tables.windows_table([], scene).empty


def test_separation_and_damage_take_rows_that_have_them():
    exits = [{"separation": {"silhouette": 0.1}}, {"separation": {"silhouette": 0.3}}]
    damage = [{"kind": "noise", "severity": 1.0, "oa": 0.2, "aa": 0.2}]
    rows = [row("Net", s, 0.4 + 0.2 * s, exits=exits, robustness=damage) for s in (0, 1)]
    rows += [row("LDA", 0), row("Net", 0, split="other", exits=exits, robustness=damage)]
    assert tables.separation_table(rows, "fields")["silhouette"].to_list() == [0.3, 0.3]
    table = tables.robustness_table(rows, "fields").set_index("severity")
    assert table["oa_mean"].to_dict() == {0.0: pytest.approx(0.5), 1.0: pytest.approx(0.2)}
    assert table.loc[0.0, "oa_std"] == pytest.approx(np.std([0.4, 0.6], ddof=1))
    assert tables.robustness_table([row("LDA", 0)], "fields").empty
    assert tables.separation_table([], "fields").empty


def test_recall_leaves_untested_classes_out():
    rows = [row("a", s, per_class={"meadow": 0.5 + 0.1 * s, "roof": None, "pond": 1.0}) for s in (0, 1)]
    table = tables.recall_table(rows, ("meadow", "roof", "pond")).set_index("class")
    assert table["recall_mean"].to_dict() == {1: pytest.approx(0.55), 3: 1.0}
    assert table["n"].to_list() == [2, 2]
    assert tables.recall_table([], ("a",)).empty
    with pytest.raises(ValueError, match="pond"):
        tables.recall_table(rows, ("meadow", "roof"))
