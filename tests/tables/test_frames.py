"""From rows to the frame, its two verbs, and what stands on them."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hsikit.experiments import Store, expand, progress_of
from hsikit.tables import (
    against,
    by_method,
    calibration_table,
    frame,
    gains,
    only,
    paired,
    pooled,
    spread,
    summarise,
)
from hsikit.tables.stats import best_by_validation, paired_difference


def rows(name, scores, split="fields"):
    return [{"name": name, "scene": "s", "split": split, "seed": k, "oa": v, "aa": v, "kappa": v, "seconds": 2.0}
            for k, v in enumerate(scores)]  # fmt: skip


def comparison(some, pairs):
    """Differences in OA alone, as `gains` gives them for pairs of methods."""
    table = gains(some, {f"{a} − {b}": (a, b) for a, b in pairs}).query("metric == 'oa'")
    return table.rename(columns={"gain": "comparison"}).reset_index(drop=True)


A = [0.80, 0.82, 0.81, 0.85, 0.83, 0.79, 0.84, 0.86]
B = [0.78, 0.81, 0.80, 0.82, 0.83, 0.80, 0.80, 0.81]


def test_rows_are_plain_json_with_the_documented_keys():
    found = summarise([*rows("a", A), *rows("b", B)], reference="b")
    assert json.loads(json.dumps(found)) == found
    first = found[0]
    assert first["method"] == "a"
    assert first["n"] == 8
    assert first["oa_mean"] == pytest.approx(sum(A) / 8)
    assert first["oa_std"] == pytest.approx(stats.tstd(A))
    assert first["reference"] == "b"
    assert first["p"] == pytest.approx(stats.wilcoxon([round(x - y, 12) for x, y in zip(A, B)]).pvalue)
    assert "p" not in found[1]


def test_few_seeds_have_no_p_and_one_seed_no_std():
    found = summarise([*rows("a", A[:5]), *rows("b", B[:5])], reference="b")
    assert found[0]["p"] is None
    assert summarise(rows("a", A[:1]))[0]["oa_std"] is None


def test_comparison_is_in_points_with_the_primary_first_and_holm_on_the_rest():
    table = comparison([*rows("a", A), *rows("b", B), *rows("c", B[::-1])], [("a", "b"), ("a", "c"), ("b", "c")])
    assert list(table["comparison"]) == ["a − b", "a − c", "b − c"]
    difference = [100 * (x - y) for x, y in zip(A, B)]
    half = stats.t.ppf(0.975, 7) * stats.tstd(difference) / 8**0.5
    assert table["difference"][0] == pytest.approx(sum(difference) / 8)
    assert table["low"][0] == pytest.approx(sum(difference) / 8 - half)
    assert list(table["note"]) == ["primary", "Holm", "Holm"]
    raw = [stats.wilcoxon([round(x - y, 12) for x, y in zip(p, q)]).pvalue for p, q in ((A, B[::-1]), (B, B[::-1]))]
    assert sorted(table["p"][1:]) == pytest.approx(sorted([min(1, 2 * min(raw)), max(2 * min(raw), max(raw))]))


def test_pairs_are_made_by_seed_not_by_order():
    shuffled = rows("a", A)[::-1]
    assert comparison([*shuffled, *rows("b", B)], [("a", "b")])["difference"][0] == pytest.approx(
        100 * (sum(A) - sum(B)) / 8
    )


def test_against_a_reference_every_split_has_its_own_lines():
    found = against([*rows("a", A), *rows("b", B), *rows("a", A, "random_10"), *rows("b", A, "random_10")], "b")
    assert list(found["split"]) == ["fields", "fields", "random_10", "random_10"]
    assert list(found["metric"]) == ["oa", "aa"] * 2
    assert found["difference"][0] == pytest.approx(100 * (sum(A) - sum(B)) / 8)
    assert (found["difference"][2:] == 0).all()
    assert set(found["comparison"]) == {"a − b"}


def test_a_short_arm_is_not_tested_and_does_not_weigh_on_holm():
    full = [*rows("a", A), *rows("b", B), *rows("c", B[::-1])]
    pairs = [("a", "b"), ("c", "b")]
    alone = comparison(full, pairs)
    beside = comparison([*full, *rows("d", A[:5])], [*pairs, ("d", "b")])
    assert beside["note"].iloc[2] == "not tested (n < 8)"
    assert beside["p"].iloc[2] is None or beside["p"].isna().iloc[2]
    assert list(beside["p"][:2]) == list(alone["p"])
    assert beside["low"].notna().all()  # the interval stands all the same


def test_a_seed_that_comes_twice_and_methods_without_a_common_seed_are_named():
    with pytest.raises(ValueError, match="'a' has a seed twice"):
        comparison([*rows("a", A), *rows("a", A), *rows("b", B)], [("a", "b")])
    strangers = [r | {"seed": r["seed"] + 100} for r in rows("b", B)]
    assert comparison([*rows("a", A), *strangers], [("a", "b")]).empty


def test_the_choice_by_validation_feeds_the_comparison():
    plain = [r | {"method": r["name"], "val_oa": 0.8, "config": {}} for r in [*rows("a", A), *rows("b", B)]]
    worse = [r | {"val_oa": 0.1, "oa": 1.0, "config": {"model": {"width": 1}}} for r in plain if r["name"] == "a"]
    chosen = best_by_validation([*plain, *worse])
    assert comparison(chosen, [("a", "b")])["difference"][0] == comparison(plain, [("a", "b")])["difference"][0]


def test_a_gain_against_several_references_is_taken_from_their_mean_seed_by_seed():
    three = [*rows("a", A), *rows("b", B), *rows("c", B[::-1])]
    table = gains(three, {"g": ["a", ["b", "c"]], "h": ["a", "b"], "absent": ["a", "z"]})
    assert list(table["gain"]) == ["g", "h"] * 2
    assert list(table["metric"]) == ["oa", "oa", "aa", "aa"]
    by_hand = [100 * (x - (y + z) / 2) for x, y, z in zip(A, B, B[::-1])]
    half = stats.t.ppf(0.975, 7) * stats.tstd(by_hand) / 8**0.5
    assert table["difference"][0] == pytest.approx(sum(by_hand) / 8)
    assert table["high"][0] == pytest.approx(sum(by_hand) / 8 + half)
    assert list(table["note"][:2]) == ["primary", "Holm"]


def test_gains_pair_by_shared_seeds_and_say_when_they_are_too_few():
    table = gains([*rows("a", A), *rows("b", B[:5])], {"g": ["a", "b"]})
    assert list(table["n"]) == [5, 5]
    assert set(table["note"]) == {"not tested (n < 8)"}


def test_an_arm_alone_goes_by_its_method_and_one_of_several_by_its_label():
    labelled = [r | {"method": m} for name, m in (("Net", "sdhsi"), ("a", "svm"), ("b", "svm")) for r in rows(name, A)]
    found = by_method(summarise(labelled), labelled)
    assert [(f["method"], f["name"]) for f in found] == [("sdhsi", "Net"), ("a", "a"), ("b", "b")]


def test_progress_says_what_is_missing_and_how_long_it_would_take(tmp_path):
    store = Store(ledger=tmp_path / "runs.jsonl")
    config = {"scene": "indian_pines", "split": {"kind": "random", "train": 0.1}, "seeds": [0, 1, 2],
              "arms": [{"method": "lda"}, {"method": "svm"}]}  # fmt: skip
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(config))
    for e, seconds in zip(expand(path), (60.0, 120.0)):  # two of LDA's three runs
        store.append({"hash": e.hash, "method": e.method, "scene": e.scene, "seconds": seconds})
    line = progress_of(store, str(path)).iloc[0]
    assert (line["runs"], line["done"], line["missing"]) == (6, 2, 4)
    assert line["minutes"] == 1.5  # the third, as long as the mean of the first two
    assert line["unknown"] == 3  # nothing tells of SVM
    assert line["command"] == f"hsikit sweep {path}"
    empty = progress_of(Store(ledger=tmp_path / "none.jsonl"), "language_pairs").iloc[0]
    assert empty["missing"] == empty["unknown"] == empty["runs"]
    assert empty["command"] == "HSIKIT_DATA=... hsikit sweep language_pairs"
    for e in expand(path)[2:]:
        store.append({"hash": e.hash, "method": e.method, "scene": e.scene, "seconds": 1.0})
    assert progress_of(store, str(path)).iloc[0][["missing", "minutes", "command"]].to_list() == [0, 0.0, ""]


# --- the frame and its verbs -----------------------------------------------------------------------


def exit_(name, oa, silhouette=0.5):
    return {"name": name, "oa": oa, "aa": oa, "val_oa": oa, "macs": 10, "macs_window": 20,
            "separation": {"silhouette": silhouette, "per_class": {"class": [1]}}}  # fmt: skip


FULL_ROW = {
    "name": "Net", "scene": "s", "split": "fields", "hash": "abc", "seed": 3, "oa": 0.5, "aa": 0.4, "kappa": 0.3,
    "val_oa": None, "seconds": 2.0, "per_class": {"meadow": 0.5, "roof": None},
    "exits": [exit_("exit 1", 0.4), exit_("final", 0.5)],
    "early_exit": [{"threshold": 0.5, "oa": 0.45, "macs_window": 9}],
    "robustness": [{"kind": "noise", "severity": 1.0, "oa": 0.2, "aa": 0.1}],
    "missing": {"hsi": {"oa": 0.1, "aa": 0.2}},
    "calibration": {"temperature": 1.5, "raw": {"ece": 0.1, "nll": 1.0, "brier": 0.2},
                    "tempered": {"ece": 0.05, "nll": 0.9, "brier": 0.1}},
    "unseen": {"pond": {"pixels": 5, "auroc": {"prompt": 0.9}}},
}  # fmt: skip


def lines_of(*parts, row=FULL_ROW):
    return [tuple(None if pd.isna(x) else x for x in line) for line in
            frame([row], *parts)[["part", "item", "at", "measure", "value"]].itertuples(index=False)]  # fmt: skip


def test_a_row_becomes_a_line_a_number_and_what_was_not_measured_has_none():
    assert set(frame([FULL_ROW])["hash"]) == {"abc"}
    assert lines_of() == [("score", "", None, key, FULL_ROW[key]) for key in ("oa", "aa", "kappa", "seconds")]
    assert lines_of("class") == [("class", "meadow", None, "recall", 0.5)]
    assert ("exit", "final", 2, "silhouette", 0.5) in lines_of("exit")
    assert {line[3] for line in lines_of("exit")} == {"oa", "aa", "val_oa", "macs", "macs_window", "silhouette"}
    assert lines_of("early exit") == [("early exit", "", 1, "oa", 0.45), ("early exit", "", 1, "macs_window", 9)]
    assert lines_of("damage")[::2] == [("damage", "none", 0.0, "oa", 0.5), ("damage", "noise", 1.0, "oa", 0.2)]
    assert lines_of("missing") == [("missing", "hsi", None, "oa", 0.1), ("missing", "hsi", None, "aa", 0.2)]
    assert ("calibration", "tempered", None, "ece", 0.05) in lines_of("calibration")
    assert lines_of("unseen") == [("unseen", "pond", None, "prompt", 0.9), ("unseen", "pond", None, "pixels", 5)]
    bare = {"name": "a", "seed": 0}
    assert frame([bare], "exit", "early exit", "damage", "missing", "calibration", "unseen", "class").empty


def test_spread_nests_its_groups_and_gives_no_mean_over_other_runs_than_n_says():
    rows_ = [*rows("a", A[:3]), *rows("b", B[:2]), *rows("a", A[:2], "random_10")]
    rows_[1]["area_oa"] = 0.5
    table = spread(frame(rows_), "split", "method")
    assert list(zip(table["split"], table["method"], table["n"])) == [("fields", "a", 3), ("fields", "b", 2),
                                                                    ("random_10", "a", 2)]  # fmt: skip
    assert table["oa_mean"][0] == pytest.approx(sum(A[:3]) / 3)
    assert table["oa_std"][0] == pytest.approx(stats.tstd(A[:3]))
    assert table["area_oa_mean"].isna().all(), "one of three runs"
    assert spread(frame([]), "method").empty


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=7), st.randoms())
def test_paired_agrees_with_the_difference_of_two_lists_whatever_the_order_of_rows(scores, random):
    both = [*rows("a", scores), *rows("b", B[: len(scores)])]
    random.shuffle(both)
    line = paired(frame(both), {"gain": ("a", "b")}, "measure").set_index("measure").loc["oa"]
    want = paired_difference(scores, B[: len(scores)])
    assert (line["n"], line["difference"]) == (want.n, pytest.approx(100 * want.mean, abs=1e-9))
    assert (line["low"], line["high"]) == pytest.approx((100 * want.low, 100 * want.high), abs=1e-6)
    assert line["with"] - line["without"] == pytest.approx(want.mean, abs=1e-9)


def test_paired_leaves_out_what_shares_no_seed_and_keeps_other_units_as_they_are():
    strangers = [r | {"seed": r["seed"] + 100} for r in rows("c", B)]
    table = paired(frame([*rows("a", A), *rows("b", B), *strangers]), {"x": ("a", "c"), "y": ("a", "b")}, "measure")
    assert set(table["comparison"]) == {"y"}
    seconds = table.set_index("measure").loc["seconds"]
    assert (seconds["with"], seconds["difference"]) == (2.0, 0.0)
    with pytest.raises(ValueError, match="'a' has a seed twice"):
        paired(frame([*rows("a", A), *rows("a", A), *rows("b", B)]), {"y": ("a", "b")}, "measure")


def test_only_takes_splits_and_labels():
    some = [*rows("a", A[:1]), *rows("b", B[:1]), *rows("a", A[:1], "random_10")]
    assert only(some) == some
    assert only(some, []) == []
    assert [r["name"] for r in only(some, ["fields"])] == ["a", "b"]
    assert [r["split"] for r in only(some, methods=["a"])] == ["fields", "random_10"]


def test_calibration_is_a_line_a_method_with_raw_beside_tempered():
    table = calibration_table([FULL_ROW, FULL_ROW | {"seed": 4}, {"name": "LDA", "seed": 0}])
    line = table.iloc[0]
    assert len(table) == 1
    assert (line["n"], line["temperature"], line["raw ece"], line["tempered ece"]) == (2, 1.5, 0.1, 0.05)
    assert calibration_table([]).empty


def test_draws_of_a_split_stand_on_one_and_pair_by_their_seed_and_a_fixed_split_stays_itself():
    spec = {"kind": "west_east", "val": 0.0}
    draws = [{"hash": f"{name}{seed}", "name": name, "method": name, "scene": "s", "seed": seed,
              "split": "west_east" + (f"_p{seed}" if seed else ""), "oa": 0.1 * seed + gain, "aa": 0.0, "kappa": 0.0,
              "seconds": 1.0, "config": {"split": spec | ({"partition": seed} if seed else {})}}
             for name, gain in (("a", 0.0), ("b", 0.02)) for seed in range(4)]  # fmt: skip
    fixed = [row | {"hash": f"{row['hash']}f", "split": "west_east", "config": {"split": {"kind": "west_east"}}}
             for row in draws]  # fmt: skip
    joined = pooled(draws + fixed)
    assert [row["split"] for row in joined] == ["west_east, a partition each"] * 8 + ["west_east"] * 8
    assert {row["split"] for row in pooled(draws)} == {"west_east"}  # nothing to be told from
    table = gains(joined, {"b - a": ("b", "a")})
    oa = table[(table["metric"] == "oa") & (table["split"] == "west_east, a partition each")].iloc[0]
    assert (oa["n"], round(oa["difference"], 6)) == (4, 2.0)
