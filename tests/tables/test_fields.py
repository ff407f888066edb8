"""Intervals over fields: closed forms, and a slow bootstrap with loops."""

import numpy as np
import pytest

from hsikit.tables import fields
from hsikit.tables.fields import ahead_by_field, apart, shares
from hsikit.tables.frames import pooled, summarise


def rows(name, by_field, seeds=(0,)):
    made = []
    for partition, tested in enumerate(by_field):
        right, total = sum(f[1] for f in tested.values()), sum(f[2] for f in tested.values())
        recalls = {}
        for c, ok, n in tested.values():
            recalls.setdefault(c, np.zeros(2))[:] += (ok, n)
        split = f"fields_p{partition}" if partition else "fields"
        made += [{"name": name, "method": name, "scene": "s", "split": split,
                  "config": {"split": {"kind": "fields", "partition": partition}}, "hash": f"{name}{partition}{seed}",
                  "seed": seed, "partition": partition, "by_field": tested, "oa": right / total, "kappa": 0.0,
                  "aa": float(np.mean([ok / n for ok, n in recalls.values()])), "seconds": 1.0}
                 for seed in seeds]  # fmt: skip
    return made


def random_fields(seed, parts=3, names=6):
    draw = np.random.default_rng(seed)
    sizes, classes = draw.integers(20, 90, names), [1, 1, 2, 2, 3, 3]
    tested = [draw.choice(names, 4, replace=False) for _ in range(parts)]

    def of(quality):
        right = lambda f: int(draw.binomial(sizes[f], quality))  # noqa: E731
        return [{str(f): [classes[f], right(f), int(sizes[f])] for f in part} for part in tested]

    return rows("a", of(0.8)), rows("b", of(0.6))


def slow(a, b, metric, draws, seed):
    names = sorted({f for row in a for f in row["by_field"]}, key=int)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    means = []
    for counts in drawn:
        gaps = []
        for one, other in zip(a, b):
            scores = []
            for row in (one, other):
                per_class = {}
                for f, k in zip(names, counts):
                    if k and f in row["by_field"]:
                        c, ok, n = row["by_field"][f]
                        per_class.setdefault(c, np.zeros(2))[:] += k * np.array([ok, n])
                sums = np.array(list(per_class.values()))
                if len(sums):
                    right, of_all = sums.T
                    scores.append(right.sum() / of_all.sum() if metric == "oa" else np.mean(right / of_all))
            if scores:
                gaps.append(scores[0] - scores[1])
        means.append(np.mean(gaps))
    return np.quantile(means, [0.025, 0.975])


@pytest.mark.parametrize("metric", ["oa", "aa"])
def test_the_interval_is_that_of_a_slow_bootstrap(metric, monkeypatch):
    monkeypatch.setattr(fields, "DRAWS", 300)
    a, b = random_fields(0)
    found = apart(a, b, metric)
    assert (found.low, found.high) == pytest.approx(slow(a, b, metric, 300, 0))
    assert found.mean == pytest.approx(np.mean([x[metric] - y[metric] for x, y in zip(a, b)]))
    assert (found.over, found.n) == (f"{len({f for r in a for f in r['by_field']})} fields", 3)


def test_partitions_that_repeat_one_another_do_not_narrow_it():
    a, b = random_fields(1, parts=1)
    again = [[r | {"partition": p, "hash": f"{r['hash']}{p}"} for p in range(9) for r in side] for side in (a, b)]
    assert apart(*again).low == pytest.approx(apart(a, b).low)


def test_rows_that_do_not_tell_fields_apart_have_none_and_wrong_pairs_are_refused():
    a, b = random_fields(2)
    assert apart([{k: v for k, v in r.items() if k != "by_field"} for r in a], b).over == "partitions, naive"
    assert apart(a, [r | {"seed": 5} for r in b]) is None
    with pytest.raises(ValueError, match="partition 0 with seed 0 twice"):
        apart([*a, a[0]], b)
    with pytest.raises(ValueError, match="different pixels"):
        apart(a, [r | {"by_field": {f: [c, ok, n + 1] for f, (c, ok, n) in r["by_field"].items()}} for r in b])


def test_the_spread_is_split_into_seed_and_partition():
    draw = np.random.default_rng(3)
    partition, b = draw.normal(0, 0.03, 400), []
    a = [r | {"oa": 0.5 + partition[p] + draw.normal(0, 0.01), "partition": p, "seed": s}
         for p in range(400) for s in range(3) for r in rows("a", [{"1": [1, 5, 10]}])]  # fmt: skip
    b = [r | {"oa": 0.5, "name": "b"} for r in a]
    assert shares(a, b) == pytest.approx({"seed": 0.01, "partition": 0.03}, rel=0.1)
    with pytest.raises(ValueError, match="two or more"):
        shares(a[:1], b[:1])
    with pytest.raises(ValueError, match=r"1 partition\(s\) with 3 seed"):
        shares(a[:3], b[:3])


def test_a_summary_pools_partitions_and_gives_both_intervals():
    a, b = random_fields(5)
    entries = {e["method"]: e for e in summarise(pooled([*a, *b]), "b")}
    found = apart(a, b)
    assert (entries["a"]["split"], entries["a"]["n"], entries["a"]["interval"]) == (
        "fields",
        3,
        found.over,
    )
    assert (entries["a"]["low"], entries["a"]["high"]) == (found.low, found.high)
    assert entries["a"]["difference"] == pytest.approx(found.mean)
    assert entries["a"]["naive_low"] < entries["a"]["difference"] < entries["a"]["naive_high"]
    assert "difference" not in entries["b"]
    plain = summarise([{k: v for k, v in r.items() if k != "by_field"} for r in pooled([*a, *b])], "b")[0]
    assert plain["interval"] == "partitions, naive"
    one = summarise([{k: v for k, v in r.items() if k != "by_field"} | {"seed": r["partition"], "partition": 0}
                     for r in pooled([*a, *b])], "b")[0]  # fmt: skip
    assert (one["interval"], one["low"]) == ("seeds", plain["low"])
    assert (plain["low"], plain["high"]) == pytest.approx((entries["a"]["naive_low"], entries["a"]["naive_high"]))


def test_how_far_a_method_is_ahead_in_each_field_by_loops():
    a, b = random_fields(7)
    ahead, sizes = ahead_by_field(a, b)
    names = sorted({f for row in a for f in row["by_field"]}, key=int)
    for k, name in enumerate(names):
        tested = [
            (one["by_field"][name], other["by_field"][name]) for one, other in zip(a, b) if name in one["by_field"]
        ]
        assert ahead[k] == pytest.approx(sum(x[1] - y[1] for x, y in tested) / sum(x[2] for x, _ in tested))
        assert sizes[k] == pytest.approx(np.mean([x[2] for x, _ in tested]))
    with pytest.raises(ValueError, match="give runs on whole fields"):
        ahead_by_field([{k: v for k, v in r.items() if k != "by_field"} for r in a], b)
