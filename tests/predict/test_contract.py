"""A fitted model and another scene: matched by name and range, or refused, or doubted aloud."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from tiny import tiny_scene, tiny_split

from hsikit import cli
from hsikit.models import CNN2D, CNN3D, SSRN, HybridSN, TrunkClassifier
from hsikit.predict import predict_map
from hsikit.predict.large import map_large
from hsikit.scenes import Scene, SceneError
from hsikit.scenes.write import write_map
from hsikit.train import TrainConfig, fit

ONCE = TrainConfig(epochs=2, threads=1)


@pytest.fixture(scope="module")
def scene():
    return replace(tiny_scene(lidar=2), lidar_names=("height", "intensity"))


@pytest.fixture(scope="module")
def fitted(scene):
    return fit(TrunkClassifier(16, 2, 3, window=5, width=8), scene, tiny_split(scene), ONCE, progress=False).model


@pytest.fixture(autouse=True)
def said_anew():
    from hsikit.fitted import _warn_once

    _warn_once.cache_clear()


def test_lidar_is_taken_by_name(scene, fitted):
    turned = replace(scene, lidar=np.stack([0 * scene.lidar[..., 0], *scene.lidar.transpose(2, 0, 1)[::-1]], -1),
                     lidar_names=("slope", "intensity", "height"))  # fmt: skip
    np.testing.assert_array_equal(predict_map(fitted, turned).labels, predict_map(fitted, scene).labels)
    with pytest.raises(ValueError, match=r"takes the LiDAR channel 'height', tiny has dsm, intensity; .*name: height"):
        predict_map(fitted, replace(scene, lidar_names=("dsm", "intensity")))
    with pytest.raises(ValueError, match=r"takes 2 LiDAR channel\(s\), tiny has 0"):
        predict_map(fitted, replace(scene, lidar=None, lidar_names=()))


def test_channels_without_names_are_taken_in_their_order_and_that_is_said(scene, fitted, caplog):
    bare = replace(scene, lidar_names=())
    np.testing.assert_array_equal(predict_map(fitted, bare).labels, predict_map(fitted, scene).labels)
    assert "LiDAR channels are taken in their order" in caplog.text


def test_bands_within_a_tenth_of_their_width_are_the_same(scene, fitted):
    shifted = replace(scene, wavelengths_nm=scene.wavelengths_nm + 2.9)  # 30 nm apart
    np.testing.assert_array_equal(fitted.match(shifted).hsi, scene.hsi)
    further = replace(scene, wavelengths_nm=scene.wavelengths_nm + np.linspace(-6, 6, 16))
    assert not np.array_equal(fitted.match(further).hsi, scene.hsi)


def test_units_and_values_of_another_kind_are_doubted(scene, fitted, caplog):
    predict_map(fitted, scene)
    assert caplog.text == ""
    predict_map(fitted, replace(scene, hsi=10_000 * scene.hsi, units="counts"))
    assert "holds counts, the model was trained on reflectance" in caplog.text
    assert "its values lie" in caplog.text
    predict_map(fitted, replace(scene, lidar=scene.lidar + 5000))
    assert "its LiDAR lie" in caplog.text


def test_lidar_channels_swapped_under_their_names_are_doubted(caplog):
    land = tiny_scene(lidar=2)
    bright = np.stack([land.lidar[..., 0], 900 + land.lidar[..., 1]], -1)
    land = replace(land, lidar=bright, lidar_names=("height", "intensity"))
    network = TrunkClassifier(16, 2, 3, window=5, width=8)
    model = fit(network, land, tiny_split(land), ONCE, progress=False).model
    predict_map(model, land)
    assert caplog.text == ""
    predict_map(model, replace(land, lidar=bright[..., ::-1]))
    assert "its LiDAR lie" in caplog.text


def test_missing_lidar_is_the_training_mean_in_fitting_and_mapping(scene, caplog):
    holed = scene.lidar.copy()
    holed[4:12, 5:15] = np.nan
    holed_scene = replace(scene, lidar=holed)
    run = fit(TrunkClassifier(16, 2, 3, window=5, width=8), holed_scene, tiny_split(scene), ONCE, progress=False)
    assert np.isfinite(run.history["loss"]).all()
    assert "LiDAR is missing in" in caplog.text
    rows, cols = np.divmod(tiny_split(scene).train, scene.shape[1])
    np.testing.assert_allclose(run.model.normalizer.lidar_mean, np.nanmean(holed[rows, cols].astype(float), 0))
    filled = replace(scene, lidar=np.where(np.isnan(holed), run.model.normalizer.lidar_mean, holed).astype(np.float32))
    np.testing.assert_allclose(
        predict_map(run.model, holed_scene).scores, predict_map(run.model, filled).scores, atol=1e-5
    )


def test_what_no_fit_can_use_stops_it_at_once(scene):
    holed = scene.hsi.copy()
    holed[..., 3] = np.nan
    with pytest.raises(ValueError, match="training pixels of tiny hold NaN; mark them not valid"):
        fit(CNN2D(8, 3, 7), replace(scene, hsi=holed), tiny_split(scene), ONCE, progress=False)
    steep = replace(ONCE, lr=1e30, clip=1e30, schedule="cosine", epochs=4)
    with pytest.raises(ValueError, match=r"the loss is (nan|inf) in epoch"):
        fit(CNN2D(8, 3, 7), scene, tiny_split(scene), steep, progress=False)


@pytest.mark.parametrize(("network", "least"), [(CNN2D, 7), (CNN3D, 5), (HybridSN, 9), (SSRN, 3)])
def test_a_window_too_small_is_refused_when_the_network_is_built(network, least):
    network(bands=30, classes=3, window=least)
    for window in (least - 2, least - 1):
        with pytest.raises(ValueError, match=f"an odd number of pixels from {least}"):
            network(bands=30, classes=3, window=window)


def test_no_map_is_written_over_what_its_scene_was_read_from(scene, fitted, tmp_path, capsys):
    for name, array in (("cube", scene.hsi), ("height", scene.lidar[..., 0]), ("intensity", scene.lidar[..., 1])):
        bands = np.moveaxis(array if array.ndim == 3 else array[..., None], -1, 0)
        with rasterio.open(tmp_path / f"{name}.tif", "w", driver="GTiff", height=24, width=20, count=len(bands),
                           dtype="float32") as file:  # fmt: skip
            file.write(bands)
    waves = scene.wavelengths_nm.tolist()
    (tmp_path / "s.yaml").write_text(f"hsi: cube.tif\nlidar: [height.tif, intensity.tif]\nwavelengths_nm: {waves}\n")
    fitted.save(tmp_path / "model")
    (tmp_path / "again.tif").hardlink_to(tmp_path / "height.tif")
    before = {file: file.read_bytes() for file in tmp_path.glob("*.*")}
    for out in ("cube.tif", "height.tif", "s.yaml", "again.tif"):
        assert (
            cli.main(["predict", str(tmp_path / "model"), str(tmp_path / "s.yaml"), "--out", str(tmp_path / out)]) == 2
        )
        assert "is a file that the scene is read from" in capsys.readouterr().err
    with pytest.raises(SceneError, match="name another one for the map"):
        map_large(tmp_path / "model", tmp_path / "s.yaml", tmp_path / "cube.tif")
    from hsikit.scenes import load_scene

    with pytest.raises(SceneError, match="name another one for the map"):
        write_map(tmp_path / "intensity.tif", np.zeros((24, 20), int), load_scene(tmp_path / "s.yaml"))
    assert {file: file.read_bytes() for file in tmp_path.glob("*.*")} == before


def test_a_map_carries_control_points(tmp_path):
    from rasterio.control import GroundControlPoint

    points = [GroundControlPoint(r, c, 5e5 + 2 * c + r * c / 9, 4e6 - 2 * r) for r in (0, 4) for c in (0, 5)]
    scene = Scene("s", np.ones((4, 5, 2)), np.ones((4, 5), int), ["a"], gcps=(points, rasterio.CRS.from_epsg(32632)))
    (path,) = write_map(tmp_path / "map.tif", scene.labels, scene)
    with rasterio.open(path) as file:
        assert [(p.row, p.col, p.x, p.y) for p in file.gcps[0]] == [(p.row, p.col, p.x, p.y) for p in points]
        assert file.gcps[1].to_epsg() == 32632


def test_a_network_told_to_do_without_lidar_maps_a_scene_without(scene):
    network = TrunkClassifier(16, 2, 3, window=5, width=8, sensor_dropout=0.2)
    model = fit(network, scene, tiny_split(scene), ONCE, progress=False).model
    network.trunk.absent = "lidar"
    bare = predict_map(model, replace(scene, lidar=None, lidar_names=())).labels
    np.testing.assert_array_equal(bare, predict_map(model, scene).labels)
