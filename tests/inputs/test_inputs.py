"""Inputs: closed forms for each kind, sides apart, what is kept, and maps in pieces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from hsikit import models
from hsikit.analysis.occlusion import Occlusion
from hsikit.fitted import Fitted
from hsikit.inputs import HSI, LIDAR, Inputs, height_channel, sides_of, spatial
from hsikit.inputs.spectral import band_steps, log_derivative, runs
from hsikit.predict import predict_map
from hsikit.predict.large import map_large
from hsikit.scenes import Scene
from hsikit.splits import block_split
from hsikit.train import TrainConfig, fit
from tests.tiny import tiny_scene, tiny_split

ALL_LIDAR = ("values", "profiles", "above_ground", "slope", "range", "deviation")
NEAR = ("values", "above_ground", "slope", "range", "deviation")


def positive(scene: Scene) -> Scene:
    return replace(scene, hsi=np.abs(scene.hsi) + 0.05, valid=scene.valid)


def sided_scene() -> Scene:
    """Three classes in stripes along the columns, so that west and east hold all of them."""
    return positive(tiny_scene(rows=30, cols=48, lidar=2))


# --- spectra -------------------------------------------------------------------------------------


def test_steps_are_nanometres_and_a_run_ends_at_a_gap_and_at_the_next_detector():
    waves = np.array([400, 410, 420, 600, 610, 605, 615], float)
    steps = band_steps(waves, 7)
    assert np.array_equal(np.isnan(steps), [False, False, True, False, True, False])
    assert [list(range(7))[run] for run in runs(steps)] == [[0, 1, 2], [3, 4], [5, 6]]
    assert band_steps(None, 4).tolist() == [1, 1, 1]


@given(st.floats(0.1, 10), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_light_moves_the_brightness_alone_and_no_difference_reaches_over_a_gap(light, seed):
    spectra = np.random.default_rng(seed).uniform(0.1, 1, (5, 9))
    steps = band_steps(np.r_[400:440:10, 800:850:10].astype(float), 9)
    floor = np.full(9, 1e-9)
    plain, lit = (log_derivative(factor * spectra, steps, floor) for factor in (1.0, light))
    assert plain.shape == (5, 3 + 4 + 1)
    np.testing.assert_allclose(lit[:, :-1], plain[:, :-1], atol=1e-5)
    np.testing.assert_allclose(lit[:, -1] - plain[:, -1], np.log(light), atol=1e-5)
    one, two = (gaussian_filter1d(spectra[:, run], 1.0, mode="nearest") for run in runs(steps))
    by_hand = np.concatenate([np.diff(np.log(one)) / 10, np.diff(np.log(two)) / 10], 1)
    np.testing.assert_allclose(plain[:, :-1], by_hand, atol=1e-6)


def test_dark_values_count_as_a_twentieth_of_the_bands_mean_and_are_told(caplog):
    scene = replace(positive(tiny_scene()), name="dark")
    scene.hsi[2, 3] = -0.2
    inputs = Inputs.fit(scene, tiny_split(scene), ["derivative"])
    cube = inputs.of(scene).hsi
    assert np.isfinite(cube).all()
    assert "0.2% of valid pixels" in caplog.text
    np.testing.assert_allclose(cube[2, 3, -1], np.log(inputs.floor).mean(), atol=1e-6)


def test_bands_without_light_in_training_are_refused_in_one_line():
    scene = tiny_scene()
    scene.hsi[..., 5:12] = -0.3
    with pytest.raises(ValueError, match="not above 0 in band") as error:
        Inputs.fit(scene, tiny_split(scene), ["derivative"])
    assert "\n" not in str(error.value)


# --- the ground ----------------------------------------------------------------------------------


def test_a_house_on_a_slope_stands_above_the_ground_by_its_height_and_the_slope_is_metres_a_metre():
    rows, cols = np.indices((80, 80), float)
    ground = 0.1 * cols
    height = ground + np.where((abs(rows - 40) < 8) & (abs(cols - 40) < 8), 6.0, 0.0)
    above, logged = spatial.above_ground(height, gsd_m=1.0)
    assert above[40, 40] == pytest.approx(6, abs=1.8)
    assert above[40, 15] == pytest.approx(0, abs=1.8)
    np.testing.assert_allclose(np.expm1(logged), above)
    (steep,) = spatial.slope(ground, gsd_m=2.0)
    assert steep[40, 40] == pytest.approx(0.05)
    assert spatial.ground_side(1.0) == 31
    assert spatial.ground_side(2.5) == 13
    assert spatial.ground_side(30.0) == 3


def test_range_and_deviation_are_those_of_five_by_five_pixels_also_far_above_the_sea():
    height = np.random.default_rng(0).normal(4000, 1, (12, 11))
    window = height[3:8, 4:9]
    assert spatial.local_range(height)[0][5, 6] == pytest.approx(np.ptp(window))
    assert spatial.local_deviation(height)[0][5, 6] == pytest.approx(window.std(), rel=1e-6)


def test_opening_takes_away_what_is_bright_and_small_and_closing_what_is_dark_and_small():
    layer = np.zeros((21, 21))
    layer[5, 5], layer[12:19, 12:19] = 3.0, 2.0
    opened, closed = spatial.profile(layer)[:2]
    assert opened[5, 5] == 0
    assert opened[15, 15] == 2
    assert np.array_equal(closed, layer)


def test_height_and_intensity_go_by_their_names():
    assert height_channel(("intensity (counts)", "Height (m)")) == 1
    assert height_channel(("channel 0", "channel 1")) == 0
    scene = replace(sided_scene(), lidar_names=("height (m)", "intensity (counts)"), gsd_m=1.0)
    scene.lidar[..., 1] = abs(scene.lidar[..., 1])
    lidar = Inputs.fit(scene, tiny_split(scene), lidar=["values"]).of(scene).lidar
    np.testing.assert_allclose(lidar[..., 0], scene.lidar[..., 0], rtol=1e-6)
    np.testing.assert_allclose(lidar[..., 1], np.log1p(scene.lidar[..., 1]), rtol=1e-6)
    scene.lidar[4, 4, 1] = -2
    with pytest.raises(ValueError, match=r"goes down to -2, and log\(1 \+ intensity\)"):
        Inputs.fit(scene, tiny_split(scene), lidar=["values"]).of(scene)


# --- as a whole ----------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(HSI), min_size=1, unique=True), st.lists(st.sampled_from(LIDAR), unique=True))
@settings(max_examples=15, deadline=None)
def test_any_choice_of_kinds_gives_finite_channels_at_valid_pixels_as_many_as_said(hsi, lidar):
    scene = positive(tiny_scene(lidar=2, holes=True))
    inputs = Inputs.fit(scene, tiny_split(scene), hsi, lidar)
    made = inputs.of(scene)
    assert made.bands == inputs.channels
    assert made.lidar_channels == inputs.lidar_channels
    assert np.isfinite(made.hsi[scene.valid]).all()
    assert np.isnan(made.hsi[~scene.valid]).all()
    assert made.lidar is None or np.isfinite(made.lidar[scene.valid]).all()
    assert made.class_names == scene.class_names
    assert np.array_equal(made.labels, scene.labels)


def test_lidar_may_stand_behind_the_cube_for_networks_of_one_sensor():
    scene = positive(tiny_scene(lidar=2))
    apart, joined = (
        Inputs.fit(scene, tiny_split(scene), ["derivative"], ["values", "slope"], joined=j) for j in (0, 1)
    )
    both, one = apart.of(scene), joined.of(scene)
    assert (joined.channels, joined.lidar_channels, one.lidar) == (apart.channels + 3, 0, None)
    assert np.array_equal(one.hsi, np.concatenate([both.hsi, both.lidar], 2))


def test_a_hole_in_the_lidar_is_filled_from_the_nearest_measured_pixel():
    scene = positive(tiny_scene(lidar=1))
    scene.lidar[4, 4] = np.nan
    made = Inputs.fit(scene, tiny_split(scene), lidar=["values"]).of(scene)
    assert made.lidar[4, 4, 0] in (
        scene.lidar[3, 4, 0],
        scene.lidar[5, 4, 0],
        scene.lidar[4, 3, 0],
        scene.lidar[4, 5, 0],
    )


@pytest.mark.parametrize(("part", "other"), [("train", "test"), ("test", "train")])
def test_where_a_split_keeps_its_sides_apart_nothing_of_one_reaches_the_inputs_of_the_other(part, other):
    scene = sided_scene()
    split = block_split(scene, train=0.3, patch=3, block=10)
    changed = replace(scene, hsi=scene.hsi.copy(), lidar=scene.lidar.copy())
    far = sides_of(split) == {"train": 1, "test": 2}[other]
    changed.hsi[far] *= 3
    changed.lidar[far] += 40
    apart = Inputs.fit(scene, split, ["derivative", "profiles"], ALL_LIDAR)
    rows, cols = split.rowcol(part).T
    once, again = apart.of(scene), apart.of(changed)
    assert np.array_equal(once.hsi[rows, cols], again.hsi[rows, cols])
    assert np.array_equal(once.lidar[rows, cols], again.lidar[rows, cols])
    passed = Inputs.fit(scene, split, ["derivative", "profiles"], ALL_LIDAR, transductive=True)
    assert passed.sides is None
    assert not np.array_equal(passed.of(scene).lidar[rows, cols], passed.of(changed).lidar[rows, cols])


def test_an_overlapping_split_and_pixels_alone_have_no_sides():
    scene = sided_scene()
    assert Inputs.fit(scene, tiny_split(scene), ["profiles"]).sides is None
    assert Inputs.fit(scene, block_split(scene, train=0.3, patch=3, block=10), ["derivative"]).sides is None


def test_what_was_fitted_comes_back_from_the_file(tmp_path):
    scene = sided_scene()
    inputs = Inputs.fit(scene, block_split(scene, train=0.3, patch=3, block=10), HSI, ALL_LIDAR)
    inputs.save(tmp_path / "inputs.npz")
    again = Inputs.load(tmp_path / "inputs.npz")
    for a, b in zip((inputs.of(scene).hsi, inputs.of(scene).lidar), (again.of(scene).hsi, again.of(scene).lidar)):
        assert np.array_equal(a, b)
    assert inputs.lidar_channel_names == again.lidar_channel_names
    assert len(again.lidar_channel_names) == 19


@pytest.mark.parametrize(("wrong", "message"), [
    ({"hsi": ["derivate"]}, "did you mean 'derivative'"), ({"hsi": []}, "name nothing of the cube"),
    ({"hsi": "profiles"}, "expected a list"), ({"hsi": ["profiles", "profiles"]}, "twice"),
    ({"lidar": ["values"]}, "has no LiDAR"),
])  # fmt: skip
def test_what_cannot_be_made_is_refused_in_one_line(wrong, message):
    scene = positive(tiny_scene(lidar=0))
    with pytest.raises(ValueError, match=message) as error:
        Inputs.fit(scene, tiny_split(scene), **wrong)
    assert "\n" not in str(error.value)


# --- with a network ------------------------------------------------------------------------------


def trained(scene, split, inputs):
    network = models.TrunkScales(inputs.channels, inputs.lidar_channels, scene.n_classes, scales=(1, 3))
    return fit(network, scene, split, TrainConfig(epochs=3, threads=1), inputs=inputs, progress=False).model


def test_a_model_with_inputs_maps_alike_once_saved_and_takes_another_scene_whole(tmp_path):
    scene = sided_scene()
    split = block_split(scene, train=0.3, patch=3, block=10)
    model = trained(scene, split, Inputs.fit(scene, split, ["derivative", "profiles"], ALL_LIDAR))
    first = predict_map(model, scene)
    again = Fitted.load(model.save(tmp_path / "model"))
    assert np.array_equal(first.scores, predict_map(again, scene).scores)
    assert np.array_equal(first.labels, predict_map(again, scene, mode="window").labels)
    other = replace(scene, name="elsewhere")
    assert not np.array_equal(first.scores, predict_map(again, other).scores)  # there, everything in one pass
    with pytest.raises(ValueError, match="none can be taken away alone"):
        Occlusion(again, scene)
    with pytest.raises(ValueError, match="bands"):
        predict_map(again, replace(tiny_scene(bands=9, lidar=2), wavelengths_nm=None))


def site_of(scene: Scene, folder) -> str:
    np.save(folder / "cube.npy", scene.hsi)
    for k in range(scene.lidar_channels):
        np.save(folder / f"lidar{k}.npy", scene.lidar[..., k])
    np.save(folder / "labels.npy", scene.labels)
    (folder / "site.yaml").write_text(
        "name: site\nhsi: cube.npy\nlidar: lidar0.npy\nlabels: labels.npy\nclasses: [meadow, roof, pond]\ngsd_m: 5\n"
    )
    return str(folder / "site.yaml")


def test_a_map_in_pieces_equals_the_whole_with_bounded_inputs_and_is_refused_with_profiles(tmp_path, monkeypatch):
    from hsikit.predict import large
    from hsikit.scenes import load_scene

    scene = load_scene(site_of(replace(positive(tiny_scene(90, 70)), gsd_m=5.0), tmp_path))
    split = tiny_split(scene)
    model = trained(scene, split, Inputs.fit(scene, split, ["derivative"], NEAR))
    model.save(tmp_path / "near")
    monkeypatch.setattr(large, "SIDES", (32,))
    written = map_large(tmp_path / "near", tmp_path / "site.yaml", tmp_path / "map.zarr")
    import zarr

    pieces = np.asarray(zarr.open_array(written)[:])
    assert np.array_equal(pieces, predict_map(model, scene).labels)
    trained(scene, split, Inputs.fit(scene, split, ["profiles"])).save(tmp_path / "far")
    with pytest.raises(ValueError, match="reach without bound") as error:
        map_large(tmp_path / "far", tmp_path / "site.yaml", tmp_path / "map2.zarr")
    assert "\n" not in str(error.value)
