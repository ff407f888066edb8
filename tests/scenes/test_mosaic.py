"""Tiles of one grid as one cube: `hsi: [a.tif, b.tif]`."""

import numpy as np
import pytest
import yaml
from scenes.miniature import UTM, cube, grid, labels, write_tiff

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.layers import open_layer
from hsikit.scenes.mosaic import mosaic
from hsikit.scenes.site import open_site

WHOLE = cube(12, 10)


def site(folder, **spec):
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


def tile(folder, name, top, bottom, left, right, **profile):
    """A piece of `WHOLE` as a file of its own, in its place."""
    place = grid(2.0, 2.0 * left, 2.0 * top)
    return write_tiff(folder / name, WHOLE[top:bottom, left:right], place, UTM, **profile)


@pytest.fixture
def quarters(tmp_path):
    """Four tiles that overlap by a row, the lower right one missing some."""
    tile(tmp_path, "a.tif", 0, 7, 0, 5)
    tile(tmp_path, "b.tif", 0, 7, 5, 10)
    tile(tmp_path, "c.tif", 6, 12, 0, 5)
    return tmp_path


def test_tiles_make_the_whole(quarters):
    tile(quarters, "d.tif", 6, 12, 5, 10)
    scene = load_scene(site(quarters, hsi=["d.tif", "b.tif", "a.tif", "c.tif"]))
    np.testing.assert_array_equal(scene.hsi, WHOLE)
    assert scene.hsi.dtype == WHOLE.dtype
    assert scene.valid.all()
    assert scene.transform == grid()
    assert {path.name for path in scene.files} == {"site.yaml", "a.tif", "b.tif", "c.tif", "d.tif"}


def test_a_gap_is_not_valid_whole_or_in_pieces(quarters):
    write_tiff(quarters / "gt.tif", labels(), grid(), UTM)
    opened = open_site(site(quarters, hsi=["a.tif", "b.tif", "c.tif"], labels="gt.tif"))
    scene = opened.scene()
    gap = np.zeros((12, 10), bool)
    gap[7:, 5:] = True
    np.testing.assert_array_equal(scene.valid, ~gap)
    np.testing.assert_array_equal(scene.hsi[~gap], WHOLE[~gap])
    assert not scene.usable[gap].any()
    piece = opened.cut(5, 10, 3, 8)
    np.testing.assert_array_equal(piece.valid, scene.valid[5:10, 3:8])
    np.testing.assert_array_equal(piece.hsi, scene.hsi[5:10, 3:8])
    assert opened.cut(8, 12, 6, 10) is None


def test_where_tiles_overlap_the_first_that_measured_counts(tmp_path):
    first = WHOLE.copy()
    first[3:5] = -1
    write_tiff(tmp_path / "a.tif", first[:6], grid(), UTM, nodata=-1)
    write_tiff(tmp_path / "b.tif", WHOLE[2:] + 1000, grid(2.0, 0, 4.0), UTM, nodata=-1)
    scene = load_scene(site(tmp_path, hsi=["a.tif", "b.tif"]))
    expected = WHOLE + np.isin(np.arange(12), [3, 4, *range(6, 12)])[:, None, None].astype(np.int16) * 1000
    np.testing.assert_array_equal(scene.hsi, expected)
    assert scene.valid.all()


def test_scale_and_no_data_of_the_yaml_hold_for_every_tile(quarters):
    scene = load_scene(site(quarters, hsi=["a.tif", {"file": "b.tif"}, "c.tif"], scale=1e-4, nodata=-1))
    np.testing.assert_allclose(scene.hsi[scene.valid], (WHOLE * 1e-4)[scene.valid], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"place": grid(2.0, 11.0)}, "are not of one grid"),
        ({"place": grid(4.0, 10.0)}, "are not of one grid"),
        ({"place": None}, "are not placed in one coordinate system"),
        ({"data": WHOLE[:, :, :5]}, "differ in"),
        ({"data": WHOLE.astype(np.float32)}, "differ in"),
        ({"nodata": 0}, "differ in nodata"),
    ],
)
def test_tiles_that_do_not_fit_are_named(tmp_path, change, says):
    tile(tmp_path, "a.tif", 0, 12, 0, 5)
    profile = {"nodata": change["nodata"]} if "nodata" in change else {}
    place = change.get("place", grid(2.0, 10.0))
    write_tiff(tmp_path / "b.tif", change.get("data", WHOLE), place, None if place is None else UTM, **profile)
    with pytest.raises(SceneError, match=rf"a.tif and b.tif {says}"):
        load_scene(site(tmp_path, hsi=["a.tif", "b.tif"]))


def test_raw_pixels_of_two_tiles_are_never_one(tmp_path):
    from dataclasses import replace

    one, other = (open_layer(tile(tmp_path, f"{i}.tif", 0, 12, 5 * i, 5 * i + 5)) for i in range(2))
    twice = lambda rows, cols: np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.int64)  # noqa: E731
    layer = mosaic([replace(one, source_pixel=twice), replace(other, source_pixel=twice)])
    found = layer.source_pixel(slice(0, 12), slice(0, 10))
    assert len(np.unique(found)) == 2
    assert len(np.unique(found[:, :5])) == len(np.unique(found[:, 5:])) == 1


def test_one_tile_is_itself(tmp_path):
    layer = open_layer(tile(tmp_path, "a.tif", 0, 12, 0, 10))
    assert mosaic([layer]) is layer
