"""Scenes to xarray and back."""

from dataclasses import replace

import numpy as np
import pytest
from scenes.miniature import UTM, cube, grid, labels

from hsikit.scenes import Scene, SceneError, load_scene

xarray = pytest.importorskip("xarray", reason="xarray (extra `xarray`) is not installed")


def scene():
    gt = labels()
    return Scene("field", cube(), gt, ["a", "b", "c"], units="counts", wavelengths_nm=450 + 50.0 * np.arange(6),
                 fwhm_nm=np.full(6, 10.0), lidar=np.ones((12, 10, 2), np.float32), lidar_names=("h", "i"),
                 valid=gt > 0, masks={"mine": (gt, 0 * gt)}, crs=UTM, transform=grid(), gsd_m=2.0, citation="me",
                 source_pixel=np.arange(120).reshape(12, 10), simulated=True)  # fmt: skip


def test_all_of_a_scene_comes_back(tmp_path):
    here = scene()
    back = Scene.from_xarray(here.to_xarray())
    assert back.content_hash == here.content_hash
    for name in (
        "name",
        "class_names",
        "colors",
        "units",
        "lidar_names",
        "crs",
        "transform",
        "gsd_m",
        "citation",
        "simulated",
    ):
        assert getattr(back, name) == getattr(here, name), name
    for name in ("wavelengths_nm", "fwhm_nm", "source_pixel"):
        np.testing.assert_array_equal(getattr(back, name), getattr(here, name))
    np.testing.assert_array_equal(back.masks["mine"][0], here.labels)
    bare = Scene.from_xarray(
        replace(here, crs=None, transform=None, lidar=None, lidar_names=(), source_pixel=None).to_xarray()
    )
    assert (bare.crs, bare.transform, bare.lidar, bare.source_pixel) == (None, None, None, None)


def test_coordinates_are_pixel_centres_and_the_system_stands_where_others_look():
    data = scene().to_xarray()
    assert float(data.x[0]) == grid().c + 1
    assert float(data.y[0]) == grid().f - 1
    assert data.spatial_ref.attrs["crs_wkt"] == UTM.to_wkt()
    assert data.hsi.sel(band=slice(0, 2)).shape == (12, 10, 2)


def test_an_array_from_elsewhere_with_the_band_first():
    y, x = 5_100_000 - 2.0 * np.arange(12) - 1, 600_000 + 2.0 * np.arange(10) + 1
    array = xarray.DataArray(cube().transpose(2, 0, 1), dims=("band", "y", "x"), coords={
        "y": y, "x": x, "wavelength": ("band", 0.45 + 0.05 * np.arange(6), {"units": "micrometers"})})  # fmt: skip
    made = Scene.from_xarray(array, labels=labels(), class_names=["a", "b", "c"], name="mine")
    np.testing.assert_array_equal(made.hsi, cube())
    np.testing.assert_allclose(made.wavelengths_nm, 450 + 50.0 * np.arange(6))
    assert made.transform.almost_equals(grid(), 1e-6)
    assert made.name == "mine"
    with pytest.raises(SceneError, match="no one array with a band dimension"):
        Scene.from_xarray(xarray.DataArray(np.ones((3, 3)), dims=("y", "x")))


def test_the_scenes_in_hand_go_there_and_back():
    here = load_scene("simulated")
    assert Scene.from_xarray(here.to_xarray()).content_hash == here.content_hash
