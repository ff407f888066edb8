"""A user's own scene, from its YAML file."""

import numpy as np
import pytest
import yaml
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
