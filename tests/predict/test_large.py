import os

import numpy as np
import pytest
import rasterio
import zarr
from tiny import NAMES, tiny_scene, tiny_split

from hsikit import cli
from hsikit.fitted import Fitted
from hsikit.models import CNN2D, MMLGNet
from hsikit.predict import large, predict_map
from hsikit.predict.large import chunk_side, map_chunk, map_large
from hsikit.predict.tiles import Tile
from hsikit.scenes import SceneError, load_scene
from hsikit.scenes.site import cube_gb, open_site
from hsikit.text import random_vectors
from hsikit.train import TrainConfig, fit


@pytest.fixture(scope="module")
def scene():
    """Holes within windows of valid pixels, at a corner, in a strip, and one larger than a chunk."""
    made = tiny_scene(rows=150, cols=110, bands=16)
    hsi, valid = made.hsi.copy(), made.valid.copy()
    for rows, cols in ((slice(0, 20), slice(0, 13)), (slice(40, 90), slice(30, 75)), (slice(100, 104), slice(0, 110))):
        hsi[rows, cols], valid[rows, cols] = np.nan, False
    alone = np.random.default_rng(1).random(valid.shape) < 0.05
    hsi[alone], valid[alone] = np.nan, False
    return type(made)("tiny", hsi, made.labels, NAMES, lidar=made.lidar, valid=valid,
                      wavelengths_nm=made.wavelengths_nm)  # fmt: skip


@pytest.fixture(scope="module")
def model(scene, tmp_path_factory):
    words = random_vectors(NAMES, 12, seed=0)
    run = fit(MMLGNet(16, 1, 12, window=11), scene, tiny_split(scene, 0.05), TrainConfig(epochs=2, threads=1),
              text=words, progress=False)  # fmt: skip
    return run.model.save(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def files(scene, tmp_path_factory):
    """The scene as ENVI, GeoTIFF, Zarr and NPY, each with LiDAR, under a YAML file."""
    folder = tmp_path_factory.mktemp("site")
    rows, cols, bands = scene.hsi.shape
    waves = ", ".join(f"{w:.4f}" for w in scene.wavelengths_nm)
    scene.hsi.transpose(2, 0, 1).tofile(folder / "cube.img")
    (folder / "cube.hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\ndata type = 4\n"
        f"interleave = bsq\nbyte order = 0\nfile type = ENVI Standard\nwavelength = {{{waves}}}\n"
    )
    place = {"crs": "EPSG:32616", "transform": rasterio.Affine(2, 0, 5e5, 0, -2, 4e6)}
    for name, array in (("cube", scene.hsi), ("lidar", scene.lidar)):
        with rasterio.open(folder / f"{name}.tif", "w", driver="GTiff", height=rows, width=cols, count=array.shape[2],
                           dtype="float32", **place) as file:  # fmt: skip
            file.write(np.moveaxis(array, -1, 0))
    zarr.create_array(folder / "cube.zarr", data=scene.hsi, chunks=(40, 40, 16))
    np.save(folder / "cube.npy", scene.hsi)
    for kind in ("hdr", "tif", "zarr", "npy"):
        spec = f"name: tiny\nhsi: cube.{kind}\nlidar: lidar.tif\n"
        (folder / f"{kind}.yaml").write_text(spec + (f"wavelengths_nm: [{waves}]\n" if kind != "hdr" else ""))
    return folder


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(large, "SIDES", (32,))


@pytest.fixture(scope="module")
def whole(model, scene):
    return predict_map(Fitted.load(model), scene).labels


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


@pytest.mark.parametrize("kind", ["hdr", "tif", "zarr", "npy"])
def test_chunks_read_from_disk_give_the_map_that_memory_gives(kind, files, model, whole, small_chunks, tmp_path):
    out = map_large(model, files / f"{kind}.yaml", tmp_path / "map.tif")
    np.testing.assert_array_equal(read(out), whole)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["map.tif", "map.tif.aux.xml"]
    with rasterio.open(out) as file:
        assert file.tags(1)["CLASS_2"] == NAMES[1]
        assert (file.crs is not None) == (kind == "tif")


def test_the_map_is_that_of_a_scene_held_in_memory(files, model, whole):
    in_memory = load_scene(files / "hdr.yaml")
    np.testing.assert_array_equal(predict_map(Fitted.load(model), in_memory).labels, whole)


def test_zarr_out_holds_the_same_map_and_names_its_classes(files, model, whole, small_chunks, tmp_path):
    out = zarr.open_array(map_large(model, files / "zarr.yaml", tmp_path / "map.zarr"), mode="r")
    np.testing.assert_array_equal(out[:], whole)
    assert out.attrs["class_names"] == list(NAMES)
    assert out.chunks == (32, 32)


@pytest.mark.parametrize("name", ["map.tif", "map.zarr"])
def test_cut_short_and_run_again_gives_the_same_bytes(name, files, model, small_chunks, tmp_path, monkeypatch):
    straight = map_large(model, files / "tif.yaml", tmp_path / "straight" / name)
    calls = []

    def interrupted(*args):
        calls.append(args[2])
        if len(calls) == 6:
            raise KeyboardInterrupt
        return map_chunk(*args)

    monkeypatch.setattr(large, "map_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        map_large(model, files / "tif.yaml", tmp_path / name)
    assert not (tmp_path / name).exists()
    with open(tmp_path / f"{name}.done", "a") as file:
        file.write("1")  # torn while a number was written: that chunk is made again
    before = list(calls)
    again = map_large(model, files / "tif.yaml", tmp_path / name)
    assert set(calls[len(before) :]).isdisjoint(before[:5])
    assert len(calls) == 6 + 20 - 5
    assert contents(again) == contents(straight)


def contents(path):
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return {str(p.relative_to(path)): p.read_bytes() for p in files}


def test_another_model_starts_the_map_anew(files, model, scene, small_chunks, tmp_path, monkeypatch, caplog):
    other = fit(CNN2D(16, 3, 9), scene, tiny_split(scene, 0.05), TrainConfig(epochs=1, threads=1), progress=False).model
    other.save(tmp_path / "other")

    def stop(*args):
        if args[2] != Tile(0, 32, 0, 32):
            raise KeyboardInterrupt
        return map_chunk(*args)

    with monkeypatch.context() as patch:
        patch.setattr(large, "map_chunk", stop)
        with pytest.raises(KeyboardInterrupt):
            map_large(model, files / "npy.yaml", tmp_path / "map.tif")
    out = map_large(tmp_path / "other", files / "npy.yaml", tmp_path / "map.tif")
    assert "starts anew" in caplog.text
    np.testing.assert_array_equal(read(out), predict_map(other, scene).labels)


def test_the_command_maps_in_chunks_what_exceeds_its_memory_and_what_is_a_raster(files, model, whole, tmp_path, capsys):
    assert cli.main(["predict", str(model), str(files / "hdr.yaml"), "--out", str(tmp_path / "whole.tif")]) == 0
    line = ["predict", str(model), "--memory", "0.02"]
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr("hsikit.predict.large.cube_gb", lambda scene: 0.03)
        assert cli.main([*line, str(files / "hdr.yaml"), "--out", str(tmp_path / "chunks.tif")]) == 0
    assert cli.main([*line, str(files / "hdr.yaml"), "--out", str(tmp_path / "map.zarr")]) == 0
    np.testing.assert_array_equal(read(tmp_path / "whole.tif"), whole)
    np.testing.assert_array_equal(read(tmp_path / "chunks.tif"), whole)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "map.zarr", mode="r")[:], whole)
    assert [p.name for p in sorted(tmp_path.glob("*_scores.tif"))] == ["whole_scores.tif"]
    assert cli.main([*line[:2], str(files / "cube.npy"), "--out", str(tmp_path / "raster.tif")]) == 2
    assert "the model takes 1 LiDAR channel(s), cube has 0" in capsys.readouterr().err
    assert cube_gb(files / "zarr.yaml") == 4 * 150 * 110 * 16 / 2**30


def test_dask_workers_in_processes_of_their_own_give_the_same_map(files, model, whole, small_chunks, tmp_path):
    from dask.distributed import Client, LocalCluster

    local = LocalCluster(n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None)
    with local as cluster, Client(cluster) as client:
        assert os.getpid() not in client.run(os.getpid).values()
        out = map_large(model, files / "zarr.yaml", tmp_path / "map.tif", client=client)
    np.testing.assert_array_equal(read(out), whole)


def test_a_budget_decides_the_size_of_chunks(files, model):
    fitted, opened = Fitted.load(model), open_site(files / "hdr.yaml")
    sides = [chunk_side(fitted, opened, gb) for gb in (1.0, 0.1, 0.01)]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] > sides[2]
    with pytest.raises(ValueError, match=r"does not hold a chunk of tiny; give at least 0\.00"):
        chunk_side(fitted, opened, 1e-5)


@pytest.mark.parametrize(
    ("scene_file", "out", "message"),
    [
        ("hdr.yaml", "map.png", r"map.png ends in '.png'; name the map .tif or .zarr"),
        ("nosuch.tif", "map.tif", "nosuch.tif is missing"),
        ("other.yaml", "map.tif", r"small.tif is \(10, 10\), the cube \(150, 110\)"),
    ],
)
def test_bad_input_is_one_clear_line(scene_file, out, message, files, model, tmp_path):
    with rasterio.open(files / "small.tif", "w", driver="GTiff", height=10, width=10, count=1, dtype="uint8") as file:
        file.write(np.zeros((1, 10, 10), np.uint8))
    (files / "other.yaml").write_text("hsi: cube.npy\nlidar: small.tif\n")
    with pytest.raises((ValueError, SceneError), match=message):
        map_large(model, files / scene_file, tmp_path / out)


def test_lidar_on_another_grid_gives_the_same_map_in_pieces(files, scene, model, small_chunks, tmp_path):
    fine = np.kron(scene.lidar[..., 0], np.ones((3, 3), np.float32))
    place = rasterio.Affine(2 / 3, 0, 5e5 - 1, 0, -2 / 3, 4e6 + 1)
    with rasterio.open(files / "fine.tif", "w", driver="GTiff", height=fine.shape[0], width=fine.shape[1], count=1,
                       dtype="float32", crs="EPSG:32616", transform=place, nodata=-1) as file:  # fmt: skip
        file.write(fine[None])
    waves = ", ".join(f"{w:.4f}" for w in scene.wavelengths_nm)
    (files / "fine.yaml").write_text(
        f"name: tiny\nhsi: cube.tif\nlidar: {{file: fine.tif, name: lidar}}\nwavelengths_nm: [{waves}]\n"
    )
    held = predict_map(Fitted.load(model), load_scene(files / "fine.yaml")).labels
    np.testing.assert_array_equal(read(map_large(model, files / "fine.yaml", tmp_path / "map.tif")), held)
