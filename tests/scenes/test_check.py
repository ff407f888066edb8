import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from hsikit.scenes import Scene
from hsikit.scenes.check import lidar_offset

ROWS, COLS, BANDS = 80, 90, 8
WAVES = np.linspace(500, 900, BANDS)


def ground(seed=0):
    """A picture of flat patches with sharp borders, 0..1."""
    rng = np.random.default_rng(seed)
    return np.digitize(gaussian_filter(rng.normal(size=(ROWS, COLS)), 5), [-0.05, 0, 0.05]) / 3.0


def scene(hsi=None, **changes):
    if hsi is None:
        hsi = ground()[..., None] * np.linspace(1, 2, BANDS) + np.random.default_rng(1).uniform(
            0, 0.05, (ROWS, COLS, BANDS)
        )
    facts = {"labels": np.tile(np.repeat([1, 2], COLS // 2), (ROWS, 1)), "wavelengths_nm": WAVES} | changes
    return Scene("s", hsi.astype(np.float32), class_names=("a", "b"), **facts)


def findings(here):
    table = here.check()
    assert table.columns.tolist() == ["finding", "where", "remedy"]
    assert table.remedy.str.len().gt(0).all()
    return dict(zip(table.finding, table["where"]))


def test_a_clean_scene_has_no_findings():
    assert findings(scene()) == {}


def changed(fill):
    hsi = np.array(scene().hsi)
    fill(hsi)
    return scene(hsi)


def test_nan_and_infinity():
    def fill(hsi):
        hsi[3, 4, 2] = np.nan
        hsi[70, 5, 3] = -np.inf

    assert findings(changed(fill))["NaN or infinite values"] == "2 values in bands 2-3"


def test_no_data_of_which_the_file_says_nothing_is_told_and_left_out_of_the_rest():
    def fill(hsi):
        hsi[:3] = -9999
        hsi[10, 10] = 0

    table = changed(fill).check()
    assert table.finding.tolist() == ["the same value in every band"]
    assert table["where"].tolist() == ["271 pixels, most of them -9999 (2 such values in all)"]
    assert "nodata: -9999" in table.remedy[0]


def test_a_cube_of_nothing_but_one_value_is_told_once():
    assert list(findings(scene(np.zeros((ROWS, COLS, BANDS))))) == ["the same value in every band"]


def test_negative_constant_duplicated_and_saturated():
    def fill(hsi):
        hsi[:8, 0, 0] = -1
        hsi[..., 3] = 0.5
        hsi[..., 6] = hsi[..., 5]
        hsi[..., 1] = np.minimum(hsi[..., 1], 0.6)

    found = findings(changed(fill))
    assert found["negative values"] == "0.01% of values, bands 0"
    assert found["constant bands"] == "bands 3"
    assert found["duplicated bands"] == "bands 6 repeat the band before"
    assert found["saturated values"].startswith("bands 1: up to")


def test_pixels_that_are_not_valid_are_not_searched():
    hsi = np.array(scene().hsi)
    hsi[:10] = np.nan
    valid = np.ones((ROWS, COLS), bool)
    valid[:10] = False
    found = findings(scene(hsi, valid=valid))
    assert found == {"labels without HSI": "900 of 7,200 labelled pixels"}


def test_wavelengths():
    waves = np.array([1300, 1310, 1305, 1400, 1500, 1800, 1900, 2000])
    found = findings(scene(wavelengths_nm=waves))
    assert found["wavelengths not increasing"].startswith("bands 2 ")
    assert found["water-absorption bands"] == "bands 3, 5-6"
    assert "no wavelengths" in findings(scene(wavelengths_nm=None))


def test_labels():
    few = np.ones((ROWS, COLS), int)
    few[0, :5] = 2
    assert findings(scene(labels=few))["class with too few pixels"] == "b: 5 valid labelled pixels"
    assert "no labels" in findings(scene(labels=few * 0))


@pytest.mark.parametrize("move", [(0, 0), (1, -1), (3, 0), (-2, 4), (0, -6)])
def test_offset_is_found_and_its_sign_says_how_to_move_the_lidar(move):
    height = shift(ground(), (-move[0], -move[1]), order=0, mode="nearest") * 20
    here = scene(lidar=height[..., None])
    assert lidar_offset(here) == move
    found = findings(here)
    if max(map(abs, move)) < 2:
        assert found == {}
    else:
        assert f"moved by {move[0]:+d} rows, {move[1]:+d} columns" in found["HSI and LiDAR are offset"]


def test_offset_of_unrelated_or_absent_lidar_is_not_claimed():
    assert lidar_offset(scene()) is None
    assert lidar_offset(scene(lidar=np.random.default_rng(3).normal(size=(ROWS, COLS, 1)))) is None


def test_lidar_holes_and_constant_channels():
    lidar = np.stack([ground() * 20, np.ones((ROWS, COLS))], -1)
    lidar[0, 0, 0] = np.nan
    found = findings(scene(lidar=lidar, lidar_names=("height (m)", "intensity")))
    assert found["NaN or infinite LiDAR"] == "height (m): 1 pixels"
    assert found["constant LiDAR channel"] == "intensity"


def test_a_memory_mapped_scene_is_read_in_chunks(tmp_path):
    np.save(tmp_path / "cube.npy", np.asarray(scene().hsi))
    mapped = np.load(tmp_path / "cube.npy", mmap_mode="r")
    here = Scene("m", mapped, np.ones((ROWS, COLS), int), ("a",), wavelengths_nm=WAVES)
    assert isinstance(here.hsi, np.memmap)
    assert findings(here) == {}


def test_indian_pines_says_which_wavelengths_step_back():
    from hsikit.scenes import load_scene

    found = findings(load_scene("indian_pines"))
    assert found["wavelengths not increasing"].startswith("bands 31, 94, 172 ")
    assert found["water-absorption bands"] == "bands 101-106, 141-144"


def test_findings_are_printed_as_whole_sentences_at_any_width(monkeypatch):
    scene = Scene(
        "s", np.ones((4, 5, 2)), np.ones((4, 5), int), ["a"], findings=(("read oddly", "somewhere " * 12, "look"),)
    )
    monkeypatch.setenv("COLUMNS", "50")
    found = scene.check()
    assert found.finding[0] == "read oddly"
    text = repr(found)
    assert max(map(len, text.splitlines())) <= 50
    assert "Remedy: look." in " ".join(text.split())
    assert "..." not in text
    assert "somewhere " * 11 in found._repr_html_()
    assert type(found.head(1)).__name__ == "DataFrame"


def test_repeated_measurements_are_told():
    own = np.arange(20).reshape(4, 5) // 2
    own[0, 0] = 99
    scene = Scene("s", np.random.default_rng(0).random((4, 5, 2)), np.ones((4, 5), int), ["a"], source_pixel=own)
    found = scene.check().set_index("finding")
    assert found["where"]["repeated measurements"].startswith("90% of valid pixels share")
