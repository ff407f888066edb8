"""`LeakageExplorer` against the splits it shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_scene

from hsikit.explore import LeakageExplorer
from hsikit.explore.board import entries
from hsikit.explore.leakage_panel import COLOURS
from hsikit.explore.marks import rgb_of
from hsikit.splits import random_split


@pytest.fixture(scope="module")
def scene():
    scene = tiny_scene(rows=30, cols=40)
    first = np.where(np.arange(40) < 8, scene.labels, 0)
    last = np.where(np.arange(40) >= 25, scene.labels, 0)
    return replace(scene, masks={"sides": (first, last)})


@pytest.fixture
def explorer(scene):
    return LeakageExplorer(scene, window=3, buffer=5)


def test_numbers_are_those_of_the_split(explorer, scene):
    report = random_split(scene, train=0.10, seed=0).leakage(3)
    assert explorer.now.shared == report.shared > 0
    assert np.array_equal(explorer.now.codes, report.map())
    assert 0.3 < explorer.now.accuracy <= 1
    assert f"{100 * report.shared:.1f} %" in explorer.message


def test_shared_grows_with_the_window_and_masks_far_apart_share_nothing(explorer):
    shared = [m.shared for m in explorer.sweep((1, 3, 7))]
    assert shared == sorted(shared)
    assert shared[0] == 0
    apart = explorer.show("official sides", 7)
    assert apart.shared == 0
    assert explorer.kind == "official sides"
    assert {k for k, _ in explorer.done} == {"random", "official sides"}


def test_block_splits_share_nothing_up_to_their_buffer(explorer):
    try:
        inside = explorer.show("block", 5, buffer=5)
    except ValueError:
        pytest.fail("the miniature scene has room for blocks")
    assert inside.shared == 0
    assert inside.kind == "block, buffer 5"
    assert explorer.measure("block", 29, 5).shared > 0


def test_measurements_are_kept(explorer, monkeypatch):
    first = explorer.show(window=5)
    monkeypatch.setattr(explorer, "_accuracy", lambda *_: pytest.fail("measured twice"))
    assert explorer.show(window=5) is first


def test_bad_input_is_said(explorer, scene):
    with pytest.raises(ValueError, match="no labelled pixel"):
        LeakageExplorer(replace(scene, labels=np.zeros(scene.shape, int), masks={}))
    for wrong, said in (
        (lambda: explorer.show("magic"), "random, block"),
        (lambda: explorer.show(window=4), "odd"),
        (lambda: explorer.show(window=-1), "odd"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    assert explorer.window == 3


def test_widget_follows_and_complains_in_words(explorer):
    explorer.widget()
    chart, curve = explorer._view["map"], explorer._view["curve"]
    before = chart.picture
    explorer.window_slider.set_state({"value": 7})
    assert explorer.now.window == 7
    assert chart.picture != before
    shown = np.frombuffer(chart.picture, np.uint8).reshape(*explorer.scene.shape, 3)
    table = np.array([rgb_of(colour) for colour in COLOURS])
    assert np.array_equal(shown, table[explorer.now.codes])
    assert [ring["y"] for ring in curve.marks["rings"]] == [100 * explorer.now.accuracy, 100 * explorer.now.shared]
    assert np.frombuffer(curve.lines[0]["x"]).tolist() == [3, 7]
    explorer.kind_menu.set_state({"index": explorer.kinds.index("official sides")})
    assert explorer.now.kind == "official sides"
    explorer.kind_menu.set_state({"index": 1})
    explorer.buffer_slider.set_state({"value": 29})  # no room for that
    assert explorer.buffer == explorer.buffer_slider.value
    assert explorer.failures == []
    assert explorer._line.value
    explorer.static()


def test_a_kind_of_split_has_one_line_of_the_legend_for_both_of_its_curves():
    explorer = LeakageExplorer(tiny_scene())
    explorer.sweep((1, 3))
    explorer.show("few_shot", 3)
    listed = [entry.label for entry in entries(explorer._charts()["curve"])]
    assert listed == ["random", explorer.now.kind]
