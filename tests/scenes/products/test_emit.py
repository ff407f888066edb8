"""EMIT: a real crop's lookup table, place and mask against h5py; repeated measurements; what made files vary."""

import h5py
import numpy as np
import pytest
from rasterio.transform import xy
from scenes.products import made

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.products import open_product
from hsikit.scenes.site import open_site

NAME = "20220827T060753_9999999_999"


@pytest.fixture
def real(real_data, tmp_path):
    """A folder with a real mask, and reflectance made for the real lookup table: 10 * row + col / 1000 + band."""
    source = real_data / "products" / "emit_l2a"
    obs, mask = source / f"EMIT_L1B_OBS_001_{NAME}.nc", source / f"EMIT_L2A_MASK_001_{NAME}.nc"
    if not obs.is_file():
        pytest.skip(f"{obs} is not there")
    row, col = np.mgrid[:200, :200]
    raw = (row + col / 1000)[..., None] + np.arange(285) * 1000
    with h5py.File(obs) as place:
        path = made.emit(tmp_path, cloud=False, place=place, name=f"EMIT_L2A_RFL_001_{NAME}.nc",
                         reflectance=raw.astype(np.float32))  # fmt: skip
        place = {key: place[f"location/{key}"][:] for key in ("lon", "lat", "glt_x", "glt_y")}
    (tmp_path / mask.name).symlink_to(mask)
    return path, mask, place


def test_the_real_lookup_table_puts_pixels_where_they_were_seen(real):
    path, _, place = real
    layer = open_product(path)
    assert layer.shape == (318, 354, 285)
    rows, cols = np.nonzero(place["glt_x"])
    assert rows.size / (318 * 354) == pytest.approx(0.5075, abs=5e-5)
    raw = place["glt_y"][rows, cols] - 1, place["glt_x"][rows, cols] - 1
    east, north = xy(layer.transform, rows, cols)
    off = np.abs(np.stack([east - place["lon"][raw], north - place["lat"][raw]])) / made.DEGREE
    assert off.max() < 1.11
    np.testing.assert_allclose(off.mean(1), [0.43, 0.33], atol=5e-3)
    values = layer.read(slice(0, 318), slice(0, 354))
    np.testing.assert_array_equal(values[rows, cols, 3], (raw[0] + raw[1] / 1000 + 3000).astype(np.float32))
    assert np.isnan(values[place["glt_x"] == 0]).all()


def test_the_real_mask_is_laid_on_the_same_way(real):
    path, mask, place = real
    with h5py.File(mask) as file:
        stored = file["mask"][:]
    np.testing.assert_allclose(stored[0, 0, 5:7], [0.23070669, 0.70949787])
    cloud = (stored[..., [0, 1, 3, 4]] > 0).any(2)
    rows, cols = np.nonzero(place["glt_x"])
    expected = np.zeros((318, 354), bool)
    expected[rows, cols] = ~cloud[place["glt_y"][rows, cols] - 1, place["glt_x"][rows, cols] - 1]
    layer = open_product(path)
    np.testing.assert_array_equal(layer.mask(slice(0, 318), slice(0, 354)), expected)
    assert layer.files[1].name == mask.name


def test_two_thirds_of_the_real_cells_repeat_a_measurement(real):
    path, *_ = real
    site = open_site(path)
    source, valid = site.cube.source_pixel(slice(0, 318), slice(0, 354)), site.spectra(slice(0, 318), slice(0, 354))[1]
    _, times = np.unique(source[source >= 0], return_counts=True)
    assert times.sum() == 57_130
    assert times[times > 1].sum() / times.sum() == pytest.approx(0.654, abs=1e-3)
    assert (source[valid] >= 0).all()


def test_repeated_measurements_are_said(tmp_path):
    scene = load_scene(made.emit(tmp_path))
    found = scene.check().set_index("finding").loc["repeated measurements"]
    assert found["where"].startswith("9")
    assert scene.source_pixel[0, 0] == -1
    assert scene.source_pixel[3, 0] == scene.source_pixel[3, 1] == 3 * made.COLS
    np.testing.assert_array_equal(scene.hsi[5, 6], scene.hsi[5, 7])


def test_a_cell_that_a_neighbour_fills_shows_that_neighbour(tmp_path):
    scene = load_scene(made.emit(tmp_path))
    assert scene.source_pixel[4, 4] == 4 * made.COLS + 2
    np.testing.assert_array_equal(scene.hsi[4, 4], scene.hsi[4, 5])


@pytest.mark.parametrize("good", [True, False])
def test_bad_bands_are_the_41_of_water_vapour(tmp_path, good):
    layer = open_product(made.emit(tmp_path, good=good))
    bad = np.flatnonzero(~layer.good)
    assert bad.tolist() == [*range(127, 142), *range(187, 213)]


def test_clouds_of_the_mask_file_are_not_valid_and_water_is(tmp_path):
    scene = load_scene(made.emit(tmp_path))
    assert not scene.valid[3, 6:10].any()
    assert scene.valid[3, 4:6].all()
    assert scene.valid.sum() == made.ROWS * 2 * made.COLS - 6 - 4


def test_without_its_mask_file_that_is_said(tmp_path):
    scene = load_scene(made.emit(tmp_path, cloud=False))
    assert "clouds not masked" in [finding for finding, *_ in scene.findings]
    assert scene.valid[3, 6:10].all()


def test_degrees_are_said_in_metres(tmp_path):
    scene = load_scene(made.emit(tmp_path))
    where = {finding: where for finding, where, _ in scene.findings}["grid in degrees"]
    assert where == "a pixel is 60 m high, 49 m wide"
    assert scene.gsd_m is None


def test_other_files_of_the_mission_are_refused_by_name(real_data):
    folder = real_data / "products" / "emit_l2a"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    told = {"L2A_MASK": "holds EMIT L2A Masks", "L1B_OBS": "L1B Obs", "L2A_RFL": "no sensor_band_parameters"}
    for path in folder.glob("*.nc"):
        with pytest.raises(SceneError, match=told[path.name[5:].split("_00")[0]]):
            load_scene(path)


def test_a_lookup_table_of_another_scene_is_refused(tmp_path):
    path = made.emit(tmp_path)
    with h5py.File(path, "r+") as file:
        file["location/glt_x"][5, 5] = made.COLS + 1
    with pytest.raises(SceneError, match="lookup table does not fit its 9 x 7 raw pixels"):
        load_scene(path)


def test_a_mask_of_another_size_is_refused(tmp_path):
    path = made.emit(tmp_path)
    with h5py.File(next(tmp_path.glob("*MASK*")), "r+") as file:
        del file["mask"]
        file["mask"] = np.zeros((3, 3, 8))
    with pytest.raises(SceneError, match=r"MASK_002_.* is \(3, 3\), .* \(9, 7\)"):
        load_scene(path)
