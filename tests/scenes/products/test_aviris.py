"""AVIRIS-NG: real crops against rasterio and numpy; AVIRIS-3 and what made files vary."""

import numpy as np
import pytest
import rasterio
import yaml
from scenes.products import made

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.layers import open_layer
from hsikit.scenes.products import RADIANCE, as_product, open_product
from hsikit.scenes.write import write_map


@pytest.fixture
def crops(real_data):
    folder = real_data / "products" / "aviris_ng"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def test_a_real_rotated_crop_equals_what_rasterio_reads(crops, tmp_path):
    path = crops / "caltech_425_7_7_nm"
    layer, scene = as_product(open_layer(path)), load_scene(path)
    with rasterio.open(path) as source:
        stored, transform = np.moveaxis(source.read(), 0, -1), source.transform
    values = layer.values(slice(0, 7), slice(0, 7))
    assert values.shape == (7, 7, 425)
    np.testing.assert_array_equal(values, stored)
    np.testing.assert_allclose(values[0, 0, :3], [0.05377, 0.05243, 0.0483], atol=5e-6)
    assert values[0, 6, 90] == pytest.approx(0.228113, abs=5e-7)
    assert values[6, 0, 90] == pytest.approx(0.106953, abs=5e-7)
    assert (~layer.good).sum() == 53
    assert scene.units == "reflectance"
    assert scene.crs.to_epsg() == 32611
    assert scene.transform == transform
    expected = [1.99878, -0.0698, 395_784.1735, -0.0698, -1.99878, 3_778_085.3999]
    np.testing.assert_allclose(transform[:6], expected, atol=1e-4)
    assert scene.gsd_m == pytest.approx(2)
    with rasterio.open(write_map(tmp_path / "map.tif", np.zeros(scene.shape, np.uint8), scene)[0]) as out:
        assert out.transform.almost_equals(transform)


def test_a_real_crop_of_radiance_is_called_so(crops, tmp_path):
    path = crops / "ang20160910t185702_2rdn_img"
    with pytest.raises(SceneError, match="holds radiance, expected reflectance"):
        load_scene(path)
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"hsi": str(path), "units": "radiance"}))
    scene = load_scene(tmp_path / "site.yaml")
    assert scene.units == "radiance"
    assert scene.bands == 425
    mean = {nm: float(scene.hsi[..., scene.band_at(nm)].mean()) for nm in (740, 760, 780)}
    assert mean[760] == pytest.approx(2.809, abs=5e-4)  # the oxygen line
    assert mean[760] < min(mean[740], mean[780])
    assert scene.transform * (0, 0) == pytest.approx((353_128.751647949, 3_813_729.76806641))


def test_radiance_is_told_by_its_values_too(tmp_path):
    path = made.aviris_ng(tmp_path, "renamed_img")
    assert as_product(open_layer(path)).units == "reflectance"
    values = np.fromfile(path, np.float32)
    np.where(values > -9000, values * 30, values).astype(np.float32).tofile(path)
    assert as_product(open_layer(path)).units == RADIANCE


def test_bands_take_their_wavelengths_from_their_names(tmp_path):
    layer = as_product(open_layer(made.aviris_ng(tmp_path)))
    np.testing.assert_allclose(layer.wavelengths, made.NG_NM, atol=0.005)
    nm = layer.wavelengths
    bad = ((nm >= 1340) & (nm <= 1440)) | ((nm >= 1780) & (nm <= 1960)) | (np.arange(425) == 0)
    np.testing.assert_array_equal(layer.good, ~bad)


def test_flags_of_the_header_go_before_the_usual_windows(tmp_path):
    bbl = [0, *[1] * 423, 0]
    layer = as_product(open_layer(made.aviris_ng(tmp_path, names=False, bbl=bbl)))
    assert np.flatnonzero(~layer.good).tolist() == [0, 424]


def test_other_envi_cubes_are_no_aviris(tmp_path):
    from scenes.miniature import cube, write_envi

    layer = open_layer(write_envi(tmp_path, cube()))
    assert as_product(layer) is layer


def test_aviris_3_as_netcdf_has_centres_of_pixels(tmp_path):
    layer = open_product(made.aviris_3(tmp_path))
    assert layer.transform * (0, 0) == (made.EAST, made.NORTH)
    nm = made.AV3_NM
    np.testing.assert_array_equal(layer.good, ~(((nm >= 1340) & (nm <= 1440)) | ((nm >= 1780) & (nm <= 1960))))
    np.testing.assert_allclose(layer.fwhm, 7.4)


def test_aviris_3_radiance_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"holds radiance, expected reflectance: \*_RFL_ORT.nc"):
        load_scene(made.aviris_3(tmp_path, "radiance"))
