import json

import pytest
from scipy import stats

from hsikit.experiments import Store, expand, progress_of
from hsikit.tables import against, by_method, comparison, gains, summarise
from hsikit.tables.stats import best_by_validation


def rows(name, scores, split="fields"):
    return [{"name": name, "scene": "s", "split": split, "seed": k, "oa": v, "aa": v, "kappa": v, "seconds": 2.0}
            for k, v in enumerate(scores)]  # fmt: skip


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


def test_a_missing_method_is_named():
    with pytest.raises(ValueError, match=r"no rows of 'z'.*\['a'\]"):
        comparison(rows("a", A), [("a", "z")])


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
    with pytest.raises(ValueError, match="no pair to compare"):
        comparison([*rows("a", A), *strangers], [("a", "b")])


def test_the_choice_by_validation_feeds_the_comparison():
    plain = [r | {"method": r["name"], "val_oa": 0.8, "config": r["name"]} for r in [*rows("a", A), *rows("b", B)]]
    worse = [r | {"val_oa": 0.1, "oa": 1.0, "config": "a, worse"} for r in plain if r["name"] == "a"]
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
    empty = progress_of(Store(ledger=tmp_path / "none.jsonl"), "mmlgnet_unseen").iloc[0]
    assert empty["missing"] == empty["unknown"] == empty["runs"]
    assert empty["command"] == "HSIKIT_DATA=... hsikit sweep mmlgnet_unseen"
    for e in expand(path)[2:]:
        store.append({"hash": e.hash, "method": e.method, "scene": e.scene, "seconds": 1.0})
    assert progress_of(store, str(path)).iloc[0][["missing", "minutes", "command"]].to_list() == [0, 0.0, ""]
