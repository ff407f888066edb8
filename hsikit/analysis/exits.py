"""What each exit of SDHSI-Net answers, and a dense pass that stops at one.

answers = exit_answers(fitted, scene, pixels)    # probabilities and features of every exit, one dense pass
depth = choose_exit(fitted, scene, split)        # the shallowest that is good enough on validation pixels
labels = map_at_exit(fitted, scene, depth)       # dense pass that ends there
exit_speeds(fitted, scene)                       # measured pixels a second of every exit
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from timeit import timeit
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from hsikit.fitted import Fitted
from hsikit.models import count_parameters
from hsikit.models.sdhsi import SDHSINet, flattened
from hsikit.patches import Cube
from hsikit.predict import predict_map
from hsikit.predict.fast import for_maps
from hsikit.scenes.scene import Scene
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

    def mean_labels(self) -> np.ndarray:
        """Classes (n,) by the mean probability of all outputs."""
        return self.classes[np.mean(self.probabilities, 0).argmax(1)]

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

    Raises `ValueError` when the split has no validation pixels.
    """
    if not len(split.val):
        raise ValueError(f"{split.name} has no validation pixels to choose an exit on; name the exit yourself")
    truth = split.y("val")
    right = [float((labels == truth).mean()) for labels in exit_answers(fitted, scene, split.val).labels()]
    return next(k for k, oa in enumerate(right, 1) if oa >= right[-1] - tolerance)


def map_at_exit(fitted: Fitted, scene: Scene, depth: int | None) -> np.ndarray:
    """Classes (row, col) int16 from a dense pass that ends at exit `depth` (from 1; None: the network's answer)."""
    if depth is None and getattr(fitted.network, "answers_by_mean", False):
        return predict_map(fitted, scene).labels
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
            once = timeit(lambda: dense_answer(network, cube, scene.shape[0], depth), number=1)  # noqa: B023
            best[k] = min(best[k], once)
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


# --- costs -----------------------------------------------------------------------------------------


def exit_costs(network: SDHSINet) -> pd.DataFrame:
    """Parameters and multiply-accumulates needed to answer at each exit, the final output last.

    Only what an answer needs is counted: the stages up to the exit and its classifier, neither the other exits nor
    the hint's projections. Multiply-accumulates are those of convolutions; norms, pooling and activations are not.

    Returns:
        A row an exit: exit (from 1), name, parameters, macs (a pixel of a dense pass), macs_window (a single
        window), macs_own (the exit's classifier alone, part of both).
    """
    import pandas as pd

    bands, dense, window, parameters = network.bands, 0, 0, 0
    rows = []
    for depth, (block, side) in enumerate(zip(network.blocks, network.sides), 1):
        conv: Any = block[0]  # type: ignore[index]
        bands = (bands - conv.kernel_size[0]) // conv.stride[0] + 1 if conv.weight.dim() == 5 else 1
        dense += conv.weight.numel() * bands
        window += conv.weight.numel() * bands * side**2
        parameters += count_parameters(block)
        if depth <= len(network.exits):
            classify: Any = network.exits[depth - 1].classify
            rows.append((f"exit {depth}", parameters, dense, window, classify))
    rows.append(("final", parameters, dense, window, nn.ModuleList([network.head, network.classify])))
    table = pd.DataFrame(
        [(name, trunk + count_parameters(own), strip + _macs(own), cut + _macs(own), _macs(own))
         for name, trunk, strip, cut, own in rows],
        columns=["name", "parameters", "macs", "macs_window", "macs_own"],
    )  # fmt: skip
    table.insert(0, "exit", range(1, len(table) + 1))
    return table


def leaving_costs(costs: pd.DataFrame) -> np.ndarray:
    """Multiply-accumulates (exit,) of a window that leaves at an exit, having asked all shallower exits."""
    asked = costs["macs_own"].cumsum().shift(fill_value=0)
    return (costs["macs_window"] + asked).to_numpy()


def _macs(module: nn.Module) -> int:
    """Of convolutions that give a single position."""
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, nn.Conv2d))


# --- leaving early ---------------------------------------------------------------------------------


WINDOWS = 512  # in a batch
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)  # assumed


@dataclass(frozen=True, eq=False)
class Stopped:
    """Windows that each left at the first exit that was sure: labels (n,) 1..C, exit (n,) from 1, macs (n,)."""

    labels: np.ndarray
    exit: np.ndarray
    macs: np.ndarray


def early_exit(fitted: Fitted, scene: Scene, pixels: np.ndarray, threshold: float) -> Stopped:
    """Classify single windows, going on only with those whose top probability is below `threshold`.

    Args:
        pixels: Flat indices (n,) of the centres.
        threshold: Chosen on validation pixels; above 1 nothing leaves early.
    """
    network, cube, keep = ready(fitted, scene)
    rows, cols = (torch.from_numpy(a) for a in np.divmod(np.asarray(pixels, np.int64), scene.shape[1]))
    answer, left = torch.zeros(len(rows), dtype=torch.long), torch.zeros(len(rows), dtype=torch.long)
    with torch.inference_mode():
        for index in torch.arange(len(rows)).split(WINDOWS):
            x, waiting = cube.windows(rows[index], cols[index])[0][:, None], index
            for depth in range(1, len(network.blocks) + 1):
                x = network.step(x, depth)
                if depth > len(network.exits):
                    continue
                sure, best = network.leave(flattened(x), depth)[:, keep, 0, 0].softmax(1).max(1)
                done = sure >= threshold
                answer[waiting[done]], left[waiting[done]] = best[done], depth
                x, waiting = x[~done], waiting[~done]
                if not len(waiting):
                    break
            if len(waiting):
                answer[waiting] = network.finish(flattened(x))[:, keep, 0, 0].argmax(1)
                left[waiting] = len(network.exits) + 1
    spent = leaving_costs(exit_costs(network))
    return Stopped(np.asarray(fitted.class_ids)[answer.numpy()], left.numpy(), spent[left.numpy() - 1])


def early_exit_curve(answers: ExitAnswers, truth: np.ndarray, costs: pd.DataFrame,
                     thresholds: Sequence[float] = THRESHOLDS) -> list[dict[str, float]]:  # fmt: skip
    """Accuracy and mean multiply-accumulates a window if each pixel left at the first exit that is sure enough.

    Args:
        answers: Of pixels with known classes.
        truth: Those classes (n,), 1..C.
        costs: Of the network, as `exit_costs` gives them.
        thresholds: Smallest probabilities of the top class with which a pixel leaves.
    """
    labels = np.stack(answers.labels())  # (exit, n)
    sure = np.stack([p.max(1) for p in answers.probabilities])
    spent = leaving_costs(costs)
    curve = []
    for threshold in thresholds:
        leaves = sure >= threshold
        leaves[-1] = True
        first = leaves.argmax(0)
        right = labels[first, np.arange(len(truth))] == truth
        curve.append({"threshold": threshold, "oa": float(right.mean()), "macs_window": float(spent[first].mean())})
    return curve


def choose_threshold(fitted: Fitted, scene: Scene, split: Split, tolerance: float = 0.003) -> float:
    """The smallest of `THRESHOLDS` with which validation OA is at most `tolerance` below the full network's; else 1.1.

    Raises `ValueError` when the split has no validation pixels.
    """
    if not len(split.val):
        raise ValueError(f"{split.name} has no validation pixels to choose a threshold on; name it yourself")
    answers, truth = exit_answers(fitted, scene, split.val), split.y("val")
    full = float((answers.labels()[-1] == truth).mean())
    curve = early_exit_curve(answers, truth, exit_costs(fitted.network))  # type: ignore[arg-type]
    return next((p["threshold"] for p in curve if p["oa"] >= full - tolerance), 1.1)
