"""PRISMA and Tanager, on made files alone."""

import h5py
import numpy as np
import pytest
from scenes.products import made

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.products import open_product

ALL = slice(0, made.ROWS), slice(0, made.COLS)


def test_prisma_has_234_ascending_bands_and_a_scale_for_each_detector(tmp_path):
    layer = open_product(made.prisma(tmp_path))
    assert layer.shape == (made.ROWS, made.COLS, 234)
    assert (np.diff(layer.wavelengths) > 0).all()
    np.testing.assert_allclose(layer.fwhm, 12)
    values = layer.values(*ALL)
    for name, band in (("vnir", 12), ("swir", 12)):
        top, nm = made.PRISMA_SCALE[name.upper()][1], made.PRISMA_NM[name.upper()][band]
        at = np.flatnonzero((layer.detector == name) & np.isclose(layer.wavelengths, nm))
        np.testing.assert_allclose(values[1, 1, at], [top], rtol=1e-6)  # DN 65535


def test_prisma_padding_is_not_valid_a_clipped_band_is(tmp_path):
    path = made.prisma(tmp_path)
    values = open_product(path).values(*ALL)
    assert np.isnan(values[0, 0]).all()
    clipped = np.isclose(open_product(path).wavelengths, made.PRISMA_NM["VNIR"][10])
    np.testing.assert_allclose(values[1, 0, clipped], made.PRISMA_SCALE["VNIR"][0], rtol=1e-6)  # DN 0
    assert np.isnan(values[2, 2]).sum() == 2  # one sample of each detector was not valid in level 1
    scene = load_scene(path)
    assert not scene.valid[0, 0]
    assert scene.valid[1, 0]


def test_prisma_corners_are_centres(tmp_path):
    scene = load_scene(made.prisma(tmp_path))
    assert scene.transform * (0, 0) == (500_000, 4_200_030)
    assert scene.gsd_m == 30


def test_prisma_keeps_swir_where_the_detectors_overlap(tmp_path):
    nm = load_scene(made.prisma(tmp_path)).wavelengths_nm
    twice = nm[(nm > 942.9) & (nm < 972.7)]
    assert np.isin(twice.round(6), made.PRISMA_NM["SWIR"].round(6)).all()
    assert twice.size == 4


@pytest.mark.parametrize("level", ["1", "2B", "2C"])
def test_prisma_of_another_level_is_refused(tmp_path, level):
    with pytest.raises(SceneError, match=f"is of level {level}, which is not on a grid; expected L2D"):
        load_scene(made.prisma(tmp_path, level))


def test_prisma_with_turned_axes_is_refused(tmp_path):
    with pytest.raises(SceneError, match="its axes are not as published"):
        load_scene(made.prisma(tmp_path, turned=True))


def test_tanager_leaves_out_clouds_and_flagged_bands(tmp_path):
    layer = open_product(made.tanager(tmp_path))
    bad = (made.TANAGER_NM > 1340) & (made.TANAGER_NM < 1445)
    np.testing.assert_array_equal(layer.good, ~bad)
    np.testing.assert_allclose(layer.fwhm, 5.9)  # not a thousand times as much, though all lie below 100
    scene = load_scene(layer.path)
    assert np.argwhere(~scene.valid).tolist() == [[0, 0], [4, 4]]


def test_tanager_in_the_sensors_geometry_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"is in the sensor's geometry \(basic\); expected the grid"):
        load_scene(made.tanager(tmp_path, "SWATHS"))


def test_tanager_radiance_is_refused(tmp_path):
    path = made.tanager(tmp_path)
    with h5py.File(path, "r+") as file:
        file.move("HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance", "HDFEOS/GRIDS/HYP/Data Fields/toa_radiance")
    with pytest.raises(SceneError, match="toa_radiance; expected surface_reflectance"):
        load_scene(path)
