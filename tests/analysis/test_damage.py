import numpy as np
import pytest
from tiny import tiny_scene

from hsikit.analysis.damage import KINDS, damaged
from hsikit.train import wrong_labels

SPREAD = np.linspace(1.0, 2.0, 16)
FILL = np.arange(16.0)


def change(kind, severity, seed=0):
    scene = tiny_scene()
    return damaged(scene, kind, severity, SPREAD, FILL, seed).hsi - scene.hsi


@pytest.mark.parametrize("kind", KINDS)
def test_no_severity_is_no_damage_and_the_draw_follows_the_seed(kind):
    assert not change(kind, 0.0).any()
    assert np.array_equal(change(kind, 0.5), change(kind, 0.5))
    assert not np.array_equal(change(kind, 0.5), change(kind, 0.5, seed=1))


def test_noise_has_the_spread_of_each_band():
    noise = change("noise", 0.5)
    assert noise.std((0, 1)) == pytest.approx(0.5 * SPREAD, rel=0.15)
    assert abs(np.corrcoef(noise[:, 0, 3], noise[:, 1, 3])[0, 1]) < 0.6


def test_stripes_are_the_same_in_every_row_and_differ_between_columns():
    stripes = change("stripes", 0.5)
    assert np.allclose(stripes, stripes[:1], atol=1e-6)
    assert stripes[0].std(0).min() > 0.1


def test_dropped_bands_hold_the_fill_and_the_rest_is_untouched():
    scene = tiny_scene()
    worse = damaged(scene, "dropped_bands", 0.25, SPREAD, FILL).hsi
    lost = (worse == FILL.astype(np.float32)).all((0, 1))
    assert lost.sum() == 4
    assert np.array_equal(worse[..., ~lost], scene.hsi[..., ~lost])


def test_wrong_labels_are_wrong_and_as_many_as_asked_for():
    targets = np.repeat(np.arange(4), 50)
    noisy = wrong_labels(targets, 0.2, 4, seed=3)
    assert (noisy != targets).sum() == 40
    assert set(np.unique(noisy)) == {0, 1, 2, 3}
    moved = (noisy - targets)[noisy != targets] % 4
    assert set(np.unique(moved)) == {1, 2, 3}  # every other class is hit
    assert np.array_equal(wrong_labels(targets, 0.0, 4), targets)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: change("rain", 1.0), "choose one of noise"),
        (lambda: change("noise", -1.0), "0 or more"),
        (lambda: change("dropped_bands", 1.5), "at most 1"),
        (lambda: wrong_labels(np.zeros(3, int), 1.0, 2), "below 1"),
        (lambda: wrong_labels(np.zeros(3, int), 0.5, 1), "at least 2 classes"),
    ],
)
def test_bad_input_is_one_clear_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
