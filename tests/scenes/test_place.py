"""Rasters on another grid: as they are, warped with the right values, or refused with both grids named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.crs import CRS
from scenes.miniature import UTM, cube, grid, write_tiff

from hsikit.scenes import SceneError
from hsikit.scenes.layers import Layer, held, open_layer
from hsikit.scenes.place import place

ROWS, COLS = 12, 10
EVERYTHING = slice(0, ROWS), slice(0, COLS)


def over(array, transform, crs=UTM, path="beside.tif"):
    """A layer over an array."""
    from pathlib import Path

    array = np.asarray(array)
    return held(Path(path), array.shape, array.dtype, lambda: array, transform=transform, crs=crs)


def base(transform=None, crs=UTM):
    return over(np.zeros((ROWS, COLS, 3), np.float32), grid() if transform is None else transform, crs, "cube.tif")


def values(layer):
    return layer.values(*EVERYTHING)[..., 0]


NUMBERS = np.arange(ROWS * COLS, dtype=np.float32).reshape(ROWS, COLS)


@pytest.mark.parametrize("crs", [UTM, None, CRS.from_epsg(25832)])
def test_the_same_grid_is_as_it_is_whatever_its_system_is_called(crs):
    beside = over(NUMBERS, grid(east_m=0.01), crs)
    assert place(beside, base()) is beside


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("pixel", [2.0, 5e-6])
def test_whole_pixels_off_are_moved_exactly_in_metres_and_degrees(classes, pixel):
    crs = UTM if pixel == 2.0 else CRS.from_epsg(4326)
    origin = (600_000, 5_100_000) if pixel == 2.0 else (9.0, 46.0)
    at = lambda c, r: Affine(pixel, 0, origin[0] + c * pixel, 0, -pixel, origin[1] - r * pixel)  # noqa: E731
    placed = place(over(NUMBERS, at(3, -2), crs), base(at(0, 0), crs), classes)
    got = values(placed)
    np.testing.assert_allclose(got[:10, 3:], NUMBERS[2:, :7], atol=1e-3)
    assert np.isnan(got[10:]).all()
    assert np.isnan(got[:, :3]).all()
    assert "3.00 columns" in placed.findings[0][1]
    assert "-2.00 rows" in placed.findings[0][1]


def test_a_raster_stored_south_up_is_turned():
    south_up = Affine(2, 0, 600_000, 0, 2, 5_100_000 - 2 * ROWS)
    np.testing.assert_array_equal(values(place(over(NUMBERS[::-1].copy(), south_up), base(), classes=True)), NUMBERS)


def test_transforms_count_without_a_system_too():
    placed = place(over(NUMBERS, grid(east_m=2), None), base(crs=None))
    np.testing.assert_allclose(values(placed)[:, 1:], NUMBERS[:, :-1])
    one_sided = place(over(NUMBERS, grid(east_m=2), None), base())
    assert "names no coordinate system" in one_sided.findings[0][1]


def test_finer_classes_give_the_majority_and_its_purity():
    fine = np.kron(np.array([[1, 2], [2, 2]]), np.ones((ROWS // 2 * 2, COLS // 2 * 2))).astype(np.uint8)
    fine[0, 0] = 7  # one of four within a pixel of class 1
    fine[2:4, 2:4] = [[5, 5], [5, 0]]
    fine[4:6, 4:6] = [[3, 0], [0, 0]]  # mostly unlabelled
    placed = place(over(fine, grid(1.0)), base(), classes=True)
    got, pure = values(placed), placed.quality(*EVERYTHING)[..., 0]
    right = np.kron(np.array([[1, 2], [2, 2]]), np.ones((ROWS // 2, COLS // 2)))
    right[1, 1], right[2, 2] = 5, 0
    np.testing.assert_array_equal(got, right)
    assert pure[0, 0] == pure[1, 1] == pure[2, 2] == 0.75
    assert (pure[3:, 3:] == 1).all()


def test_finer_heights_give_the_mean_of_those_that_hold_a_value_and_their_spread():
    rng = np.random.default_rng(0)
    fine = (1000 + rng.normal(0, 2, (2 * ROWS, 2 * COLS))).astype(np.float32)
    fine[0, :2] = np.nan
    fine[2:4, 2:4] = np.nan
    placed = place(over(fine, grid(1.0)), base())
    parts = fine.reshape(ROWS, 2, COLS, 2).transpose(0, 2, 1, 3).reshape(ROWS, COLS, 4)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        mean, spread = np.nanmean(parts, -1), np.nanstd(parts, -1)
    np.testing.assert_allclose(values(placed), mean, atol=1e-3)
    np.testing.assert_allclose(placed.quality(*EVERYTHING)[..., 0], spread, atol=5e-3)
    assert np.isnan(values(placed)[1, 1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, ROWS - 1), st.integers(0, COLS - 1), st.sampled_from([0.7, 1.0, 2.0, 3.1]), st.booleans(),
       st.floats(-0.4, 0.4))  # fmt: skip
def test_pieces_equal_the_whole(top, left, pixel, classes, turn):
    n = int(40 / pixel)
    noise = np.random.default_rng(1).integers(0, 4, (n, n)).astype(np.float32)
    cos, sin = pixel * np.cos(turn / 60), pixel * np.sin(turn / 60)  # turned by up to 0.4 degrees
    beside = over(noise, Affine(cos, sin, 600_000 - 3.3, sin, -cos, 5_100_000 + 4.1))
    placed = place(beside, base(), classes)
    whole = values(placed)
    part = slice(top, ROWS), slice(left, COLS)
    np.testing.assert_array_equal(placed.values(*part)[..., 0], whole[part])


def test_a_fine_raster_is_read_in_parts_that_fit(monkeypatch):
    fine = np.random.default_rng(0).integers(1, 4, (8 * ROWS, 8 * COLS)).astype(np.uint8)
    whole = values(place(over(fine, grid(0.25)), base(), classes=True))
    monkeypatch.setattr("hsikit.scenes.place.TILE_PIXELS", 900)
    np.testing.assert_array_equal(values(place(over(fine, grid(0.25)), base(), classes=True)), whole)


@pytest.mark.parametrize(
    ("array", "transform", "crs", "says"),
    [
        (
            np.ones((5, 7)),
            None,
            None,
            r"is \(5, 7\), the cube \(12, 10\).*not both are georeferenced.*gdalwarp -r average",
        ),
        (NUMBERS, grid(east_m=5000), UTM, r"at 605000, 5100000 in EPSG:32632.*do not overlap on the ground"),
        (NUMBERS, grid(), CRS.from_epsg(32633), "do not overlap"),
        (np.ones((9, 9)), grid(0.004), UTM, "500 of its pixels lie along one of the cube's"),
        (NUMBERS, grid(), CRS.from_wkt('LOCAL_CS["arbitrary",UNIT["metre",1]]'), "coordinate system"),
    ],
)
def test_what_cannot_be_placed_is_refused_in_one_line(array, transform, crs, says):
    with pytest.raises(SceneError, match=says) as caught:
        place(over(array, transform, crs), base())
    assert "\n" not in str(caught.value)


def test_a_bomb_of_another_size_is_refused_before_it_is_read(tmp_path):
    path = write_tiff(tmp_path / "bomb.tif", np.zeros((4, 4), np.uint8), SPARSE_OK=True)
    layer = open_layer(path)

    def never(rows, cols):
        raise AssertionError("it was read")

    huge = Layer(layer.path, (60_000, 60_000, 1), layer.dtype, never)
    with pytest.raises(SceneError, match=r"is \(60000, 60000\), the cube \(12, 10\)"):
        place(huge, base(), classes=True)


def test_a_scene_serves_as_the_grid():
    from hsikit.scenes import Scene

    scene = Scene("s", cube(ROWS, COLS), np.ones((ROWS, COLS), int), ["a"], crs=UTM, transform=grid())
    np.testing.assert_array_equal(
        values(place(over(NUMBERS, grid(east_m=-2)), scene, classes=True))[:, :-1], NUMBERS[:, 1:]
    )


def test_the_majority_of_nine_is_that_of_a_count():
    fine = np.random.default_rng(3).integers(1, 4, (3 * ROWS, 3 * COLS)).astype(np.uint8)
    parts = fine.reshape(ROWS, 3, COLS, 3).transpose(0, 2, 1, 3).reshape(ROWS, COLS, 9)
    counts = np.stack([(parts == c).sum(-1) for c in (1, 2, 3)])  # (class, row, col)
    placed = place(over(fine, grid(2 / 3)), base(), classes=True)
    np.testing.assert_allclose(placed.quality(*EVERYTHING)[..., 0], counts.max(0) / 9, atol=1e-6)
    clear = (counts == counts.max(0)).sum(0) == 1
    np.testing.assert_array_equal(values(placed)[clear], counts.argmax(0)[clear] + 1)
