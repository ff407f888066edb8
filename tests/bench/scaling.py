"""How time and memory of a dense map grow with pixels, bands, window and classes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bench.maps import fitted_for
from bench.timing import in_process, seconds
from hsikit.models import MMLGNet
from hsikit.predict import predict_map
from hsikit.scenes import Scene

BASE = {"pixels": 128, "bands": 64, "window": 11, "classes": 10}  # pixels: a side
GRID = {
    "pixels": (64, 128, 256, 384),
    "bands": (16, 64, 128, 224),
    "window": (5, 11, 17, 25),
    "classes": (4, 10, 20, 40),
}
PEAK = """
import sys
from bench.scaling import fitted_scene
from hsikit.predict import predict_map
status = lambda key: int(next(x for x in open("/proc/self/status") if x.startswith(key)).split()[1]) / 1024
fitted, scene = fitted_scene(*map(int, sys.argv[1:]))
open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew: making the scene took more than the scene
before = status("VmRSS")
predict_map(fitted, scene, "dense")
print(status("VmHWM") - before)
"""


def measure_scaling(grid: Mapping[str, tuple[int, ...]] = GRID) -> pd.DataFrame:
    """Rows of quantity, value, seconds (median) and memory_mb (peak above scene and model, in a process of its own)."""
    rows = []
    for quantity, values in grid.items():
        for value in values:
            sizes = BASE | {quantity: value}
            fitted, scene = fitted_scene(*sizes.values())
            taken = seconds(lambda: predict_map(fitted, scene, "dense"))  # noqa: B023
            memory = in_process(PEAK, *map(str, sizes.values()))[0]
            rows.append({"quantity": quantity, "value": value**2 if quantity == "pixels" else value, "seconds": taken,
                         "memory_mb": memory})  # fmt: skip
    return pd.DataFrame(rows)


def fitted_scene(side: int, bands: int, window: int, classes: int):
    """MMLGNet without LiDAR, and a scene of noise, of given sizes."""
    draw = np.random.default_rng(0)
    hsi = draw.standard_normal((side, side, bands), np.float32)
    scene = Scene("noise", hsi, draw.integers(1, classes + 1, (side, side)), [str(c) for c in range(classes)],
                  simulated=True)  # fmt: skip
    network = MMLGNet(bands, 0, 384, window=window)
    network.read_text(draw.standard_normal((classes, 384)).astype(np.float32))
    return fitted_for(network, scene), scene
