"""`SpectraExplorer` driven as a script does and, by canvas messages and control states, as a browser does."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_scene

from hsikit.explore import SpectraExplorer
from hsikit.explore.spectra_view import runs
from hsikit.spectra import ndvi, spectral_angle


@pytest.fixture
def scene():
    return tiny_scene(holes=True)


@pytest.fixture
def explorer(scene):
    return SpectraExplorer(scene)


# --- state, as a script drives it ----------------------------------------------------------------


def test_pick_gives_the_pixel_and_the_next_pick_replaces_it(explorer, scene):
    assert explorer.current is None
    first = explorer.pick(2, 7)
    assert np.array_equal(first.mean, scene.hsi[2, 7].astype(float))
    assert first.std is None
    assert first.pixels.tolist() == [[2, 7]]
    label = scene.labels[2, 7]
    assert first.class_name == (scene.class_names[label - 1] if label else "unlabelled")
    assert f"{first.class_name} (2, 7)" == first.name
    assert "height" in explorer.message or "channel 0" in explorer.message
    second = explorer.pick(20, 1)
    assert explorer.spectra == [second]


def test_kept_spectra_stay_are_named_coloured_removed_and_cleared(explorer):
    explorer.pick(2, 7)
    explorer.keep("mine", "red")
    explorer.pick(20, 1)
    explorer.keep()
    explorer.pick(21, 1)
    assert [s.kept for s in explorer.spectra] == [True, True, False]
    assert explorer.spectra[0].name == "mine"
    assert explorer.spectra[0].colour == "#ff0000"
    assert len({s.colour for s in explorer.spectra}) == 3
    explorer.remove(1)
    assert [s.pixels[0].tolist() for s in explorer.spectra] == [[2, 7], [21, 1]]
    explorer.change(1, name="other")
    assert explorer.spectra[1].kept
    explorer.clear()
    assert explorer.spectra == []


def test_select_is_mean_and_deviation_of_valid_pixels(explorer, scene):
    mask = np.zeros(scene.shape, bool)
    mask[2:5, 3:6] = True
    area = explorer.select(mask)
    values = scene.hsi[mask & scene.valid].astype(float)
    assert len(area.pixels) == len(values) < mask.sum()
    assert np.allclose(area.mean, values.mean(0))
    assert np.allclose(area.std, values.std(0, ddof=1))


def test_an_empty_selection_is_a_message(explorer, scene):
    before = explorer.pick(0, 0)
    assert explorer.select(np.zeros(scene.shape, bool)) is None
    assert "No pixel" in explorer.message
    assert explorer.select_outline(np.array([[1.0, 1.0]])) is None
    assert explorer.current is before


def test_bands_and_pictures(explorer, scene):
    assert explorer.mode == "true colour"
    assert np.allclose(explorer.picture()[scene.valid], scene.rgb()[scene.valid], atol=1e-5)
    assert (explorer.picture()[~scene.valid] == 1).all()
    explorer.show("colour infrared")
    assert [round(explorer.x[b]) for b in explorer.rgb_bands] == [840, 660, 540]
    explorer.show_bands(700)
    assert explorer.band == scene.band_at(700)
    _, (low, high), _ = explorer.shown_values()
    grey = np.clip((scene.hsi[..., explorer.band] - low) / (high - low), 0, 1)
    assert np.allclose(explorer.picture()[scene.valid][:, 0], grey[scene.valid], atol=0.01)
    explorer.show_bands(500, 600, 700)
    assert explorer.mode == "three bands"
    explorer.show("NDVI")
    assert np.allclose(explorer.shown_values()[0], ndvi(scene.hsi, scene.wavelengths_nm), equal_nan=True)


def test_angle_map_follows_the_current_spectrum(explorer, scene):
    with pytest.raises(ValueError, match="pick a pixel"):
        explorer.show("spectral angle")
    explorer.pick(2, 2)
    explorer.show("spectral angle")
    for row, col in ((2, 2), (20, 15)):
        explorer.pick(row, col)
        shown = explorer.shown_values()[0]
        assert np.allclose(shown, spectral_angle(scene.hsi, scene.hsi[row, col]), equal_nan=True)
        assert np.nanargmin(shown) == row * scene.shape[1] + col
    explorer.clear()
    assert explorer.mode == "three bands"


def test_layers_blend_class_colours_and_lidar(explorer, scene):
    from matplotlib.colors import to_rgb

    explorer.set_layers(truth=1.0)
    for c, colour in enumerate(scene.colors, 1):
        assert np.allclose(explorer.picture()[scene.labels == c], to_rgb(colour), atol=1e-6)
    explorer.set_layers(truth=0, lidar=1.0)
    assert not np.allclose(explorer.picture(), SpectraExplorer(scene).picture())
    with pytest.raises(ValueError, match="0 to 1"):
        explorer.set_layers(truth=2)
    with pytest.raises(ValueError, match="channel 3"):
        explorer.set_layers(channel=3)


def test_class_means_and_continuum(explorer, scene):
    assert np.allclose(explorer.means[1], scene.hsi[scene.usable == 2].astype(float).mean(0))
    explorer.toggle_class(2)
    assert explorer.classes_shown == {2}
    explorer.toggle_class(2)
    assert explorer.classes_shown == set()
    with pytest.raises(ValueError, match="classes are 1 to 3"):
        explorer.toggle_class(9)
    explorer.set_continuum(True)
    assert np.nanmax(explorer.drawn(explorer.means)) <= 1 + 1e-9


def test_bad_bands(scene):
    hsi = scene.hsi.copy()
    hsi[..., 4] = 7
    waves = np.linspace(1300, 1500, scene.bands)
    explorer = SpectraExplorer(replace(scene, hsi=hsi, wavelengths_nm=waves))
    water = (waves >= 1350) & (waves <= 1430)
    assert explorer.bad.tolist() == (water | (np.arange(scene.bands) == 4)).tolist()
    assert runs(np.array([1, 1, 0, 1], bool)) == [(0, 1), (3, 3)]
    explorer.static()


def test_libraries_go_out_and_in(explorer, tmp_path):
    explorer.pick(2, 2)
    explorer.save(tmp_path / "a.csv")
    other = SpectraExplorer(explorer.scene)
    other.load(tmp_path / "a.csv")
    assert np.allclose(other.spectra[0].mean, explorer.spectra[0].mean)
    assert other.spectra[0].kept
    other.static()
    narrow = replace(explorer.scene, wavelengths_nm=None, hsi=explorer.scene.hsi[..., :5])
    with pytest.raises(ValueError, match="the scene 5"):
        SpectraExplorer(narrow).load(tmp_path / "a.csv")


def test_what_a_scene_lacks_is_said(scene):
    none = dict(wavelengths_nm=None, lidar=None, lidar_names=(), class_names=(), colors=())
    bare = replace(scene, labels=np.zeros(scene.shape, int), **none)
    explorer = SpectraExplorer(bare)
    assert explorer.mode == "three bands"
    for wrong, said in (
        (lambda: explorer.show("true colour"), "needs wavelengths"),
        (lambda: explorer.show("NDVI"), "wavelengths"),
        (lambda: explorer.set_layers(lidar=0.5), "no LiDAR"),
        (lambda: explorer.toggle_class(1), "classes are 1 to 0"),
        (lambda: explorer.show("x-ray"), "true colour"),
        (lambda: explorer.show_bands(1, 2), "2 bands"),
        (lambda: explorer.show_bands(1e9), "outside the bands"),
        (lambda: explorer.show_bands(float("nan")), "outside the bands"),
        (lambda: explorer.pick(-1, 0), "outside the scene"),
        (lambda: explorer.pick(4, 5), "no measurement"),
        (lambda: explorer.select(np.zeros((2, 2), bool)), "expected"),
        (lambda: explorer.keep(), "pick a pixel"),
        (lambda: explorer.remove(3), "no spectrum 3"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    explorer.pick(0, 0)
    with pytest.raises(ValueError, match="no colour"):
        explorer.keep(colour="blurple")
    assert "unlabelled" in explorer.message
    explorer.widget()
    explorer.static()


# --- the widget, as a browser drives it ----------------------------------------------------------


@pytest.fixture
def live(explorer, mouse):
    explorer.widget()
    yield explorer, mouse(explorer._view.map)
    assert explorer.failures == []


def test_a_click_picks_that_pixel_and_draws_its_spectrum(live, scene):
    explorer, hand = live
    before = hand.pixels()
    hand.click(15, 2)  # x = column, y = row
    assert explorer.current.pixels.tolist() == [[2, 15]]
    lines = [a for a in explorer._view._moving if a.axes is explorer._view.axes]
    assert np.allclose(lines[-1].get_ydata(), scene.hsi[2, 15])
    after = hand.pixels()
    assert (before != after).any()
    hand.canvas.draw()
    assert np.array_equal(hand.pixels(), after)  # the quick redraw equals a full one


def test_a_click_outside_valid_pixels_is_a_message(live):
    explorer, hand = live
    hand.click(5, 4)
    assert explorer.current is None
    assert "no measurement" in explorer._line.value


def test_lasso_selects_what_it_encloses_and_its_line_shows(live, scene):
    from matplotlib.path import Path

    explorer, hand = live
    around = [
        (2.5, 10.5),
        (12.5, 9.4),
        (13.4, 18.5),
        (3.4, 17.5),
    ]  # away from centres: mice count whole pixels
    before = hand.pixels()
    hand.press_and_move(around)
    assert (hand.pixels() != before).any()
    hand._send("button_release", *around[-1], 0)
    rows, cols = np.indices(scene.shape)
    inside = Path(around).contains_points(np.column_stack([cols.ravel(), rows.ravel()])).reshape(scene.shape)
    assert explorer.current.pixels.tolist() == np.argwhere(inside & scene.valid).tolist()
    assert not explorer._panel.gestures.line.get_visible()
    shown = hand.pixels()
    hand.canvas.draw()
    assert np.array_equal(hand.pixels(), shown)


def test_box_selects_a_rectangle(live, scene):
    explorer, hand = live
    explorer._panel.shape.set_state({"index": 1})
    hand.drag([(9.6, 7.6), (4.0, 16.0), (2.4, 12.4)])
    want = [[r, c] for r in range(8, 13) for c in range(3, 10)]
    assert explorer.current.pixels.tolist() == want


def test_a_drag_off_the_map_and_an_empty_one(live):
    explorer, hand = live
    hand.drag([(17.6, 20.6), (40.0, 20.6), (40.0, 60.0), (17.6, 60.0)])
    assert explorer.current.pixels.min(0).tolist() == [21, 18]
    hand.drag([(4.1, 3.1), (7.8, 3.2), (7.8, 4.8)])  # no valid pixel in there
    assert "No pixel" in explorer._line.value


def test_sliders_menus_and_boxes_reach_the_state(live):
    explorer, hand = live
    panel = explorer._panel
    before = hand.pixels()
    panel.cursor.set_state({"value": 690.0})
    assert (explorer.mode, explorer.band) == ("one band", 8)
    assert panel.cursor.value == explorer.x[8]
    assert (hand.pixels() != before).any()
    panel.mode.set_state({"index": 1})
    assert explorer.mode == "colour infrared"
    panel.rgb[0].set_state({"value": 500.0})
    assert explorer.mode == "three bands"
    assert explorer.rgb_bands[0] == explorer.band_at(500)
    panel.truth.set_state({"value": 0.5})
    panel.lidar.set_state({"value": 0.5})
    assert (explorer.truth_opacity, explorer.lidar_opacity) == (0.5, 0.5)
    panel.classes[3][0].set_state({"value": True})
    assert explorer.classes_shown == {3}
    panel.continuum.set_state({"value": True})
    assert explorer.continuum
    panel.mode.set_state({"index": 4})
    assert "pick a pixel" in explorer._line.value


def test_the_list_is_managed_by_keyboard_alone(live):
    explorer, _ = live
    panel = explorer._panel
    panel.row.value, panel.col.value = 20, 3
    panel.pick.click()
    panel.name.value = "shore"
    panel.colour.value = "#123456"
    assert (explorer.current.name, explorer.current.colour, explorer.current.kept) == (
        "shore",
        "#123456",
        True,
    )
    panel.row.value = 21
    panel.pick.click()
    panel.keep.click()
    assert len(explorer.spectra) == 2
    panel.listed.value = 0
    assert panel.name.value == "shore"
    panel.remove.click()
    assert [s.pixels.tolist() for s in explorer.spectra] == [[[21, 3]]]
    panel.file.value = "nowhere.txt"
    panel.save.click()
    assert ".txt" in explorer._line.value
    panel.clear.click()
    assert explorer.spectra == []


def test_a_click_on_the_spectrum_moves_the_cursor(live, mouse):
    explorer, _ = live
    mouse(explorer._view.axes).click(600, np.mean(explorer.span))
    assert (explorer.mode, explorer.band) == ("one band", explorer.band_at(600))


def test_scripts_move_the_controls_too(live):
    explorer, _ = live
    explorer.show_bands(800)
    explorer.toggle_class(1)
    explorer.pick(3, 2)
    panel = explorer._panel
    assert panel.cursor.value == explorer.x[explorer.band]
    assert panel.mode.value == "one band"
    assert panel.classes[1][0].value
    assert (panel.row.value, panel.col.value) == (3, 2)


def test_an_unexpected_error_is_a_message_and_is_remembered(explorer, mouse, monkeypatch):
    explorer.widget()
    monkeypatch.setattr(explorer, "class_name", lambda *_: 1 / 0)
    mouse(explorer._view.map).click(3, 3)
    assert "ZeroDivisionError" in explorer._line.value
    assert isinstance(explorer.failures[0], ZeroDivisionError)


def test_under_the_pointer(explorer, scene):
    said = explorer._new_view(explorer.static()).map.format_coord(7.2, 2.9)
    assert "row 3, col 7" in said
    assert explorer.under_pointer(-5, 0) == ""


def test_display_leaves_widget_and_picture(explorer):
    bundle = explorer._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget().model_id


def test_static_shows_the_state(explorer):
    empty = explorer.static()
    explorer.pick(3, 3)
    picked = explorer.static()
    for figure in (empty, picked):
        figure.canvas.draw()
    assert (np.array(empty.canvas.buffer_rgba()) != np.array(picked.canvas.buffer_rgba())).any()


def test_without_ipympl_a_still_picture_remains(explorer, monkeypatch):
    import sys

    from matplotlib.figure import Figure

    monkeypatch.setitem(sys.modules, "ipympl.backend_nbagg", None)
    assert isinstance(explorer.widget(), Figure)
    bundle = explorer._repr_mimebundle_()
    assert "image/png" in bundle
    assert len(bundle) == 2
