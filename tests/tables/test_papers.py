from dataclasses import replace

import pandas as pd
import pytest

from hsikit import figures, tables
from hsikit.experiments import Store, expand, progress_of, rows_of
from hsikit.figures import FigureError
from hsikit.separation import METRICS
from hsikit.tables.fields import apart
from hsikit.tables.layout import FULL
from hsikit.tables.papers import (
    arms,
    budgets_table,
    exits_table,
    robustness_differences,
    separation_differences,
    static_exits,
    unseen_gains,
    unseen_table,
)

PAIR = ("with", "without")


def entry(name, oa, val, macs, separation):
    return {"name": name, "oa": oa, "aa": oa, "val_oa": val, "macs": macs,
            "separation": dict.fromkeys(METRICS, separation)}  # fmt: skip


def row(name, seed, oa, split="fields", radius=0.5):
    first = entry("exit 1", oa - 0.001 if name == "with" else None, 0.9 if seed else 0.5, 10, 0.1)
    exits = [first, entry("final", oa, 0.901, 40, radius)]
    damage = [{"kind": "noise", "severity": 1.0, "oa": oa / 2, "aa": oa}]
    return {"name": name, "seed": seed, "split": split, "oa": oa, "aa": oa, "exits": exits, "robustness": damage}


ROWS = [row("with", s, 0.6 + s / 100, radius=0.4 + s / 100) for s in range(4)]
ROWS += [row("without", s, 0.5 + s / 80, radius=0.5 + s / 90) for s in range(3)]


def test_an_ablation_takes_its_interval_over_fields_where_rows_tell_them_apart():
    def run(name, seed, right):
        fields = {str(k): (1, n, 100) for k, n in enumerate(right)}
        oa = sum(right) / 100 / len(right)
        return {"name": name, "scene": "s", "split": "west_east", "seed": seed, "hash": f"{name}{seed}", "partition": 0,
                "oa": oa, "aa": oa, "kappa": oa, "by_field": fields}  # fmt: skip

    full = [run(FULL, s, (90, 80, 70, 60)) for s in range(3)]
    bare = [run("bare", s, (90, 70 - s, 20, 60)) for s in range(3)]
    table = arms({"all": FULL, "without": "bare"}, [*bare, *full])
    found = apart(bare, full)
    assert found.over == "4 fields"
    mean, low, high = (100 * end for end in (found.mean, found.low, found.high))
    assert high - low > 2 * 100 * (found.naive[1] - found.naive[0]), "seeds agree where fields do not"
    assert table["OA minus reference (points)"].tolist() == ["", f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"]
    assert table["arm"].tolist() == ["all", "without"]


def test_each_exit_has_its_mean_over_seeds_where_it_was_scored():
    table = exits_table(ROWS)
    assert [(r.method, r.exit, r.n) for r in table.itertuples()] == [("with", 1, 4), ("with", 2, 4), ("without", 2, 3)]
    assert table["oa_mean"].iloc[0] == pytest.approx(0.614)
    assert table["oa_std"].iloc[1] == pytest.approx(pd.Series([0.60, 0.61, 0.62, 0.63]).std())
    assert exits_table([{"name": "cnn2d"}]).empty


def test_static_exits_are_chosen_on_validation_and_judged_on_test():
    table = static_exits([r for r in ROWS if r["name"] == "with"])
    assert list(table["exit"]) == [2, 1, 1, 1]  # seed 0's first exit falls short on validation
    assert list(table["lost"]) == pytest.approx([0, 0.1, 0.1, 0.1])
    assert list(table["macs_ratio"]) == [1, 4, 4, 4]


def test_a_run_without_validation_chooses_no_exit():
    blind = [r | {"exits": [e | {"val_oa": None} for e in r["exits"]]} for r in ROWS[:2]]
    assert static_exits(blind).empty
    assert list(static_exits([*blind, ROWS[2]])["seed"]) == [2]
    assert static_exits([]).empty


def test_separation_is_paired_by_seed_at_the_same_depth():
    table = separation_differences(ROWS, PAIR, "fields")
    assert len(table) == 2 * len(METRICS)
    final = table[(table["exit"] == "final") & (table["metric"] == "radius_ratio")].iloc[0]
    assert final["n"] == 3
    want = [(0.4 + s / 100) - (0.5 + s / 90) for s in range(3)]
    assert final["difference"] == pytest.approx(sum(want) / 3)
    assert final["low"] < final["difference"] < final["high"]
    assert separation_differences(ROWS, PAIR, "elsewhere").empty


def test_damage_is_compared_beside_the_undamaged_scene():
    table = robustness_differences(ROWS, PAIR, "fields")
    assert list(table["kind"]) == ["none", "noise"]
    want = [100 * ((0.6 + s / 100) - (0.5 + s / 80)) for s in range(3)]
    assert table["difference"].iloc[0] == pytest.approx(sum(want) / 3)
    assert table["difference"].iloc[1] == pytest.approx(sum(want) / 6)
    assert list(table["OA with (%)"] - table["OA without (%)"]) == pytest.approx(list(table["difference"]))


def test_budgets_stand_in_their_order_and_family():
    rows = [*ROWS, *(row(n, s, 0.3, split="fields_5px") for n in PAIR for s in (0, 1))]
    table = budgets_table(rows)
    assert list(table["budget"]) == ["5 px a class", "5 px a class", "all", "all"]
    assert list(table["n"]) == [2, 2, 4, 3]


def claims(rows):
    """Of the arm "with" against the trunk, on whole fields of one cube."""
    trunk = {"with": "with", "without": tables.TRUNK}
    return tables.claims_of([r | {"name": trunk[r["name"]], "scene": "s"} for r in rows], "with", "s")


def test_what_held_is_read_from_the_intervals():
    table = claims(ROWS).set_index("claim")
    assert table.loc["accuracy", "verdict"] == "held"  # every seed gains
    assert table.loc["compactness", "verdict"] == "held"  # the radius shrinks
    assert table.loc["separability", "verdict"] == "the opposite"  # the same numbers, where higher is better
    worse = claims([r | {"oa": 0.5} for r in ROWS]).set_index("claim")
    assert worse.loc["accuracy", "verdict"] == "not shown"
    mixed = [row(n, s, 0.5, radius=0.5 + 0.1 * (s if n == "with" else 1)) for n in PAIR for s in range(3)]
    assert list(claims(mixed)["verdict"]) == ["not shown"] * 3


def test_rows_come_under_the_labels_of_their_configs(tmp_path):
    from hsikit.experiments import expand

    first = expand("sdhsi_fields")[0]
    store = Store(ledger=tmp_path / "runs.jsonl")
    own = {"method": first.method, "scene": first.scene, "seconds": 1.0}
    store.append({"hash": first.hash, "name": "another", "oa": 0.5} | own)
    assert [r["name"] for r in rows_of(store, "sdhsi_fields", "archive/sdhsi_budgets")] == ["SDHSI-Net"]
    assert list(progress_of(store, "sdhsi_fields")["done"]) == [1]


# --- classes never trained on ------------------------------------------------------------------------


def unseen_rows():
    cells = {"words": (0.9, 0.8, 0.7), "random vectors": (0.5, 0.6, 0.7)}
    return [
        {"name": name, "split": f"s without {c}", "seed": seed,
         "unseen": {c: {"pixels": 5, "auroc": {"prompt": base + shift + 0.01 * seed, "novelty": 0.4}}}}
        for name, (base, *_) in cells.items() for shift, c in ((0.0, "a"), (0.05, "b")) for seed in (0, 1)
    ]  # fmt: skip


def test_table_has_means_over_seeds_and_classes():
    table = unseen_table(unseen_rows())
    assert list(table["class"]) == ["a", "b", "mean over classes"]
    assert list(table["words: prompt"]) == pytest.approx([0.905, 0.955, 0.93])
    assert list(table["random vectors: prompt"]) == pytest.approx([0.505, 0.555, 0.53])


def test_gains_are_paired_over_classes():
    gains = unseen_gains(unseen_rows()).set_index("comparison")
    line = gains.loc["words: prompt − words: novelty"]
    assert line["difference"] == pytest.approx(0.53)
    assert line["low"] == pytest.approx(0.53 - 12.706 * 0.05 / 2, abs=1e-3)
    assert line["p"] is None
    assert gains.loc["words: prompt − random vectors: prompt", "high"] == pytest.approx(0.4, abs=1e-6)


def test_rows_that_left_no_class_out_are_refused():
    with pytest.raises(ValueError, match="no run left a class out"):
        unseen_table([{"name": "a", "split": "s", "seed": 0}])


# --- what is known and what is assumed ---------------------------------------------------------------


@pytest.mark.parametrize(("paper", "config"), [("mmlgnet", "mmlgnet_muufl_subset"), ("sdhsi", "sdhsi_partitions")])
def test_every_part_is_known_or_assumed_and_its_value_is_the_runs(paper, config):
    run = next(e for e in expand(config) if e.label == paper)
    table = tables.assumptions(paper, run, window=11)
    assert list(table) == ["part", "paper says", "we assume", "value"]
    assert (table["paper says"].ne("") | table["we assume"].ne("")).all()
    values = table.set_index("part")["value"]
    assert values["window"] == "11 px"
    assert str(run.train["batch"]) in values["training"]
    other = replace(run, train={**run.train, "batch": 7})
    assert "batches of 7," in tables.assumptions(paper, other, 11).set_index("part")["value"]["training"]
    assert "_" not in "".join(table.to_numpy().ravel())


def test_a_paper_that_is_not_one_of_the_two_is_refused():
    with pytest.raises(ValueError, match="no paper called 'hybridsn'; there are mmlgnet, sdhsi"):
        tables.assumptions("hybridsn", expand("mmlgnet_simulated")[0], 11)


def test_claims_are_drawn_a_panel_each_with_what_held_filled():
    table = claims(ROWS)
    drawn = figures.claims_forest(table)
    middles = {
        ax.get_title(): next(li for li in ax.lines if li.get_marker() == "o").get_xdata()[0] for ax in drawn.axes
    }
    by = table.set_index("claim")["difference"]
    assert middles == {"accuracy": by["accuracy"], "compactness": -by["compactness"],  # tighter, so to the right
                       "separability": by["separability"]}  # fmt: skip
    assert min(middles["accuracy"], middles["compactness"]) > 0
    filled = [next(li for li in ax.lines if li.get_marker() == "o").get_markerfacecolor() for ax in drawn.axes]
    assert "white" not in filled
    assert drawn.axes[0].get_yticklabels()[0].get_text().startswith("whole fields (n = ")
    with pytest.raises(FigureError, match="needs the columns"):
        figures.claims_forest(table.drop(columns="verdict"))
