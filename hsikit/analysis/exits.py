"""What each exit of SDHSI-Net answers, and a dense pass that stops at one.

answers = exit_answers(fitted, scene, pixels)    # probabilities and features of every exit, one dense pass
depth = choose_exit(fitted, scene, split)        # the shallowest that is good enough on validation pixels
labels = map_at_exit(fitted, scene, depth)       # dense pass that ends there
exit_speeds(fitted, scene)                       # measured pixels a second of every exit
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hsikit.analysis.exit_costs import exit_costs
from hsikit.fitted import Fitted
from hsikit.models.sdhsi import SDHSINet
from hsikit.patches import Cube
from hsikit.predict.fast import for_maps
from hsikit.scenes.base import Scene
from hsikit.splits import Split

if TYPE_CHECKING:
    import pandas as pd

STRIP_ROWS = 64  # rows of the map made in one dense step; bounds the memory of activations


# --- answers -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ExitAnswers:
    """Every exit's view of some pixels, shallow to deep, the final output last.

    Attributes:
        probabilities: (n, class) over the trained classes; only the final one for a network without exits.
        features: (n, dim) pooled maps of each stage, with or without an exit there, and the final embedding.
        classes: Trained classes 1..C in the order of the probabilities.
    """

    probabilities: list[np.ndarray]
    features: list[np.ndarray]
    classes: np.ndarray

    def labels(self) -> list[np.ndarray]:
        """Classes (n,) that each exit gives."""
        return [self.classes[p.argmax(1)] for p in self.probabilities]

    def first(self, n: int) -> ExitAnswers:
        """Of the first n pixels alone."""
        return ExitAnswers([p[:n] for p in self.probabilities], [f[:n] for f in self.features], self.classes)


def exit_answers(fitted: Fitted, scene: Scene, pixels: np.ndarray) -> ExitAnswers:
    """Probabilities and pooled features of every exit at flat indices (n,), from one dense pass."""
    network, cube, keep = ready(fitted, scene, dense=True)
    order = np.argsort(pixels, kind="stable")
    rows, cols = np.divmod(np.asarray(pixels)[order], scene.shape[1])
    parts: list[list[Tensor]] = []
    with torch.inference_mode():
        for top, strip in _strips(cube, scene.shape[0]):
            here = (rows >= top) & (rows < top + STRIP_ROWS)
            at = torch.from_numpy(rows[here] - top), torch.from_numpy(cols[here])
            pick = lambda t: t[0][:, at[0], at[1]].T  # noqa: B023, E731  (1, c, row, col) -> (n, c)
            maps = list(network.stage_maps(strip))  # each (1, channel * band, row, col)
            pooled = [network.pooled(m, k) for k, m in enumerate(maps, 1)]
            embedding = network.head(maps[-1])
            logits = [network.leave(m, k) for k, m in enumerate(maps[: len(network.exits)], 1)]
            logits.append(network.classify(embedding))
            soft = [pick(t)[:, keep].softmax(1) for t in logits]
            parts.append([*soft, *(pick(p) for p in [*pooled, embedding])])
    back = np.argsort(order, kind="stable")
    whole = [torch.cat(p).numpy()[back] for p in zip(*parts)]
    n = len(network.exits) + 1
    return ExitAnswers(whole[:n], whole[n:], np.asarray(fitted.class_ids))


# --- stopping at one exit ----------------------------------------------------------------------------


def choose_exit(fitted: Fitted, scene: Scene, split: Split, tolerance: float = 0.003) -> int:
    """The shallowest exit (from 1) whose validation OA is at most `tolerance` below the final output's.

    Raises:
        ValueError: When the split has no validation pixels.
    """
    if not len(split.val):
        raise ValueError(f"{split.name} has no validation pixels to choose an exit on; name the exit yourself")
    truth = split.y("val")
    right = [float((labels == truth).mean()) for labels in exit_answers(fitted, scene, split.val).labels()]
    return next(k for k, oa in enumerate(right, 1) if oa >= right[-1] - tolerance)


def map_at_exit(fitted: Fitted, scene: Scene, depth: int | None) -> np.ndarray:
    """Classes (row, col) int16 from a dense pass that ends at exit `depth` (from 1; None: the final output)."""
    network, cube, keep = ready(fitted, scene, dense=True)
    answer = dense_answer(network, cube, scene.shape[0], depth)[keep].argmax(0).numpy()
    return np.where(scene.valid, np.asarray(fitted.class_ids, np.int16)[answer], 0).astype(np.int16)


def dense_answer(network: SDHSINet, cube: Cube, rows: int, depth: int | None) -> Tensor:
    """Class scores (class, row, col) of one exit for a prepared scene of so many rows, strip by strip."""
    if depth is not None and not 1 <= depth <= len(network.exits) + 1:
        raise ValueError(f"exit {depth}: the network has exits 1 to {len(network.exits)}, then the final output")
    with torch.inference_mode():
        return torch.cat([network.answer(strip, depth)[0] for _, strip in _strips(cube, rows)], 1)


def exit_speeds(fitted: Fitted, scene: Scene, repeats: int = 5) -> pd.DataFrame:
    """Measured pixels a second of dense passes that end at each exit; the best of interleaved repeats.

    The scene is normalised before the clock starts: that cost is the same for every exit. The final row computes no
    exits. Returns the columns of `exit_costs` and pixels_per_second, speedup (against the final row).
    """
    network, cube, _ = ready(fitted, scene, dense=True)
    table = exit_costs(fitted.network)  # type: ignore[arg-type]
    depths = [*range(1, len(table)), None]
    best = [float("inf")] * len(depths)
    for _ in range(repeats):
        for k, depth in enumerate(depths):
            best[k] = min(best[k], _seconds(lambda: dense_answer(network, cube, scene.shape[0], depth)))  # noqa: B023
    table["pixels_per_second"] = scene.shape[0] * scene.shape[1] / np.array(best)
    table["speedup"] = best[-1] / np.array(best)
    return table


# --- parts -------------------------------------------------------------------------------------------


def ready(fitted: Fitted, scene: Scene, dense: bool = False) -> tuple[SDHSINet, Cube, Tensor]:
    """Network in evaluation mode, prepared scene, and the trained classes' places among the logits; on the CPU.

    For a dense pass the network is arranged for maps (`hsikit.predict.fast`): every exit profits alike.
    """
    network = fitted.network
    if not isinstance(network, SDHSINet):
        raise ValueError(f"{type(network).__name__} has no exits; give a fitted SDHSINet")
    cube = Cube.of(scene, fitted.normalizer, fitted.window)
    arranged: Any = for_maps(network.cpu(), dense=dense)  # still an SDHSI-Net
    return arranged, cube, torch.as_tensor(np.asarray(fitted.class_ids) - 1)


def _strips(cube: Cube, rows: int) -> Iterator[tuple[int, Tensor]]:
    """First row of each strip of the map, and the piece of the cube (1, band, row, col) it takes."""
    for top in range(0, rows, STRIP_ROWS):
        yield top, cube.hsi[None, :, top : min(top + STRIP_ROWS, rows) + cube.window - 1]


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
