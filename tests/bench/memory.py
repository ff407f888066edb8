"""Bytes held by a scene on its way to batches, and by a map of a scene larger than memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.maps import fitted_for
from bench.timing import in_process, row
from hsikit.models import MMLGNet
from hsikit.patches import Cube, Normalizer, PatchSampler
from hsikit.predict import predict_map
from hsikit.scenes import Scene
from hsikit.scenes.simulated import load_simulated

PIXELS, CUT = 2_000_000, 600
BUDGET_GB = 0.4
MAP = """
import sys, time
from hsikit.predict.large import _fitted, _changed, chunk_side, map_chunk
from hsikit.predict.tiles import Tile
from hsikit.scenes.site import open_site
model, scene, cut, pixels, budget = *sys.argv[1:3], *map(float, sys.argv[3:])
status = lambda key: int(next(x for x in open("/proc/self/status") if x.startswith(key)).split()[1]) / 2**20
import numpy as np
large = open_site(scene)
side = chunk_side(_fitted(model, _changed(model)), large, budget)
start, done, peaks, part = time.perf_counter(), 0, [], []
for top in range(0, large.shape[0], side):
    for left in range(0, large.shape[1], side):
        if done >= pixels:
            break
        chunk = Tile(top, min(top + side, large.shape[0]), left, min(left + side, large.shape[1]))
        labels = map_chunk(model, scene, chunk, budget)
        if top < cut and left < cut:
            part.append((top, left, labels[: int(cut) - top, : int(cut) - left]))
        done += labels.size
        peaks.append((done, status("VmRSS")))
    if done >= pixels:
        break
whole = np.zeros((int(cut), int(cut)), np.uint8)
for top, left, labels in part:
    whole[top : top + labels.shape[0], left : left + labels.shape[1]] = labels
np.save(scene + ".cut.npy", whole)
third = [rss for at, rss in peaks if done / 2 <= at < 0.75 * done]
fourth = [rss for at, rss in peaks if at >= 0.75 * done]
print(status("VmHWM"), max(fourth) - max(third), done, time.perf_counter() - start, side)
"""


def measure_memory() -> list[dict[str, Any]]:
    """The two rows of the table of reaches; the second stands for two: memory, and labels equal."""
    return [held_row(), *large_rows()]


def held_row() -> dict[str, Any]:
    """Arrays alive after scene, normaliser, cube and sampler were made at the size of Pavia University."""
    rows, cols, bands, window = 610, 340, 103, 25
    draw = np.random.default_rng(0)
    hsi = draw.integers(0, 8000, (rows, cols, bands), np.uint16)  # the dtype it is published in
    scene = Scene("noise", hsi, draw.integers(0, 10, (rows, cols)), [str(c) for c in range(9)], simulated=True)
    pixels = draw.choice(rows * cols, 4000, replace=False)
    held: dict[int | None, float] = {}
    for components in (None, 30):
        cube = Cube.of(scene, Normalizer.fit(scene, pixels, components), window)
        sampler = PatchSampler(cube, pixels, np.zeros(4000), cols)
        arrays: list[Any] = [
            scene.hsi,
            scene.labels,
            scene.valid,
            sampler.rows,
            sampler.cols,
            sampler.targets,
            cube.hsi,
        ]
        held[components] = sum(a.nbytes for a in arrays) / (hsi.size * 4)
    note = f"all 103 bands, scene as stored (uint16); with 30 components {held[30]:.2f}"
    return row("bytes held at Pavia University's size, of the cube's as float32", held[None], 2.0, "<=", note)


def large_rows() -> list[dict[str, Any]]:
    """A sparse 16 GB Zarr scene, its first two million pixels mapped in a process of its own."""
    import zarr

    valley = load_simulated()
    network = MMLGNet(valley.bands, 0, 384, window=11)
    network.read_text(np.random.default_rng(0).standard_normal((valley.n_classes, 384)).astype(np.float32))
    bare = Scene("valley", valley.hsi, valley.labels, valley.class_names, simulated=True)
    fitted = fitted_for(network, bare)
    fitted.remember(bare)
    rows, cols = 32768, 2048  # x 63 bands x 4 bytes = 16.9 GB
    with tempfile.TemporaryDirectory() as folder:
        model, scene = fitted.save(Path(folder) / "model"), Path(folder) / "scene.zarr"
        array: Any = zarr.create_array(scene, shape=(rows, cols, valley.bands), chunks=(256, 256, valley.bands),
                                       dtype="float32", fill_value=0.2)  # fmt: skip
        tiles = -(-640 // valley.shape[0]), -(-640 // valley.shape[1])
        corner = np.tile(valley.hsi, (*tiles, 1))[:640, :640].astype(np.float32)
        array[:640, :640] = corner
        peak, drift, done, taken, side = in_process(MAP, str(model), str(scene), str(CUT), str(PIXELS), str(BUDGET_GB))
        got = np.load(f"{scene}.cut.npy")
    whole = predict_map(fitted, Scene("cut", corner, np.zeros((640, 640), int), ())).labels[:CUT, :CUT]
    speed = f"{done:.0f} pixels at {done / taken:.0f} a second"
    note = f"{speed} in chunks of {side:.0f}; budget {BUDGET_GB} GB beside libraries"
    return [
        row("16 GB Zarr scene, first 2 million pixels: resident at most (GB)", peak, 1.5, "<=", note),
        row("the same: growth from the third quarter to the fourth (GB)", drift, 0.1, "<="),
        row("the same: labels equal to those of a 600 x 600 cut (share)", float((got == whole).mean()), 1.0, ">="),
    ]
