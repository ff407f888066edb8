"""Maps of scenes larger than memory, chunk by chunk, from disk to disk.

    map_large("runs/5e4b74ce3379/model", "site.yaml", "map.tif")                     # or map.zarr
    map_large(..., client=dask.distributed.Client(address))                          # chunks on a cluster

Cut short, the same call goes on at the next chunk and ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from hsikit._util.errors import InputError, door
from hsikit.fitted import Fitted
from hsikit.patches import Cube
from hsikit.predict import Mapper, predict_map
from hsikit.predict.large_map import LargeMap
from hsikit.predict.tiles import Tile
from hsikit.scenes.registry import load_scene, open_scene
from hsikit.scenes.scene import Scene
from hsikit.scenes.site import Site, cube_gb
from hsikit.scenes.write import Grid, class_dtype, spare_input, write_map

SUFFIXES = (".tif", ".tiff", ".zarr")
SIDES = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 32)  # of a chunk in pixels


@door
def map_to_file(model: str | Path, scene: str | Path, out: str | Path, *, memory_gb: float = 1.0,
                progress: bool = False, trust: Sequence[str] = ()) -> list[Path]:  # fmt: skip
    """Map a scene with a saved model to a file: at once with a raster of scores, or chunk by chunk, classes only.

    Chunk by chunk go scenes whose cube exceeds the budget, cubes given as rasters, and maps in Zarr. The map shows the
    classes that the model knows, whatever the scene's own labels are called.

    Args:
        model: Folder of a saved `Fitted`.
        scene: Name of a scene, its YAML file, or a cube.
        out: Ends in .tif or .zarr.
        memory_gb, progress, trust: As `map_large` takes them.

    Returns:
        The files written.

    Raises:
        ValueError, SceneError: As `map_large` and `predict_map` do; also where `out` is a file of the scene.
    """
    out, path = Path(out), Path(scene)
    piecewise = path.exists() and (path.suffix not in (".yaml", ".yml") or cube_gb(path) > memory_gb)
    if out.suffix == ".zarr" or piecewise:
        return [map_large(model, scene, out, memory_gb=memory_gb, progress=progress, trust=trust)]
    fitted, whole = Fitted.load(model, trust), load_scene(scene)
    spare_input([out], whole.files)  # before the work, not after it
    if out.suffix not in SUFFIXES:
        raise InputError(f"{out.name} ends in {out.suffix!r}; name the map .tif or .zarr")
    pred = predict_map(fitted, whole, memory_gb=memory_gb, progress=progress)
    scores = np.zeros((*whole.shape, len(fitted.class_names)), np.float32)  # 0 where a class was no candidate
    scores[..., pred.classes - 1] = pred.scores
    grid = replace(whole, labels=np.zeros(whole.shape, np.int16), class_names=fitted.class_names,
                   colors=fitted.scene_facts.get("colors", ()), masks={})  # fmt: skip
    return write_map(out, pred.labels, grid, scores)


@door
def map_large(model: str | Path, scene: str | Path, out: str | Path, *, memory_gb: float = 1.0, client: Any = None,
              progress: bool = False, trust: Sequence[str] = ()) -> Path:  # fmt: skip
    """Map a scene chunk by chunk with a saved model and write the classes as GeoTIFF or Zarr.

    The map equals `predict_map`'s: a chunk is read with the margin that its windows and the filling of their holes
    reach, and mirrored only at the scene's border. Finished chunks are in `<out>.part`, and listed in `<out>.done`;
    the map moves into place at the end.

    Args:
        model: Folder of a saved `Fitted`.
        scene: As `load_scene` takes it; a path, so that workers open it themselves.
        out: Ends in .tif (Cloud-Optimised GeoTIFF) or .zarr (an array (row, col); class names in its attributes).
        memory_gb: Of all that a process holds beside its libraries (about 0.4 GB); decides the size of chunks.
        client: A `dask.distributed.Client`; None maps in this process.
        progress: Show a bar with the time left.
        trust: Modules beside hsikit's from which the model's network may come, as `Fitted.load` takes them.

    Raises:
        ValueError: When `out` ends otherwise, the scene lacks the model's LiDAR, or the budget does not hold the
            smallest chunk.
        SceneError: When the scene cannot be opened.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> network = hsikit.CNN2D(bands=8, classes=scene.n_classes, window=7)
        >>> once = hsikit.TrainConfig(epochs=1, threads=1)
        >>> run = hsikit.fit(network, scene, hsikit.few_shot_split(scene), once, progress=False)
        >>> folder = run.model.save("my_model")
        >>> np.save("cube.npy", scene.hsi[:40])
        >>> hsikit.map_large("my_model", "cube.npy", "map.tif").name
        'map.tif'
    """
    out = Path(out)
    if out.suffix not in SUFFIXES:
        raise InputError(f"{out.name} ends in {out.suffix!r}; name the map .tif or .zarr")
    model, scene = str(Path(model).absolute()), str(Path(scene).absolute() if Path(scene).exists() else scene)
    trust = tuple(trust)
    fitted, large = _fitted(model, _changed(model), trust), open_scene(scene)
    _margin(fitted, large.name)  # refused before the work, not in it
    spare_input([out], large.files)
    fitted.lidar_order(large.name, large.lidar_names)  # so here
    if (part := _middle(large)) is not None:
        fitted.doubt(fitted.match(part))
    side = chunk_side(fitted, large, memory_gb)
    colors = list(fitted.scene_facts.get("colors", ()))
    grid = Grid(large.name, large.cube.crs, large.cube.transform, list(fitted.class_names), colors, large.simulated,
                large.cube.gcps, large.files)  # fmt: skip
    target = LargeMap(out, large.shape, side, grid, {"weights": _weights(model), "scene": large.stamp})
    chunks = {Tile(*place): number for number, place in enumerate(target.chunks)}
    left = [chunk for chunk, number in chunks.items() if number not in target.done]
    fixed = (left, model, scene, memory_gb, large.stamp, trust)
    results = _here(*fixed) if client is None else _on(client, *fixed)
    with tqdm(total=len(chunks), initial=len(target.done), desc="map", unit="chunk", disable=not progress) as bar:
        for chunk, labels in results:
            target.put(chunks[chunk], labels)
            bar.update()
    return target.finish()


def _middle(large: Site, side: int = 64) -> Scene | None:
    """Some pixels from the middle of a scene."""
    (top, bottom), (left, right) = (((n - min(n, side)) // 2, (n + min(n, side)) // 2) for n in large.shape)
    return large.cut(top, bottom, left, right)


def map_chunk(model: str, scene: str, chunk: Tile, memory_gb: float, stamp: str = "",
              trust: tuple[str, ...] = ()) -> np.ndarray:  # fmt: skip
    """Classes (row, col) of one chunk, 0 where nothing is valid; the same here and on a worker.

    A process keeps the scene open as long as `stamp` is the same, which changes when its files do.

    A hole in a window of a valid centre is at most window // 2 rows and columns away from that centre, so its nearest
    valid pixel is no further than sqrt(2) times that: this margin around the windows is all that can matter.
    """
    chunk, changed = Tile(*chunk), _changed(model)
    fitted, large = _fitted(model, changed, trust), _opened(scene, stamp)
    mapper = _mapper(model, changed, trust, memory_gb)
    margin = _margin(fitted, large.name)
    top, left = max(chunk.top - margin, 0), max(chunk.left - margin, 0)
    piece = large.cut(top, min(chunk.bottom + margin, large.shape[0]), left, min(chunk.right + margin, large.shape[1]))
    inner = Tile(chunk.top - top, chunk.bottom - top, chunk.left - left, chunk.right - left)
    labels = np.zeros((chunk.bottom - chunk.top, chunk.right - chunk.left), class_dtype(fitted.class_names))
    if piece is None or not piece.valid[inner.place].any():
        return labels
    if fitted.inputs is not None and piece.lidar is not None and not np.isfinite(piece.lidar[piece.valid]).all():
        raise ValueError(f"{large.name}: LiDAR is missing at valid pixels, which inputs fill from any distance; map "
                         "the scene whole with predict_map")  # fmt: skip
    cube = Cube.of(fitted.match(piece), fitted.normalizer, fitted.window, mapper.device)
    valid = piece.valid[inner.place]
    del piece
    ids = np.asarray(fitted.class_ids, labels.dtype)
    for tile, output in mapper.outputs(cube, inner):
        place = Tile(tile.top - inner.top, tile.bottom - inner.top, tile.left - inner.left, tile.right - inner.left)
        labels[place.place] = ids[output.logits.argmax(1)[0].cpu().numpy()]
    labels[~valid] = 0
    return labels


def _margin(fitted: Fitted, scene: str) -> int:
    """Pixels around a chunk that can matter in it: windows, what inputs reach around them, and the filling of holes."""
    reach = fitted.window // 2 + (0 if fitted.inputs is None else fitted.inputs.in_pieces(scene))
    return reach + math.ceil(math.sqrt(2) * reach)


def chunk_side(fitted: Fitted, large: Site, memory_gb: float) -> int:
    """Side of the largest chunk whose cube, as stored and as prepared, takes at most 0.4 of the budget.

    Raises `ValueError` when the budget holds no chunk; the message says how much would do.
    """
    norm = fitted.normalizer
    bands = len(norm.mean) if norm.components is None else len(norm.components)
    channels = sum(layer.shape[2] for layer in large.lidar)
    if fitted.inputs is not None:  # made in float32, and in float64 on the way
        bands, channels = bands + 3 * fitted.inputs.channels, channels + 3 * fitted.inputs.lidar_channels
    # As stored, resampled or not, prepared, and LiDAR twice; 40 bytes for validity and the places of near pixels.
    pixel = large.pixel_bytes + 4 * (bands + 2 * channels) + 40
    resampled = large.cube.wavelengths is not None and len(norm.mean) != large.cube.shape[2]
    pixel += 4 * len(norm.mean) if resampled else 0
    margin = 2 * _margin(fitted, large.name)
    for side in SIDES:
        if (side + margin) ** 2 * pixel <= 0.4 * memory_gb * 2**30:
            return side
    need = math.ceil((SIDES[-1] + margin) ** 2 * pixel / 0.4 / 2**30 * 1e4) / 1e4
    raise ValueError(f"memory_gb={memory_gb:g} does not hold a chunk of {large.name}; give at least {need:g}")


# --- chunks, here and elsewhere --------------------------------------------------------------------


def _here(chunks: list[Tile], model: str, scene: str, *more: Any) -> Iterator[tuple[Tile, np.ndarray]]:
    for chunk in chunks:
        yield chunk, map_chunk(model, scene, chunk, *more)


def _on(client: Any, chunks: list[Tile], model: str, scene: str, *more: Any) -> Iterator[tuple[Tile, np.ndarray]]:
    from dask.distributed import as_completed

    futures = client.map(lambda chunk: map_chunk(model, scene, chunk, *more), chunks, pure=False)
    chunk_of = dict(zip((future.key for future in futures), chunks))
    finished = as_completed(futures)
    del futures  # a result is forgotten by the cluster once it is here
    for future in finished:
        yield chunk_of[future.key], future.result()


@lru_cache(1)
def _fitted(model: str, changed: int, trust: tuple[str, ...] = ()) -> Fitted:
    return Fitted.load(model, trust)


@lru_cache(1)
def _opened(scene: str, stamp: str) -> Site:
    return open_scene(scene)


@lru_cache(1)
def _mapper(model: str, changed: int, trust: tuple[str, ...], memory_gb: float) -> Mapper:
    return Mapper.of(_fitted(model, changed, trust), memory_gb=0.4 * memory_gb)


def _changed(model: str) -> int:
    """When the weights were written, so that a model trained anew is read anew."""
    weights = Path(model) / "model.safetensors"
    return weights.stat().st_mtime_ns if weights.exists() else 0


def _weights(model: str) -> str:
    """Sixteen digits that change with the weights and what was fitted beside them."""
    files = [Path(model) / name for name in ("model.safetensors", "normalizer.npz", "model.json", "inputs.npz")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()[:16]
