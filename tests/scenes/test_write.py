import json
import os

import numpy as np
import pytest
import rasterio
from scenes.miniature import UTM, cube, grid, labels

from hsikit.scenes import Scene, SceneError
from hsikit.scenes.layers import open_layer
from hsikit.scenes.write import write_map


def scene(**changes):
    facts = {"crs": UTM, "transform": grid(), "colors": ("#ff0000", "#00ff00", "#0000ff")} | changes
    return Scene("field", cube(), labels(), ("wheat", "maize & beans", "bare <soil>"), **facts)


def test_map_and_scores_line_up_with_the_scene(tmp_path):
    here = scene()
    scores = np.random.default_rng(0).random((12, 10, 3)).astype(np.float32)
    first, second = write_map(tmp_path / "new" / "map.tif", here.labels, here, scores)
    with rasterio.open(first) as written:
        assert written.crs == UTM
        assert written.transform == grid()
        assert written.dtypes == ("uint8",)
        assert written.nodata == 0
        np.testing.assert_array_equal(written.read(1), labels())
        assert written.colormap(1)[1] == (255, 0, 0, 255)
        assert written.colormap(1)[0][3] == 0
        assert written.tags(1)["CLASS_2"] == "maize & beans"
        assert json.loads(written.tags()["class_names"]) == list(here.class_names)
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert written.index(600_001, 5_099_999) == (0, 0)
    with rasterio.open(second) as written:
        assert second.name == "map_scores.tif"
        assert written.descriptions == here.class_names
        np.testing.assert_array_equal(np.moveaxis(written.read(), 0, -1), scores)
        assert written.transform == grid()
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert sorted(os.listdir(tmp_path / "new")) == ["map.tif", "map.tif.aux.xml", "map_scores.tif"]


def test_class_names_are_read_by_gdal(tmp_path):
    from xml.etree import ElementTree

    (path,) = write_map(tmp_path / "map", labels(), scene())
    assert path.name == "map.tif"
    names = [c.text for c in ElementTree.parse(f"{path}.aux.xml").iter("Category")]
    assert names == ["unlabelled", "wheat", "maize & beans", "bare <soil>"]


def test_a_scene_without_a_place_gives_a_plain_map(tmp_path):
    (path,) = write_map(tmp_path / "map.tif", labels(), scene(crs=None, transform=None))
    written = open_layer(path)
    assert written.crs is None
    assert written.transform is None
    np.testing.assert_array_equal(written.read(slice(0, 12), slice(0, 10))[..., 0], labels())


def test_a_large_map_has_overviews(tmp_path):
    big = Scene(
        "big",
        np.zeros((1200, 1100, 1), np.uint8),
        np.ones((1200, 1100), int),
        ["a"],
        crs=UTM,
        transform=grid(),
    )
    (path,) = write_map(tmp_path / "map.tif", big.labels, big)
    with rasterio.open(path) as written:
        assert written.overviews(1)


def test_more_than_255_classes_take_two_bytes(tmp_path):
    names = [f"c{i}" for i in range(300)]
    many = Scene("many", cube(), labels().astype(int) * 100, names)
    (path,) = write_map(tmp_path / "map.tif", many.labels, many)
    np.testing.assert_array_equal(open_layer(path).read(slice(0, 12), slice(0, 10))[..., 0], labels().astype(int) * 100)


@pytest.mark.parametrize(
    ("wrong", "scores", "says"),
    [
        (np.ones((3, 3), int), None, r"the map is \(3, 3\), expected \(12, 10\)"),
        (labels() + 1, None, "whole numbers 0 to 3"),
        (labels() / 2, None, "whole numbers 0 to 3"),
        (labels() - 1.0, None, "whole numbers 0 to 3"),
        (labels(), np.zeros((12, 10, 2)), r"expected \(12, 10, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, wrong, scores, says):
    with pytest.raises(SceneError, match=says):
        write_map(tmp_path / "map.tif", wrong, scene(), scores)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SceneError, match="cannot be written"):
        write_map(tmp_path / "file" / "map.tif", labels(), scene())


def test_a_full_disk_leaves_the_old_map_and_nothing_half_written(tmp_path, monkeypatch):
    (path,) = write_map(tmp_path / "map.tif", labels(), scene())
    before = path.read_bytes()

    def full(source, target, **options):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rasterio.shutil.copy", full)
    with pytest.raises(SceneError, match="No space left on device"):
        write_map(path, labels() * 0, scene())
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["map.tif", "map.tif.aux.xml"]
