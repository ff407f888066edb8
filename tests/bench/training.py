"""Where the time of a training step goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from bench.maps import two_sensor_scene, word_network
from bench.timing import row
from hsikit._util import one_thread
from hsikit.models import SDHSINet
from hsikit.scenes import Scene, load_scene
from hsikit.splits import random_split
from hsikit.text import random_vectors
from hsikit.train import TrainConfig, fit, own_loss


class Clock:
    """Seconds in forward passes (network and loss), backward passes and optimiser (gradients clipped, weights moved).

    The first epoch warms up, and looks at each loss term's gradient once (again every tenth epoch).
    """

    def __init__(self, skip: int) -> None:
        self.parts: dict[str, float] = {"forward": 0.0, "backward": 0.0, "clip": 0.0, "optimiser": 0.0}
        self.started: dict[str, float] = {}
        self.skip, self.steps, self.counted, self.first, self.last = skip, 0, 0, 0.0, 0.0

    def start(self, part: str) -> None:
        self.started[part] = time.perf_counter()

    def stop(self, part: str) -> None:
        now = time.perf_counter()
        if self.steps >= self.skip:
            self.parts[part] += now - self.started[part]
            self.last = now
        self.steps += part == "optimiser"
        self.counted = self.steps - self.skip
        if self.steps == self.skip and part == "optimiser":
            self.first = now

    @property
    def share(self) -> float:
        """Of all time from the end of the skipped steps to the end of the last one, what was spent in the three."""
        return sum(self.parts.values()) / (self.last - self.first)


@contextmanager
def clocked(skip: int, *modules: nn.Module) -> Iterator[Clock]:
    """Time the forward passes of modules, and every backward pass and optimiser step, inside the block."""
    clock = Clock(skip)
    hooks: list[Any] = []
    for module in modules:
        hooks.append(module.register_forward_pre_hook(lambda *_: clock.start("forward")))
        hooks.append(module.register_forward_hook(lambda *_: clock.stop("forward")))
    hooks.append(register_optimizer_step_pre_hook(lambda *_: clock.start("optimiser")))
    hooks.append(register_optimizer_step_post_hook(lambda *_: clock.stop("optimiser")))

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            clock.start(part)
            result = function(*args, **kwargs)
            clock.stop(part)
            return result

        return run

    try:
        with (patch.object(torch.Tensor, "backward", timed("backward", torch.Tensor.backward)),
              patch.object(nn.utils, "clip_grad_norm_", timed("clip", nn.utils.clip_grad_norm_))):  # fmt: skip
            yield clock
    finally:
        for hook in hooks:
            hook.remove()


def step_share(network: nn.Module, scene: Scene, text: Any = None, epochs: int = 4, train: float = 0.03) -> Clock:
    """Train a few epochs with a network's own loss and say where the time went."""
    split = random_split(scene, train=train, val=0.0, seed=0)
    loss, config = own_loss(network), TrainConfig(epochs=epochs, threads=torch.get_num_threads())
    with clocked(max(1, round(len(split.train) / config.batch)), network, loss) as clock:
        fit(network, scene, split, config, loss=loss, text=text, progress=False)
    return clock


def measure_training() -> list[dict[str, Any]]:
    """A short training each of MMLGNet and SDHSI-Net, with all threads and with one; the quicker counts."""
    pines, both = load_scene("indian_pines"), two_sensor_scene()
    text = random_vectors(both.class_names, 384, 0)
    networks: list[tuple[str, Callable[[], nn.Module], Scene, Any]] = [
        ("MMLGNet (window 11)", lambda: word_network(both), both, text),
        ("SDHSI-Net light (window 11)", lambda: SDHSINet(30, pines.n_classes, 11), pines, None),
    ]
    rows = []
    for name, build, scene, words in networks:
        together = step_share(build(), scene, words)
        with one_thread():
            alone = step_share(build(), scene, words)
        best = min(together, alone, key=lambda clock: clock.last - clock.first)
        whole = best.last - best.first
        parts = ", ".join(f"{part} {taken / whole:.3f}" for part, taken in best.parts.items())
        note = f"{parts}; {1e3 * whole / best.counted:.1f} ms a step; share with all threads {together.share:.3f}, "
        title = f"share of a training step in forward, backward and optimiser, {name}"
        rows.append(row(title, best.share, 0.95, ">=", f"{note}with one {alone.share:.3f}"))
    return rows
