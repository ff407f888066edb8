"""`Painting`: the state alone, without widgets: tools, keys, the way back and on, spectra of what is painted, files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_scene

from hsikit.explore.painter_files import load_painting, save_painting
from hsikit.explore.painting import Painting
from hsikit.scenes.colours import APART, distances
from hsikit.spectra import spectral_angle


@pytest.fixture(scope="module")
def bare():
    scene = tiny_scene(holes=True)
    return replace(scene, labels=np.zeros(scene.shape, int), class_names=(), colors=())


@pytest.fixture
def painting(bare):
    made = Painting(bare)
    for name in ("meadow", "roof", "pond"):
        made.add_class(name)
    return made


@pytest.fixture
def painted(painting):
    for c, top in ((1, 0), (2, 9), (3, 17)):
        painting.choose(c)
        painting.box(top, 1, top + 4, 6)
    return painting


def slow_area(alike: np.ndarray, row: int, col: int) -> np.ndarray:
    """The pixels that are alike and reached side by side, one neighbour after the other."""
    found, todo = np.zeros(alike.shape, bool), [(row, col)]
    while todo:
        r, c = todo.pop()
        if 0 <= r < alike.shape[0] and 0 <= c < alike.shape[1] and alike[r, c] and not found[r, c]:
            found[r, c] = True
            todo += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    return found


def test_a_fill_takes_the_area_of_one_class(painted):
    before = painted.labels.copy()
    painted.choose(3, tool="fill")
    painted.click(10, 2)
    assert np.array_equal(painted.labels, np.where(slow_area(before == 2, 10, 2), 3, before))
    assert painted.undo() == (before == 2).sum()


@pytest.mark.parametrize("angle", [0.1, 0.35])
def test_a_fill_from_an_unpainted_pixel_takes_those_alike_that_touch(painted, bare, angle):
    before = painted.labels.copy()
    painted.angle = angle
    painted.choose(1, tool="fill")
    count = painted.fill(12, 15)
    alike = (spectral_angle(bare.hsi, bare.hsi[12, 15].astype(float)) <= angle) & (before == 0) & bare.valid
    alike[12, 15] = True
    wanted = slow_area(alike, 12, 15)
    assert count == wanted.sum() >= 1
    assert np.array_equal(painted.labels, np.where(wanted, 1, before))


def test_the_eraser_is_as_wide_as_the_brush_and_leaves_the_class_chosen(painted):
    before = painted.labels.copy()
    painted.choose(2, tool="eraser", radius=1)
    painted.drag(np.array([[2.0, 2.0], [5.0, 2.0]]))
    changed = np.argwhere(painted.labels != before).tolist()
    assert changed == [[1, 2], [1, 3]] + [[1, 4], [1, 5]] + [[2, c] for c in range(1, 7)] + [[3, 2], [3, 3]]
    assert not painted.labels[2, 1:7].any()
    assert painted.active == 2


def test_the_picker_takes_paint_then_the_map(painted):
    painted.choose(3, tool="picker")
    painted.click(1, 2)
    assert painted.active == 1
    with pytest.raises(ValueError, match=r"no class is painted at \(12, 15\)"):
        painted.click(12, 15)
    painted.fit("lda")
    painted.click(12, 15)
    assert painted.active == painted.prediction.labels[12, 15]
    painted.choose(1, tool="brush")
    painted.click(18, 2, ctrl=True)  # with any tool
    assert painted.active == 3
    assert painted.labels[18, 2] == 3


def test_keys_choose_classes_and_brush_and_walk(painted):
    painted.press("2")
    assert painted.active == 2
    painted.press("0")
    assert (painted.active, painted.class_name(painted.active)) == (0, "eraser")
    for key, radius in (("]", 3), ("[", 2), ("[", 1), ("[", 0), ("[", 0)):
        painted.press(key)
        assert painted.radius == radius
    with pytest.raises(ValueError, match="0 to 3"):
        painted.press("9")
    now = painted.labels
    painted.press("z", ctrl=True)
    assert not (painted.labels == 3).any()
    painted.press("y", ctrl=True)
    assert np.array_equal(painted.labels, now)
    painted.press("q")
    assert np.array_equal(painted.labels, now)


def test_classes_and_strokes_are_taken_back_and_done_again(painted):
    painted.change_class(2, name="barn", color="#123456")
    painted.choose(2)
    painted.box(20, 15, 21, 16)
    last, names = painted.labels.copy(), painted.class_names
    assert [painted.undo(), painted.undo()] == [4, 0]
    assert painted.class_names == ("meadow", "roof", "pond")
    assert painted.undo() > 0
    while painted.can_redo:
        painted.redo()
    assert np.array_equal(painted.labels, last)
    assert (painted.class_names, painted.colors[1]) == (names, "#123456")
    while painted.can_undo:
        painted.undo()
    assert not painted.labels.any()
    assert (painted.class_names, painted.active) == ((), 0)
    assert painted.redo() == 0


def test_a_long_walk_equals_snapshots(painting):
    draw, kept = np.random.default_rng(0), [painting.labels.copy()]
    for _ in range(30):
        painting.choose(int(draw.integers(0, 4)), "brush", int(draw.integers(0, 3)))
        if painting.brush(draw.uniform(0, 20, (3, 2))):
            kept.append(painting.labels.copy())
    place = len(kept) - 1
    for back in draw.random(120) < 0.55:
        before = place
        if back and place:
            painting.undo()
            place -= 1
        elif not back and place < len(kept) - 1:
            painting.redo()
            place += 1
        assert np.array_equal(painting.labels, kept[place]), (before, place)


def test_a_file_that_is_read_over_paint_can_be_taken_back(painted, bare, tmp_path):
    other = Painting(bare)
    other.add_class("lake", "#010203")
    other.box(0, 10, 3, 12)
    save_painting(other, tmp_path / "lake.npz")
    before, names = painted.labels.copy(), painted.class_names
    assert load_painting(painted, tmp_path / "lake.npz") == 12
    assert (painted.class_names, painted.colors) == (("lake",), ("#010203",))
    assert np.array_equal(painted.labels, other.labels)
    painted.undo()
    assert np.array_equal(painted.labels, before)
    assert painted.class_names == names


def test_means_and_angles_are_those_of_the_painted_pixels(painted, bare):
    painted.add_class("nothing yet")
    mean, std = painted.means()
    angles = painted.angles()
    assert mean.shape == std.shape == (4, bare.bands)
    for c in (1, 2, 3):
        own = bare.hsi[painted.labels == c].astype(float)
        assert np.allclose(mean[c - 1], own.mean(0))
        assert np.allclose(std[c - 1], own.std(0, ddof=1))
    assert np.isnan(mean[3]).all()
    cosine = mean[0] @ mean[2] / np.linalg.norm(mean[0]) / np.linalg.norm(mean[2])
    assert angles[0, 2] == pytest.approx(np.arccos(cosine), abs=1e-5)
    assert np.allclose(angles[:3, :3], angles[:3, :3].T, atol=1e-6)
    assert np.isnan(angles[3]).all()
    assert np.isnan(angles[:, 3]).all()
    painted.undo()
    painted.undo()
    assert np.isnan(painted.means()[0][2]).all()


def placed(painting):
    from rasterio.crs import CRS
    from rasterio.transform import from_origin

    painting.scene = replace(
        painting.scene, crs=CRS.from_epsg(32616), transform=from_origin(500_000, 4_480_000, 20, 20)
    )
    return painting


@pytest.mark.parametrize("name", ["areas.geojson", "areas.gpkg"])
def test_polygons_hold_every_painted_pixel_and_come_back_as_labels(painted, tmp_path, name):
    geopandas = pytest.importorskip("geopandas", reason="polygons need hsikit[vector]")
    from rasterio.features import rasterize

    placed(painted)
    painted.choose(2)
    painted.box(22, 15, 23, 16)
    table = geopandas.read_file(save_painting(painted, tmp_path / "deep" / name))
    assert table.crs.to_epsg() == (4326 if name.endswith("json") else 32616)
    assert dict(zip(table["class"], table["color"])) == dict(zip(painted.class_names, painted.colors))
    assert table.groupby("class_id")["pixels"].sum().tolist() == painted.counts().tolist()
    assert sorted(table["class_id"]) == [1, 2, 2, 3]
    there = table.to_crs(32616)
    back = rasterize(zip(there.geometry, there["class_id"]), painted.scene.shape, transform=painted.scene.transform)
    assert np.array_equal(back, painted.labels)
    assert [f.name for f in (tmp_path / "deep").iterdir()] == [name]


def test_nothing_is_written_over_in_silence(painted, tmp_path):
    with pytest.raises(ValueError, match="no place on the ground"):
        save_painting(painted, tmp_path / "a.geojson")
    for name in ("a.tif", "a.npz"):
        file = save_painting(painted, tmp_path / name)
        held = file.read_bytes()
        with pytest.raises(ValueError, match="there already"):
            save_painting(painted, file)
        assert file.read_bytes() == held
        assert save_painting(painted, file, overwrite=True) == file
    with pytest.raises(ValueError, match=r"\.geojson or \.gpkg"):
        save_painting(painted, "a.png")


def test_the_read_out_says_place_paint_and_map(painted):
    placed(painted)
    painted.facts.scene = painted.scene
    assert painted.under_pointer(-3, 2) == ""
    assert painted.under_pointer(2, 10).startswith("row 10, col 2, E 500,050.0, N 4,479,790.0 (lon ")
    assert "painted roof" in painted.under_pointer(2, 10)
    assert "not painted" in painted.under_pointer(15, 12)
    painted.fit("lda")
    assert ", mapped " in painted.under_pointer(15, 12)


def test_values_that_do_not_fit_are_refused(painting):
    wrong = {"opacity": (1.5, "expected 0 to 1"), "radius": (21, "0 to 20"), "tool": ("roller", "brush, lasso"),
             "angle": (0.0, "1e-06 to"), "layer": ("heat", "class map"), "method": ("magic", "lda")}  # fmt: skip
    for name, (value, said) in wrong.items():
        with pytest.raises(ValueError, match=said):
            setattr(painting, name, value)
    assert (painting.opacity, painting.radius, painting.tool) == (0.8, 2, "brush")


def test_a_painting_needs_neither_widgets_nor_torch():
    code = "import sys, hsikit.explore.painting; print({'ipywidgets', 'torch', 'ipympl'} & set(sys.modules) or 'none')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "none"


def test_a_class_wears_what_its_name_means_clear_of_those_there_are():
    painting = Painting(tiny_scene())
    for name in ("forest", "water", "another forest", "something"):
        painting.add_class(name)
    forest, water = painting.colors[-4:-2]
    green = [int(forest[i : i + 2], 16) for i in (1, 3, 5)]
    blue = [int(water[i : i + 2], 16) for i in (1, 3, 5)]
    assert green.index(max(green)) == 1
    assert blue.index(max(blue)) == 2
    among = distances(painting.colors[-4:])
    assert among[~np.eye(4, dtype=bool)].min() >= APART
