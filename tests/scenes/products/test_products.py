"""Every product: values, bands and place, from the file to the map, and nothing but its own errors when damaged."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import Affine, from_origin
from scenes.miniature import mutated, write_tiff
from scenes.products import made

import hsikit
from hsikit.predict.large import map_large
from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.products import open_product
from hsikit.scenes.site import open_site
from hsikit.scenes.write import write_map

turn = Affine.translation(made.EAST, made.NORTH) * Affine.rotation(-2) * Affine.scale(2, -2)
utm = from_origin(made.EAST, made.NORTH, 30, 30)
# Product: how it is made, bands that it holds in all (nm), where it lies, how exact its integers are.
PRODUCTS = {
    "neon": (made.neon, made.NEON_NM, from_origin(made.EAST, made.NORTH, 1, 1), 32611, 1e-6),
    "emit": (made.emit, made.EMIT_NM, from_origin(*made.EMIT_CORNER, made.DEGREE, made.DEGREE), 4326, 1e-6),
    "enmap": (made.enmap, np.r_[made.VNIR_NM, made.SWIR_NM], utm, 32633, 1e-6),
    "desis": (made.desis, made.DESIS_NM, utm, 32633, 1e-6),
    "aviris_ng": (made.aviris_ng, made.NG_NM, turn, 32611, 1e-6),
    "prisma": (made.prisma, np.r_[made.PRISMA_NM["VNIR"], made.PRISMA_NM["SWIR"]],
               from_origin(500_000, 4_200_030, 30, 30), 32633, 1e-5),
    "tanager": (made.tanager, made.TANAGER_NM, utm, 32632, 1e-6),
    "aviris_3": (made.aviris_3, made.AV3_NM, utm, 32611, 1e-6),
}  # fmt: skip
UNSEEN = {"emit", "enmap", "desis", "prisma", "tanager", "aviris_3"}  # in whole or in part


def expected(name, nm):
    """The truth in the product's own geometry."""
    values = made.truth(nm)
    return np.repeat(values, 2, 1) if name == "emit" else values


@pytest.fixture(params=PRODUCTS)
def product(request, tmp_path):
    """Name, path and facts of a product."""
    make, *facts = PRODUCTS[request.param]
    return request.param, make(tmp_path), *facts


def test_its_path_is_enough(product):
    name, path, listed, transform, epsg, exact = product
    scene = load_scene(path)
    assert scene.units == "reflectance"
    assert np.all(np.diff(scene.wavelengths_nm) > 0)
    assert np.abs(scene.wavelengths_nm[:, None] - listed).min(1).max() < 0.01
    assert scene.crs.to_epsg() == epsg
    np.testing.assert_allclose(scene.transform[:6], transform[:6], rtol=1e-12, atol=1e-9)
    assert not scene.valid[0, 0]
    assert scene.valid[-1, -1]
    assert np.isnan(scene.hsi[0, 0]).all() or name == "aviris_ng"  # which stays on disk as it is
    if name != "aviris_ng":  # whose header gives no widths
        assert scene.fwhm_nm.shape == scene.wavelengths_nm.shape
    values = expected(name, listed[np.abs(scene.wavelengths_nm[:, None] - listed).argmin(1)])
    ok = scene.valid.copy()
    ok[:3] &= name != "prisma"  # there some samples are clipped on purpose
    np.testing.assert_allclose(scene.hsi[ok], values[ok], atol=exact)
    said = any(finding == "reader not tried on a real file" for finding, *_ in scene.findings)
    assert said == (name in UNSEEN)


def test_the_map_lies_where_it_should(product, tmp_path):
    name, path, _, transform, epsg, _ = product
    scene = load_scene(path)
    bright = (scene.hsi[..., 5] > 0.5).astype(np.uint8)
    (out,) = write_map(tmp_path / "map.tif", bright + 1, _with_classes(scene))
    with rasterio.open(out) as map_:
        assert map_.crs.to_epsg() == epsg
        rows, cols = map_.shape
        for corner in ((0, 0), (cols, 0), (cols, rows), (0, rows)):
            np.testing.assert_allclose(map_.transform * corner, transform * corner, rtol=1e-12)
        row, col = made.CONTROL
        at = [transform * ((2 * col if name == "emit" else col) + 0.5, row + 0.5)]
        assert next(map_.sample(at))[0] == 2
        assert (map_.read(1) == 2).sum() == (2 if name == "emit" else 1)


@pytest.mark.parametrize("name", ["emit", "enmap", "neon"])
def test_a_model_maps_it_whole_and_in_pieces_on_its_grid(name, tmp_path):
    make, _, transform, epsg, _ = PRODUCTS[name]
    path = make(tmp_path)
    scene = load_scene(path)
    halves = (np.arange(scene.shape[1]) * 2 // scene.shape[1] + 1)[None].repeat(scene.shape[0], 0)
    scene = replace(scene, labels=halves, class_names=("west", "east"), colors=())
    network = hsikit.CNN2D(bands=4, classes=2, window=7)
    config = hsikit.TrainConfig(epochs=1, threads=1)
    model = hsikit.fit(network, scene, hsikit.random_split(scene, 0.4), config, progress=False).model
    whole = hsikit.predict_map(model, scene).labels
    out = map_large(model.save(tmp_path / "model"), path, tmp_path / "large.tif", memory_gb=0.2)
    with rasterio.open(out) as map_:
        np.testing.assert_array_equal(map_.read(1), whole)
        assert map_.crs.to_epsg() == epsg
        np.testing.assert_allclose(map_.transform[:6], transform[:6], rtol=1e-12, atol=1e-9)
    assert (whole[~scene.valid] == 0).all()


def _with_classes(scene):
    return replace(scene, class_names=("dark", "bright"), colors=())


def test_a_piece_equals_the_whole(product):
    _, path, *_ = product
    site = open_site(path)
    whole, piece = site.scene(), site.cut(2, 7, 1, 6)
    np.testing.assert_array_equal(piece.hsi, whole.hsi[2:7, 1:6])
    np.testing.assert_array_equal(piece.valid, whole.valid[2:7, 1:6])


def test_a_new_name_changes_nothing(product, tmp_path):
    name, path, *_ = product
    if name == "emit":
        made_mask = next(tmp_path.glob("EMIT_L2A_MASK*"))
        made_mask.unlink()  # it is found by name
    before = load_scene(path)
    if path.is_dir():
        renamed = path.rename(tmp_path / "mine")
    elif name == "aviris_ng":
        shutil.move(path.with_suffix(".hdr"), tmp_path / "mine.hdr")
        renamed = path.rename(tmp_path / "mine")
    else:
        renamed = path.rename(tmp_path / "mine.bin")
    after = load_scene(renamed)
    np.testing.assert_array_equal(after.hsi, before.hsi)
    np.testing.assert_array_equal(after.valid, before.valid)


def test_from_a_yaml_with_labels_on_its_grid(product, tmp_path):
    _, path, _, transform, epsg, _ = product
    shape = load_scene(path).shape
    gt = np.ones(shape, np.uint8)
    write_tiff(tmp_path / "gt.tif", gt, transform, rasterio.CRS.from_epsg(epsg))
    spec = {"hsi": path.name, "labels": "gt.tif", "classes": ["ground"], "bad_bands": "keep"}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(spec))
    scene = load_scene(tmp_path / "site.yaml")
    np.testing.assert_array_equal(scene.labels, gt)
    assert not any("another grid" in finding for finding, *_ in scene.findings)


def test_no_map_is_written_over_it(product):
    _, path, *_ = product
    scene = load_scene(path)
    with pytest.raises(SceneError, match="read from"):
        write_map(scene.files[-1], np.ones(scene.shape, np.uint8), _with_classes(scene))


def test_damaged_files_give_nothing_but_own_errors(product):
    _, path, *_ = product
    rng = np.random.default_rng(7)
    parts = sorted(file for file in path.parent.rglob("*") if file.is_file() and file.parent.name != "user_cache")
    refused, lines = 0, set()
    for damaged in parts:
        whole = damaged.read_bytes()
        for _ in range(max(20, 120 // len(parts))):
            damaged.write_bytes(mutated(whole, rng))
            try:
                load_scene(path)
            except SceneError as error:
                refused += 1
                lines.add(str(error).count("\n"))
        damaged.write_bytes(whole)
    assert refused > 5
    assert lines <= {0}


@pytest.mark.parametrize("name", ["emit", "neon", "prisma"])
def test_a_folder_with_one_cube_is_enough(name, tmp_path):
    path = PRODUCTS[name][0](tmp_path)
    np.testing.assert_array_equal(load_scene(tmp_path).hsi, load_scene(path).hsi)
    shutil.copy(path, tmp_path / "again.h5")
    with pytest.raises(SceneError, match=r"holds 2 cubes \(.*\); name one, or several as"):
        load_scene(tmp_path)


def test_a_folder_with_masks_alone_says_what_is_missing(tmp_path):
    made.emit(tmp_path).unlink()
    with pytest.raises(SceneError, match=r"holds EMIT L2A Masks .*, expected L2A reflectance"):
        load_scene(tmp_path)


def test_a_packed_product_is_refused(tmp_path):
    (tmp_path / "product.zip").write_bytes(b"PK")
    with pytest.raises(SceneError, match="is packed; unpack it"):
        load_scene(tmp_path / "product.zip")


def test_what_is_no_product_is_left_to_others(tmp_path):
    (tmp_path / "notes.xml").write_text("<a/>")
    (tmp_path / "cube.tif").write_bytes(b"no image")
    assert open_product(tmp_path / "notes.xml") is None
    assert open_product(tmp_path / "cube.tif") is None
    assert open_product(tmp_path) is None
    assert open_product(tmp_path / "missing.h5") is None


WRONG = (
    None,
    "text",
    np.float32(np.nan),
    -1,
    10**9,
    np.zeros(0),
    np.zeros((2, 2, 2)),
    np.full(285, np.inf),
    b"\xff\xfe",
)


@pytest.mark.parametrize("name", ["neon", "emit", "prisma", "tanager", "aviris_3"])
def test_parts_missing_or_of_another_kind_give_nothing_but_own_errors(name, tmp_path):
    path = PRODUCTS[name][0](tmp_path)
    whole = path.read_bytes()
    with h5py.File(path) as file:
        nodes, attributes = [], [("/", key) for key in file.attrs]
        file.visititems(lambda at, node: nodes.append(at) or attributes.extend((at, key) for key in node.attrs))
    said = []
    for at, key in [*((at, None) for at in nodes), *attributes]:
        for value in WRONG:
            path.write_bytes(whole)
            with h5py.File(path, "r+") as file:
                place, end = (file, at) if key is None else (file[at].attrs, key)
                del place[end]
                if value is not None:
                    place[end] = value
            try:
                scene = load_scene(path)
            except SceneError as error:
                said.append(str(error))
            else:
                assert np.isfinite(scene.hsi[scene.valid]).all(), (at, key, value)
                assert np.isfinite(scene.transform[:6]).all(), (at, key, value)
    assert len(said) > len(nodes)
    assert not any("\n" in line for line in said)
