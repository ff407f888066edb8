"""Arithmetic done a second, as a share of what the machine's own matrix multiply does in the same run.

Such a share means the same on any processor: how much of the time goes into arithmetic that the network asks for.
Counted are multiply-adds of convolutions and matrix products (PyTorch's own counter), of the plain network: an
arrangement that needs fewer of them (a Fourier transform) can come out above 1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench.maps import fitted_for, two_sensor_scene, word_network
from bench.timing import row, seconds
from hsikit._util import one_thread
from hsikit.experiments.methods import METHODS, make, options_of
from hsikit.models import SDHSINet
from hsikit.patches import Cube
from hsikit.predict import predict_map
from hsikit.scenes import Scene, load_scene
from hsikit.text import random_vectors
from hsikit.train import own_loss

SIDE, BATCH, CLASSES = 1536, 64, 16
LONG = 0.010  # seconds; a shorter step is mostly overhead of many small layers


def measure_work() -> list[dict[str, Any]]:
    """Dense maps of both networks, and a training step of every network in its default settings."""
    most = matrix_multiply()
    pines, both = load_scene("indian_pines"), two_sensor_scene()
    paper = SDHSINet(30, pines.n_classes, 25, variant="paper")
    maps = [
        map_row("SDHSINet paper (window 25)", paper, pines, most),
        map_row("MMLGNet", word_network(both), both, most),
    ]
    return maps + [step_row(name, most) for name, method in METHODS.items() if method.network]


def matrix_multiply() -> float:
    """Operations a second of a large float32 product."""
    a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    return 2 * SIDE**3 / quickest(lambda: a @ b, times=7)


def quickest(work: Callable[[], Any], times: int) -> float:
    """Seconds with as many threads as suit best, one or all."""
    return min(seconds(work, times), seconds(one_thread()(work), times))


def operations(work: Callable[[], Any]) -> int:
    """Multiplications and additions of a piece of work on this thread."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def map_row(name: str, network: nn.Module, scene: Scene, most: float) -> dict[str, Any]:
    """`predict_map` without exits; operations are counted on PyTorch's device without data."""
    fitted = fitted_for(network, scene)
    plain: Any = copy.deepcopy(network)
    if hasattr(plain, "exits"):
        plain.exits = nn.ModuleList()
    cube = Cube.of(scene, fitted.normalizer, fitted.window)
    lidar = None if cube.lidar is None else cube.lidar[None].to("meta")
    with torch.no_grad():
        count = operations(lambda: plain.eval().to("meta")(cube.hsi[None].to("meta"), lidar))
    taken = seconds(lambda: predict_map(fitted, scene, "dense"))
    note = f"{count / 1e9:.1f} GFLOP in {taken:.2f} s; matrix multiply {most / 1e9:.0f} GFLOP a second"
    return row(f"dense map, {name}: share of the machine's matrix multiply", count / taken / most, 0.6, ">=", note)


def step_row(name: str, most: float) -> dict[str, Any]:
    """A training step (forward, loss, backward, weights) on a batch of noise in a method's default settings."""
    step = training_step(name)
    count, taken = operations(step), quickest(step, times=7)
    reach = 0.6 if taken > LONG else 0.0
    note = f"{1e3 * taken:.1f} ms, {count / 1e9:.2f} GFLOP" + ("" if reach else "; told only, a step under 10 ms")
    return row(
        f"training step, {name}: share of the machine's matrix multiply", count / taken / most, reach, ">=", note
    )


def training_step(name: str) -> Callable[[], None]:
    """One step of a method on a batch of `BATCH` windows of noise; two sensors get 64 bands and one LiDAR channel."""
    method, options = METHODS[name], options_of(name)
    if method.words:
        options["text_dim"] = 384
    network: Any = make(name, 64, 1, CLASSES, 0, options).train()
    if method.words:
        network.read_text(random_vectors([str(c) for c in range(CLASSES)], 384, 0).vectors)
    loss = own_loss(network)
    weights = [*network.parameters(), *loss.parameters()]
    optimizer = torch.optim.AdamW(weights, 1e-3, fused=True)
    size = (BATCH, network.bands, network.window, network.window)
    hsi, lidar = (
        torch.randn(size),
        torch.randn(BATCH, network.lidar_channels, *size[2:]) if method.sensors == 2 else None,
    )
    target, index = torch.arange(BATCH) % CLASSES, torch.arange(BATCH)
    if callable(begin := getattr(loss, "begin", None)):
        begin(target, CLASSES)

    def step() -> None:
        terms: dict[str, Tensor] = loss(network(hsi, lidar).centre(), target, index)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()

    return step
