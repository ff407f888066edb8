"""`SpectraExplorer` driven as a script does and, by messages of its view and control states, as a browser does."""

from __future__ import annotations

import base64
import csv
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from tiny import tiny_scene

from hsikit.explore import SpectraExplorer
from hsikit.explore.marks import lifted, rgb_of, runs
from hsikit.explore.spectra import Spectra
from hsikit.explore.spectra_list import COLOURS, free_colour, stamped
from hsikit.explore.spectra_marks import map_chart, spectra_chart
from hsikit.spectra import ndvi, spectral_angle


@pytest.fixture
def scene():
    return tiny_scene(holes=True)


@pytest.fixture
def explorer(scene):
    return SpectraExplorer(scene)


# --- state, as a script drives it ----------------------------------------------------------------


def test_pick_gives_the_pixel_and_the_next_pick_joins_it(explorer, scene):
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
    assert explorer.spectra == [first, second]


def test_the_last_six_picks_stay_and_those_that_are_kept(explorer):
    kept = explorer.pick(0, 0, keep=True)
    picked = [explorer.pick(20, col) for col in range(8)]
    assert explorer.spectra == [kept, *picked[2:]]
    assert len({s.colour for s in explorer.spectra}) == 7


def test_no_spectrum_has_the_colour_of_a_class():
    taken = COLOURS[:3]
    assert free_colour([], taken) == COLOURS[3]
    near = f"#{rgb_of(COLOURS[3])[0] + 3:02x}{COLOURS[3][3:]}"
    assert free_colour([], (*taken, near)) == COLOURS[4]
    assert free_colour([], COLOURS) in COLOURS  # all are taken: better one of them than none


def test_steps_are_taken_back_and_again(explorer):
    first, second = explorer.pick(2, 7), explorer.pick(20, 1)
    explorer.clear()
    for wanted in ([first, second], [first], []):
        explorer.undo()
        assert explorer.spectra == wanted
    with pytest.raises(ValueError, match="nothing to undo"):
        explorer.undo()
    for wanted in ([first], [first, second], []):
        explorer.redo()
        assert explorer.spectra == wanted
    with pytest.raises(ValueError, match="nothing to redo"):
        explorer.redo()
    explorer.undo()
    explorer.pick(3, 3)
    assert not explorer.can_redo


def test_a_state_needs_no_widgets_and_tells_of_each_change_once(scene):
    state, heard = Spectra(scene), []
    state.observe(lambda change: heard.append(change["new"]), "revision")
    state.click(2, 7)
    state.band = 5
    assert (state.mode, state.bands_on_show) == ("one band", (5,))
    state.show("true colour")
    state.stretch = (0, 100)
    state.truth_opacity = 0.5
    assert len(heard) == 5
    for wrong, said in ((lambda: setattr(state, "band", 99), "bands are 0 to"),
                        (lambda: setattr(state, "stretch", (50, 2)), "rise within 0 to 100"),
                        (lambda: setattr(state, "colour_map", "jet"), "choose one of")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            wrong()
    assert len(heard) == 5
    assert state.stretch == (0, 100)


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


def test_examples_are_of_the_largest_classes(explorer, scene):
    message = explorer.message
    explorer.pick_examples()
    area, first, second = explorer.spectra
    order = np.argsort(-np.bincount(scene.usable.ravel(), minlength=4)[1:], kind="stable")
    assert [s.class_name for s in (first, second)] == [scene.class_names[c] for c in order[:2]]
    assert first.pixels.tolist()[0] in area.pixels.tolist()
    assert (scene.labels[tuple(area.pixels.T)] == order[0] + 1).all()
    assert explorer.message == message
    explorer.undo()
    assert explorer.spectra == []
    bare = replace(scene, labels=np.zeros(scene.shape, int), class_names=(), colors=())
    unlabelled = SpectraExplorer(bare)
    unlabelled.pick_examples()
    assert [s.class_name for s in unlabelled.spectra] == ["", "unlabelled"]


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
    assert np.allclose(explorer.facts.class_spectra[0][1], scene.hsi[scene.usable == 2].astype(float).mean(0))
    explorer.toggle_class(2)
    assert explorer.classes_shown == {2}
    explorer.toggle_class(2)
    assert explorer.classes_shown == set()
    with pytest.raises(ValueError, match="classes are 1 to 3"):
        explorer.toggle_class(9)
    explorer.set_continuum(True)
    assert np.nanmax(explorer.drawn(explorer.facts.class_spectra[0])) <= 1 + 1e-9


def test_stretch_and_colour_map(explorer, scene):
    from matplotlib import colormaps

    explorer.band = 4
    explorer.stretch, explorer.colour_map = (10, 60), "viridis"
    band = scene.hsi[..., 4].astype(float)
    low, high = np.percentile(band[scene.valid], (10, 60))
    wanted = colormaps["viridis"](np.clip((band - low) / (high - low), 0, 1))[..., :3]
    assert np.allclose(explorer.picture()[scene.valid], wanted[scene.valid], atol=0.01)
    scale = map_chart(explorer).scale
    assert (scale.low, scale.high) == pytest.approx((low, high))
    assert np.array_equal(scale.ramp[-1], (255 * np.array(colormaps["viridis"](255)[:3]) + 0.5).astype(np.uint8))


def test_components_are_those_of_the_covariance(scene):
    """PCA beside numpy's eigenvectors; MNF finds what is smooth under noise that is stronger than it."""
    explorer = SpectraExplorer(scene)
    explorer.show("PCA")
    flat = scene.hsi[scene.valid].astype(float)[:, ~explorer.facts.bad]
    centred = flat - flat.mean(0)
    axes = np.linalg.eigh(np.cov(flat.T))[1][:, ::-1][:, :3]
    found = explorer._picture.components("PCA")[scene.valid]
    for wanted, got in zip((centred @ axes).T, found.T):
        assert abs(np.corrcoef(wanted, got)[0, 1]) > 0.999
    rng = np.random.default_rng(0)
    smooth = np.linspace(0, 1, 30)[None, :, None] * np.ones((40, 1, 1))
    cube = 100 + smooth * np.array([0, 0, 0, 3.0, 0, 0]) + rng.normal(0, [9, 8, 7, 0.2, 6, 5], (40, 30, 6))
    bare = dict(labels=np.zeros((40, 30), int), valid=np.ones((40, 30), bool), lidar=None, lidar_names=())
    waves = np.linspace(500, 900, 6)
    noisy = SpectraExplorer(replace(scene, hsi=cube.astype(np.float32), wavelengths_nm=waves, **bare))
    noisy.show("MNF")
    first = noisy._picture.components("MNF")[..., 0]
    assert abs(np.corrcoef(first.ravel(), np.broadcast_to(smooth[..., 0], (40, 30)).ravel())[0, 1]) > 0.95
    assert abs(np.corrcoef(noisy._picture.components("PCA")[..., 0].ravel(), cube[..., 0].ravel())[0, 1]) > 0.9


def test_places_are_read_and_told_in_map_coordinates(scene):
    from rasterio.crs import CRS
    from rasterio.transform import from_origin

    placed = replace(scene, crs=CRS.from_epsg(32616), transform=from_origin(500_000, 4_480_000, 20, 20))
    explorer = SpectraExplorer(placed)
    told = explorer.under_pointer(7, 2)
    assert "row 2, col 7, E 500,150.0, N 4,479,950.0 (lon -86.998" in told
    assert "lat 40.4" in told
    assert explorer.go_to("2, 7").pixels.tolist() == [[2, 7]]
    assert explorer.message.startswith("Read as row, column.")
    assert explorer.go_to("500150 4479950").pixels.tolist() == [[2, 7]]
    assert "x, y" in explorer.message
    lon, lat = told.split("lon ")[1].split("°")[0], told.split("lat ")[1].split("°")[0]
    assert explorer.go_to(f"{lon}, {lat}").pixels.tolist() == [[2, 7]]
    assert "longitude" in explorer.message
    for wrong, said in (("12", "no place"), ("1e9 x", "no place"), ("900000 900000", "outside the scene")):
        with pytest.raises(ValueError, match=said):
            explorer.go_to(wrong)
    with pytest.raises(ValueError, match="has no map coordinates"):
        SpectraExplorer(scene).go_to("500150 4479950")


def test_marks_move_their_band_alone(explorer):
    before = explorer.rgb_bands
    explorer.move(1, 700.0)
    assert explorer.rgb_bands == (before[0], explorer.facts.band_at(700), before[2])
    explorer.band = 3
    explorer.move(0, 800.0)
    assert (explorer.mode, explorer.band) == ("one band", explorer.facts.band_at(800))


def test_bad_bands(scene):
    hsi = scene.hsi.copy()
    hsi[..., 4] = 7
    waves = np.linspace(1300, 1500, scene.bands)
    explorer = SpectraExplorer(replace(scene, hsi=hsi, wavelengths_nm=waves))
    water = (waves >= 1350) & (waves <= 1430)
    assert explorer.facts.bad.tolist() == (water | (np.arange(scene.bands) == 4)).tolist()
    assert runs(np.array([1, 1, 0, 1], bool)) == [(0, 1), (3, 3)]
    why = [span.why for span in explorer.facts.left_out]
    assert why[0] == "1350 to 1430 nm: water vapour leaves no light"
    assert "constant" in why[1] if not water[4] else len(why) == 1
    assert [(s.low, s.high) for s in spectra_chart(explorer).spans] == [
        (s.low, s.high) for s in explorer.facts.left_out
    ]
    explorer.static()


@pytest.mark.parametrize("name", ["a.csv", "a.sli"])
def test_libraries_go_out_and_in(explorer, tmp_path, name):
    explorer.pick(2, 2)
    mask = np.zeros(explorer.scene.shape, bool)
    mask[20:23, 2:6] = True
    area = explorer.select(mask)
    explorer.save(tmp_path / name)
    other = SpectraExplorer(explorer.scene)
    other.load(tmp_path / name)
    first = explorer.spectra[0].name.replace(",", ";" if name == "a.sli" else ",")
    assert [s.name for s in other.spectra] == [f"1 {first}", f"2 {area.name}"]
    assert np.allclose(other.spectra[0].mean, explorer.spectra[0].mean)
    assert other.spectra[0].std is None
    assert np.allclose(other.spectra[1].mean, area.mean)
    assert np.allclose(other.spectra[1].std, area.std, rtol=1e-5)
    assert other.spectra[0].kept
    other.static()
    with (tmp_path / f"{name}.about.csv").open() as file:
        about = list(csv.DictReader(file))
    assert [(line["pixels"], line["row"], line["column"]) for line in about] == [("1", "2", "2"), ("12", "21", "3.5")]
    assert about[0]["class"] == explorer.spectra[0].class_name
    assert about[1]["class"] == explorer.facts.composition(area.pixels, 4)
    with pytest.raises(ValueError, match="there already"):
        explorer.save(tmp_path / name)


def test_a_library_is_read_by_number_where_wavelengths_lack(explorer, tmp_path):
    explorer.pick(2, 2)
    explorer.save(tmp_path / "a.csv")
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


class Hand:
    """Speaks to the charts as their JavaScript does, and reads what was sent to them."""

    def __init__(self, explorer) -> None:
        explorer.widget()
        self.view = explorer._view
        self.map, self.spectra = self.view["map"], self.view["spectra"]

    def send(self, kind: str, chart: str = "map", **content) -> None:
        data = {"method": "custom", "content": {"kind": kind, **content}}
        self.view[chart]._handle_msg({"content": {"data": data}, "buffers": []})

    def shown(self) -> np.ndarray:
        """The map as the browser gets it."""
        head = self.map.head
        return np.frombuffer(self.map.picture, np.uint8).reshape(head["rows"], head["cols"], 3)

    def line(self, place: int = -1, what: str = "mean") -> np.ndarray:
        return np.frombuffer(self.spectra.lines[place][what], np.float32)


@pytest.fixture
def live(explorer):
    hand = Hand(explorer)
    yield explorer, hand
    assert explorer.failures == []


def test_a_click_picks_that_pixel_and_sends_its_spectrum(live, scene):
    explorer, hand = live
    hand.send("click", x=15.3, y=1.6)  # x = column, y = row
    assert explorer.current.pixels.tolist() == [[2, 15]]
    assert not explorer.current.kept
    assert np.array_equal(hand.line(), scene.hsi[2, 15].astype(np.float32))
    sent = hand.spectra.lines[-1]
    assert (sent["colour"], sent["std"]) == (explorer.current.colour, None)
    assert [(r["x"], r["y"], r["colour"]) for r in hand.map.marks["rings"]] == [(15, 2, explorer.current.colour)]
    hand.send("click", x=3, y=3, ctrl=True)
    assert explorer.current.kept
    assert [(ring["x"], ring["y"]) for ring in hand.map.marks["rings"]] == [(15, 2), (3, 3)]


def test_the_map_that_is_sent_is_the_picture(live):
    explorer, hand = live
    assert np.abs(hand.shown() - 255 * explorer.picture()).max() <= 0.51
    first = hand.map.picture
    hand.send("click", x=3, y=3)
    assert hand.map.picture is first  # a pick leaves the map alone
    explorer.show_bands(600)
    assert np.abs(hand.shown() - 255 * explorer.picture()).max() <= 0.51
    assert hand.map.scale["low"]
    assert len(hand.map.scale["ramp"]) == 3 * 256


def test_bands_out_of_order_are_sent_by_wavelength(scene):
    shuffled = np.random.default_rng(0).permutation(scene.bands)
    mixed = replace(scene, hsi=scene.hsi[..., shuffled], wavelengths_nm=scene.wavelengths_nm[shuffled])
    hand = Hand(SpectraExplorer(mixed))
    hand.send("click", x=1, y=2)
    assert np.frombuffer(hand.spectra.x).tolist() == sorted(scene.wavelengths_nm.tolist())
    order = np.argsort(mixed.wavelengths_nm)
    assert np.array_equal(hand.line(), mixed.hsi[2, 1][order].astype(np.float32))


def test_the_pen_is_lifted_at_gaps():
    x, y = lifted(np.array([5.0, 1, 2, 3, 30]), np.array([50.0, 10, 20, 30, 300]))
    assert np.array_equal(x, [1, 2, 3, 5, 5, 30])
    assert np.array_equal(y, [10, 20, 30, 50, np.nan, 300], equal_nan=True)


def test_a_click_outside_valid_pixels_is_a_message(live):
    explorer, hand = live
    hand.send("click", x=5, y=4)
    assert explorer.current is None
    assert "no measurement" in explorer._line.value


def test_an_outline_selects_the_pixels_whose_centres_it_holds(live, scene):
    from matplotlib.path import Path as Outline

    explorer, hand = live
    around = [[2.5, 10.5], [12.5, 9.4], [13.4, 18.5], [3.4, 17.5]]
    plain = hand.shown().astype(float)
    hand.send("outline", points=around)
    rows, cols = np.indices(scene.shape)
    inside = Outline(around).contains_points(np.column_stack([cols.ravel(), rows.ravel()])).reshape(scene.shape)
    wanted = np.argwhere(inside & scene.valid)
    assert explorer.current.pixels.tolist() == wanted.tolist()
    changed = (hand.shown() != plain).any(-1)
    assert np.argwhere(changed).tolist() == wanted.tolist()
    blended = 0.4 * plain[changed] + 0.6 * np.array(rgb_of(explorer.current.colour))
    assert np.abs(hand.shown()[changed] - blended).max() <= 0.51
    assert np.array_equal(hand.line(what="std"), explorer.current.std.astype(np.float32))
    assert hand.map.marks["rings"] == []


def test_an_outline_over_nothing_is_a_message(live):
    explorer, hand = live
    hand.send("outline", points=[[4.1, 3.1], [7.8, 3.2], [7.8, 4.8]])  # no valid pixel in there
    assert "No pixel" in explorer._line.value
    hand.send("outline", points=[[4.1, 3.1]])
    assert "No pixel" in explorer._line.value
    assert explorer.spectra == []


def test_a_double_click_picks_nothing(live):
    explorer, hand = live
    hand.send("click", x=3, y=3)
    hand.send("click", x=8, y=8)  # the first half of a double click
    hand.send("double")
    assert [s.pixels.tolist() for s in explorer.spectra] == [[[3, 3]]]
    hand.send("double")  # nothing was clicked since
    assert len(explorer.spectra) == 1
    hand.send("click", x=5, y=4)  # not measured: nothing was picked, nothing is taken back
    hand.send("double")
    assert len(explorer.spectra) == 1
    before = (explorer.mode, explorer.band)
    hand.send("click", "spectra", x=600.0)
    assert explorer.mode == "one band"
    hand.send("double", "spectra")
    assert (explorer.mode, explorer.band) == before


def test_the_legend_toggles_class_means(live, scene):
    explorer, hand = live
    entry = next(e for e in hand.spectra.legend if e["class_id"] == 3)
    assert (entry["colour"], entry["shown"]) == (scene.colors[2], False)
    hand.send("class", "spectra", class_id=3)
    assert explorer.classes_shown == {3}
    assert np.allclose(hand.line(), explorer.facts.class_spectra[0][2], equal_nan=True)
    assert next(e for e in hand.spectra.legend if e["class_id"] == 3)["shown"]
    assert explorer._panel.means.value == (3,)
    hand.send("class", "spectra", class_id=3)
    assert explorer.classes_shown == set()
    assert hand.spectra.lines == []
    explorer._panel.means.set_state({"index": [0, 1]})
    assert explorer.classes_shown == {1, 2}
    hand.send("click", x=3, y=3)
    assert [e["label"] for e in hand.spectra.legend][:2] == [explorer.current.name, scene.class_names[0]]


def test_marks_are_dragged_to_bands(live):
    explorer, hand = live
    assert [c["x"] for c in hand.spectra.marks["cursors"]] == [explorer.x[b] for b in explorer.rgb_bands]
    assert [c["name"] for c in hand.spectra.marks["cursors"]] == ["R", "G", "B"]
    hand.send("move", "spectra", place=0, at=703.0)
    assert explorer.rgb_bands[0] == explorer.facts.band_at(703)
    assert explorer.mode == "three bands"
    assert hand.spectra.marks["cursors"][0]["x"] == explorer.x[explorer.rgb_bands[0]]
    hand.send("move", "spectra", place=0, at=99_999.0)
    assert "outside the bands" in explorer._line.value
    assert hand.spectra.marks["cursors"][0]["x"] == explorer.x[explorer.rgb_bands[0]]


def test_sliders_menus_and_boxes_reach_the_state(live):
    explorer, hand = live
    panel = explorer._panel
    before = hand.map.picture
    panel.cursor.set_state({"index": 8})
    assert (explorer.mode, explorer.band) == ("one band", 8)
    assert hand.map.picture != before
    assert [c["x"] for c in hand.spectra.marks["cursors"]] == [explorer.x[8]]
    assert "<svg" in panel.histogram.value
    panel.mode.set_state({"index": 1})
    assert explorer.mode == "colour infrared"
    panel.rgb[0].set_state({"value": float(explorer.x[3])})
    assert explorer.mode == "three bands"
    assert explorer.rgb_bands[0] == 3
    panel.truth.set_state({"value": 0.5})
    panel.lidar.set_state({"value": 0.5})
    assert (explorer.truth_opacity, explorer.lidar_opacity) == (0.5, 0.5)
    panel.stretch.set_state({"value": [5, 80]})
    assert explorer.stretch == (5, 80)
    panel.colours.set_state({"index": 2})
    assert explorer.colour_map == "viridis"
    panel.continuum.set_state({"value": True})
    assert explorer.continuum
    assert hand.spectra.head["y_label"] == "continuum removed"
    panel.tool.set_state({"index": 2})
    assert hand.map.tool == "box"
    panel.mode.set_state({"index": [value for _, value in panel.mode.options].index("spectral angle")})
    assert "pick a pixel" in explorer._line.value
    panel.asked.value = True
    assert panel.help.layout.display == ""


def test_the_list_is_managed_by_keyboard_alone(live, tmp_path):
    explorer, _ = live
    panel = explorer._panel
    panel.place.value = "20, 3"
    assert explorer.current.pixels.tolist() == [[20, 3]]
    panel.name.value = "shore"
    panel.colour.value = "#123456"
    assert (explorer.current.name, explorer.current.colour, explorer.current.kept) == ("shore", "#123456", True)
    panel.row.value = 21  # an arrow key
    assert explorer.current.pixels.tolist() == [[21, 3]]
    panel.keep.click()
    assert len(explorer.spectra) == 2
    panel.listed.value = 0
    assert panel.name.value == "shore"
    panel.remove.click()
    assert [s.pixels.tolist() for s in explorer.spectra] == [[[21, 3]]]
    panel.file.value = "nowhere.txt"
    panel.save.click()
    assert ".txt" in explorer._line.value
    panel.file.value = str(tmp_path / stamped())
    panel.save.click()
    assert "Wrote 1 spectra" in explorer._line.value
    panel.clear.click()
    assert explorer.spectra == []
    panel.undo.click()
    assert len(explorer.spectra) == 1
    panel.redo.click()
    assert explorer.spectra == []


def test_a_click_on_the_spectra_moves_the_cursor(live):
    explorer, hand = live
    hand.send("click", "spectra", x=600.0)
    assert (explorer.mode, explorer.band) == ("one band", explorer.facts.band_at(600))


def test_the_pointer_tells_values(live, scene):
    explorer, hand = live
    hand.send("hover", x=7, y=3)
    told = explorer.under_pointer(7, 3)
    assert hand.view.pointer == told
    assert "row 3, col 7" in told
    for band in explorer.rgb_bands:
        assert f"({explorer.x[band]:.1f} nm): {scene.hsi[3, 7, band]:.5g}" in told
    assert explorer.under_pointer(-5, 0) == ""


PLACES = """
import { readFileSync } from "node:fs";
const places = new Function(readFileSync(process.argv[1], "utf8") + "; return places;")();
console.log(JSON.stringify(JSON.parse(process.argv[2]).map((given) => places(...given))));
"""


@pytest.mark.skipif(which("node") is None, reason="the layout is JavaScript; without node it is tested in the browser")
@pytest.mark.parametrize(
    ("width", "height"), [(290, 160), (420, 170), (520, 360), (720, 175), (1260, 360), (2200, 210)]
)
def test_places_lie_within_the_canvas_and_apart(width, height):
    from hsikit.explore import board

    script = Path(board.__file__).with_name(board.SCRIPTS[0])
    shapes = [(145, 145), (610, 340), (166, 600), (40, 400), (5, 5), (0, 0)]
    words = {"x_label": "column (px)", "y_label": "row (px)", "numbers": True, "x_names": [], "y_names": []}
    heads = [words | {"rows": 2 * rows, "cols": 3 * cols, "scaled": scaled,  # of which only a part was measured
                      "x_range": [cols - 0.5, 2 * cols - 0.5], "y_range": [rows - 0.5, -0.5]}
             for rows, cols in shapes for scaled in (True, False)]  # fmt: skip
    given = json.dumps([(width, height, head) for head in heads])
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", PLACES, str(script), given], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    for head, found in zip(heads, json.loads(ran.stdout)):
        left, top, wide, high = found["area"]
        assert left >= 50
        assert top >= 20
        assert min(wide, high) > 8
        assert left + wide <= width
        assert top + high + 31 <= height
        _, below, _, thin = found["scale"]
        if head["scaled"]:
            assert top + high + 31 <= below
            assert below + thin <= height
        if head["rows"]:
            assert wide / high == pytest.approx(head["cols"] / 3 / (head["rows"] / 2), rel=0.08)


def test_scripts_move_the_controls_too(live):
    explorer, _ = live
    explorer.show_bands(800)
    explorer.toggle_class(1)
    explorer.pick(3, 2)
    panel = explorer._panel
    assert panel.cursor.value == explorer.band
    assert panel.mode.value == "one band"
    assert (panel.row.value, panel.col.value) == (3, 2)


def test_an_unexpected_error_is_a_message_and_is_remembered(explorer, monkeypatch):
    hand = Hand(explorer)
    monkeypatch.setattr(explorer.facts, "class_name", lambda *_: 1 / 0)
    hand.send("click", x=3, y=3)
    assert "ZeroDivisionError" in explorer._line.value
    assert isinstance(explorer.failures[0], ZeroDivisionError)


def test_display_leaves_widget_and_picture(explorer):
    bundle = explorer._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget().model_id


def test_a_picture_is_left_behind_the_panel_once(explorer, monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append(bundle))
    explorer._ipython_display_()
    left, bundle = shown
    assert bundle["image/png"] in left["text/html"]
    assert list(left) == ["text/html", "text/plain"]
    assert set(bundle) == set(explorer._repr_mimebundle_())


def test_static_shows_the_state(explorer):
    empty = explorer.static()
    explorer.pick(3, 3)
    picked = explorer.static()
    for figure in (empty, picked):
        figure.canvas.draw()
    assert (np.array(empty.canvas.buffer_rgba()) != np.array(picked.canvas.buffer_rgba())).any()


def test_without_anywidget_a_still_picture_with_a_hint_remains(explorer, monkeypatch):
    import sys

    from matplotlib.figure import Figure

    monkeypatch.delitem(sys.modules, "hsikit.explore.board", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    figure = explorer.widget()
    assert isinstance(figure, Figure)
    assert "hsikit[workbook]" in figure.texts[-1].get_text()
    bundle = explorer._repr_mimebundle_()
    assert "image/png" in bundle
    assert len(bundle) == 2


def test_spectra_need_no_ipympl(explorer, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ipympl", None)
    monkeypatch.setitem(sys.modules, "ipympl.backend_nbagg", None)
    hand = Hand(explorer)
    hand.send("click", x=3, y=3)
    assert explorer.current.pixels.tolist() == [[3, 3]]


def test_of_a_very_large_map_every_nth_pixel_is_sent_and_said(monkeypatch):
    from hsikit.explore import board

    monkeypatch.setattr(board, "MOST_SENT", 100)
    scene = tiny_scene(rows=21, cols=30)
    explorer = SpectraExplorer(scene)
    hand = Hand(explorer)
    step = hand.map.head["step"]
    assert 21 * 30 / step**2 <= 100 < 21 * 30 / (step - 1) ** 2
    shown = np.frombuffer(hand.map.picture, np.uint8).reshape(-(-21 // step), -(-30 // step), 3)
    assert np.abs(shown - 255 * explorer.picture()[::step, ::step]).max() <= 0.51
    assert f"every {step}. row and column" in hand.map.head["title"]
    hand.send("click", x=29, y=20)  # places are those of the scene
    assert explorer.current.pixels.tolist() == [[20, 29]]


def test_one_band_is_a_picture_of_one_value_and_a_spectrum_a_dot():
    state = Spectra(tiny_scene(bands=1))
    assert state.mode == "one band"
    state.pick(2, 7)
    chart = spectra_chart(state)
    assert [line.dots for line in chart.lines if line.shown] == [True]
    assert len(chart.cursors) == 1
