"""EnMAP and DESIS: real crops against rasterio, made deliveries against what is known of them."""

import numpy as np
import pytest
import rasterio.shutil
import yaml
from scenes.products import made

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.layers import open_layer
from hsikit.scenes.products import as_product, open_product

ALL = slice(0, made.ROWS), slice(0, made.COLS)


@pytest.fixture
def crops(real_data):
    folder = real_data / "products" / "enmap_l2a"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def site(folder, **spec):
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


def test_a_real_export_equals_what_rasterio_reads(crops):
    path = crops / "enmap_potsdam_tile_192_160.tif"
    layer = as_product(open_layer(path))
    with rasterio.open(path) as source:
        stored, transform = np.moveaxis(source.read(), 0, -1), source.transform
        nm = np.array([float(source.tags(i)["wavelength"]) for i in source.indexes])
    order = np.argsort(nm, kind="stable")
    values = layer.values(slice(0, 32), slice(0, 32))
    expected = np.where(stored == -32768, np.nan, stored * np.float32(1e-4))[..., order]
    np.testing.assert_array_equal(values, expected.astype(np.float32))
    np.testing.assert_allclose(values[0, 0, :3], [0.0181, 0.0157, 0.0124], atol=1e-7)
    np.testing.assert_array_equal(layer.wavelengths, nm[order])
    assert layer.shape[2] == 224
    assert (~layer.good).sum() == 6
    assert (layer.wavelengths[~layer.good][[0, -1]] == [1331.22, 1390.84]).all()
    assert (layer.detector == "vnir").sum() == 91
    at = lambda nm: values[..., np.abs(layer.wavelengths - nm).argmin()]  # noqa: E731
    assert np.median((at(860) - at(670)) / (at(860) + at(670))) == pytest.approx(0.8664, abs=5e-5)
    np.testing.assert_allclose([np.median(at(nm)) for nm in (670, 705, 800)], [0.0248, 0.0748, 0.32535], atol=1e-6)
    scene = load_scene(path)
    assert scene.crs.to_epsg() == 32633
    assert scene.transform == transform
    assert scene.transform * (0, 0) == (367_935, 5_805_165)


def test_of_a_real_export_one_detector_is_kept_where_two_overlap(crops):
    path = crops / "enmap_potsdam_tile_192_160.tif"
    swir = load_scene(path)
    assert swir.bands == 224 - 6 - 12
    assert "two detectors overlap" in [finding for finding, *_ in swir.findings]


def test_negative_reflectance_over_real_water_stays(crops):
    layer = as_product(open_layer(crops / "enmap_potsdam_tile_160_128.tif"))
    values = layer.values(slice(0, 32), slice(0, 32))
    assert np.nanmin(values) == pytest.approx(-0.0496)
    with np.errstate(all="ignore"):
        nir, red = values[..., 66], values[..., 48]
        ratio = (nir - red) / (nir + red)
    assert ratio.shape == (32, 32)


@pytest.mark.parametrize("facts", [{}, {"upper": False}, {"interleaved": True}, {"lists": False}])
def test_numbers_follow_from_the_metadata(tmp_path, facts):
    layer = open_product(made.enmap(tmp_path, **facts))
    values = layer.values(*ALL)
    expected = made.truth(layer.wavelengths)
    ok = ~np.isnan(values)
    np.testing.assert_allclose(values[ok], expected[ok], atol=1e-6)
    dead = (layer.wavelengths > 1331) & (layer.wavelengths < 1391)
    np.testing.assert_array_equal(layer.good, ~dead)
    assert np.isnan(values[..., dead]).all()
    assert (layer.detector is None) == (facts == {"lists": False})
    assert (np.diff(layer.wavelengths) > 0).all()


@pytest.mark.parametrize(
    ("choice", "kept"), [(None, "swir"), ("swir", "swir"), ("vnir", "vnir"), ("both", None)]
)  # fmt: skip
def test_the_detector_kept_is_a_choice(tmp_path, choice, kept):
    folder = made.enmap(tmp_path)
    nm = load_scene(site(tmp_path, hsi=folder.name, overlap=choice)).wavelengths_nm
    twice = nm[(nm >= made.SWIR_NM.min()) & (nm <= made.VNIR_NM.max())]
    from_vnir = np.isin(np.round(twice, 6), np.round(made.VNIR_NM, 6))
    assert {"swir": not from_vnir.any(), "vnir": from_vnir.all(), None: 0 < from_vnir.sum() < twice.size}[kept]


def test_a_choice_where_there_is_none_is_refused(tmp_path):
    path = made.neon(tmp_path)
    with pytest.raises(SceneError, match="overlap is given, but its bands do not say which detector"):
        load_scene(site(tmp_path, hsi=path.name, overlap="vnir"))
    folder = made.enmap(tmp_path)
    with pytest.raises(SceneError, match="overlap is 'nir', expected one of swir, vnir, both"):
        load_scene(site(tmp_path, hsi=folder.name, overlap="nir"))


def test_folder_metadata_and_image_are_one(tmp_path):
    folder = made.enmap(tmp_path)
    whole = load_scene(folder)
    for end in ("METADATA.XML", "SPECTRAL_IMAGE.TIF"):
        scene = load_scene(folder / (made.ENMAP + end))
        np.testing.assert_array_equal(scene.hsi, whole.hsi)
        assert set(scene.files) == set(whole.files) - {folder}


def test_other_endings_and_orders_are_read_too(tmp_path):
    folder = made.enmap(tmp_path)
    whole = load_scene(folder)
    xml, image = folder / f"{made.ENMAP}METADATA.XML", folder / f"{made.ENMAP}SPECTRAL_IMAGE.TIF"
    xml.rename(f"{xml}.XML")
    with rasterio.open(image) as source:
        rasterio.shutil.copy(source, image.with_suffix(".BSQ"), driver="ENVI")
    image.unlink()
    scene = load_scene(folder)
    np.testing.assert_array_equal(scene.hsi, whole.hsi)
    np.testing.assert_array_equal(scene.valid, whole.valid)
    assert scene.transform == whole.transform


def test_cloud_and_background_are_not_valid_haze_is(tmp_path):
    scene = load_scene(made.enmap(tmp_path))
    assert np.argwhere(~scene.valid).tolist() == [[0, 0], [4, 4], [8, 0]]


def test_desis_of_any_number_of_bands(tmp_path):
    scene = load_scene(made.desis(tmp_path))
    assert scene.bands == 60
    np.testing.assert_allclose(scene.fwhm_nm, 10.2)
    np.testing.assert_allclose(scene.wavelengths_nm, made.DESIS_NM)
    assert np.argwhere(~scene.valid).tolist() == [[0, 0], [4, 4], [4, 5]]


def test_what_is_missing_or_of_two_products_is_named(tmp_path):
    folder = made.enmap(tmp_path)
    xml, image = folder / f"{made.ENMAP}METADATA.XML", folder / f"{made.ENMAP}SPECTRAL_IMAGE.TIF"
    text = xml.read_text()
    xml.unlink()
    with pytest.raises(SceneError, match=r"has no METADATA.XML beside it"):
        load_scene(image)
    xml.write_text(text)
    image.rename(tmp_path / "elsewhere.tif")
    for path in folder.glob("*QUALITY*"):
        path.unlink()
    with pytest.raises(SceneError, match="has 0 images beside it, expected one"):
        load_scene(folder)


def test_another_level_or_number_of_bands_is_refused(tmp_path):
    with pytest.raises(SceneError, match="is of level L1C, expected L2A"):
        load_scene(made.enmap(tmp_path, prefix=made.ENMAP.replace("L2A", "L1C")))
    with pytest.raises(SceneError, match=r"has 200 bands, .* describes 224"):
        load_scene(made.enmap(tmp_path, bands=200))
