"""Tables of SDHSI-Net over partitions, on rows whose differences are known."""

import pytest

from hsikit import tables
from hsikit.experiments.config import load_config
from hsikit.tables import layout, sdhsi, steps

SCENE, TRUNK = "indian_pines_repaired", tables.TRUNK


def row(name, partition, oa, seed=0, unlabelled=0, pool="scene", **more):
    right = round(100 * oa)
    return {"name": name, "method": "sdhsi", "scene": SCENE, "split": f"fields_p{partition}" if partition else "fields",
            "seed": seed, "hash": f"{name}{partition}{seed}", "oa": oa, "aa": oa, "kappa": oa, "seconds": 1.0,
            "by_field": {str(partition + 1): [1, right, 100], "40": [2, right, 100]},
            "config": {"split": {"kind": "fields", "partition": partition},
                       "train": {"unlabelled": unlabelled, "pool": pool}}, **more}  # fmt: skip


ROWS = [*(row(TRUNK, p, 0.40) for p in range(3)), *(row("sdhsi", p, 0.41 + 0.01 * p) for p in range(3)),
        *(row("sdhsi_unlabelled", p, 0.45, unlabelled=32) for p in range(3)),
        *(row("background", p, 0.44, unlabelled=32, pool="background") for p in range(3)),
        row("other", 7, 0.9)]  # fmt: skip


def test_every_arm_stands_against_the_trunk_of_the_same_partition():
    cells = sdhsi.against_trunk(ROWS).set_index("method")
    assert list(cells["n"]) == [3, 3, 3, 3, 1]
    assert set(cells["split"]) == {"fields"}
    assert cells.loc["sdhsi", "OA minus trunk (points)"].startswith("+2.00 [")
    assert cells.loc["sdhsi_unlabelled", "OA minus trunk (points)"] == "+5.00 [+5.00, +5.00]"
    assert cells.loc["sdhsi_unlabelled", "naive (OA)"] == "[+5.00, +5.00]"
    assert (cells.loc[[TRUNK, "other"], "OA minus trunk (points)"] == "").all()  # no pair
    assert list(cells["saw"]) == ["", "", "transductive", "unlabelled background", ""]


def test_without_fields_the_interval_is_naive_and_a_pair_stands_once():
    plain = tables.pooled({k: v for k, v in r.items() if k != "by_field"} for r in ROWS)
    found = steps.gap(plain, ("fields", SCENE), "sdhsi", "sdhsi_trunk")
    assert (found["over"], found["n"], found["naive"]) == ("partitions, naive", 3, "")
    with pytest.raises(ValueError, match="twice"):
        steps.gap([*plain, plain[0]], ("fields", SCENE), "sdhsi", "sdhsi_trunk")
    assert found["difference"] == pytest.approx(2.0)
    assert found["low"] < 2.0 < found["high"]


def test_steps_and_single_runs_are_taken_pair_by_pair():
    parts = {"soft": ("sdhsi", TRUNK), "free": ("sdhsi_unlabelled", "sdhsi"), "nothing": ("absent", TRUNK)}
    table = steps.carried(ROWS, parts, "fields", SCENE).set_index("comparison")
    assert list(table.index) == ["soft", "free"]
    assert table.loc["free", "difference"] == pytest.approx(3.0)
    assert table.loc["free", "over"] == "4 fields"
    runs = steps.run_differences(ROWS, parts, "fields", SCENE)
    assert list(runs.loc[runs["comparison"] == "soft", "difference"]) == pytest.approx([1.0, 2.0, 3.0])
    assert list(runs["partition"]) == [0, 1, 2] * 2
    assert steps.step_by_step(parts, []).columns.tolist() == steps.step_by_step(parts, ROWS).columns.tolist()


def test_every_step_that_is_drawn_has_its_group():
    named = {name for names in layout.GROUPS.values() for name in names}
    declared = load_config("mmlgnet_muufl_subset")["comparisons"]
    assert named == {*layout.STEPS, *declared}
    assert len(named) == sum(map(len, layout.GROUPS.values()))
    free = steps.carried(ROWS, {"all of self-distillation": ("sdhsi_unlabelled", TRUNK)}, "fields", SCENE)
    assert list(free["group"]) == ["self-distillation"]


def test_what_the_spread_is_made_of():
    noisy = [row(name, p, 0.4 + gain + 0.01 * p * (name == "sdhsi") + 0.002 * s * (name == "sdhsi"), seed=s)
             for name, gain in ((TRUNK, 0.0), ("sdhsi", 0.02)) for p in range(3) for s in (0, 1)]  # fmt: skip
    line = sdhsi.spread_made_of(noisy).query("metric == 'OA'").iloc[0]
    assert (line["arm"], line["partitions"], line["runs"]) == ("sdhsi", 3, 6)
    assert line["one run"] == "+2.0 to +4.2"
    assert line["sd of seeds"] == "0.14"
    more = [*noisy, row(TRUNK, 5, 0.4), row("sdhsi", 5, 0.4)]  # a partition under way does not move them
    assert sdhsi.spread_made_of(more).query("metric == 'OA'").iloc[0]["sd of seeds"] == "0.14"
    alone = sdhsi.spread_made_of([r for r in noisy if r["split"] == "fields"]).iloc[0]
    assert (alone["sd of seeds"], alone["sd of partitions"]) == ("", "")


def test_tighter_goes_with_better_whatever_way_a_measure_points():
    of = lambda ratio, silhouette: [{"name": "final", "oa": 0.5, "aa": 0.5, "val_oa": None, "macs": 9.0,  # noqa: E731
                                     "separation": {"radius_ratio": ratio, "silhouette": silhouette}}]  # fmt: skip
    rows = [row("sdhsi_unlabelled", p, 0.4 + 0.1 * p, exits=of(3.0 - p, 0.1 * p)) for p in range(3)]
    table = sdhsi.tighter_is_better(rows).set_index("measure")
    assert table.loc["radius_ratio", "with OA"] == table.loc["silhouette", "with OA"] == "+1.00"
    exits = sdhsi.exits(rows).iloc[0]
    assert (exits["exit"], exits["n"], exits["multiply-accumulates a pixel"]) == ("final", 3, "9")


def test_claims_stand_for_both_arms():
    of = lambda better: [{"name": "final", "oa": 0.5, "aa": 0.5, "separation": {  # noqa: E731
        "radius_ratio": 1.0 - better, "silhouette": better}}]  # fmt: skip
    rows = [row(name, p, 0.4 + gain, exits=of(gain + 0.001 * p * gain)) for p in range(3)
            for name, gain in ((TRUNK, 0.0), ("sdhsi", 0.1), ("sdhsi_unlabelled", 0.2))]  # fmt: skip
    table = sdhsi.claims(rows)
    assert list(table["arm"].unique()) == ["sdhsi", "sdhsi_unlabelled"]
    assert set(table["claim"]) == {"accuracy", "compactness", "separability"}
    assert set(table["verdict"]) == {"held"}
