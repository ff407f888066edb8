"""The table of the cubes of Indian Pines, on rows whose differences are known."""

import json

import numpy as np
import pytest
from scipy import stats

from hsikit.experiments import expand
from hsikit.tables.cubes import cubes_table
from hsikit.tables.layout import CUBES, CUBES_FROM

WORTH = {"indian_pines": 0.0, "indian_pines_repaired": 0.04, "indian_pines_bands_left_out": 0.02,
         "indian_pines_median": 0.0}  # fmt: skip


def row(experiment, oa):
    return {"hash": experiment.hash, "name": experiment.label, "scene": experiment.scene, "seed": experiment.seed,
            "split": experiment.split_name, "config": json.loads(experiment.canonical()), "oa": oa, "aa": oa / 2,
            "kappa": oa - 0.1}  # fmt: skip


def rows(*methods):
    level = np.random.default_rng(0).normal(0.4, 0.05, 10)
    return [row(e, level[e.seed] + WORTH[e.scene] * (1 + 0.1 * e.seed)) for config in CUBES_FROM for e in expand(config)
            if e.method in methods]  # fmt: skip


def test_every_cube_stands_beside_the_published_one_paired_by_draw():
    cells = cubes_table(rows("lda", "ssrn"))
    assert list(dict.fromkeys(cells["split"])) == ["fields, a partition each", "random_10"]
    assert list(dict.fromkeys(cells["cube"])) == list(CUBES.values())
    assert list(dict.fromkeys(cells["method"])) == ["LDA", "LDA + means", "SSRN (50 band means)"]
    assert len(cells) == 2 * (2 * 4 + 2)  # SSRN on two cubes alone
    for split, n in (("fields, a partition each", 10), ("random_10", 5)):
        line = cells[(cells["split"] == split) & (cells["cube"] == "repaired")].iloc[0]
        gaps = 4 * (1 + 0.1 * np.arange(n))
        low, high = stats.t.interval(0.95, n - 1, gaps.mean(), gaps.std(ddof=1) / np.sqrt(n))
        assert (line["n"], line["pairs"]) == (n, n)
        assert line["OA minus published (points)"] == f"{gaps.mean():+.2f} [{low:+.2f}, {high:+.2f}]"
        assert line["AA minus published (points)"].startswith(f"{gaps.mean() / 2:+.2f}")
    published = cells[cells["cube"] == "published"]
    assert set(published["OA minus published (points)"]) == {""}


def test_pairs_are_the_draws_that_both_cubes_have():
    some = [r for r in rows("svm") if r["scene"] == "indian_pines" or r["seed"] in (1, 2, 9)]
    cells = cubes_table(some).set_index(["split", "cube"])
    assert cells.loc[("fields, a partition each", "repaired"), ["n", "pairs"]].tolist() == [3, 3]
    assert cells.loc[("random_10", "repaired"), ["n", "pairs"]].tolist() == [2, 2]
    assert cells.loc[("fields, a partition each", "published"), "n"] == 10


def test_a_cube_with_nothing_to_compare_has_no_difference():
    cells = cubes_table([r for r in rows("svm") if r["scene"] == "indian_pines_repaired"])
    assert cells["pairs"].tolist() == ["", ""]
    assert cells["OA minus published (points)"].tolist() == ["", ""]


def test_one_run_twice_is_refused():
    twice = rows("svm")
    with pytest.raises(ValueError, match="has a seed twice"):
        cubes_table([*twice, twice[0]])
