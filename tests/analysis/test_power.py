"""The power of comparisons: against the closed form where there is one, and on fields of a scene."""

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from scipy import stats

import hsikit
from hsikit.analysis.power import shown
from hsikit.splits import random_split


@pytest.mark.parametrize("count", [5, 20, 80])
@pytest.mark.parametrize("difference", [0.01, 0.03])
def test_power_of_normal_differences_is_that_of_a_t_test(count, difference):
    observed = stats.norm.ppf((np.arange(4000) + 0.5) / 4000) * 0.05 + 0.7  # its own mean does not matter
    found = shown(observed, difference, [count]).iloc[0]
    exact = stats.nct.sf(stats.t.ppf(0.975, count - 1), count - 1, np.sqrt(count) * difference / 0.05)
    assert found.power == pytest.approx(exact, abs=0.03)
    assert found.false_alarms == pytest.approx(0.025, abs=0.01)
    assert found.half_width == pytest.approx(stats.t.ppf(0.975, count - 1) * 0.05 / np.sqrt(count), rel=0.15)


def test_more_pairs_and_larger_differences_show_more():
    observed = np.random.default_rng(0).standard_t(4, 60) * 0.04
    small, large = (shown(observed, d, [5, 20, 80]) for d in (0.01, 0.03))
    assert small.power.is_monotonic_increasing
    assert (large.power > small.power).all()
    np.testing.assert_array_equal(small.half_width, large.half_width)


def test_a_pair_of_twice_the_size_counts_twice():
    observed, sizes = np.array([0.1, -0.1, 0.3]), np.array([100, 100, 200])
    plain = shown(observed, 0.0, [50], sizes=np.ones(3))
    weighted = shown(observed, 0.0, [50], sizes=sizes)
    assert weighted.half_width[0] != plain.half_width[0]
    assert_frame_equal(shown(observed, 0.02, [50], sizes=3 * sizes), shown(observed, 0.02, [50], sizes=sizes))


def test_fields_of_a_scene_say_what_it_takes():
    scene = hsikit.load_scene("simulated")
    split = hsikit.block_split(scene, train=0.03)
    draw = np.random.default_rng(0)
    worse = np.where(draw.random(scene.shape) < 0.1, 1, scene.labels)
    found = hsikit.power(scene, 0.02, maps=(scene.labels, worse), split=split, counts=(10, 100))
    assert found.power[1] > 0.9  # errors that fall on every field alike are seen at once
    assert found.power[1] >= found.power[0]
    assert hsikit.power(scene, 0.02, counts=(10,)).power[0] < 0.9  # those of real methods are not


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: hsikit.power(s, 0.01, maps=(np.ones((3, 3)), np.ones((3, 3)))), r"a map is \(3, 3\)"),
        (lambda s: shown([0.1], 0.01, [5]), "1 differences"),
        (lambda s: shown([0.1, 0.2], 0.01, [1]), "counts from 1"),
        (lambda s: shown([0.1, np.nan], 0.01, [5]), "finite"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(ValueError, match=says):
        call(hsikit.load_scene("simulated"))


def test_too_few_fields_are_refused():
    labels = np.repeat([1, 2], 50).reshape(10, 10)
    scene = hsikit.Scene("two", np.random.default_rng(0).normal(size=(10, 10, 3)), labels, ["a", "b"])
    split = random_split(scene, train=0.5)
    with pytest.raises(ValueError, match="at least two are needed"):
        hsikit.power(scene, 0.01, maps=(labels, labels), split=split)
