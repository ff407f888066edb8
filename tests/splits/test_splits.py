"""Splits: disjoint, exact, stratified, buffered, reproducible, for any label map."""

import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from hsikit.scenes.scene import Scene
from hsikit.splits import (
    MAP_CODES,
    Split,
    SplitError,
    block_split,
    east_west_split,
    few_shot_split,
    field_split,
    make_split,
    official_split,
    random_split,
    split_name,
    west_east_split,
)
from hsikit.splits.fields import _partition, find_partition, geometry_hash
from hsikit.splits.split import chebyshev

quick = settings(max_examples=30, deadline=None)
maps = hnp.arrays(
    np.int16, st.tuples(st.integers(6, 24), st.integers(6, 24)), elements=st.integers(0, 3), fill=st.just(0)
)


def scene_of(labels, valid=None, masks=None, classes=None) -> Scene:
    labels = np.asarray(labels)
    names = [f"class {c}" for c in range(1, (classes or max(1, labels.max())) + 1)]
    return Scene("mini", np.zeros((*labels.shape, 2), np.float32), labels, names, valid=valid, masks=masks or {})


def patchwork(rows=60, cols=60, field=10, classes=3, seed=0) -> Scene:
    """Square fields of random classes, a lane of unlabelled pixels between them."""
    coarse = np.random.default_rng(seed).integers(1, classes + 1, (rows // field, cols // field))
    labels = np.kron(coarse, np.ones((field, field), int))
    labels[::field] = labels[:, ::field] = 0
    return scene_of(labels, classes=classes)


def quietly(splitter, *args, **kwargs) -> Split | None:
    """The split without its warnings, or None where the scene allows none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return splitter(*args, **kwargs)
        except SplitError:
            return None


def same(a: Split, b: Split) -> bool:
    return all(np.array_equal(a.indices(p), b.indices(p)) for p in ("train", "val", "test"))


def assert_sound(split: Split, scene: Scene) -> None:
    """What every split must keep, checked apart from the class's own checks."""
    parts = [set(split.indices(p).tolist()) for p in ("train", "val", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts))
    usable = scene.usable.ravel()
    for part in ("train", "val", "test"):
        indices = split.indices(part)
        assert indices.dtype == np.int64
        assert np.all(np.diff(indices) > 0)
        assert not indices.flags.writeable
        assert np.array_equal(split.y(part), usable[indices])
        assert (split.y(part) > 0).all()
    assert set(split.y("test")) <= set(split.y("train"))
    assert not set(split.dropped_classes) & set(np.unique(split.labels))


def assert_buffered(split: Split, patch: int) -> None:
    """No pixel of one part is nearer than `patch` to a pixel of another, by brute force."""
    spots = {p: split.rowcol(p) for p in ("train", "val", "test")}
    for a, b in (("train", "test"), ("val", "test"), ("train", "val")):
        if len(spots[a]) and len(spots[b]):
            assert cdist(spots[a], spots[b], "chebyshev").min() >= patch


# --- random, few-shot ----------------------------------------------------------------------------


@quick
@given(maps, st.floats(0.01, 0.9), st.sampled_from([0.0, 0.05]), st.integers(0, 5))
def test_random_is_disjoint_exact_and_stratified(labels, train, val, seed):
    scene = scene_of(labels, valid=np.arange(labels.size).reshape(labels.shape) % 7 > 0)
    split = quietly(random_split, scene, train, val, seed)
    counts = np.bincount(scene.usable.ravel(), minlength=scene.n_classes + 1)[1:]
    if split is None:
        assert (counts < 2).all()
        return
    assert_sound(split, scene)
    assert same(split, quietly(random_split, scene, train, val, seed))
    for c, n in enumerate(counts, start=1):
        budget = 0 if n < 2 else max(1, min(round(train * n), n - 1))
        held = max(1, round(val * budget)) if val and budget >= 5 else 0
        assert [split.counts(p)[c - 1] for p in ("train", "val", "test")] == [
            budget - held,
            held,
            n - budget if n > 1 else 0,
        ]


def test_random_counts_per_class_and_seeds():
    scene = patchwork()
    a, b = random_split(scene, 20, val=0.1, seed=0), random_split(scene, 20, val=0.1, seed=1)
    assert a.name == "random_20px"
    assert a.counts("train").tolist() == [18, 18, 18]
    assert a.counts("val").tolist() == [2, 2, 2]
    assert a.n_train + a.n_val + a.n_test == np.count_nonzero(scene.usable)
    assert not same(a, b)
    assert random_split(scene, 0.1).name == "random_10"
    assert random_split(scene, 0.1, val=0).n_val == 0


def test_indexing_with_lists_does_not_make_training_equal_test():
    """Lists used as an index select whole rows and give training = test; indices here are flat arrays."""
    scene = patchwork()
    split = random_split(scene, 0.1, seed=0)
    assert not np.intersect1d(split.train, split.test).size
    assert split.n_train < 0.1 * split.n_test
    with pytest.raises(SplitError, match="two parts"):
        Split("copy", split.shape, split.train, split.val, split.train, split.labels, split.class_names, 0, 0)


def test_few_shot_has_a_fixed_count_and_no_validation():
    scene = patchwork()
    split = few_shot_split(scene, shots=7, seed=3)
    assert_sound(split, scene)
    assert (split.name, split.n_val, split.counts("train").tolist()) == ("shot_7", 0, [7, 7, 7])


def test_a_class_that_would_have_no_test_pixel_is_dropped_or_refused():
    labels = np.zeros((8, 8), int)
    labels[:4], labels[7, :5] = 1, 2
    with pytest.warns(UserWarning, match="2 \\(class 2\\) are left out"):
        split = few_shot_split(scene_of(labels), shots=5)
    assert split.dropped_classes == (2,)
    assert split.classes == (1,)
    with pytest.raises(SplitError, match="smaller budget"):
        few_shot_split(scene_of(labels), shots=5, on_impossible="error")
    with pytest.raises(SplitError, match=r"class 2\) has 5.*at most 4"):
        random_split(scene_of(labels), 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: random_split(s, 0.0), "train is 0.0"),
        (lambda s: random_split(s, 1.0), "train is 1.0"),
        (lambda s: random_split(s, -3), "train is -3"),
        (lambda s: random_split(s, float("nan")), "train is nan"),
        (lambda s: random_split(s, True), "train is True"),
        (lambda s: random_split(s, "a"), "train is 'a'"),
        (lambda s: random_split(s, 0.9, val=0.2), "train \\+ val is 1.1"),
        (lambda s: random_split(s, 0.1, val=1.0), "val is 1.0"),
        (lambda s: random_split(s, 0.1, val=-0.1), "val is -0.1"),
        (lambda s: random_split(s, seed=-1), "seed is -1"),
        (lambda s: random_split(s, 10**6), "1000000 pixels per class"),
        (lambda s: random_split(s, on_impossible="maybe"), "on_impossible is 'maybe'"),
        (lambda s: few_shot_split(s, 0), "shots is 0"),
        (lambda s: few_shot_split(s, 10**6), "at most"),
        (lambda s: block_split(s, patch=0), "patch is 0"),
        (lambda s: block_split(s, block=2.5), "block is 2.5"),
        (lambda s: block_split(s, 1.5), "train is 1.5"),
        (lambda s: block_split(s, patch=101), "no class of mini"),
        (lambda s: field_split(s, patch="11"), "patch is '11'"),
        (lambda s: field_split(s, train_share=0), "train_share is 0"),
        (lambda s: field_split(s, shots=-1), "shots is -1"),
        (lambda s: field_split(s, shots=5, train_share=0.5), "train_share left at 1"),
        (lambda s: field_split(s, patch=101), "no class of mini"),
        (lambda s: official_split(s, "masks_150"), "available: none"),
        (lambda s: west_east_split(s), "number of columns"),
        (lambda s: west_east_split(s, 20, 30, per_class=0), "per_class is 0"),
        (lambda s: east_west_split(s), "number of columns"),
        (lambda s: random_split(s).leakage(0), "patch is 0"),
        (lambda s: random_split(s).y("tset"), "part 'tset'"),
        (lambda s: make_split(s, {"kind": "feilds"}), "did you mean 'fields'"),
        (lambda s: make_split(s, {"kind": "fields", "pacth": 11}), "did you mean 'patch'"),
        (lambda s: make_split(s, {"train": 0.1}), "expected a mapping with a kind"),
        (lambda s: random_split(scene_of(np.zeros((5, 5), int))), "no pixel that is both valid and labelled"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*left out")
def test_bad_input_ends_in_one_clear_line(call, message):
    with pytest.raises(SplitError, match=message) as caught:
        call(patchwork())
    assert "\n" not in str(caught.value)


# --- disjoint splits -----------------------------------------------------------------------------


@quick
@given(maps, st.integers(1, 9), st.integers(0, 3), st.sampled_from([0.0, 0.2]))
def test_blocks_are_buffered_for_any_label_map(labels, patch, seed, val):
    scene = scene_of(labels)
    split = quietly(block_split, scene, 0.3, patch, val, seed)
    if split is None:
        return
    assert_sound(split, scene)
    assert_buffered(split, patch)
    assert split.leakage(patch).shared == 0
    budget = np.maximum(1, np.round(0.3 * np.bincount(labels.ravel(), minlength=scene.n_classes + 1)[1:]))
    assert np.all(split.counts("train") + split.counts("val") <= budget)
    assert same(split, quietly(block_split, scene, 0.3, patch, val, seed))


@settings(max_examples=15, deadline=None)
@given(maps, st.integers(1, 7), st.integers(0, 3))
def test_fields_are_whole_and_buffered_for_any_label_map(labels, patch, seed):
    scene = scene_of(labels)
    split = quietly(field_split, scene, patch, seed)
    if split is None:
        return
    assert_sound(split, scene)
    assert_buffered(split, patch)
    sides = np.zeros(labels.size, int)
    for code, part in enumerate(("train", "val", "test"), start=1):
        sides[split.indices(part)] = code
    for field in range(1, split.groups.max() + 1):
        assert len(set(sides[split.groups.ravel() == field]) - {0}) <= 1
    assert same(split, quietly(field_split, scene, patch, seed))


def test_disjoint_splits_differ_between_seeds():
    scene = patchwork(60, 60, 12)
    assert not same(quietly(block_split, scene, patch=5, seed=0), quietly(block_split, scene, patch=5, seed=1))
    assert not same(quietly(field_split, scene, patch=5, seed=0), quietly(field_split, scene, patch=5, seed=1))


def test_disjoint_splits_see_geometry_alone():
    """Another cube under the same labels gives the same parts."""
    scene = patchwork(60, 60, 12)
    other = Scene("other", np.random.default_rng(0).random((60, 60, 3)), scene.labels, scene.class_names)
    for splitter in (block_split, field_split):
        assert same(quietly(splitter, scene, patch=5), quietly(splitter, other, patch=5))


def test_training_share_thins_training_only_and_is_nested():
    scene = patchwork(60, 60, 12)
    full, half, quarter = (field_split(scene, 5, train_share=s) for s in (1.0, 0.5, 0.25))
    assert [full.name, half.name, quarter.name] == ["fields", "fields_50", "fields_25"]
    assert np.array_equal(full.test, quarter.test)
    assert set(quarter.train) < set(half.train) < set(full.train)
    assert np.allclose(half.counts("train"), full.counts("train") / 2, atol=0.51)


def test_shots_inside_training_fields_are_nested_and_leave_the_test_alone():
    scene = patchwork(60, 60, 12)
    full, ten, five = (field_split(scene, 5, shots=n) for n in (0, 10, 5))
    assert [full.name, ten.name, five.name] == ["fields", "fields_10px", "fields_5px"]
    assert np.array_equal(full.test, five.test)
    assert set(five.train) < set(ten.train) < set(full.train)
    assert set(five.counts("train")[five.counts("train") > 0]) == {5}
    assert five.n_val == 0
    assert five.leakage(patch=5).shared == 0.0


def test_the_buffer_takes_what_a_full_search_would():
    """Two classes of two fields in a row: the search finds the best of all assignments, tried one by one."""
    from itertools import product

    from hsikit.splits.fields import field_graph, search
    from hsikit.splits.pixels import fields

    labels = np.zeros((9, 60), int)
    for k, c in enumerate((1, 2, 1, 2, 1)):
        labels[:, 12 * k : 12 * k + 10] = c
    graph = field_graph(fields(labels), labels, patch=7)
    every = np.array(list(product(range(5), repeat=5))).T  # (field, assignment)
    assert graph.score(search(graph, seed=0)[:, None])[0] == pytest.approx(graph.score(every).max())


# --- published masks, regions --------------------------------------------------------------------


def masked_scene() -> Scene:
    labels = np.repeat([[1, 2, 3, 0]], 40, 0)
    train, test = labels.copy(), labels.copy()
    train[20:], test[:20] = 0, 0
    train[:, 2] = 0
    valid = np.ones(labels.shape, bool)
    valid[[0, 39]] = False
    return scene_of(labels, valid=valid, masks={"masks_20": (train, test)})


def test_official_keeps_valid_pixels_and_drops_untrained_classes():
    scene = masked_scene()
    with pytest.warns(UserWarning, match="3 \\(class 3\\)"):
        split = official_split(scene, "masks_20")
    assert_sound(split, scene)
    assert split.name == "masks_20"
    assert split.dropped_classes == (3,)
    assert (split.n_train, split.n_val, split.n_test) == (34, 4, 38)
    with pytest.raises(SplitError, match="available: masks_20"):
        official_split(scene, "masks_15")


@pytest.mark.filterwarnings("ignore:.*left out")
def test_official_validation_follows_the_seed_and_the_test_does_not():
    scene = masked_scene()
    a, b = (make_split(scene, {"kind": "official", "name": "masks_20"}, seed) for seed in (0, 1))
    assert np.array_equal(a.test, b.test)
    assert not np.array_equal(a.val, b.val)


def test_official_refuses_masks_that_contradict_the_labels_or_overlap():
    labels = np.repeat([[1, 2]], 10, 0)
    with pytest.raises(SplitError, match="20 of 20 pixels"):
        official_split(scene_of(labels, masks={"m": (3 - labels, labels)}), "m")
    with pytest.raises(SplitError, match="20 pixels are in both masks"):
        official_split(scene_of(labels, masks={"m": (labels, labels)}), "m")
    with pytest.raises(SplitError, match=r"mask is \(2, 2\)"):
        official_split(scene_of(labels, masks={"m": (labels[:2], labels)}), "m")


@quick
@given(maps, st.integers(2, 8), st.integers(0, 5))
def test_folds_deal_out_the_label_budget_and_nothing_of_the_test(labels, budget, seed):
    split = quietly(random_split, scene_of(labels), train=budget, val=0.3, seed=seed)
    if split is None:
        return
    spent = np.union1d(split.train, split.val)
    folds = [split.fold(k, of=2) for k in range(2)]
    assert not np.isin(np.concatenate([f.test for f in folds]), split.test).any()
    for fold in folds:
        assert np.isin(np.concatenate([fold.train, fold.val, fold.test]), spent).all()
        assert set(fold.y("test")) <= set(fold.y("train"))
        counts = np.bincount(fold.y("test"), minlength=9), np.bincount(split.labels.ravel()[spent], minlength=9)
        assert (np.abs(2 * counts[0] - counts[1])[counts[0] > 0] <= 1).all()  # half of each class, to a pixel
    assert len(np.intersect1d(folds[0].test, folds[1].test)) == 0
    assert np.isin(np.setdiff1d(spent, np.concatenate([f.test for f in folds])), split.train).all()


def test_folds_stay_while_the_validation_draw_moves_and_are_refused_where_sides_are_apart():
    scene = scene_of(
        np.ones((6, 8), int), masks={"halves": (np.arange(48).reshape(6, 8) % 2, np.arange(1, 49).reshape(6, 8) % 2)}
    )
    spec = {"kind": "official", "name": "halves", "val": 0.2}
    folds = [make_split(scene, spec | {"fold": 1}, seed) for seed in (0, 1)]
    assert np.array_equal(folds[0].test, folds[1].test)
    assert not np.array_equal(folds[0].val, folds[1].val)
    assert folds[0].name == split_name(spec | {"fold": 1}) == "halves, fold 1 of its budget"
    for wrong, message in ((4, "fold 4 of 4"), (-1, "number is -1"), ("x", "number is 'x'")):
        with pytest.raises(SplitError, match=message):
            make_split(scene, spec | {"fold": wrong})
    with pytest.raises(SplitError, match="fields keeps its sides apart"):
        make_split(scene, {"kind": "fields", "fold": 0})


def test_west_east_keeps_its_distance_and_its_cap():
    labels = np.kron(np.random.default_rng(0).integers(1, 4, (20, 20)), np.ones((3, 3), int))
    labels[:, 50:][labels[:, 50:] == 3] = 4
    scene = scene_of(labels)
    with pytest.warns(UserWarning, match="4 \\(class 4\\)"):
        split = west_east_split(scene, 30, 36, per_class=50)
    assert_sound(split, scene)
    assert split.patch == 7
    assert_buffered(split, 7)
    assert split.dropped_classes == (4,)
    assert split.rowcol("train")[:, 1].max() < 30
    assert split.rowcol("val")[:, 1].max() < 30
    assert split.rowcol("test")[:, 1].min() >= 36
    assert split.n_val > 0
    assert (split.counts("train") + split.counts("val")).max() <= 50


def test_east_west_is_west_east_of_the_mirrored_scene():
    labels = np.kron(np.random.default_rng(0).integers(1, 4, (20, 20)), np.ones((3, 3), int))
    scene, mirrored = scene_of(labels), scene_of(labels[:, ::-1])
    split = east_west_split(scene, 36, 30, per_class=5000)
    same = west_east_split(mirrored, 24, 30, per_class=5000)
    assert_sound(split, scene)
    assert_buffered(split, 7)
    assert split.patch == same.patch == 7
    assert split.rowcol("train")[:, 1].min() >= 36
    assert split.rowcol("test")[:, 1].max() < 30
    assert np.array_equal(split.mask("test"), same.mask("test")[:, ::-1])
    few, other = (east_west_split(scene, 36, 30, per_class=9, val=0.0, seed=seed) for seed in (0, 1))
    assert few.n_val == 0
    assert few.counts("train").tolist() == [9, 9, 9]
    assert not np.array_equal(few.train, other.train)
    assert np.array_equal(few.test, other.test)


# --- leakage -------------------------------------------------------------------------------------


@quick
@given(maps, st.sampled_from([1, 3, 5, 7]), st.integers(0, 3))
def test_leakage_equals_counting_shared_pixels(labels, patch, seed):
    """The reference paints every window and looks whether any pixel is in both."""
    scene = scene_of(labels)
    split = quietly(random_split, scene, 0.05, 0.0, seed)
    if split is None:
        return
    half, (rows, cols) = patch // 2, split.shape
    painted = np.zeros((rows + 2 * half, cols + 2 * half), bool)
    for r, c in split.rowcol("train"):
        painted[r : r + patch, c : c + patch] = True
    overlaps = np.array([painted[r : r + patch, c : c + patch].any() for r, c in split.rowcol("test")])
    report = split.leakage(patch)
    assert np.array_equal(report.overlaps, overlaps)
    assert report.shared == pytest.approx(overlaps.mean())
    assert np.array_equal(
        report.distance, cdist(split.rowcol("test"), split.rowcol("train"), "chebyshev").min(1).astype(int)
    )
    assert report.counts["shared"].sum() == overlaps.sum()
    assert np.array_equal(report.counts["train"], split.counts("train"))
    codes = np.bincount(report.map().ravel(), minlength=len(MAP_CODES))
    assert codes[1:].tolist() == [split.n_train, split.n_val, (~overlaps).sum(), overlaps.sum()]


def test_chebyshev_of_an_empty_mask_is_huge():
    assert chebyshev(np.zeros((3, 3), bool)).min() > 10**6


# --- the dataclass and its file ------------------------------------------------------------------


def parts_of(split: Split) -> dict:
    keys = ("name", "shape", "train", "val", "test", "labels", "class_names", "seed", "patch")
    return {key: getattr(split, key) for key in keys}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"train": p["train"][::-1]}, "not sorted"),
        (lambda p: {"train": np.repeat(p["train"], 2)}, "not sorted or repeats"),
        (lambda p: {"train": p["train"].astype(float)}, "expected flat indices"),
        (lambda p: {"train": p["train"][None]}, "expected flat indices"),
        (lambda p: {"test": np.array([-1, 0])}, "outside the scene"),
        (lambda p: {"test": np.array([10**7])}, "outside the scene"),
        (lambda p: {"test": np.array([], int)}, "0 test pixels"),
        (lambda p: {"val": p["train"]}, "two parts"),
        (lambda p: {"labels": p["labels"] * 0}, "expected 1 to 3"),
        (lambda p: {"labels": p["labels"][1:]}, "rows and columns must agree"),
        (lambda p: {"val": p["val"][1:]}, "set them to 0"),
        (lambda p: {"dropped_classes": (1,)}, "dropped classes"),
    ],
)
def test_a_split_refuses_what_is_no_split(change, message):
    fields = parts_of(random_split(patchwork(), 0.1))
    with pytest.raises(SplitError, match=message):
        Split(**{**fields, **change(fields)})


def test_untrained_classes_must_be_declared():
    split = random_split(patchwork(), 0.1)
    unseen = split.without_training([2])
    assert unseen.classes == (1, 3)
    assert unseen.unseen_classes == (2,)
    assert np.array_equal(unseen.test, split.test)
    with pytest.raises(SplitError, match=r"\[2\] are tested but never trained"):
        Split(**parts_of(unseen))
    with pytest.raises(SplitError, match=r"\[9\] are not trained"):
        split.without_training([9])


def test_parts_are_named_and_counted():
    split = random_split(patchwork(), 0.1)
    assert [split.n_train, split.n_val, split.n_test] == [split.mask(p).sum() for p in ("train", "val", "test")]
    row, col = split.rowcol("val").T
    assert np.array_equal(split.labels[row, col], split.y("val"))
    assert "random_10" in repr(split)
    assert "% of" in repr(split.leakage(5))


@pytest.mark.parametrize("splitter", [random_split, block_split, field_split])
@pytest.mark.filterwarnings("ignore:.*left out")
def test_saved_splits_come_back_whole(splitter, tmp_path):
    scene = patchwork(60, 60, 12)
    split = splitter(scene)
    back = Split.load(split.save(tmp_path / "deep" / "split.npz"), scene)
    assert same(split, back)
    assert np.array_equal(split.groups, back.groups)
    for key in ("name", "shape", "class_names", "seed", "patch", "dropped_classes", "scene_hash"):
        assert getattr(split, key) == getattr(back, key)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["split.npz"]


def test_a_saved_split_refuses_other_scenes_and_broken_files(tmp_path):
    scene = patchwork()
    path = random_split(scene).save(tmp_path / "split.npz")
    with pytest.raises(SplitError, match="made for a scene with hash"):
        Split.load(path, patchwork(seed=1))
    with pytest.raises(SplitError, match="no split at"):
        Split.load(tmp_path / "nothing.npz", scene)
    whole = path.read_bytes()
    for broken in (whole[:100], b"", b"plain text"):
        path.write_bytes(broken)
        with pytest.raises(SplitError, match="not a saved split"):
            Split.load(path, scene)
    np.savez(path, train=np.arange(3))
    with pytest.raises(SplitError, match="it lacks name"):
        Split.load(path, scene)
    np.savez(path, train=np.array([{}], object))
    with pytest.raises(SplitError, match="not a saved split"):
        Split.load(path, scene)


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="no space"):
        random_split(patchwork()).save(tmp_path / "split.npz")
    assert list(tmp_path.iterdir()) == []


# --- configurations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"kind": "random", "train": 0.10}, "random_10"),
        ({"kind": "random", "train": 0.05, "val": 0.0}, "random_5"),
        ({"kind": "block", "train": 0.10, "patch": 5}, "block_10"),
        ({"kind": "fields", "patch": 5, "partition": 1}, "fields"),
        ({"kind": "fields", "patch": 5, "train_share": 0.25}, "fields_25"),
        ({"kind": "fields", "patch": 5, "shots": 5}, "fields_5px"),
        ({"kind": "few_shot", "shots": 20}, "shot_20"),
        ({"kind": "west_east", "train_cols_below": 30, "test_cols_from": 34}, "west_east"),
        ({"kind": "east_west", "train_cols_from": 34, "test_cols_below": 30}, "east_west"),
        ({"kind": "official", "name": "masks_5"}, "masks_5"),
        ({"kind": "official"}, "official"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*left out")
def test_make_split_and_its_name(spec, name):
    scene = patchwork(60, 60, 12)
    train, test = scene.labels.copy(), scene.labels.copy()
    train[30:], test[:30] = 0, 0
    scene = scene_of(scene.labels, masks={"masks_5": (train, test)})
    a, b = make_split(scene, spec, seed=0), make_split(scene, spec, seed=1)
    assert a.name == split_name(spec) == name
    assert_sound(a, scene)
    fixed = spec["kind"] in ("fields", "west_east", "east_west", "official")
    assert np.array_equal(a.test, b.test) == fixed


# --- real scenes ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def indian_pines() -> Scene:
    from hsikit.scenes import load_scene

    return load_scene("indian_pines")


def test_indian_pines_random_windows_overlap(indian_pines):
    split = random_split(indian_pines, 0.10, seed=0)
    assert split.n_train + split.n_val == 1025
    assert split.n_test == 10249 - 1025
    assert split.leakage(7).shared == pytest.approx(0.999, abs=5e-4)


@pytest.mark.parametrize(
    ("patch", "impossible"), [(7, {7}), (11, {1, 7, 9}), (15, {1, 7, 9, 16}), (25, {1, 4, 7, 9, 16})]
)
def test_indian_pines_classes_that_fit_on_one_side_only(indian_pines, patch, impossible):
    spans = {c: np.ptp(np.argwhere(indian_pines.labels == c), axis=0).max() for c in range(1, 17)}
    assert {c for c, span in spans.items() if span < patch} == impossible
    with pytest.warns(UserWarning, match="are left out"):
        split = block_split(indian_pines, 0.10, patch, seed=0)
    assert_buffered(split, patch)
    assert impossible <= set(split.dropped_classes)
    if patch < 25:
        assert set(split.dropped_classes) == impossible
    with pytest.raises(SplitError, match="a smaller patch"):
        block_split(indian_pines, 0.10, patch, on_impossible="error")


@pytest.mark.parametrize("patch", [11, 15])
def test_indian_pines_fields_come_with_the_package(indian_pines, patch):
    with pytest.warns(UserWarning, match="are left out"):
        split = field_split(indian_pines, patch)
    assert_buffered(split, patch)
    assert split.classes == (2, 3, 5, 6, 10, 11, 12, 14, 15)
    tested = split.counts("test")[np.array(split.classes) - 1]
    assert tested.min() >= 20
    assert split.n_test > 4000
    assert split.counts("train")[np.array(split.classes) - 1].min() >= 20
    assert split.n_val > 100


def test_the_shipped_partition_is_what_the_search_finds(indian_pines):
    """About two seconds: the file is a stored result, not a source of its own."""
    assert np.array_equal(_partition(indian_pines, 11, 0), find_partition(indian_pines.usable, 11, 0))


def test_the_shipped_partition_belongs_to_its_labels_only(indian_pines):
    labels = np.flipud(indian_pines.labels)[:60, :60]
    assert geometry_hash(labels) != geometry_hash(indian_pines.usable)
    other = Scene("indian_pines", np.zeros((60, 60, 2)), labels, indian_pines.class_names)
    assert _partition(other, 11, 0).shape == (60, 60)


muufl = pytest.mark.skipif(
    not (Path(os.environ.get("HSIKIT_DATA", "/nowhere")) / "muufl_subset").is_dir(),
    reason="HSIKIT_DATA names no folder with muufl_subset",
)


@muufl
def test_muufl_subset_west_east_and_masks():
    from hsikit.scenes import load_scene

    scene = load_scene("muufl_subset")
    with pytest.warns(UserWarning, match="cloth panels"):
        split = west_east_split(scene)
    assert (split.n_test, split.patch) == (7428, 11)
    assert_buffered(split, 11)
    assert len(split.classes) == 8
    masks = official_split(scene, "masks_150", val=0.0)
    assert (masks.n_train, masks.n_test) == (564, 14917)
    assert masks.leakage(11).shared == pytest.approx(0.985, abs=5e-4)


@pytest.mark.parametrize("make", [lambda s: random_split(s, train=0.3, seed=1), lambda s: few_shot_split(s, 8, seed=1)])
def test_pixels_of_one_measurement_stand_once_in_one_part(make):
    rng = np.random.default_rng(0)
    gt = np.repeat([1, 2, 3], 200).reshape(20, 30)
    own = (np.arange(600).reshape(20, 30) // 3).astype(np.int32)  # three pixels a measurement
    own[:, -1] = -1  # no measurement known
    here = Scene("repeats", rng.random((20, 30, 4)), gt, ["a", "b", "c"])
    whole, split = make(here), make(replace(here, source_pixel=own))
    kept = np.concatenate([split.train, split.val, split.test])
    known = own.ravel()[kept][own.ravel()[kept] >= 0]
    assert len(known) == len(set(known.tolist()))
    everything = np.concatenate([whole.train, whole.val, whole.test])
    assert set(known.tolist()) == set(own.ravel()[everything].tolist()) - {-1}  # none is lost
    np.testing.assert_array_equal(np.isin(split.train, whole.train), True)


def test_a_warning_points_at_the_line_that_called_the_package():
    scene = patchwork(60, 60, 12)
    usable = scene.labels.copy()
    usable[:3, :3] = 9  # a class that cannot be on both sides
    other = Scene("other", scene.hsi, usable, [f"class {c}" for c in range(1, 10)])
    for call in (lambda: field_split(other, patch=5), lambda: make_split(other, {"kind": "fields", "patch": 5})):
        with pytest.warns(UserWarning, match="are left out") as caught:
            call()
        assert {w.filename for w in caught} == {__file__}
