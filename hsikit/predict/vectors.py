"""What a network makes of single pixels: the vectors that go in, those of each exit, and the final ones.

vectors = pixel_vectors(run.model, scene, split.test)      # {"input": ..., "exit 1": ..., "final": ...}
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hsikit.fitted import Fitted
from hsikit.patches import Cube
from hsikit.scenes.scene import Scene

BATCH = 256


def pixel_vectors(fitted: Fitted, scene: Scene, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Vectors of some pixels at each stage of a network.

    Args:
        fitted: A fitted network, such as `run.model`.
        scene: Where the pixels lie.
        pixels: Flat indices (n,).

    Returns:
        Name -> (n, dim) float32: "input" (the pixel's own standardised values, as the network gets them), each
        earlier exit that the network tells of ("exit 1" ...), and "final".

    Raises:
        ValueError: For pixels outside the scene, or bands that cannot be resampled to those of the training scene.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim != 1 or pixels.dtype.kind not in "ui" or not pixels.size or pixels.max() >= scene.valid.size:
        most = scene.valid.size
        raise ValueError(f"pixels are {pixels.shape} of {pixels.dtype}; give flat indices (n,) below {most}")
    scene = fitted.match(scene)
    network, cube = fitted.network.cpu().eval(), Cube.of(scene, fitted.normalizer, fitted.window)
    rows, cols = (torch.as_tensor(part.astype(np.int64)) for part in np.divmod(pixels, scene.shape[1]))
    half, found = fitted.window // 2, []
    with torch.inference_mode():
        for row, col in zip(rows.split(BATCH), cols.split(BATCH)):
            hsi, lidar = cube.windows(row, col)
            centre = hsi[:, :, half, half]  # (batch, band)
            centre = centre if lidar is None else torch.cat([centre, lidar[:, :, half, half]], 1)
            output = network(hsi, lidar).centre()
            exits = output.features or _pooled(network, hsi)
            found.append([centre, *exits, output.embedding])
    names = ["input", *(f"exit {k + 1}" for k in range(len(found[0]) - 2)), "final"]
    return {name: torch.cat(parts).float().numpy() for name, parts in zip(names, zip(*found))}


def _pooled(network: Any, hsi: Tensor) -> list[Tensor]:
    """What the exits of a network without projections look at: means (batch, channel * band) of their stages' maps."""
    if not len(getattr(network, "exits", ())):
        return []
    maps = zip(range(1, len(network.exits) + 1), network.stage_maps(hsi))
    return [network.pooled(stage, depth)[:, :, 0, 0] for depth, stage in maps]
