"""Splits and maps as people hand them in: every form gives the same sides, and bad ones are one line."""

import numpy as np
import pytest
from scenes.miniature import UTM, grid, write_tiff

from hsikit.analysis.submitted import read_map, read_sides
from hsikit.scenes import Scene, write
from hsikit.splits import SplitError, random_split


@pytest.fixture
def scene() -> Scene:
    draw = np.random.default_rng(0)
    labels = np.repeat([1, 2, 3], 40).reshape(12, 10)
    return Scene("field", draw.normal(size=(12, 10, 4)), labels, ["a", "b", "c"], crs=UTM, transform=grid())


def test_every_form_of_a_split_gives_the_same_sides(scene, tmp_path):
    split = random_split(scene, train=0.3)
    train, test = (np.where(split.mask(part), scene.labels, 0).astype(np.uint8) for part in ("train", "test"))
    split.save(tmp_path / "own.npz")
    np.savez(tmp_path / "flat.npz", train=split.train, test=split.test)
    np.savez(tmp_path / "rasters.npz", train=train, test=test)
    for name, raster in (("train", train), ("test", test)):
        write_tiff(tmp_path / f"{name}.tif", raster, grid())
    forms = (split, tmp_path / "own.npz", str(tmp_path / "flat.npz"), tmp_path / "rasters.npz", (train, test),
             (split.train, split.test), f"{tmp_path}/train.tif,{tmp_path}/test.tif")  # fmt: skip
    for form in forms:
        sides = read_sides(form, scene)
        np.testing.assert_array_equal(sides.train, split.train)
        np.testing.assert_array_equal(sides.test, split.test)
        if sides.given is not None:
            np.testing.assert_array_equal(sides.given.ravel()[split.test], split.y("test"))
    assert read_sides((split.train, split.test), scene).given is None
    assert read_sides((train > 0, test > 0), scene).given is None
    assert read_sides(tmp_path / "own.npz", scene).scene_hash == scene.content_hash


def test_pixels_without_a_label_are_left_out_and_counted(scene):
    bare = Scene("bare", scene.hsi, np.where(np.arange(10) < 2, 0, scene.labels), ["a", "b", "c"])
    sides = read_sides((np.arange(0, 60), np.arange(60, 120)), bare)
    assert (sides.train.size, sides.test.size, sides.unlabelled) == (48, 48, 24)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda f: f / "none.npz", "cannot be read as an npz of arrays: it is missing"),
        (lambda f: np.savez(f / "a.npz", train=[1]) or f / "a.npz", "holds train; a split needs `train` and `test`"),
        (lambda f: "a.tif", "expected split.npz, or two rasters"),
        (lambda f: "a.tif,b.tif,c.tif", "expected split.npz, or two rasters"),
        (lambda f: (np.array([1, 500]), np.array([2])), "train names pixels outside field"),
        (lambda f: (np.array([0.5]), np.array([2])), "train is float64"),
        (lambda f: (np.ones((3, 3)), np.array([2])), r"train is \(3, 3\), field is \(12, 10\)"),
        (lambda f: np.savez(f / "a.npz", train=[1], test=[2], shape=[5, 5]) or f / "a.npz", r"of a scene of \(5, 5\)"),
        (lambda f: (np.array([], int), np.array([2])), "0 train pixels, of which field labels none"),
    ],
)  # fmt: skip
def test_a_split_that_cannot_be_read_is_one_line(scene, tmp_path, make, says):
    with pytest.raises(SplitError, match=says) as caught:
        read_sides(make(tmp_path), scene)
    assert "\n" not in str(caught.value)


def test_every_form_of_a_map_gives_the_same_classes(scene, tmp_path):
    answers = np.roll(scene.labels, 1, 0)
    np.savez(tmp_path / "map.npz", labels=answers)
    np.save(tmp_path / "map.npy", answers)
    write.write_map(tmp_path / "map.tif", answers, scene)
    for form in (answers, answers.astype(float), tmp_path / "map.npz", tmp_path / "map.npy", tmp_path / "map.tif"):
        found, noticed = read_map(form, scene)
        np.testing.assert_array_equal(found, answers)
        assert noticed == ""


def test_a_map_whose_names_stand_in_another_order_is_read_by_its_names(scene, tmp_path):
    other = Scene("other", scene.hsi, 4 - scene.labels, ["c", "b", "a"], crs=UTM, transform=grid())
    write.write_map(tmp_path / "map.tif", other.labels, other)
    found, noticed = read_map(tmp_path / "map.tif", scene)
    np.testing.assert_array_equal(found, scene.labels)
    assert "another order" in noticed


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda f: np.ones((3, 3)), r"the map is \(3, 3\), field is \(12, 10\)"),
        (lambda f: np.full((12, 10), 4), "runs from 4 to 4, expected 0 to 3"),
        (lambda f: np.full((12, 10), 0.5), "no classes"),
        (lambda f: np.full((12, 10), np.nan), "no classes"),
        (lambda f: np.savez(f / "a.npz", scores=[1]) or f / "a.npz", "holds scores; a map needs `labels`"),
        (lambda f: f / "none.tif", "is missing"),
    ],
)
def test_a_map_that_cannot_be_read_is_one_line(scene, tmp_path, make, says):
    with pytest.raises(ValueError, match=says) as caught:
        read_map(make(tmp_path), scene)
    assert "\n" not in str(caught.value)
