"""NEON tiles: a real subset against h5py, real canopy heights, and what made files vary."""

import h5py
import numpy as np
import pytest
import rasterio
import yaml
from scenes.products import made

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.layers import open_layer
from hsikit.scenes.products import open_product

ALL = slice(0, made.ROWS), slice(0, made.COLS)


def test_a_real_subset_equals_what_h5py_reads(real_data):
    path = real_data / "products" / "neon_aop" / "ex.h5"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    layer, scene = open_product(path), load_scene(path)
    values = layer.values(slice(0, 30), slice(0, 30))
    np.testing.assert_allclose(values[0, 0, :5], [0.0267, 0.0237, 0.0248, 0.0204, 0.0196], atol=1e-7)
    assert values[0, 29, 90] == pytest.approx(0.1977)
    assert values[29, 0, 90] == pytest.approx(0.3707)
    with h5py.File(path) as file:
        stored = file["SJER/Reflectance/Reflectance_Data"][:]
    np.testing.assert_array_equal(values, stored.astype(np.float32) * np.float32(1e-4))
    assert np.flatnonzero(~layer.good).tolist() == [*range(191, 212), *range(281, 314)]
    np.testing.assert_array_equal(scene.hsi, values[..., layer.good])
    nir, red = (scene.hsi[..., scene.band_at(nm)] for nm in (800, 670))
    assert np.median((nir - red) / (nir + red)) == pytest.approx(0.792, abs=5e-4)
    assert scene.crs.to_epsg() == 32611
    assert scene.transform * (0, 0) == (257_000, 4_112_000)
    assert scene.gsd_m == 1


def test_real_canopy_heights_belong_to_a_tile_named_after_its_lower_left_corner(real_data, tmp_path):
    chm = real_data / "products" / "neon_aop" / "NEON_D03_OSBS_DP3_399000_3284000_CHM.tif"
    if not chm.is_file():
        pytest.skip(f"{chm} is not there")
    with rasterio.open(chm) as source:
        assert source.transform * (0, source.height) == (399_000, 3_284_000)
        assert source.transform * (0, 0) == (399_000, 3_285_000)
        assert source.read(1).mean() == pytest.approx(8.216, abs=5e-4)
    layer = open_layer(chm)
    assert layer.values(slice(0, 1000), slice(0, 1000)).mean() == pytest.approx(8.216, abs=5e-4)


def test_heights_of_the_same_tile_come_along(tmp_path):
    path = made.neon(tmp_path)
    chm, dsm = made.neon_heights(tmp_path), made.neon_heights(tmp_path, "DSM")
    scene = load_scene(path)
    assert scene.lidar_names == ("CHM (m)", "DSM (m)")
    assert np.isnan(scene.lidar[1, 1:3]).all()  # -9999 and NaN
    assert np.isnan(scene.lidar).sum() == 4
    assert scene.lidar[2, 5, 0] == 2 * made.COLS + 5
    assert set(scene.files) == {path, chm, dsm}
    assert not any("grid" in finding for finding, *_ in scene.findings)


def test_a_yaml_may_name_other_heights(tmp_path):
    made.neon(tmp_path)
    made.neon_heights(tmp_path)
    made.neon_heights(tmp_path / "own", "DSM").rename(tmp_path / "dsm.tif")
    spec = {"hsi": "NEON_D17_SJER_DP3_257000_4112000_reflectance.h5", "lidar": "dsm.tif"}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(spec))
    assert load_scene(tmp_path / "site.yaml").lidar_names == ("dsm",)


@pytest.mark.parametrize(("year", "says"), [("2019", []), ("2021", ["heights of another year"])])
def test_heights_are_found_in_the_downloaded_tree(tmp_path, year, says):
    tree = "neon-aop-products/{0}/FullSite/D17/{0}_SJER_4/L3/{1}"
    cube = tmp_path / "DP3.30006.001" / tree.format("2019", "Spectrometer/Reflectance")
    cube.mkdir(parents=True)
    chm = made.neon_heights(tmp_path / "DP3.30015.001" / tree.format(year, "DiscreteLidar/CanopyHeightModelGtif"))
    scene = load_scene(made.neon(cube))
    assert scene.lidar_names == ("CHM (m)",)
    assert chm in scene.files
    assert [finding for finding, *_ in scene.findings] == says


def test_heights_of_another_place_are_refused_with_both_extents(tmp_path):
    path = made.neon(tmp_path)
    made.neon_heights(tmp_path, east_m=1000)
    with pytest.raises(SceneError, match=r"258000, 4113000 .*257000, 4113000 .*do not overlap"):
        load_scene(path)


def test_shifted_heights_are_resampled_and_that_is_said(tmp_path):
    path = made.neon(tmp_path)
    made.neon_heights(tmp_path, east_m=1)
    scene = load_scene(path)
    assert scene.lidar[2, 5, 0] == 2 * made.COLS + 4
    assert "raster on another grid" in [finding for finding, *_ in scene.findings]


def test_windows_of_the_file_go_before_the_usual_ones(tmp_path):
    layer = open_product(made.neon(tmp_path, windows=False))
    assert (~layer.good).sum() == 54
    with h5py.File(layer.path, "r+") as file:
        file["SJER/Reflectance"].attrs["Band_Window_1_Nanometers"] = [383, 389]
        file["SJER/Reflectance"].attrs["Band_Window_2_Nanometers"] = [2500, 2520]
    assert np.flatnonzero(~open_product(layer.path).good).tolist() == [0, 1, 423, 424, 425]


def test_widths_of_another_number_are_left_out(tmp_path):
    scene = load_scene(made.neon(tmp_path, fwhm=421))
    assert scene.fwhm_nm is None
    assert ("band widths left out", "421 for 426 bands", "they are wrong in the file") in scene.findings


def test_pixels_without_data_are_not_valid(tmp_path):
    layer = open_product(made.neon(tmp_path))
    assert np.isnan(layer.values(*ALL)[0, 0]).all()
    assert np.isnan(layer.values(*ALL)).sum() == 426


@pytest.mark.parametrize("facts", [{"layer": "Aerosol_Optical_Thickness"}, {"name": "x_bidirectional_reflectance.h5"}])
def test_the_corrected_product_is_told_from_the_old_one(tmp_path, facts):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir(), new.mkdir()
    assert load_scene(made.neon(new, **facts)).units == "reflectance, corrected for BRDF and slope"
    made.neon(old)
    spec = {"hsi": [f"old/{made.neon(old).name}", f"new/{made.neon(new, **facts).name}"]}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(spec))
    with pytest.raises(SceneError, match="differ in units"):
        load_scene(tmp_path / "site.yaml")


def test_radiance_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"holds radiance, expected reflectance: a file of DP3.30006"):
        load_scene(made.neon(tmp_path, kind="Radiance"))


def test_two_tiles_are_one_scene_with_their_heights(tmp_path):
    west = made.neon(tmp_path)
    made.neon_heights(tmp_path)
    east = made.neon(tmp_path, "NEON_D17_SJER_DP3_257100_4112000_reflectance.h5")
    with h5py.File(east, "r+") as file:
        place = file["SJER/Reflectance/Metadata/Coordinate_System"]
        del place["Map_Info"]
        place["Map_Info"] = np.bytes_(f"UTM, 1, 1, {made.EAST + made.COLS + 2}, {made.NORTH}, 1, 1, 11, North, WGS-84")
    made.neon_heights(tmp_path, east_m=made.COLS + 2, tile="257100_4112000")
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"hsi": [west.name, east.name]}))
    scene, tile = load_scene(tmp_path / "site.yaml"), load_scene(west)
    assert scene.shape == (made.ROWS, 2 * made.COLS + 2)
    for left in (0, made.COLS + 2):
        np.testing.assert_array_equal(scene.valid[:, left : left + made.COLS], tile.valid)
        np.testing.assert_array_equal(scene.hsi[:, left : left + made.COLS][tile.valid], tile.hsi[tile.valid])
        np.testing.assert_array_equal(scene.lidar[:, left : left + made.COLS], tile.lidar)
    assert not scene.valid[:, made.COLS : made.COLS + 2].any()
    assert np.isnan(scene.lidar[:, made.COLS : made.COLS + 2]).all()
