import numpy as np
import pytest

from hsikit.areas import area_estimates, group_bootstrap
from hsikit.experiments.extras import ground_facts
from hsikit.metrics import score
from hsikit.splits import Split

ROWS, COLS = 20, 40


def stripes(right: float, groups: bool = True) -> tuple[np.ndarray, Split]:
    """Four stripes of two classes, ten columns each; training takes the first two rows, a share is mapped right."""
    labels = (np.arange(COLS) // 10 % 2 + 1)[None].repeat(ROWS, 0).astype(np.int16)
    flat = np.arange(ROWS * COLS)
    split = Split("stripes", (ROWS, COLS), flat[: 2 * COLS], flat[:0], flat[2 * COLS :], labels, ("a", "b"), 0, 1,
                  groups=(np.arange(COLS) // 10 + 1)[None].repeat(ROWS, 0) if groups else None)  # fmt: skip
    wrong = np.random.default_rng(0).random(labels.shape) > right
    return np.where(wrong, 3 - labels, labels), split


def test_facts_are_those_of_the_rooms_they_come_from():
    labels, split = stripes(0.8)
    scores = score(labels, split)
    found = ground_facts(labels, split, scores)
    areas = area_estimates(scores.confusion, np.bincount(labels.ravel(), minlength=3)[1:])
    assert found["area_oa"] == areas["estimate"][0]
    assert (found["area_oa_low"], found["area_oa_high"]) == (areas["low"][0], areas["high"][0])
    by_hand = [(labels[2:, k : k + 10] == split.labels[2:, k : k + 10]).mean() for k in range(0, COLS, 10)]
    assert found["fields"] == 4
    assert found["field_oa"] == pytest.approx(np.mean(by_hand))
    group = split.groups.ravel()[split.test]
    _, low, high = group_bootstrap(split.y("test"), labels.ravel()[split.test], group, "oa")
    assert (found["group_low"], found["group_high"]) == (low, high)


def test_without_groups_connected_regions_of_one_class_stand_in():
    labels, split = stripes(0.8)
    alone = ground_facts(labels, stripes(0.8, groups=False)[1], score(labels, split))
    beside = ground_facts(labels, split, score(labels, split))
    for key, value in alone.items():  # regions are numbered in another order, so other draws
        assert value == pytest.approx(beside[key], abs=0.01 if key.startswith("group") else 0)


def test_what_the_sample_does_not_allow_is_none():
    labels, split = stripes(1.0)
    labels = labels.copy()
    labels[2:] = 1
    labels[:2] = 2  # mapped, but no test pixel lies there
    found = ground_facts(labels, split, score(labels, split))
    assert found["area_oa"] is None
    assert found["field_oa"] == 0.5
    small = Split("one field", (ROWS, COLS), split.train, split.val, split.test[:9], np.where(
        np.isin(np.arange(ROWS * COLS).reshape(ROWS, COLS), [*split.train, *split.test[:9]]), split.labels, 0),
        ("a", "b"), 0, 1)  # fmt: skip
    assert ground_facts(labels, small, score(labels, small))["group_low"] is None
