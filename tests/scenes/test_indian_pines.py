import subprocess
import sys

import numpy as np
import pytest
from scenes.miniature import write_tiff

from hsikit.scenes import SceneError, indian_pines, load_scene

# alfalfa, corn-notill, ... as published
COUNTS = [46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93]


def test_scene_is_the_published_one():
    scene = load_scene("indian_pines")
    assert scene.hsi.shape == (145, 145, 200)
    assert scene.hsi.dtype == np.uint16
    assert scene.units == "raw sensor counts"
    assert scene.class_counts().tolist() == COUNTS
    assert scene.class_names[10] == "soybean-mintill"
    assert len(set(scene.colors)) == 16
    assert scene.masks == {}
    assert scene.valid.all()


def test_wavelengths_are_kept_where_they_do_not_increase():
    waves = load_scene("indian_pines").wavelengths_nm
    assert waves[[0, -1]].tolist() == [400.02, 2498.96]
    assert np.flatnonzero(np.diff(waves) <= 0).tolist() == [30, 93, 171]


def test_wavelengths_are_those_of_tensorly():
    from tensorly.datasets import load_indian_pines

    np.testing.assert_array_equal(load_indian_pines()["ticks"][1], indian_pines.WAVELENGTHS_NM)


def test_tensorly_is_read_but_not_imported():
    code = "import sys, hsikit.scenes as s; s.load_scene('indian_pines'); print('tensorly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_package_without_its_files_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(indian_pines, "tensorly_data", lambda: tmp_path)
    with pytest.raises(SceneError, match="reinstall tensorly"):
        load_scene("indian_pines")


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(indian_pines, "find_spec", lambda name: None)
    with pytest.raises(SceneError, match="pip install tensorly"):
        load_scene("indian_pines")


def test_split_rasters_come_in_the_usual_class_numbers(data_folder):
    folder = data_folder / "indian_pines_split"
    folder.mkdir()
    raster = np.zeros((145, 145), np.uint8)
    raster[0, :16] = np.arange(1, 17)
    write_tiff(folder / "IndianTR123_temp123.tif", raster)
    write_tiff(folder / "IndianTE123_temp123.tif", raster[::-1])
    train, test = load_scene("indian_pines").masks["official_695"]
    assert train[0, :16].tolist() == [2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16, 1, 7, 9]
    np.testing.assert_array_equal(test, train[::-1])


def test_damaged_split_raster_is_named(data_folder):
    folder = data_folder / "indian_pines_split"
    folder.mkdir()
    for name in ("TR", "TE"):
        (folder / f"Indian{name}123_temp123.tif").write_bytes(b"nothing")
    with pytest.raises(SceneError, match="not a readable TIFF"):
        load_scene("indian_pines")


def test_real_split_counts(real_data):
    scene = load_scene("indian_pines")
    train, test = scene.masks["official_695"]
    assert (train > 0).sum() == 695
    assert (test > 0).sum() == 9_671
    assert not ((train > 0) & (test > 0)).any()
    both = np.maximum(train, test)
    labelled = (both > 0) & (scene.labels > 0)
    np.testing.assert_array_equal(both[labelled], scene.labels[labelled])  # the class order is mapped right
    assert labelled.sum() == 10_110
