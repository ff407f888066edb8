"""`CompareMaps`: kinds, counts per class and per field, against loops; mouse and bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from tiny import tiny_scene, tiny_split

from hsikit.areas import per_field_accuracy
from hsikit.explore import CompareMaps
from hsikit.explore.compare_maps import KINDS, kinds_of
from hsikit.explore.compare_view import COLOURS
from hsikit.splits.pixels import fields


@pytest.fixture(scope="module")
def scene():
    return tiny_scene(holes=True)


@pytest.fixture(scope="module")
def maps(scene):
    draw = np.random.default_rng(3)
    wrong = draw.integers(1, 4, scene.shape)
    right = np.repeat(np.arange(24) * 3 // 24 + 1, 20).reshape(scene.shape)  # the stripes, unlabelled pixels too
    return [np.where(scene.valid, np.where(draw.random(scene.shape) < share, right, wrong), 0).astype(int)
            for share in (0.6, 0.8)]  # fmt: skip


@pytest.fixture
def compare(maps, scene):
    return CompareMaps(*maps, scene, names=("first", "second"))


def kind(truth: int, a: int, b: int) -> str:
    if a == b == 0:
        return "no answer"
    if truth == 0:
        return "same" if a == b else "differ, truth unknown"
    if a == b:
        return "same" if a == truth else "same, both wrong"
    return "lost" if a == truth else "gained" if b == truth else "differ, both wrong"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=30))
def test_every_pixel_is_of_the_kind_a_slow_reference_says(pixels):
    truth, a, b = np.array(pixels).T[:, None]
    assert [KINDS[k] for k in kinds_of(truth, a, b)[0]] == [kind(*p) for p in pixels]


def test_gained_and_lost_per_class_are_counts_of_pixels(compare, maps, scene):
    table, truth = compare.per_class(), scene.usable
    for c in (1, 2, 3):
        right = [(m == c) & (truth == c) for m in maps]
        line = table.loc[c]
        assert line["class"] == scene.class_names[c - 1]
        assert line["pixels"] == (truth == c).sum()
        assert (line["right_a"], line["right_b"]) == (right[0].sum(), right[1].sum())
        assert line["gained"] == (right[1] & ~right[0]).sum()
        assert line["lost"] == (right[0] & ~right[1]).sum()
    assert (table["right_b"] - table["right_a"] == table["gained"] - table["lost"]).all()
    assert f"gains {table['gained'].sum():,} and loses {table['lost'].sum():,}" in compare.summary()


def test_fields_are_those_of_per_field_accuracy(compare, maps, scene):
    known = scene.usable > 0
    groups = fields(scene.usable)[known]
    table = compare.per_field()
    for column, labels in zip(("share_a", "share_b"), maps):
        want = per_field_accuracy(scene.usable[known], labels[known], groups)
        assert np.array_equal(table.index, want.index)
        assert np.allclose(table[column], want["share"])
    assert np.allclose(table["change"], table["share_b"] - table["share_a"])


def test_a_split_scores_its_test_pixels_only(maps, scene):
    split = tiny_split(scene)
    table = CompareMaps(*maps, scene, split).per_class()
    assert np.array_equal(table["pixels"], split.counts("test"))
    changed = [m.copy() for m in maps]
    for m in changed:
        m.ravel()[split.train] = 1
    assert CompareMaps(*changed, scene, split).per_class().equals(table)


def test_one_class_alone_is_counted_and_drawn(compare, scene, maps):
    compare.show_classes({2})
    inside = np.where(scene.usable > 0, scene.usable == 2, (maps[0] == 2) | (maps[1] == 2))
    assert np.array_equal(compare.shown, inside)
    assert sum(compare.counts().values()) == inside.sum()
    pictures = [ax.images[0].get_array() for ax in compare.static().axes[:3]]
    assert np.allclose(pictures[0][inside & (maps[0] == 2)], to_rgb(scene.colors[1]))
    assert np.allclose(pictures[0][~inside], 1)
    gained = inside & (compare.kinds == KINDS.index("gained"))
    assert np.allclose(pictures[2][gained], to_rgb(COLOURS[KINDS.index("gained")]))
    compare.show_classes()
    assert len(compare.classes_shown) == 3


def test_picks_and_lassos_say_what_both_maps_answer(compare, scene, maps):
    place = compare.pick(20, 5)
    assert place.field == fields(scene.usable)[20, 5]
    assert f"first: {scene.class_names[maps[0][20, 5] - 1]}" in compare.message
    compare.static()
    outline = np.array([[2.5, 9.5], [8.5, 9.5], [8.5, 15.5], [2.5, 15.5]])
    found = compare.select_outline(outline)
    window = compare.kinds[10:16, 3:9]
    assert found == {k: int((window == i).sum()) for i, k in enumerate(KINDS)}
    assert compare.select_outline(np.array([[1, 1]])) == {}
    assert "drag around" in compare.message


def test_maps_without_a_scene_or_labels_are_compared_but_not_scored(maps, scene):
    for made in (CompareMaps(*maps), CompareMaps(*maps, replace(scene, labels=np.zeros(scene.shape, int)))):
        assert made.per_class().empty
        assert made.per_field().empty
        assert "No truth" in made.summary()
        assert made.counts()["differ, truth unknown"] == (maps[0] != maps[1]).sum()
        made.pick(0, 0)
        made.static()


def test_bad_input_is_said(compare, maps, scene):
    a, b = maps
    for wrong, said in (
        (lambda: CompareMaps(a[:3], b, scene), r"map a is \(3, 20\)"),
        (lambda: CompareMaps(a, b * 2, scene, names=("x", "y")), "map y must hold whole numbers 0 to 3"),
        (lambda: CompareMaps(a / 2, b, scene), "whole numbers"),
        (lambda: CompareMaps(a, b[:4]), "one size"),
        (lambda: CompareMaps(a / 2, b), "whole numbers"),
        (lambda: CompareMaps(a, b, scene, tiny_split(tiny_scene(rows=12))), "split was made for"),
        (lambda: compare.pick(99, 0), "outside the maps"),
        (lambda: compare.show_classes({7}), "1 to 3"),
        (lambda: compare.show_classes(set()), "1 to 3"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()


def test_widget_links_the_three_maps(compare, mouse):
    compare.widget()
    view = compare._view
    hand = mouse(view.pictures[2])
    before = hand.pixels()
    hand.click(5, 20)
    assert (compare.place.row, compare.place.col) == (20, 5)
    assert (hand.pixels() != before).any()
    crosses = [line.get_xydata().tolist() for line in view._marks if line.get_marker() == "+"]
    assert crosses == [[[5, 20]]] * 6
    compare.shape.set_state({"index": 1})
    hand.drag([(2.6, 9.6), (8.4, 15.4)])
    assert "36 px" in compare.message
    compare.chooser.set_state({"index": 1})
    assert compare.classes_shown == {1}
    view.pictures[0].set_xlim(0, 10)
    assert view.pictures[2].get_xlim() == (0, 10)
    compare.row.set_state({"value": 2})
    compare._widget.children[0].children[-1].click()
    assert compare.place.row == 2
    assert compare.failures == []
