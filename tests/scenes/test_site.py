"""A user's own scene, from its YAML file."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scenes.miniature import UTM, cube, grid, labels, map_info, mutated, write_envi, write_mat, write_tiff

from hsikit.scenes import SceneError, load_scene
from hsikit.scenes import site as site_file

ROWS, COLS, BANDS = 12, 10, 6


def site(folder, **spec):
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


@pytest.fixture
def envi(tmp_path):
    """A folder with a placed ENVI cube and its labels."""
    write_envi(tmp_path, cube(), **map_info())
    write_tiff(tmp_path / "gt.tif", labels(), grid(), UTM)
    return tmp_path


def refused(path, says):
    with pytest.raises(SceneError, match=says) as caught:
        load_scene(path)
    assert "\n" not in str(caught.value)


def test_envi_with_labels_stays_on_disk_and_in_place(envi):
    scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif", units="reflectance x 10000"))
    assert isinstance(scene.hsi, np.memmap)
    assert scene.hsi.dtype == np.int16
    np.testing.assert_array_equal(scene.hsi, cube())
    np.testing.assert_array_equal(scene.labels, labels())
    assert scene.name == "site"
    assert scene.class_names == ("class 1", "class 2", "class 3")
    assert scene.crs == UTM
    assert scene.transform == grid()
    assert scene.gsd_m == 2.0
    assert scene.units == "reflectance x 10000"


def test_nodata_of_a_label_raster_is_unlabelled(envi):
    gt = np.where(labels() == 0, 255, labels()).astype(np.uint8)
    write_tiff(envi / "gt.tif", gt, grid(), UTM, nodata=255)
    np.testing.assert_array_equal(load_scene(site(envi, hsi="cube.hdr", labels="gt.tif")).labels, labels())


def test_every_key_is_understood(envi):
    np.save(envi / "train.npy", labels() * (np.arange(COLS) < 5))
    np.savez(envi / "test.npz", mask=labels() * (np.arange(COLS) >= 5))
    valid = np.ones((ROWS, COLS), bool)
    valid[0] = False
    np.save(envi / "valid.npy", valid)
    scene = load_scene(
        site(
            envi,
            name="my field",
            hsi={"file": "cube.hdr"},
            labels="gt.tif",
            classes={"wheat": "gold", "maize": "#1b7837", "bare soil": "#c2a55a"},
            wavelengths_nm=[500, 550, 600, 650, 700, 750],
            valid="valid.npy",
            masks={"mine": ["train.npy", {"file": "test.npz", "variable": "mask"}]},
            gsd_m=3,
            citation="me",
            licence="CC0",
            bad_bands="keep",
            nodata=-1,
        )
    )
    assert scene.name == "my field"
    assert scene.class_names == ("wheat", "maize", "bare soil")
    assert scene.colors[0] == "#ffd700"
    assert scene.wavelengths_nm.tolist() == [500, 550, 600, 650, 700, 750]
    assert not scene.valid[0].any()
    np.testing.assert_array_equal(np.maximum(*scene.masks["mine"]), labels())
    assert (scene.gsd_m, scene.citation, scene.licence) == (3.0, "me", "CC0")


@pytest.mark.parametrize("kind", ["tif", "mat5", "mat7.3", "npy", "npz"])
def test_other_formats_give_the_same_cube(tmp_path, kind):
    data = cube(dtype=np.uint16)
    entry = f"cube.{kind[:3]}"
    if kind == "tif":
        write_tiff(tmp_path / entry, data, grid(), UTM)
    elif kind == "npy":
        np.save(tmp_path / entry, data)
    elif kind == "npz":
        np.savez(tmp_path / entry, anything=data)
    else:
        write_mat(tmp_path / entry, kind[3:], data=data, other=np.ones(3))
        entry = {"file": entry, "variable": "data"}
    scene = load_scene(site(tmp_path, hsi=entry))
    assert scene.hsi.dtype == np.uint16
    np.testing.assert_array_equal(scene.hsi, data)
    assert scene.n_classes == 0
    assert not scene.labels.any()
    assert isinstance(scene.hsi, np.memmap) == (kind == "npy")


def test_bad_bands_are_dropped_unless_kept(tmp_path):
    write_envi(tmp_path, cube(), bbl=[1, 0, 1, 1, 0, 1])
    scene = load_scene(site(tmp_path, hsi="cube.hdr"))
    np.testing.assert_array_equal(scene.hsi, cube()[..., [0, 2, 3, 5]])
    assert scene.wavelengths_nm.tolist() == [450, 550, 600, 700]
    assert load_scene(site(tmp_path, hsi="cube.hdr", bad_bands="keep")).bands == 6
    write_envi(tmp_path, cube(), bbl=[0] * 6)
    refused(site(tmp_path, hsi="cube.hdr"), "all are marked bad")
    write_envi(tmp_path, cube(), bbl=[1, 1])
    refused(site(tmp_path, hsi="cube.hdr"), "2 bad-band flags for 6 bands")


def test_nodata_and_nan_pixels_are_not_valid(tmp_path):
    data = cube(dtype=np.float32)
    data[0, 0] = -9999
    data[1, 1, 2] = np.nan
    write_envi(tmp_path, data, data_ignore_value=-9999)
    assert np.argwhere(~load_scene(site(tmp_path, hsi="cube.hdr")).valid).tolist() == [[0, 0], [1, 1]]


def test_nan_everywhere_is_refused_at_any_size(tmp_path, monkeypatch):
    write_envi(tmp_path, np.full((4, 5, 3), np.nan, np.float32))
    refused(site(tmp_path, hsi="cube.hdr"), "no pixel is valid")
    monkeypatch.setattr(site_file, "SCAN_BYTES", 10)
    refused(site(tmp_path, hsi="cube.hdr"), "none of 20 sampled pixels")


def test_large_cubes_are_searched_when_their_valid_pixels_are_first_asked_for(tmp_path, monkeypatch):
    data = cube(dtype=np.float32)
    data[:2] = np.nan
    write_envi(tmp_path, data)
    monkeypatch.setattr(site_file, "SCAN_BYTES", 10)
    scene = load_scene(site(tmp_path, hsi="cube.hdr"))
    assert "valid" not in vars(scene)
    np.testing.assert_array_equal(scene.valid, np.repeat(np.arange(ROWS) >= 2, COLS).reshape(ROWS, COLS))


# --- LiDAR ---------------------------------------------------------------------------------------


def slope(rows, cols, pixel_m, south_m=0.0):
    """Heights that fall by 0.1 m a metre southwards, at pixel centres."""
    return np.repeat((100 - 0.1 * (south_m + pixel_m * (np.arange(rows) + 0.5)))[:, None], cols, 1).astype(np.float32)


def test_lidar_of_the_same_grid_is_kept_as_it_is(envi):
    height = slope(ROWS, COLS, 2)
    write_tiff(envi / "dsm.tif", height, grid(), UTM, nodata=-1)
    np.save(envi / "intensity.npy", np.full((ROWS, COLS), 7, np.uint8))
    scene = load_scene(site(envi, hsi="cube.hdr", lidar=[{"file": "dsm.tif", "name": "height (m)"}, "intensity.npy"]))
    np.testing.assert_array_equal(scene.lidar[..., 0], height)
    assert scene.lidar_names == ("height (m)", "intensity")
    assert (scene.lidar[..., 1] == 7).all()


def test_lidar_on_another_grid_is_resampled(envi):
    write_tiff(envi / "dsm.tif", slope(40, 40, 1, south_m=-4), grid(1, east_m=-4, south_m=-4), UTM)
    scene = load_scene(site(envi, hsi="cube.hdr", lidar="dsm.tif"))
    assert scene.lidar.shape == (ROWS, COLS, 1)
    np.testing.assert_allclose(scene.lidar[..., 0], slope(ROWS, COLS, 2), atol=0.02)


def test_lidar_in_another_system_is_resampled(envi):
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    height = slope(60, 60, 1, south_m=-10)
    here = grid(1, east_m=-10, south_m=-10)
    left, top = here.c, here.f
    there, width, rows = calculate_default_transform(UTM, "EPSG:4326", 60, 60, left, top - 60, left + 60, top)
    other = np.full((rows, width), np.nan, np.float32)
    reproject(
        height, other, src_crs=UTM, src_transform=here, dst_crs="EPSG:4326", dst_transform=there,
        dst_nodata=np.nan, resampling=Resampling.bilinear,
    )  # fmt: skip
    write_tiff(envi / "dsm.tif", other, there, "EPSG:4326", nodata=np.nan)
    scene = load_scene(site(envi, hsi="cube.hdr", lidar="dsm.tif"))
    np.testing.assert_allclose(scene.lidar[..., 0], slope(ROWS, COLS, 2), atol=0.2)


def test_lidar_of_another_shape_without_a_place_is_refused(envi):
    np.save(envi / "dsm.npy", np.ones((5, 7)))
    refused(site(envi, hsi="cube.hdr", lidar="dsm.npy"), r"\(5, 7\), the cube \(12, 10\)")


def test_lidar_elsewhere_is_refused(envi):
    write_tiff(envi / "dsm.tif", slope(9, 9, 1), grid(1, east_m=90_000), UTM)
    refused(site(envi, hsi="cube.hdr", lidar="dsm.tif"), "do not overlap")


# --- labels drawn in a GIS -----------------------------------------------------------------------


def draw(path, shapes, crs=UTM, **columns):
    geopandas = pytest.importorskip("geopandas", reason="drawn labels: geopandas (extra `vector`) is not installed")
    geopandas.GeoDataFrame(columns, geometry=shapes, crs=crs.to_wkt()).to_file(path)


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp"])
def test_polygons_and_points_become_labels(envi, suffix):
    shapely = pytest.importorskip("shapely", reason="drawn labels: geopandas (extra `vector`) is not installed")
    west, north = 600_000, 5_100_000
    shapes = [shapely.box(west, north - 8, west + 6, north), shapely.Point(west + 13, north - 21).buffer(0.9)]
    draw(envi / f"fields.{suffix}", shapes, crop=["wheat", "maize"])
    scene = load_scene(site(envi, hsi="cube.hdr", labels={"file": f"fields.{suffix}", "field": "crop"}))
    assert scene.class_names == ("maize", "wheat")
    expected = np.zeros((ROWS, COLS), int)
    expected[:4, :3] = 2
    expected[10, 6] = 1
    np.testing.assert_array_equal(scene.labels, expected)


def test_points_in_degrees_with_class_numbers(envi):
    shapely = pytest.importorskip("shapely", reason="drawn labels: geopandas (extra `vector`) is not installed")
    from rasterio.crs import CRS
    from rasterio.warp import transform

    lon, lat = transform(UTM, "EPSG:4326", [600_013.0, 600_001.0], [5_099_979.0, 5_099_999.0])
    draw(
        envi / "p.geojson",
        [shapely.Point(p) for p in zip(lon, lat)],
        CRS.from_epsg(4326),
        **{"class": [2, 1]},
    )
    spec = {"hsi": "cube.hdr", "labels": "p.geojson"}
    scene = load_scene(site(envi, **spec, classes=["grass", "tree"]))
    assert np.argwhere(scene.labels).tolist() == [[0, 0], [10, 6]]
    assert scene.labels[10, 6] == 2
    refused(site(envi, **spec, classes=["grass"]), "has class 2, expected whole numbers 1 to 1")


def test_drawn_labels_that_do_not_fit_are_refused(envi):
    shapely = pytest.importorskip("shapely", reason="drawn labels: geopandas (extra `vector`) is not installed")
    box = shapely.box(600_000, 5_099_990, 600_006, 5_100_000)
    draw(envi / "a.gpkg", [box], crop=["wheat"])
    refused(site(envi, hsi="cube.hdr", labels="a.gpkg"), "no field 'class'; it has: crop")
    named = {"file": "a.gpkg", "field": "crop"}
    refused(
        site(envi, hsi="cube.hdr", labels=named, classes=["maize"]),
        "has class 'wheat', expected one of: maize",
    )
    draw(envi / "b.gpkg", [shapely.box(0, 0, 9, 9)], crop=["wheat"])
    refused(site(envi, hsi="cube.hdr", labels=named | {"file": "b.gpkg"}), "marks no pixel")
    (envi / "c.geojson").write_text("{not json")
    refused(site(envi, hsi="cube.hdr", labels="c.geojson"), "not a readable vector layer")
    np.save(envi / "cube.npy", cube())
    refused(site(envi, hsi="cube.npy", labels=named), "need a georeferenced cube")


def test_without_geopandas_the_remedy_is_named(envi, monkeypatch):
    import sys

    (envi / "a.geojson").write_text("{}")
    monkeypatch.setitem(sys.modules, "geopandas", None)
    refused(site(envi, hsi="cube.hdr", labels="a.geojson"), r"pip install 'hsikit\[vector\]'")


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            {"hsi": "cube.hdr", "wavelength_nm": [1]},
            "unknown key 'wavelength_nm'; did you mean 'wavelengths_nm'",
        ),
        ({"hsi": {"file": "cube.hdr", "varable": "x"}}, "did you mean 'variable'"),
        ({}, "no `key: value` lines|does not name the cube"),
        ({"labels": "gt.tif"}, "does not name the cube"),
        ({"hsi": "none.hdr"}, "none.hdr is missing"),
        ({"hsi": "site.yaml"}, "of no kind that can be read"),
        ({"hsi": 7}, "expected a file name"),
        ({"hsi": "gt.npy"}, r"expected \(row, col, band\)"),
        ({"hsi": "../cube.hdr"}, "leaves the scene's folder"),
        ({"hsi": "cube.hdr", "labels": "a/../../gt.tif"}, "leaves the scene's folder"),
        ({"hsi": "text.npy"}, "expected integers or real numbers"),
        ({"hsi": "wave.npy"}, "complex128 values, expected"),
        ({"hsi": "objects.npy"}, "not a readable NumPy file of plain numbers"),
        ({"hsi": "empty.npy"}, "none of them 0"),
        ({"hsi": "nan.npy"}, "no pixel is valid"),
        ({"hsi": "cut.npz"}, "not a readable NumPy file"),
        ({"hsi": "two.npz"}, "several variables .*say which"),
        ({"hsi": {"file": "two.npz", "variable": "c"}}, "no variable 'c'; it holds: a, b"),
        ({"hsi": "cut.tif"}, "not a readable raster"),
        ({"hsi": "cube.hdr", "labels": "big.npy"}, "give labels of the cube's size"),
        ({"hsi": "cube.hdr", "labels": "half.npy"}, "not whole numbers"),
        ({"hsi": "cube.hdr", "labels": "minus.npy"}, "labels run from -1"),
        ({"hsi": "cube.hdr", "labels": "wave.npy"}, "expected integers or real numbers|one channel"),
        ({"hsi": "cube.hdr", "labels": "gt.tif", "classes": ["a", "b"]}, "labels run from 0 to 3, expected"),
        ({"hsi": "cube.hdr", "classes": ["a", "b", "a"]}, "class 'a' is named twice"),
        ({"hsi": "cube.hdr", "classes": "twice.txt"}, "class 'wheat' is named twice"),
        ({"hsi": "cube.hdr", "classes": "none.txt"}, "class file .* cannot be read"),
        ({"hsi": "cube.hdr", "classes": {"a": "reddish"}}, "'reddish' is no colour"),
        ({"hsi": "cube.hdr", "classes": {"a": "red", "b": None}}, "1 colours for 2 classes"),
        ({"hsi": "cube.hdr", "classes": 3}, "classes must be"),
        ({"hsi": "cube.hdr", "wavelengths_nm": [1, 2]}, "2 wavelengths for 6 bands"),
        ({"hsi": "cube.hdr", "wavelengths_nm": [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}, "look like micrometres"),
        ({"hsi": "cube.hdr", "wavelengths_nm": ["a"]}, "list of numbers"),
        ({"hsi": "cube.hdr", "bad_bands": "maybe"}, "expected drop or keep"),
        ({"hsi": "cube.hdr", "gsd_m": -1}, "expected metres above 0"),
        ({"hsi": "cube.hdr", "nodata": "none"}, "expected a number"),
        ({"hsi": "cube.hdr", "masks": {"m": "gt.tif"}}, r"expected \[train file, test file\]"),
        ({"hsi": "cube.hdr", "masks": {"m": ["gt.tif", "big.npy"]}}, r"is \(30, 30\), the cube \(12, 10\)"),
        ({"hsi": "cube.hdr", "masks": ["gt.tif"]}, "masks is"),
        ({"hsi": "cube.hdr", "lidar": []}, "empty list"),
        ({"hsi": "cube.hdr", "lidar": [{"name": "x"}]}, "expected a file name"),
        ({"hsi": "cube.hdr", "valid": "big.npy"}, r"\(30, 30\), the cube \(12, 10\)"),
    ],
)
def test_bad_input_is_one_clear_line(envi, spec, says):
    np.save(envi / "gt.npy", labels())
    np.save(envi / "text.npy", np.full((2, 2, 2), "a"))
    np.save(envi / "wave.npy", np.ones((ROWS, COLS, 3)) * 1j)
    np.save(envi / "objects.npy", np.array([[[{}]]], object), allow_pickle=True)
    np.save(envi / "empty.npy", np.ones((3, 3, 0)))
    np.save(envi / "nan.npy", np.full((3, 3, 2), np.nan))
    np.save(envi / "big.npy", np.ones((30, 30), np.uint8))
    np.save(envi / "half.npy", labels() / 2)
    np.save(envi / "minus.npy", labels().astype(int) - 1)
    np.savez(envi / "two.npz", a=cube(), b=cube())
    (envi / "cut.npz").write_bytes((envi / "two.npz").read_bytes()[:900])
    (envi / "cut.tif").write_bytes((envi / "gt.tif").read_bytes()[:90])
    (envi / "twice.txt").write_text("wheat, gold\nmaize, green\nwheat, red\n")
    refused(site(envi, **spec), says)


@pytest.mark.parametrize("text", [b"hsi: [1", b"\xff\xfe\x00", b"- a\n- b\n", b"", b"a: &a [*a]\n"])
def test_a_file_that_is_no_yaml_mapping(tmp_path, text):
    (tmp_path / "site.yaml").write_bytes(text)
    refused(tmp_path / "site.yaml", "site.yaml")


def test_a_missing_yaml_file(tmp_path):
    refused(tmp_path / "no.yaml", "no.yaml is missing")


def test_damaged_files_end_in_scene_errors_only_through_the_public_call(tmp_path):
    """300 damaged headers and 200 damaged MATLAB files, opened as a user would."""
    header = write_envi(tmp_path, cube(), **map_info(), bbl=[1, 0, 1, 1, 1, 1], data_ignore_value=-1)
    mat = write_mat(tmp_path / "cube.mat", "5", data=cube())
    rng = np.random.default_rng(11)
    refusals, lines = 0, set()
    for damaged, entry, times in ((header, "cube.hdr", 300), (mat, "cube.mat", 200)):
        path, whole = site(tmp_path, hsi=entry), damaged.read_bytes()
        for _ in range(times):
            damaged.write_bytes(mutated(whole, rng))
            try:
                load_scene(path)
            except SceneError as error:
                refusals += 1
                lines.add(str(error).count("\n"))
    assert refusals > 100
    assert lines == {0}


# --- no-data, bands and scale --------------------------------------------------------------------


def found(scene):
    return {finding: (where, remedy) for finding, where, remedy in scene.check().itertuples(index=False)}


def test_pixels_that_lack_some_bands_are_counted_and_left_out_or_filled(tmp_path):
    data = cube()
    data[2, 3:6, 2:4] = -9999
    data[5, 5] = -9999
    write_envi(tmp_path, data, data_ignore_value=-9999)
    scene = load_scene(site(tmp_path, hsi="cube.hdr"))
    assert np.argwhere(~scene.valid).tolist() == [[2, 3], [2, 4], [2, 5], [5, 5]]
    assert found(scene)["pixels without data in some bands"][0] == "3 pixels lack some and are left out"
    filled = load_scene(site(tmp_path, hsi="cube.hdr", fill="bands"))
    assert np.argwhere(~filled.valid).tolist() == [[5, 5]]
    ends = cube()[2, 4, [1, 4]].astype(float)
    np.testing.assert_allclose(filled.hsi[2, 4, 2:4], ends[0] + np.diff(ends) * np.array([1, 2]) / 3, rtol=1e-6)
    refused(site(tmp_path, hsi="cube.hdr", fill="pixels"), "expected bands")


def test_zeros_that_a_file_calls_no_data_are_values_beside_others_unless_the_yaml_says_so_too(tmp_path):
    data = cube()
    data[0, 0] = 0
    data[1, 1, 3] = 0
    write_envi(tmp_path, data, data_ignore_value=0)
    assert np.argwhere(~load_scene(site(tmp_path, hsi="cube.hdr")).valid).tolist() == [[0, 0]]
    assert np.argwhere(~load_scene(site(tmp_path, hsi="cube.hdr", nodata=0)).valid).tolist() == [[0, 0], [1, 1]]


def test_bands_without_data_are_named_by_their_number_in_the_file_and_left_out(tmp_path):
    data = cube(dtype=np.float32)
    data[..., 4] = np.nan
    write_envi(tmp_path, data, bbl=[0, 1, 1, 1, 1, 1])
    scene = load_scene(site(tmp_path, hsi="cube.hdr"))
    assert scene.valid.all()
    assert scene.wavelengths_nm.tolist() == [500, 550, 600, 700]
    assert found(scene)["bands without data"][0] == "bands 4 hold no data anywhere and are left out"


def test_bands_are_dropped_by_number_range_and_wavelength(tmp_path):
    write_envi(tmp_path, cube())
    scene = load_scene(site(tmp_path, hsi="cube.hdr", drop_bands=[0, "2-3", "690-710 nm"]))
    assert scene.wavelengths_nm.tolist() == [500, 650]
    np.testing.assert_array_equal(scene.hsi, cube()[..., [1, 4]])
    for wrong, says in (
        (6, "no band of 0 to 5"),
        ("many", "expected a band"),
        ("900-950 nm", "no band"),
        ([0, "1-5"], "all"),
    ):
        refused(site(tmp_path, hsi="cube.hdr", drop_bands=wrong), says)
    np.save(tmp_path / "cube.npy", cube())
    refused(site(tmp_path, hsi="cube.npy", drop_bands="500-600 nm"), "no wavelengths; give band numbers")


def test_scale_and_offset_of_the_yaml_stand_before_the_file_s(tmp_path):
    write_envi(tmp_path, cube(), reflectance_scale_factor=10000)
    scene = load_scene(site(tmp_path, hsi="cube.hdr"))
    np.testing.assert_allclose(scene.hsi, cube() / np.float32(10000), rtol=1e-6)
    assert scene.units == "reflectance"
    scene = load_scene(site(tmp_path, hsi="cube.hdr", scale=2, offset=[0, 1, 2, 3, 4, 5], units="counts"))
    np.testing.assert_allclose(scene.hsi, 2 * cube().astype(np.float32) + np.arange(6))
    assert scene.units == "counts"
    refused(site(tmp_path, hsi="cube.hdr", scale=[1, 2]), "scale has 2 numbers for 6 channels")
    refused(site(tmp_path, hsi="cube.hdr", offset="low"), "expected a number, or a list with one a band")


# --- classes -------------------------------------------------------------------------------------


def test_class_values_say_what_a_raster_means(envi):
    gt = np.zeros((ROWS, COLS), np.uint8)
    gt[1], gt[2], gt[3], gt[4] = 1, 12, 14, 99
    write_tiff(envi / "gt.tif", gt, grid(), UTM)
    values = {"1": "NO", "10..14": "beech", 200: "007"}
    scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif", class_values=values))
    assert scene.class_names == ("NO", "beech", "007")
    assert scene.labels[:5, 0].tolist() == [0, 1, 2, 2, 0]
    assert "99" in found(scene)["values that no class has"][0]
    for wrong, says in (
        ({"a": "b"}, "must be like"),
        ({"3..1": "a"}, "no range"),
        ({1: "a", "1-2": "b"}, "gives 1 twice"),
        ([1], "must be like"),
    ):
        refused(site(envi, hsi="cube.hdr", labels="gt.tif", class_values=wrong), says)


@pytest.mark.parametrize("name", ["NO", "yes", "007", "1e3", "null", "2024-05-01", "~", "12:30"])
def test_a_class_is_called_as_it_is_written(envi, name):
    (envi / "site.yaml").write_text(f"hsi: cube.hdr\nlabels: gt.tif\nclasses: [{name}, b, c]\n")
    assert load_scene(envi / "site.yaml").class_names[0] == name


def test_aliases_are_refused(envi):
    (envi / "site.yaml").write_text("hsi: cube.hdr\nname: &n mine\ncitation: *n\n")
    refused(envi / "site.yaml", "uses a YAML alias")


def test_what_labels_may_mean_is_said(envi):
    gt = np.where(labels() == 0, 255, labels()).astype(np.uint8)
    write_tiff(envi / "gt.tif", gt, grid(), UTM)
    scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif"))
    assert scene.n_classes == 3
    np.testing.assert_array_equal(scene.labels, labels())
    assert "class_values: {255" in found(scene)["value 255 taken as unlabelled"][1]
    write_tiff(envi / "gt.tif", np.where(gt == 255, 255, gt - 1).astype(np.uint8), grid(), UTM, nodata=255)
    scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif", classes=["a", "b", "c"]))
    assert "class_values: {0: a" in found(scene)["labels may count from 0"][1]


def test_labels_of_a_finer_grid_are_the_majority_with_its_purity_or_refused_with_what_helps(envi):
    fine = np.kron(labels(), np.ones((2, 2), np.uint8))
    fine[0::2, 0] = 3  # a quarter to a half of some pixels
    write_tiff(envi / "gt.tif", fine, grid(1.0), UTM)
    scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif"))
    np.testing.assert_array_equal(scene.labels[:, 1:], labels()[:, 1:])
    assert "of a pixel's finer labels agree" in found(scene)["labels of a finer grid"][0]
    np.save(envi / "gt.npy", fine)
    refused(site(envi, hsi="cube.hdr", labels="gt.npy"), r"`gdalwarp -r mode -ts 10 12 .*`gdal_translate -a_srs")


def test_labels_lie_where_their_file_says(envi):
    write_tiff(envi / "gt.tif", labels(), grid(east_m=6), UTM)
    scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif", valid={"file": "gt.tif"}))
    np.testing.assert_array_equal(scene.labels[:, 3:], labels()[:, :-3])
    assert not scene.labels[:, :3].any()
    np.testing.assert_array_equal(scene.valid, scene.labels > 0)


# --- LiDAR that lacks values ---------------------------------------------------------------------


def test_fill_values_of_lidar_are_no_heights_whether_declared_or_not(envi):
    height = slope(ROWS, COLS, 2)
    height[3, 4], height[4, 4] = -9999, -32768
    write_tiff(envi / "dsm.tif", height, grid(), UTM)
    assert np.argwhere(np.isnan(load_scene(site(envi, hsi="cube.hdr", lidar="dsm.tif")).lidar[..., 0])).tolist() == [
        [3, 4],
        [4, 4],
    ]
    height[5, 5] = -777
    write_tiff(envi / "dsm.tif", height, grid(), UTM)
    scene = load_scene(site(envi, hsi="cube.hdr", lidar="dsm.tif"))
    assert "nodata: -777" in found(scene)["implausible LiDAR values"][1]
    assert "HSI and LiDAR are offset" not in found(scene)
    lidar = {"file": "dsm.tif", "nodata": -777, "scale": 0.5, "name": "height (m)"}
    scene = load_scene(site(envi, hsi="cube.hdr", lidar=lidar))
    assert np.isnan(scene.lidar[5, 5, 0])
    np.testing.assert_allclose(scene.lidar[0], 0.5 * height[0, :, None])
    assert scene.lidar_names == ("height (m)",)


# --- one reader ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hdr", "tif", "npy"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"nodata": -5},
        {"scale": 0.1, "offset": -3},
        {"drop_bands": [1]},
        {"fill": "bands", "nodata": -5},
        {"valid": "valid.npy"},
    ],
)
def test_pieces_are_the_whole(envi, kind, more):
    data = cube()
    data[2:4, 3:6, 2:4] = -5
    data[5, 5] = -5
    write_envi(envi, data, **map_info())
    write_tiff(envi / "cube.tif", data, grid(), UTM)
    np.save(envi / "cube.npy", data)
    np.save(envi / "valid.npy", np.arange(ROWS * COLS).reshape(ROWS, COLS) % 7 > 0)
    write_tiff(envi / "dsm.tif", slope(40, 40, 1, south_m=-4), grid(1, east_m=-4, south_m=-4), UTM)
    lidar = {} if kind == "npy" else {"lidar": "dsm.tif"}
    opened = site_file.open_site(site(envi, hsi=f"cube.{kind}", **lidar, **more))
    whole = opened.scene()
    for top, left in ((0, 0), (1, 4), (7, 3)):
        where = slice(top, top + 5), slice(left, left + 6)
        piece = opened.cut(top, top + 5, left, min(left + 6, COLS))
        np.testing.assert_array_equal(piece.hsi, whole.hsi[where])
        np.testing.assert_array_equal(piece.valid, whole.valid[where])
        assert piece.hsi.dtype == whole.hsi.dtype
        if lidar:
            np.testing.assert_array_equal(piece.lidar, whole.lidar[where])


def test_both_readings_make_the_same_errors(envi):
    for spec, says in (
        ({"bad_bands": "dropp"}, "expected drop or keep"),
        ({"wavelengths_nm": ["a"]}, "list of numbers"),
        ({"wavelengths_nm": [500]}, "1 wavelengths for 6 bands"),
        ({"lidar": []}, "empty list"),
    ):
        path = site(envi, hsi="cube.hdr", **spec)
        refused(path, says)
        with pytest.raises(SceneError, match=says):
            site_file.open_site(path)


def test_the_stamp_changes_with_every_file_that_is_named(envi):
    np.save(envi / "valid.npy", np.ones((ROWS, COLS), bool))
    path = site(envi, hsi="cube.hdr", labels="gt.tif", valid="valid.npy")
    seen = {site_file.open_site(path).stamp}
    for change in (
        lambda: np.save(envi / "valid.npy", np.ones((ROWS, COLS), np.uint8)),
        lambda: write_envi(envi, cube(seed=1)),
        lambda: (envi / "gt.tif.msk").write_bytes(b""),
        lambda: site(envi, hsi="cube.hdr", labels="gt.tif"),
    ):
        change()
        seen.add(site_file.stamp_of(path))
    assert len(seen) == 5
    names = {file.name for file in load_scene(path).files}
    assert names == {"site.yaml", "cube.hdr", "cube.dat", "gt.tif", "gt.tif.msk"}


def test_a_turned_grid_has_its_pixel_size(tmp_path):
    write_envi(tmp_path, cube(), **{"map_info": [*map_info()["map info"], "rotation=30.0"]})
    assert load_scene(site(tmp_path, hsi="cube.hdr")).gsd_m == pytest.approx(2.0)


@settings(max_examples=60)
@given(arrays(np.bool_, (3, 4, 7)), st.integers(0, 99))
def test_filling_draws_between_the_bands_that_hold_data(lacking, seed):
    values = np.random.default_rng(seed).normal(size=lacking.shape).astype(np.float32)
    want, band = values.copy(), np.arange(7)
    for row, col in np.ndindex(3, 4):
        none = lacking[row, col]
        if none.any() and not none.all():
            want[row, col, none] = np.interp(band[none], band[~none], want[row, col, ~none])
    left = site_file._filled(values, lacking)
    np.testing.assert_allclose(values, want, atol=1e-5)
    assert (left == (lacking.all(2)[..., None] & lacking)).all()


def test_value_0_can_be_a_class_beside_no_data(envi):
    gt = np.where(labels() == 0, 255, labels() - 1).astype(np.uint8)
    for transform in (grid(), grid(east_m=2)):
        write_tiff(envi / "gt.tif", gt, transform, UTM, nodata=255)
        values = {0: "a", 1: "b", 2: "c"}
        scene = load_scene(site(envi, hsi="cube.hdr", labels="gt.tif", class_values=values))
        moved = int(transform.c - grid().c) // 2
        np.testing.assert_array_equal(scene.labels[:, moved:], labels()[:, : COLS - moved])
        assert scene.class_names == ("a", "b", "c")


def test_a_raster_that_cannot_be_compared_is_laid_on_by_size_and_that_is_said(envi):
    np.save(envi / "cube.npy", cube())
    scene = load_scene(site(envi, hsi="cube.npy", labels="gt.tif"))
    np.testing.assert_array_equal(scene.labels, labels())
    assert "the cube does not" in found(scene)["laid on by size alone"][0]


def test_names_and_units_are_as_they_are_written(envi):
    (envi / "site.yaml").write_text("hsi: cube.hdr\nname: 007\nunits: 1e3\n")
    scene = load_scene(envi / "site.yaml")
    assert (scene.name, scene.units) == ("007", "1e3")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
def test_attribute_tables_in_any_encoding(envi, encoding):
    shapely = pytest.importorskip("shapely", reason="drawn labels: geopandas (extra `vector`) is not installed")
    draw(envi / "p.shp", [shapely.box(600_000, 5_099_990, 600_006, 5_100_000)], **{"class": ["Bühl"]})
    raw = (envi / "p.dbf").read_bytes().replace("Bühl ".encode(), "Bühl".encode(encoding).ljust(6))
    (envi / "p.dbf").write_bytes(raw)
    (envi / "p.cpg").unlink()
    labels_file = {"file": "p.shp", "encoding": encoding}
    assert load_scene(site(envi, hsi="cube.hdr", labels=labels_file)).class_names == ("Bühl",)
    refused(site(envi, hsi="cube.hdr", labels=labels_file | {"encoding": "klingon"}), "not a readable vector layer")


def test_a_scale_that_cannot_be_is_refused(envi):
    for scale in (0, float("nan"), [1, 2, 3, 4, 5, 0], True):
        refused(site(envi, hsi="cube.hdr", scale=scale), "scale is .*, expected a number")
