"""Scenes whose pixels repeat measurements: each is split once, on one side, a window apart, and counted once."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from hsikit.scenes.scene import Scene
from hsikit.splits import block_split, few_shot_split, field_split, official_split, random_split, west_east_split
from hsikit.splits.repeats import measured_once


def fields_of(rows=60, cols=80, field=10, seed=0) -> Scene:
    """Square fields of three classes with lanes between them; every 2 x 2 pixels repeat one measurement."""
    coarse = np.random.default_rng(seed).integers(1, 4, (rows // field, cols // field))
    labels = np.kron(coarse, np.ones((field, field), int))
    labels[::field] = labels[:, ::field] = 0
    row, col = np.mgrid[:rows, :cols]
    west = labels * (col < 30)
    return Scene(
        "fine", np.zeros((rows, cols, 2), np.float32), labels, ["a", "b", "c"],
        masks={"published": (west, labels - west)}, source_pixel=row // 2 * cols + col // 2,
    )  # fmt: skip


SPLITS = {
    "random": lambda scene: random_split(scene, 0.2),
    "few_shot": lambda scene: few_shot_split(scene, 15),
    "official": official_split,
    "block": lambda scene: block_split(scene, 0.2, patch=5),
    "fields": lambda scene: field_split(scene, patch=5),
    "west_east": lambda scene: west_east_split(scene, 30, 40, per_class=40),
}


@pytest.mark.parametrize("kind", SPLITS)
def test_a_measurement_is_split_once(kind):
    scene = fields_of()
    split = SPLITS[kind](scene)
    source = scene.source_pixel.ravel()[np.concatenate([split.train, split.val, split.test])]
    assert np.unique(source).size == source.size
    assert min(split.n_train, split.n_test) > 20
    assert set(np.unique(split.y("train"))) == {1, 2, 3}


@pytest.mark.parametrize("kind", ["block", "fields", "west_east"])
def test_windows_share_no_measurement(kind):
    scene = fields_of()
    split = SPLITS[kind](scene)
    pixels = np.argwhere(np.ones(scene.shape, bool)).reshape(*scene.shape, 2)
    reach = split.patch // 2

    def seen(part):  # raw pixels in any window of the part, counted the slow way
        found = set()
        for row, col in split.rowcol(part):
            window = pixels[max(0, row - reach) : row + reach + 1, max(0, col - reach) : col + reach + 1].reshape(-1, 2)
            found |= set(scene.source_pixel[window[:, 0], window[:, 1]].tolist())
        return found

    train, val, test = seen("train"), seen("val"), seen("test")
    assert not train & test
    assert not val & test
    assert not train & val


@pytest.mark.parametrize("kind", SPLITS)
def test_without_repeats_nothing_changes(kind):
    scene = fields_of()
    plain = SPLITS[kind](replace(scene, source_pixel=None))
    apart = SPLITS[kind](replace(scene, source_pixel=np.arange(scene.labels.size).reshape(scene.shape)))
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(apart.indices(part), plain.indices(part))


def test_a_budget_of_pixels_is_a_ceiling_of_measurements():
    scene = fields_of()
    split = few_shot_split(scene, 15)
    assert set(split.counts("train").tolist()) <= {12, 13, 14, 15}
    assert split.n_train + split.n_test == np.unique(scene.source_pixel[scene.labels > 0]).size


def test_the_first_part_keeps_a_measurement():
    source = np.array([[0, 0, 1, 1, 2, 2, -1, 3]])
    parts = {"train": np.array([1, 2]), "val": np.array([3, 4]), "test": np.array([0, 5, 7])}
    once = measured_once(source, parts, 0)
    assert {part: pixels.tolist() for part, pixels in once.items()} == {"train": [1, 2], "val": [4], "test": [7]}


def test_pixels_of_no_known_measurement_repeat_nothing():
    source = np.array([[-1, -1, -1, -1, 5, 5]])
    parts = {"train": np.array([0, 4]), "val": np.array([1]), "test": np.array([2, 3, 5])}
    once = measured_once(source, parts, 0)
    assert {part: pixels.tolist() for part, pixels in once.items()} == {"train": [0, 4], "val": [1], "test": [2, 3]}


def test_parts_are_kept_apart_by_a_window_and_the_spread():
    source = np.arange(40)[None] // 2
    parts = {"train": np.array([10]), "val": np.array([], int), "test": np.array([12, 14, 15, 16, 18])}
    once = measured_once(source, parts, 5)
    far = cdist(np.c_[once["test"]], [[10]], "chebyshev")
    assert far.min() >= 5 + 1
    assert once["test"].tolist() == [16, 18]
