"""What studies would cost before they start: runs, multiply-accumulates, hours, disk and memory, scene by scene.

Networks are built as a run builds them, on a small scene of as many bands, LiDAR channels and classes, and one window
is counted; so nothing is downloaded. Hours are those of one core of the machines that made the ledger's rows: a
method's rate there, multiply-accumulates a second, is taken for the scenes it has not met. How much sooner a card is
was not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from hsikit._util.errors import door
from hsikit.experiments.config import Experiment, expand, with_defaults
from hsikit.experiments.ledger import Store, typical_seconds
from hsikit.experiments.methods import METHODS
from hsikit.scenes import Scene
from hsikit.scenes.registry import SCENES, facts
from hsikit.splits import random_split

SIDE = 31  # pixels of the small scene, enough for every window
BACKWARD = 3  # a step forwards and backwards costs so many times the way forwards
SEEN = 0.5  # of the labels, on whole fields and fixed masks, until the scene is there: assumed
BASE_GB, COPIES = 0.9, 6  # libraries, and float32 copies of a cube that a run holds at most: as measured here


@door
def cost(*configs: str, store: Store | None = None) -> pd.DataFrame:
    """What is left of studies, a line a config and scene.

    Args:
        configs: Names or files of studies.

    Returns:
        Columns config, scene, runs, missing, tmac (10^12 multiply-accumulates of training what is missing), hours (one
        core; shallow methods by the rows of other scenes), unknown (missing runs without a rate), disk_gb, memory_gb
        (of a run).

    Example:
        >>> hsikit.cost("sdhsi_parity").runs.tolist()  # on two cubes
        [100, 100]
    """
    known = (store or Store.of_environment()).rows()
    asked = {config: expand(config) for config in configs}
    rates = _rates(known.values(), {e.method for runs in asked.values() for e in runs})
    typical: dict[str, list[float]] = {}
    for (method, _), mean in typical_seconds(known.values()).items():
        typical.setdefault(method, []).append(mean)
    lines = []
    for config, runs in asked.items():
        for scene in dict.fromkeys(e.scene for e in runs):
            own = [e for e in runs if e.scene == scene]
            todo = [e for e in own if e.hash not in known]
            macs = {e.hash: training(e) for e in todo}
            seconds = [_seconds(e, macs[e.hash], rates, typical) for e in todo]
            size = facts(scene)
            cube = 4 * size.rows * size.cols * (size.bands + size.lidar) / 1e9
            map_gb = size.rows * size.cols * 2 + (size.labelled or 0) * size.classes * 2
            lines.append({"config": config, "scene": scene, "runs": len(own), "missing": len(todo),
                          "tmac": sum(macs.values()) / 1e12, "hours": sum(s for s in seconds if s) / 3600,
                          "unknown": seconds.count(None), "disk_gb": len(todo) * map_gb / 1e9,
                          "memory_gb": BASE_GB + COPIES * cube})  # fmt: skip
    return pd.DataFrame(lines)


def training(experiment: Experiment, pixels: float | None = None) -> float:
    """Multiply-accumulates of training a run; 0 for a method without a network, or a user's own.

    Args:
        pixels: That are trained on, where it is known.
    """
    row = METHODS.get(experiment.method)
    if row is None or not row.network or experiment.scene not in SCENES:
        return 0.0
    train = experiment.train
    if train["steps"]:
        windows = train["steps"] * (train["batch"] + train["unlabelled"])
    else:
        windows = train["epochs"] * (pixels or _budget(experiment))
    return BACKWARD * windows * _of_window(experiment)


def _budget(experiment: Experiment) -> float:
    """Training pixels, as far as they can be told before the scene is there."""
    size, split = facts(experiment.scene), experiment.split
    labelled, share = size.labelled or SEEN * size.rows * size.cols, split.get("train", SEEN)
    each = split.get("per_class") or split.get("shots") or (share if isinstance(share, int) else 0)
    return each * size.classes if each else share * labelled


_COUNTED: dict[str, float] = {}


def _of_window(experiment: Experiment) -> float:
    """Multiply-accumulates of one window forwards, by PyTorch's own counter; counted once for equal networks."""
    key = repr((experiment.method, experiment.scene, sorted(experiment.model.items()),
                experiment.inputs, experiment.train["reduction"]))  # fmt: skip
    if key not in _COUNTED:
        _COUNTED[key] = _count(experiment)
    return _COUNTED[key]


def _count(experiment: Experiment) -> float:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from hsikit.experiments.run import network_of

    small = _small(experiment.scene)
    split = random_split(small, train=0.5)
    network, _ = network_of(experiment, small, split, 384 if METHODS[experiment.method].words else 0)
    window = getattr(network, "window", 1)
    bands, lidar = network.bands, network.lidar_channels
    batch = [torch.zeros(2, bands, window, window)] + ([torch.zeros(2, lidar, window, window)] if lidar else [])
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network.eval()(*batch)
    return counter.get_total_flops() / 2 / len(batch[0])  # a multiply-accumulate is two operations


def _small(scene: str) -> Scene:
    """Noise with as many bands, LiDAR channels and classes as a scene."""
    size, rng = facts(scene), np.random.default_rng(0)
    waves = size.wavelengths_nm
    if waves is None or len(waves) != size.bands:
        waves = np.linspace(400, 1000, size.bands)
    labels = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % size.classes + 1
    lidar = rng.uniform(0, 9, (SIDE, SIDE, size.lidar)).astype(np.float32) if size.lidar else None
    return Scene(scene, rng.uniform(0.1, 0.9, (SIDE, SIDE, size.bands)).astype(np.float32), labels,
                 size.class_names or [str(c) for c in range(size.classes)], wavelengths_nm=waves, lidar=lidar,
                 gsd_m=size.gsd_m or 1.0)  # fmt: skip


def _rates(rows: Iterable[Mapping[str, Any]], methods: Iterable[str]) -> dict[str, float]:
    """Multiply-accumulates a second of methods with a network, by their last row on each scene."""
    last = {(row["method"], row["scene"]): row for row in rows if row["method"] in methods and row["seconds"] > 1}
    found: dict[str, list[float]] = {}
    for row in last.values():
        config = dict(row["config"])
        experiment = with_defaults(Experiment(**{**config, "text": {}}))
        if macs := training(experiment, row["n_train"]):
            found.setdefault(row["method"], []).append(macs / row["seconds"])
    return {method: median(values) for method, values in found.items()}


def _seconds(experiment: Experiment, macs: float, rates: Mapping[str, float],
             typical: Mapping[str, list[float]]) -> float | None:  # fmt: skip
    """What a run should take on one core; None where no row tells of its method."""
    if macs:
        return macs / rates[experiment.method] if experiment.method in rates else None
    seen = typical.get(experiment.method)
    return median(seen) if seen else None
