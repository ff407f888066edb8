import subprocess
import sys

import pytest

from hsikit.scenes import SceneError, available, load_scene
from hsikit.scenes.registry import SCENES


def test_table_has_a_row_for_every_scene():
    table = available().set_index("name")
    assert list(table.index) == list(SCENES)
    assert table.columns.tolist() == ["size", "bands", "lidar", "classes", "labelled", "in_hand", "licence"]
    assert bool(table.in_hand["indian_pines"])
    assert not table.in_hand[["trento", "muufl", "houston2013"]].any()
    assert table.labelled["trento"] == 30_214
    assert table.licence.str.len().gt(0).all()


def test_unknown_name_gets_the_nearest_known_one():
    with pytest.raises(SceneError, match=r"'indian_pine'; did you mean 'indian_pines'\?"):
        load_scene("indian_pine")


@pytest.mark.parametrize("name", ["trento", "muufl", "muufl_subset", "pavia_university", "salinas"])
def test_missing_file_is_named_with_its_place_and_the_command(name, data_folder):
    with pytest.raises(SceneError, match=rf"\.mat is missing; run `hsikit fetch {name}`, or put it at {data_folder}"):
        load_scene(name)


def test_houston_says_how_to_place_its_files(data_folder):
    with pytest.raises(SceneError, match=r"CASI\.tif is missing; it goes to .*terms forbid"):
        load_scene("houston2013")


def test_data_folder_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("HSIKIT_DATA", "/no/such/folder")
    with pytest.raises(SceneError, match="HSIKIT_DATA is '/no/such/folder', which is not a folder"):
        load_scene("trento")


def test_import_is_light():
    heavy = "torch matplotlib pandas scipy rasterio spectral sklearn h5py tensorly"
    code = f"import sys, hsikit.scenes; print([m for m in {heavy.split()!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
