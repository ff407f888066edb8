"""What the project promises to be fast, measured as ratios within one process on one machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hsikit.fitted import Fitted
from hsikit.models import MMLGNet, SDHSINet
from hsikit.patches import Cube, Normalizer
from hsikit.predict import predict_map
from hsikit.scenes import Scene, load_scene
from hsikit.scenes.indian_pines import load_indian_pines
from hsikit.text import random_vectors

WINDOWS_TIMED = 1024


def measure() -> list[dict[str, Any]]:
    """Rows of name, value, reach and sense (">=": the value should be at least the reach)."""
    pines, valley = load_scene("indian_pines"), load_scene("simulated")
    paper = SDHSINet(30, pines.n_classes, 25, variant="paper")
    words = MMLGNet(valley.bands, 1, 384, window=11)
    words.read_text(random_vectors(valley.class_names, 384, 0).vectors)
    load = _seconds(lambda: load_indian_pines())
    opened, grown = _open_large()
    return [
        {"name": "load Indian Pines (s)", "value": round(load, 3), "reach": 0.2, "sense": "<="},
        {"name": "open an 8 GB ENVI scene (s)", "value": round(opened, 3), "reach": 1.0, "sense": "<="},
        {"name": "memory taken by opening it (MB)", "value": round(grown), "reach": 200.0, "sense": "<="},
        _dense_row("map of Indian Pines, SDHSINet paper (window 25)", paper, pines, reach=60.0),
        _dense_row("map of the simulated valley, MMLGNet (window 11)", words, valley, reach=8.0),
    ]


def _dense_row(name: str, network: Any, scene: Scene, reach: float) -> dict[str, Any]:
    """Pixels a second of the dense pass over those of windows in batches of 256, same weights."""
    pixels = np.flatnonzero(scene.labels)
    normalizer = Normalizer.fit(scene, pixels, network.bands, network.lidar_channels)
    ids = np.arange(1, scene.n_classes + 1)
    fitted = Fitted(network.eval(), normalizer, network.window, ids, scene.class_names)
    dense = scene.valid.size / _seconds(lambda: predict_map(fitted, scene, "dense"))
    cube = Cube.of(scene, normalizer, network.window)
    windowed = WINDOWS_TIMED / _seconds(lambda: _windows(network, cube))
    return {"name": name, "value": round(dense / windowed, 1), "reach": reach, "sense": ">=",
            "dense_px_s": round(dense), "window_px_s": round(windowed)}  # fmt: skip


def _open_large() -> tuple[float, float]:
    """Seconds and megabytes that opening a sparse 8 GB ENVI file takes, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        rows, cols, bands = 4000, 5000, 200
        with open(Path(folder) / "cube.img", "wb") as cube:
            cube.truncate(rows * cols * bands * 2)
        (Path(folder) / "cube.hdr").write_text(
            f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\ndata type = 12\n"
            "interleave = bip\nbyte order = 0\nfile type = ENVI Standard\n"
        )
        (Path(folder) / "site.yaml").write_text("hsi: cube.hdr\n")
        done = subprocess.run([sys.executable, "-c", OPEN, folder], capture_output=True, text=True, check=True)
        seconds, grown = done.stdout.split()
    return float(seconds), float(grown)


OPEN = """
import sys, time
import numpy, scipy.ndimage, spectral, yaml
from hsikit.scenes import load_scene
peak = lambda: int(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1]) / 1024
before, start = peak(), time.perf_counter()
load_scene(sys.argv[1] + "/site.yaml")
print(time.perf_counter() - start, peak() - before)
"""


@torch.inference_mode()
def _windows(network: Any, cube: Cube) -> None:
    index = torch.arange(WINDOWS_TIMED)
    for part in index.split(256):
        network(*cube.windows(part // 32, part % 32))


def _seconds(work: Callable[[], Any], times: int = 3) -> float:
    """Median of a few runs, after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))
