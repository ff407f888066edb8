"""Tables of MMLGNet, on rows whose differences and rankings are known."""

import pytest

from hsikit import tables

SCENE = "muufl_subset"


def row(name, oa, seed=0, kind="west_east", partition=True, method="mmlgnet_w11", **more):
    spec = {"kind": kind, "val": 0.0, **({"partition": seed} if partition else {})} | more.pop("spec", {})
    split = more.pop("split", kind) + (f"_p{seed}" if partition and seed else "")
    right = round(100 * oa)
    return {"name": name, "method": method, "scene": SCENE, "split": split, "seed": seed,
            "hash": f"{name}{split}{seed}", "oa": oa, "aa": oa / 2, "kappa": oa, "seconds": 1.0,
            "config": {"split": spec}, "by_field": {"1": [1, right, 100], "2": [2, right, 100]}, **more}  # fmt: skip


def test_every_arm_stands_beside_the_forest_and_its_own_twin():
    scores = {"mmlgnet": 0.90, "trunk": 0.88, "mmlgnet_p": 0.86, "RF, same inputs": 0.85}
    rows = [row(name, oa + seed / 100, seed) for seed in range(3) for name, oa in scores.items()]
    table = tables.beside_forest(rows).set_index("method")
    assert list(table["n"]) == [3] * 4
    assert set(table["split"]) == {"west_east"}
    assert table.loc["mmlgnet", "OA minus forest"] == "+5.00 [+5.00, +5.00]"
    assert table.loc["mmlgnet", "OA minus its trunk"] == "+2.00 [+2.00, +2.00]"
    assert table.loc["trunk", "OA minus forest"] == "+3.00 [+3.00, +3.00]"
    assert table.loc["RF, same inputs", "OA minus forest"] == ""
    assert table.loc["mmlgnet_p", "OA minus its trunk"] == ""  # its twin was not run
    assert table.loc["mmlgnet", "AA"] == "45.50 ± 0.50"


def test_steps_stand_a_line_a_split_and_say_what_their_interval_is_over():
    rows = [row(name, oa, seed) for seed in range(2) for name, oa in (("a", 0.9), ("b", 0.8))]
    rows += [row(name, oa, seed, "official", False, split="masks_150") | {"by_field": None}
             for seed in range(2) for name, oa in (("a", 0.7), ("b", 0.75))]  # fmt: skip
    rows = [{k: v for k, v in r.items() if v is not None} for r in rows]
    table = tables.step_by_step({"a for b": ("a", "b"), "absent": ("a", "c")}, rows).set_index("split")
    assert list(table["step"]) == ["a for b"] * 2
    assert table.loc["west_east", "OA"] == "+10.00 [+10.00, +10.00]"
    assert list(table["interval over"]) == ["2 fields", "seeds"]


def test_one_pass_is_set_beside_sides_alone():
    rows = [row(name, oa, seed) for seed in range(2)
            for name, oa in (("RF", 0.80), ("RF, transductive", 0.83), ("LDA, transductive", 0.9))]  # fmt: skip
    line = tables.one_pass(rows).iloc[0]
    assert len(tables.one_pass(rows)) == 1  # LDA has no row of its sides alone
    assert (line["method"], line["OA, sides alone"], line["OA, one pass adds"]) == (
        "RF",
        "80.00",
        "+3.00 [+3.00, +3.00]",
    )


def test_folds_foretell_the_test_where_they_rank_methods_alike():
    scores = {"a": (0.90, 0.80), "b": (0.95, 0.70), "c": (0.99, 0.85)}  # folds, test
    rows = [row(name, folds + k / 100, split=f"masks_150, fold {k} of its budget", kind="official", partition=False)
            for name, (folds, _) in scores.items() for k in range(2)]  # fmt: skip
    rows += [row(name, test, split="masks_150", kind="official", partition=False) for name, (_, test) in scores.items()]
    rows += [row("untested", 0.5, split="masks_150, fold 0 of its budget", kind="official", partition=False)]
    table = tables.foretold(rows)
    assert list(table["method"]) == ["a", "b", "c", "rank correlation with the test"]
    assert table["OA, folds"].iloc[0] == "90.50"
    assert table["OA, test"].iloc[0] == "80.00"
    assert table["OA, folds"].iloc[-1] == "0.50"
    assert tables.foretold(rows[:1]).empty


def pairs(*values, by="quantities"):
    return [{"a": a, "b": b, "auroc": {by: v, **({"both": v, "quantities": v} if by == "ridge" else {})}}
            for (a, b), v in zip((("x", "y"), ("x", "z"), ("y", "z")), values)]  # fmt: skip


def test_words_are_set_against_each_control_with_and_without_labels():
    rows = [{"name": "words", "pairs": pairs(0.9, 0.8, 0.4, by="ridge"), "oa": 0.9, "aa": 0.9},
            {"name": "random vectors", "pairs": pairs(0.5, 0.5, 0.5, by="ridge"), "oa": 0.9, "aa": 0.9},
            {"name": "random vectors", "pairs": pairs(0.7, 0.7, 0.7, by="ridge"), "oa": 0.9, "aa": 0.9},
            {"name": "zero-shot, words", "pairs": pairs(0.6, 0.6, 0.6), "oa": 0.4, "aa": 0.3},
            {"name": "zero-shot, table", "pairs": pairs(0.9, 0.8, 0.7), "oa": 0.5, "aa": 0.6},
            {"name": "no pairs", "oa": 0.5, "aa": 0.6}]  # fmt: skip
    table = tables.told_apart(rows).set_index("method")
    assert list(table["draws"]) == [1, 2, 1, 1]
    assert table.loc["words", "AUROC over pairs"].startswith("0.700 [")
    assert table.loc["words", "pairs below .5"] == "y / z 0.40"
    assert table.loc["words", "words minus it"] == ""
    assert table.loc["random vectors", "words minus it"].startswith("+0.100 [")
    assert table.loc["zero-shot, table", "words minus it"].startswith("-0.200 [")
    assert (table.loc["words", "AA"], table.loc["zero-shot, table", "AA"]) == ("", "60.0")


def test_classes_left_out_stand_with_every_ranking():
    found = lambda v: {"x": {"pixels": 3, "auroc": {"prompt": v, "novelty": 0.5}}}  # noqa: E731
    rows = [row("words", 0.9, unseen=found(0.8)), row("words", 0.9, 1, unseen=found(0.6)), row("rest", 0.9)]
    table = tables.left_out(rows).set_index("class")
    assert table.loc["x", "words: prompt"] == "0.700"
    assert table.loc["mean over classes", "words: novelty"] == "0.500"


def test_methods_without_labels_stand_once_at_zero():
    spec = lambda n: {"spec": {"per_class": n}, "split": f"west_east_{n}"}  # noqa: E731
    rows = [row("words", 0.5 + n / 100 + seed / 10, seed, **spec(n)) for n in (1, 10) for seed in range(2)]
    rows += [row("none", 0.4, seed, method="zero_shot", **spec(n)) for n in (1, 10) for seed in range(2)]
    table = tables.few_labels(rows)
    assert list(zip(table["method"], table["budget"], table["n"])) == [
        ("none", 0, 2),
        ("words", 1, 2),
        ("words", 10, 2),
    ]
    assert table["oa_mean"].iloc[1] == pytest.approx(0.56)
    assert set(table["split"]) == {"west_east"}


def test_what_reads_no_label_is_compared_once_a_direction():
    spec = lambda n: {"spec": {"per_class": n}, "split": f"west_east_{n}"}  # noqa: E731
    rows = [row(name, oa, seed, **spec(n)) for n in (1, 10) for seed in range(2)
            for name, oa in (("words", 0.5 + n / 100), ("random", 0.5), ("table", 0.7), ("none", 0.4))]  # fmt: skip
    steps = {"words": ("words", "random"), "no label: table": ("table", "none")}
    table = tables.words_by_labels(steps, rows)
    assert list(zip(table["split"], table["step"])) == [
        ("west_east_1", "words"), ("west_east", "no label: table"), ("west_east_10", "words")]  # fmt: skip
