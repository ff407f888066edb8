"""Paired comparisons against scipy, statsmodels and cases worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from hsikit.tables.stats import (
    best_by_validation,
    holm,
    mcnemar,
    paired_difference,
)


def runs(method, scores, scene="valley", split="fields", **more):
    return [{"method": method, "scene": scene, "split": split, "seed": s, "oa": x} | more for s, x in enumerate(scores)]


# --- one pair ----------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 20), st.integers(0, 10_000))
def test_paired_difference_agrees_with_scipy(n, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random(n), rng.random(n)
    got = paired_difference(a, b)
    t = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (got.mean, got.low, got.high) == pytest.approx(((a - b).mean(), t.low, t.high))
    assert got.n == n
    if n < 8:
        assert got.p is None
    else:
        assert got.p == pytest.approx(stats.wilcoxon(a, b).pvalue)
    turned = paired_difference(b, a)
    assert (turned.mean, turned.low, turned.high) == pytest.approx((-got.mean, -got.high, -got.low))
    assert turned.p == got.p


def test_smallest_p_of_eight_and_ten_pairs():
    # all differences of one sign: 2 of the 2^n sign patterns are as extreme
    for n in (8, 10):
        a = np.arange(1, n + 1) / 100
        assert paired_difference(a, np.zeros(n)).p == pytest.approx(2 / 2**n)


def test_identical_scores_are_no_difference():
    a = [0.9, 0.91, 0.92, 0.9, 0.93, 0.9, 0.95, 0.9]
    got = paired_difference(a, list(a))
    assert (got.mean, got.low, got.high, got.p) == (0, 0, 0, 1.0)


def test_floating_point_dust_is_no_difference():
    a = np.full(8, 0.1 + 0.2)
    assert paired_difference(a, np.full(8, 0.3)).p == 1.0


def test_one_pair_has_no_interval():
    got = paired_difference([0.9], [0.8])
    assert got.mean == pytest.approx(0.1)
    assert math.isnan(got.low)
    assert got.p is None


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, 2.0], [1.0], "two flat lists"),
        ([], [], "two flat lists"),
        ([1.0, math.nan], [1.0, 1.0], "finite"),
        ([[1.0]], [[1.0]], "two flat lists"),
    ],
)
def test_bad_pairs_are_named(a, b, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(a, b)


# --- several tests -----------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)  # statsmodels takes some 50 ms a call
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8))
def test_holm_agrees_with_statsmodels_and_passes_none(pvalues):
    got = holm(pvalues)
    assert [p is None for p in got] == [p is None for p in pvalues]
    given_p = [p for p in pvalues if p is not None]
    expected = multipletests(given_p, method="holm")[1] if given_p else []
    assert [p for p in got if p is not None] == pytest.approx(list(expected))


def test_holm_by_hand():
    assert holm([0.04, None, 0.01, 0.03]) == [
        pytest.approx(0.06),
        None,
        pytest.approx(0.03),
        pytest.approx(0.06),
    ]


def test_holm_refuses_what_is_no_p_value():
    with pytest.raises(ValueError, match=r"1\.5"):
        holm([0.1, 1.5])


def test_mcnemar_by_hand():
    right = lambda both, a, b, none: (  # noqa: E731
        np.repeat([True, True, False, False], [both, a, b, none]),
        np.repeat([True, False, True, False], [both, a, b, none]),
    )
    few = mcnemar(*right(50, 9, 1, 5))
    assert (few.only_a, few.only_b) == (9, 1)
    assert few.p == pytest.approx(stats.binomtest(1, 10).pvalue)  # exact
    many = mcnemar(*right(50, 40, 20, 5))
    assert many.p == pytest.approx(stats.chi2.sf((abs(40 - 20) - 1) ** 2 / 60, 1))
    assert mcnemar(*right(50, 0, 0, 5)).p == 1.0
    assert mcnemar(*right(5, 5, 5, 5)).p == 1.0


@pytest.mark.parametrize(
    ("a", "b"),
    [(np.ones(3), np.ones(3)), (np.ones(3, bool), np.ones(4, bool)), (np.ones(0, bool), np.ones(0, bool))],
)
def test_mcnemar_wants_two_boolean_arrays(a, b):
    with pytest.raises(ValueError, match="two boolean"):
        mcnemar(a, b)


# --- the choice of a configuration -------------------------------------------------------------------


def tried(method, width, validation, test, seeds=None):
    seeds = range(len(validation)) if seeds is None else seeds
    place = {"method": method, "scene": "valley", "split": "fields"}
    config = lambda seed: {"model": {"width": width}, "seed": seed}  # noqa: E731
    found = zip(seeds, validation, test)
    return [place | {"seed": s, "val_oa": v, "oa": t, "config": config(s)} for s, v, t in found]


def test_the_best_is_chosen_on_validation_whatever_the_test_says():
    rows = tried("cnn", 8, [0.9, 0.8], [0.5, 0.5]) + tried("cnn", 16, [0.7, 0.7], [0.99, 0.99])
    rows += tried("svm", 1, [0.1], [0.2])
    best = best_by_validation(rows)
    chosen = [(r["method"], r["config"]["model"]["width"], r["seed"]) for r in best]
    assert chosen == [("cnn", 8, 0), ("cnn", 8, 1), ("svm", 1, 0)]
    worse_test = [row | {"oa": 0.0} for row in rows]  # test scores cannot matter
    assert [r["config"] for r in best_by_validation(worse_test)] == [r["config"] for r in best]


def test_configurations_are_judged_on_the_seeds_they_share():
    # width 16 was tried once, on an easy seed where width 8 did better still
    rows = tried("cnn", 8, [0.95, 0.6, 0.6], [0.5] * 3) + tried("cnn", 16, [0.9], [0.5])
    assert {r["config"]["model"]["width"] for r in best_by_validation(rows)} == {8}


def test_a_seed_cannot_be_chosen_in_place_of_a_configuration():
    apart = tried("cnn", 8, [0.5, 0.7], [0.5] * 2) + tried("cnn", 16, [0.65], [0.5], seeds=[9])
    with pytest.raises(ValueError, match="share no seed"):
        best_by_validation(apart)


def test_splits_choose_for_themselves():
    rows = [row | {"split": split} for split, width, value in (
        ("fields", 8, 0.5), ("fields", 16, 0.6), ("random_10", 8, 0.9), ("random_10", 16, 0.8),
    ) for row in tried("cnn", width, [value], [0.5])]  # fmt: skip
    assert [(r["split"], r["config"]["model"]["width"]) for r in best_by_validation(rows)] == [
        ("fields", 16), ("random_10", 8),
    ]  # fmt: skip


def test_a_fixed_schedule_needs_no_validation_but_a_choice_does():
    single = [row | {"val_oa": None} for row in tried("cnn", 8, [0, 0], [0.5, 0.6])]
    assert best_by_validation(single) == single
    with pytest.raises(ValueError, match="2 configurations of cnn / valley / fields"):
        best_by_validation(single + tried("cnn", 16, [0.7], [0.5]))
