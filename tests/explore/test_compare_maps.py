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
from hsikit.explore.compare_marks import AROUND, COLOURS, LETTERS, readable
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


def test_one_class_alone_is_counted_and_drawn(compare, scene, maps, hand):
    compare.show_classes({2})
    inside = np.where(scene.usable > 0, scene.usable == 2, (maps[0] == 2) | (maps[1] == 2))
    assert np.array_equal(compare.shown, inside)
    assert sum(compare.counts().values()) == inside.sum()
    live = hand(compare)
    pictures = [live.colours(name) / 255 for name in ("a", "b", "kinds")]
    assert np.allclose(pictures[0][inside & (maps[0] == 2)], to_rgb(scene.colors[1]))
    assert np.allclose(pictures[0][~inside], 1)
    gained = inside & (compare.kinds == KINDS.index("gained"))
    assert np.allclose(pictures[2][gained], to_rgb(COLOURS[KINDS.index("gained")]))
    compare.static()
    compare.show_classes()
    assert len(compare.classes_shown) == 3


def test_picks_and_lassos_say_what_both_maps_answer(compare, scene, maps):
    assert compare.pick(20, 5) == fields(scene.usable)[20, 5]
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


def test_widget_links_the_three_maps(compare, hand):
    live = hand(compare)
    live.click("kinds", 5, 20)
    assert compare.place == (20, 5)
    rings = [live.view[name].marks["rings"] for name in ("a", "b", "kinds")]
    assert [[(r["x"], r["y"], r["symbol"]) for r in found] for found in rings] == [[(5, 20, "cross")]] * 3
    compare.tool.set_state({"index": 2})
    assert {live.view[name].tool for name in ("a", "b", "kinds")} == {"box"}
    live.draw("a", [(2.6, 9.6), (8.4, 9.6), (8.4, 15.4), (2.6, 15.4)])
    assert "36 px" in compare.message
    compare.chooser.set_state({"index": 1})
    assert compare.classes_shown == {1}
    assert len({live.view[name].head["cols"] for name in ("a", "b", "kinds")}) == 1
    compare.go_to.set_state({"value": "2, 5"})
    assert compare.place[0] == 2
    assert compare.failures == []


def test_the_field_of_a_pick_is_outlined_along_its_pixels(compare, scene, hand):
    live = hand(compare)
    live.click("a", 5, 20)
    field = compare.fields == compare.fields[compare.place]
    outline = live.view["b"].marks["outlines"][0]
    x, y = (np.frombuffer(outline[name], kind).reshape(-1, 3) for name, kind in (("x", float), ("y", np.float32)))
    sides = {tuple(np.round([*sorted(a[:2]), *sorted(b[:2])], 1).tolist()) for a, b in zip(x, y)}
    wanted = set()
    for r, c in np.argwhere(field):
        for dr, dc in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            rr, cc = r + dr, c + dc
            if not (0 <= rr < scene.shape[0] and 0 <= cc < scene.shape[1]) or not field[rr, cc]:
                middle = (r + rr) / 2, (c + cc) / 2
                wanted.add((middle[1], middle[1], r - 0.5, r + 0.5) if dc else (c - 0.5, c + 0.5, middle[0], middle[0]))
    assert sides == wanted


def test_legend_fields_and_double_clicks(compare, hand):
    live = hand(compare)
    live.send("a", "class", class_id=2, ctrl=False)
    assert compare.classes_shown == {2}
    live.send("a", "class", class_id=3, ctrl=True)
    assert compare.classes_shown == {2, 3}
    live.send("a", "class", class_id=2, ctrl=True)
    live.send("a", "class", class_id=3, ctrl=False)  # the one that is shown alone: all again
    assert compare.classes_shown == {1, 2, 3}
    table = compare.per_field()
    live.send("fields", "click", x=0, y=0, ctrl=False, index=1)
    assert compare.fields[compare.place] == table.index[1]
    share = 100 * table.iloc[1][["share_a", "share_b"]].to_numpy(float)
    assert [(r["x"], r["y"]) for r in live.view["fields"].marks["rings"]] == [pytest.approx(tuple(share))]
    before = compare.place
    live.click("b", 2, 3)
    live.send("b", "double")
    assert compare.place == before
    live.send("fields", "click", x=0, y=0, ctrl=False, index=-1)
    assert compare.place == before
    assert compare.failures == []


def test_bars_are_what_was_gained_and_lost(compare, hand):
    boxes = hand(compare).view["classes"].marks["boxes"]
    table = compare.per_class()
    assert [box["x1"] for box in boxes[::2]] == table["gained"].tolist()
    assert [-box["x0"] for box in boxes[1::2]] == table["lost"].tolist()


@given(st.lists(st.integers(0, 500), min_size=1, max_size=26), st.integers(100, 250))
def test_numbers_beside_bars_never_stand_upon_each_other(values, high):
    written = readable(values, high)
    assert all(values[place] for place in written)
    row = (high - AROUND) / len(values)
    assert all(abs(a - b) * row >= LETTERS - 1e-9 for a in written for b in written if a != b)
    if any(values):
        assert values[written[0]] == max(values)
