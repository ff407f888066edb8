import logging

import numpy as np
import pytest
from scenes.miniature import write_mat

from hsikit.scenes import SceneError, available, load_scene, muufl
from hsikit.scenes.registry import facts

ROWS, COLS, BANDS = 325, 220, 3
NAMES = list(muufl.COLORS)


def layout(**changes):
    """The struct `hsi` of the published file, with three bands; changes replace its fields."""
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 12, (ROWS, COLS)).astype(np.float64)
    labels[:2] = -1
    lidar = rng.uniform(0, 25, (ROWS, COLS, 2))
    return {
        "Data": rng.uniform(0, 1, (ROWS, COLS, BANDS)).astype(np.float32),
        "valid_mask": np.ones((ROWS, COLS), np.uint8),
        "info": {"wavelength": np.array([450.0, 550.0, 650.0])},
        "Lidar": [{"z": lidar}, {"z": lidar[..., ::-1]}],
        "sceneLabels": {"labels": labels, "Materials_Type": NAMES},
    } | changes


def put(folder, hsi, version="5"):
    folder.mkdir(parents=True, exist_ok=True)
    return write_mat(folder / muufl.SCENE_FILE, version, hsi=hsi)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_published_layout(data_folder, version):
    hsi = layout()
    put(data_folder / "muufl", hsi, version)
    scene = load_scene("muufl")
    np.testing.assert_array_equal(scene.hsi, hsi["Data"])
    np.testing.assert_allclose(scene.lidar, hsi["Lidar"][0]["z"], rtol=1e-6)
    np.testing.assert_array_equal(
        scene.labels, np.where(hsi["sceneLabels"]["labels"] < 0, 0, hsi["sceneLabels"]["labels"])
    )
    assert scene.class_names == tuple(NAMES)
    assert scene.colors == tuple(muufl.COLORS.values())
    assert scene.lidar_names == ("height (m)", "intensity (counts)")
    assert (scene.units, scene.gsd_m, scene.masks) == ("reflectance", 1.0, {})
    assert scene.valid.all()


def test_pixels_without_a_whole_spectrum_are_not_valid(data_folder):
    hsi = layout()
    hsi["valid_mask"][5, 6] = 0
    hsi["Data"][7, 8, 1] = np.nan
    hsi["Data"][9, 10, 2] = np.inf
    put(data_folder / "muufl", hsi)
    assert [tuple(p) for p in np.argwhere(~load_scene("muufl").valid)] == [(5, 6), (7, 8), (9, 10)]


def test_subset_is_the_same_from_the_full_file_and_from_its_own(data_folder, caplog):
    hsi = layout()
    put(data_folder / "muufl", hsi)
    full = load_scene("muufl_subset")
    (data_folder / "muufl" / muufl.SCENE_FILE).unlink()
    area = muufl.subset_area((ROWS, COLS))
    hsi["Data"][~area] = np.nan
    hsi["valid_mask"][~area] = 0
    put(data_folder / "muufl_subset", hsi)
    own = load_scene("muufl_subset")
    assert own.name == full.name == "muufl_subset"
    assert own.content_hash == full.content_hash
    assert own.valid.sum() == area.sum() == 18_100
    assert own.valid[129, 119]
    assert own.valid[239, 29]
    assert not own.valid[128, 119]
    np.testing.assert_array_equal(own.labels, full.labels)
    with caplog.at_level(logging.WARNING):
        assert load_scene("muufl").name == "muufl_subset"  # never called plain MUUFL
    assert "subset alone" in caplog.text
    in_hand = available().set_index("name").in_hand
    assert in_hand["muufl_subset"]
    assert not in_hand["muufl"]


def test_five_classes_are_those_of_the_subset_renumbered(data_folder):
    hsi = layout()
    names = list(muufl.COLORS)
    hsi["sceneLabels"] = {"labels": np.arange(ROWS * COLS, dtype=float).reshape(ROWS, COLS) % 11 + 1,
                          "Materials_Type": names}  # fmt: skip
    put(data_folder / "muufl", hsi)
    every, five = load_scene("muufl_subset"), load_scene("muufl_five")
    assert five.class_names == muufl.FIVE
    assert five.colors[3] == muufl.COLORS["building"]
    for k, name in enumerate(muufl.FIVE, 1):
        np.testing.assert_array_equal(five.labels == k, every.labels == names.index(name) + 1)
    assert set(np.unique(five.labels)) == {0, 1, 2, 3, 4, 5}


def test_masks_come_along_when_in_hand(data_folder):
    put(data_folder / "muufl", layout())
    train = np.zeros((ROWS, COLS), np.uint8)
    train[3, 4] = 5
    write_mat(data_folder / "muufl" / "mask_train_150.mat", "5", mask_train=train)
    assert load_scene("muufl").masks == {}
    write_mat(data_folder / "muufl" / "mask_test_150.mat", "5", mask_test=train.T)
    with pytest.raises(SceneError, match=r"mask_test_150.mat is \(220, 325\)"):
        load_scene("muufl")
    write_mat(data_folder / "muufl" / "mask_test_150.mat", "5", mask_test=train * 0 + 1)
    pair = load_scene("muufl").masks["masks_150"]
    np.testing.assert_array_equal(pair[0], train)
    assert (pair[1] == 1).all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Data": "text"}, "expected real numbers"),
        ({"Data": np.ones((ROWS, COLS))}, "expected 3 dimensions"),
        ({"Data": np.ones((ROWS, COLS, 4), np.float32)}, "3 wavelengths for 4 bands"),
        ({"Data": np.full((ROWS, COLS, BANDS), np.nan, np.float32)}, "no pixel is valid"),
        ({"valid_mask": np.ones((4, 4), np.uint8)}, "valid_mask"),
        ({"Lidar": [{"z": np.ones((9, 9, 2))}]}, "rows and columns must agree"),
        ({"Lidar": [{"x": np.ones((9, 9, 2))}]}, "no hsi.Lidar.0.z"),
        ({"info": {}}, "no hsi.info"),
        (
            {"sceneLabels": {"labels": np.full((ROWS, COLS), 12.0), "Materials_Type": NAMES}},
            "labels run from 12 to 12",
        ),
        (
            {"sceneLabels": {"labels": np.full((ROWS, COLS), 1.5), "Materials_Type": NAMES}},
            "not whole numbers",
        ),
        (
            {"sceneLabels": {"labels": np.ones((ROWS, COLS)), "Materials_Type": ["a", "b", "a"]}},
            "appear twice",
        ),
    ],
)
def test_another_layout_is_one_clear_line(data_folder, changes, says):
    put(data_folder / "muufl", layout(**changes))
    with pytest.raises(SceneError, match=says) as caught:
        load_scene("muufl")
    assert "\n" not in str(caught.value)


def test_real_subset(real_data):
    scene = load_scene("muufl_subset")
    assert scene.hsi.shape == (325, 220, 64)
    assert scene.class_counts().tolist() == [23246, 4270, 6882, 1826, 6687, 466, 2233, 6240, 1385, 183, 269]
    assert scene.valid.sum() == 18_100
    assert (scene.usable > 0).sum() == facts("muufl_subset").labelled == 15_481
    assert (load_scene("muufl_five").usable > 0).sum() == facts("muufl_five").labelled
    train, test = (np.where(scene.valid, m, 0) for m in scene.masks["masks_150"])
    assert ((train > 0).sum(), (test > 0).sum()) == (564, 14_917)
    assert scene.lidar[..., 0].max() < 26
