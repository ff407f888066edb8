"""Linked explorers follow each other, across scenes of one grid, and let go again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances
from tiny import tiny_scene

from hsikit.explore import FeatureSpaceExplorer, LabelPainter, LeakageExplorer, SpectraExplorer, link
from hsikit.explore.spectra import Spectra


@pytest.fixture(scope="module")
def scene():
    return tiny_scene()


@pytest.fixture
def pair(scene):
    darker = replace(scene, hsi=0.5 * scene.hsi, name="darker")
    return SpectraExplorer(scene), FeatureSpaceExplorer(darker.hsi, darker.labels, darker, cap_per_class=None)


def test_places_and_selections_go_both_ways_once(pair, scene):
    spectra, cloud = pair
    revisions = []
    link(spectra, cloud)
    for panel in pair:
        panel.observe(lambda change: revisions.append(change["owner"]), "revision")
    row, col = np.argwhere(scene.labels == 2)[3]
    spectra.pick(int(row), int(col))
    assert cloud.pixels[cloud.lit].tolist() == [row * scene.shape[1] + col]
    assert revisions.count(spectra) == revisions.count(cloud) == 1
    row, col = np.argwhere(scene.labels == 3)[5]
    cloud.pick(int(row), int(col))
    assert spectra.current.pixels.tolist() == [[row, col]]
    mask = scene.labels == 1
    cloud.select_pixels(mask)
    assert np.array_equal(spectra.current.pixels, np.argwhere(mask & scene.valid))
    near = np.zeros(scene.shape, bool)
    near[2:6, 2:9] = True
    spectra.select(near)
    assert cloud.pixels[cloud.lit].tolist() == np.flatnonzero(near & (scene.labels > 0) & scene.valid).tolist()


def test_a_painter_shows_where_another_picked_and_another_what_the_picker_took(scene):
    painter, spectra = LabelPainter(scene), SpectraExplorer(scene)
    link(painter, spectra, what=("place",))
    before = painter.labels
    spectra.pick(5, 6)
    assert painter.place == (5, 6)
    assert painter.labels is before  # nothing is painted by it
    assert [(ring.x, ring.y) for ring in painter._charts()["map"].rings] == [(6, 5)]
    assert painter.message.startswith("(5, 6)")
    row, col = (int(v) for v in np.argwhere(scene.labels == 2)[0])
    painter.click(row, col, ctrl=True)
    assert spectra.current.pixels.tolist() == [[row, col]]


def test_they_let_go(pair, scene):
    spectra, cloud = pair
    let_go = link(spectra, cloud, what=("place",))
    let_go()
    spectra.pick(3, 3)
    assert not cloud.lit.any()


def test_maps_are_zoomed_together_in_the_browser(pair):
    spectra, cloud = pair
    link(spectra, cloud, what=("view",))
    spectra.pick(3, 3)
    assert not cloud.lit.any()  # the place was not asked for
    (found,) = [w for w in _instances.values() if type(w).__name__ == "Link"][-1:]
    assert found.source == (spectra._view["map"], "view")
    assert found.target == (cloud._view["map"], "view")


def test_what_one_of_them_refuses_is_its_message(scene):
    holed = replace(scene, valid=np.where(np.arange(scene.shape[1]) < 4, False, scene.valid))
    a, b = Spectra(scene), Spectra(holed)
    link(a, b)
    a.pick(3, 2)
    assert b.entries == ()
    assert "no measurement" in b.message


def test_what_cannot_be_linked_is_said(scene):
    a = Spectra(scene)
    for other, what, said in (
        (Spectra(tiny_scene(rows=12)), ("place",), "only one grid"),
        (Spectra(scene), ("mood",), "place, view, selection"),
        (LeakageExplorer(scene, window=3), ("place",), "has no pick"),
    ):
        with pytest.raises(ValueError, match=said):
            link(a, other, what)
