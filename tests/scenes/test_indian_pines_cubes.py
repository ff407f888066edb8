import hashlib

import numpy as np
import pytest
from scenes.miniature import write_tiff

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.byte_damage import convert, find_damage, repair
from hsikit.scenes.indian_pines import WAVELENGTHS_NM, published_cube
from hsikit.scenes.indian_pines_cubes import TIFF, repair_decisions
from hsikit.splits import field_split, random_split
from hsikit.text.prompts import load_prompts

REPAIRED = "indian_pines_repaired"
PLACEBOS = ("indian_pines_bands_left_out", "indian_pines_median")
CONTENT = {REPAIRED: "f4cfa0abc526fb46", PLACEBOS[0]: "c2953e4dfcc84ec3", PLACEBOS[1]: "5ebf7eb71e2ebdbf"}


def test_the_shipped_decisions_are_what_the_repair_finds():
    mended, changed = repair(published_cube(), find_damage([published_cube()]))
    np.testing.assert_array_equal(repair_decisions(), changed)
    np.testing.assert_array_equal(load_scene(REPAIRED).hsi, mended)
    assert changed.sum() == 116_501


def test_repaired_differs_by_768_where_decided_and_nowhere_else():
    published, mended = published_cube(), load_scene(REPAIRED).hsi
    assert mended.dtype == np.uint16
    np.testing.assert_array_equal(mended.astype(int) - published, 768 * repair_decisions())
    assert set(np.unique(published[repair_decisions()] >> 8)) == {0x0A}


def test_the_published_cube_stays_bit_for_bit():
    digest = hashlib.sha256(load_scene("indian_pines").hsi.tobytes()).hexdigest()
    assert digest.startswith("36468dd7336c8bd3")
    assert load_scene("indian_pines").content_hash == "6b9cf3f54fa60a2c"


@pytest.mark.parametrize("name", [REPAIRED, *PLACEBOS])
def test_everything_but_the_measurements_is_shared(name):
    scene, published = load_scene(name), load_scene("indian_pines")
    assert scene.name == name
    assert scene.content_hash == CONTENT[name] != published.content_hash
    for attribute in ("class_names", "colors", "units", "gsd_m", "citation", "licence", "shape"):
        assert getattr(scene, attribute) == getattr(published, attribute)
    np.testing.assert_array_equal(scene.labels, published.labels)
    np.testing.assert_array_equal(scene.valid, published.valid)
    assert load_prompts(name) == load_prompts("indian_pines")
    assert load_prompts(name).hash == load_prompts("indian_pines").hash


@pytest.mark.parametrize("name", [REPAIRED, *PLACEBOS])
@pytest.mark.filterwarnings("ignore:.*are left out:UserWarning")
def test_splits_are_shared(name, monkeypatch):
    scene, published = load_scene(name), load_scene("indian_pines")
    monkeypatch.setattr("hsikit.splits.fields._searched", None)  # the shipped partition must do
    for patch in (11, 15):
        mine, theirs = field_split(scene, patch), field_split(published, patch)
        for part in ("train", "val", "test"):
            np.testing.assert_array_equal(getattr(mine, part), getattr(theirs, part))
    np.testing.assert_array_equal(random_split(scene, 0.1, seed=3).train, random_split(published, 0.1, seed=3).train)


def test_bands_left_out_are_those_with_a_repaired_sample():
    scene = load_scene("indian_pines_bands_left_out")
    assert scene.bands == len(scene.wavelengths_nm) == 116
    whole = np.flatnonzero(~repair_decisions().any((0, 1)))
    np.testing.assert_array_equal(scene.hsi, published_cube()[..., whole])
    np.testing.assert_array_equal(scene.wavelengths_nm, WAVELENGTHS_NM[whole])


def test_median_is_that_of_three_bands():
    scene, published = load_scene("indian_pines_median"), published_cube()
    assert scene.hsi.dtype == np.uint16
    three = np.stack([published[..., :-2], published[..., 1:-1], published[..., 2:]])
    np.testing.assert_array_equal(scene.hsi[..., 1:-1], np.median(three, axis=0))
    np.testing.assert_array_equal(scene.hsi[..., [0, -1]], published[..., [0, -1]])


# --- Purdue's file, placed by hand ------------------------------------------------------------------


def place_original(folder, counts, kept=np.r_[0:103, 108:149, 163:219], dtype=np.int16):
    """A GeoTIFF of 220 bands that holds the counts at the kept ones and other values elsewhere."""
    (folder / "indian_pines_original").mkdir()
    whole = np.full((145, 145, 220), 1000, dtype)
    whole[..., kept] = counts
    return write_tiff(folder / "indian_pines_original" / TIFF, whole)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_original_is_read_from_its_layout(data_folder, dtype):
    undamaged = load_scene(REPAIRED).hsi  # one of the cubes that the conversion makes the published one
    place_original(data_folder, undamaged, dtype=dtype)
    scene = load_scene("indian_pines_original")
    assert scene.name == "indian_pines_original"
    assert scene.hsi.dtype == np.uint16
    np.testing.assert_array_equal(scene.hsi, undamaged)
    np.testing.assert_array_equal(scene.labels, load_scene("indian_pines").labels)
    np.testing.assert_array_equal(scene.wavelengths_nm, WAVELENGTHS_NM)
    assert load_prompts(scene.name) == load_prompts("indian_pines")


def test_another_file_in_its_place_is_refused(data_folder):
    shifted = np.r_[1:104, 109:150, 164:220]  # the bands counted from 1, taken as counted from 0
    place_original(data_folder, load_scene(REPAIRED).hsi, kept=shifted)
    with pytest.raises(SceneError, match=r"of 4,205,000 samples are not those of Indian Pines .* another order"):
        load_scene("indian_pines_original")


def test_a_file_of_another_size_is_refused(data_folder):
    (data_folder / "indian_pines_original").mkdir()
    write_tiff(data_folder / "indian_pines_original" / TIFF, np.ones((145, 145, 200), np.int16))
    with pytest.raises(SceneError, match=r"holds \(145, 145, 200\), expected \(145, 145, 220\)"):
        load_scene("indian_pines_original")


def test_samples_that_differ_beyond_the_damage_are_said(data_folder, caplog):
    counts = load_scene(REPAIRED).hsi.copy()
    counts[0, 0, :3] += 1
    place_original(data_folder, counts)
    load_scene("indian_pines_original")
    assert "3 samples differ from the published cube beyond its known damage" in caplog.text


def test_a_missing_original_says_where_it_comes_from(data_folder):
    with pytest.raises(SceneError, match=rf"{TIFF} is missing; it goes to .*indian_pines_original.*R7RX991C"):
        load_scene("indian_pines_original")


def test_purdues_file_converted_is_the_published_cube(real_data):
    path = real_data / "indian_pines_original" / TIFF
    if not path.exists():
        pytest.skip(f"Purdue's original: {path} is not there (doi:10.4231/R7RX991C)")
    original = load_scene("indian_pines_original").hsi
    assert (convert(original) == published_cube()).sum() == 4_205_000
    assert find_damage([original]) is None
