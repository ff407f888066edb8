"""Single windows that leave SDHSI-Net at the first exit that is sure enough.

threshold = choose_threshold(fitted, scene, split)          # on validation pixels
stopped = early_exit(fitted, scene, pixels, threshold)      # labels, the exit each took, what it cost
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from hsikit.analysis.exit_costs import exit_costs, leaving_costs
from hsikit.analysis.exits import ExitAnswers, exit_answers, ready
from hsikit.fitted import Fitted
from hsikit.models.sdhsi import flattened
from hsikit.scenes.base import Scene
from hsikit.splits import Split

if TYPE_CHECKING:
    import pandas as pd

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
            for depth in range(1, len(network.stages) + 2):
                x = network.step(x, depth)
                if not len(network.exits):
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

    Raises:
        ValueError: When the split has no validation pixels.
    """
    if not len(split.val):
        raise ValueError(f"{split.name} has no validation pixels to choose a threshold on; name it yourself")
    answers, truth = exit_answers(fitted, scene, split.val), split.y("val")
    full = float((answers.labels()[-1] == truth).mean())
    curve = early_exit_curve(answers, truth, exit_costs(fitted.network))  # type: ignore[arg-type]
    return next((p["threshold"] for p in curve if p["oa"] >= full - tolerance), 1.1)
