"""Dense maps against maps made window by window: the same weights, both sides as fast as they get."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.timing import row, seconds
from hsikit.fitted import Fitted
from hsikit.models import MMLGNet, SDHSINet
from hsikit.patches import Cube, Normalizer
from hsikit.predict import Mapper, predict_map
from hsikit.predict.tiles import Tile
from hsikit.scenes import Scene, SceneError, load_scene
from hsikit.text import random_vectors

WINDOWS = 1024  # timed, and scaled to the scene
TRIED = 256  # to find the best way
BATCHES = (16, 64, 256)


def measure_maps() -> list[dict[str, Any]]:
    """The two rows of the table of reaches."""
    pines, both = load_scene("indian_pines"), two_sensor_scene()
    place = "simulated valley" if both.simulated else "MUUFL rectangle"
    paper = SDHSINet(30, pines.n_classes, 25, variant="paper")
    return [
        dense_row("map of Indian Pines, SDHSINet paper (window 25)", paper, pines, reach=60.0),
        dense_row(f"map of the {place}, MMLGNet (window 11)", word_network(both), both, reach=8.0),
    ]


def two_sensor_scene() -> Scene:
    """The MUUFL rectangle where HSIKIT_DATA has it, else the simulated valley."""
    try:
        return load_scene("muufl_subset")
    except SceneError:
        return load_scene("simulated")


def word_network(scene: Scene) -> MMLGNet:
    """MMLGNet for a scene, with random class vectors of MiniLM's width."""
    network = MMLGNet(scene.bands, 1, 384, window=11)
    network.read_text(random_vectors(scene.class_names, 384, 0).vectors)
    return network


def fitted_for(network: Any, scene: Scene) -> Fitted:
    """An untrained network fitted to a scene's labelled pixels: as quick as a trained one."""
    normalizer = Normalizer.fit(scene, np.flatnonzero(scene.usable), network.bands, network.lidar_channels)
    ids = np.arange(1, scene.n_classes + 1)
    return Fitted(network.eval(), normalizer, network.window, ids, scene.class_names)


def dense_row(name: str, network: nn.Module, scene: Scene, reach: float) -> dict[str, Any]:
    """Pixels a second of `predict_map` over those of windows gathered in batches, no exits on either side."""
    fitted = fitted_for(network, scene)
    dense = scene.valid.size / seconds(lambda: predict_map(fitted, scene, "dense"))
    slow = Mapper.of(fitted, "window")
    cube = Cube.of(scene, fitted.normalizer, fitted.window)
    ways: dict[str, Callable[[int], Any]] = {
        f"batches of {batch}": partial(windows, slow.network, cube, batch) for batch in BATCHES
    }
    ways["a thread a tile"] = lambda count: list(slow.outputs(cube, Tile(0, count // 32, 0, 32)))
    speeds = {way: TRIED / seconds(lambda: work(TRIED), times=1) for way, work in ways.items()}  # noqa: B023
    best = max(speeds, key=lambda way: speeds[way])
    speed = WINDOWS / seconds(lambda: ways[best](WINDOWS), warm=False)
    apart = logits_apart(fitted, cube)
    tried = ", ".join(f"{way}: {found:.0f}" for way, found in speeds.items())
    note = f"windows a second, best by {best} ({tried}); largest difference of logits {apart:.1g}"
    return row(name, dense / speed, reach, ">=", note, fast=dense, slow=speed)


@torch.inference_mode()
def windows(network: nn.Module, cube: Cube, batch: int, count: int = WINDOWS) -> None:
    """So many windows through a network in batches, the threads inside each layer."""
    index = torch.arange(count)
    for part in index.split(batch):
        network(*cube.windows(part // 32, part % 32))


def logits_apart(fitted: Fitted, cube: Cube) -> float:
    """Largest difference between the logits of both passes over a corner of a scene."""
    area = Tile(0, 24, 0, 24)
    maps = []
    for mode in ("dense", "window"):
        whole = torch.zeros(len(fitted.class_ids), 24, 24)
        for tile, output in Mapper.of(fitted, mode).outputs(cube, area):
            whole[(slice(None), *tile.place)] = output.logits[0]
        maps.append(whole)
    return float((maps[0] - maps[1]).abs().max())
