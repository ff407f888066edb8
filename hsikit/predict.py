"""From a fitted model and a scene to a map: class labels, scores and embeddings of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from hsikit.fitted import Fitted
from hsikit.models.output import Output
from hsikit.patches import Cube
from hsikit.scenes.base import Scene
from hsikit.scenes.resample import resample_bands

STRIP_ROWS = 64  # rows of the map made in one dense step; bounds the memory of activations


@dataclass(frozen=True, eq=False)
class Prediction:
    """A map of a scene.

    Attributes:
        labels: Classes (row, col) int16, 1..C; 0 where the scene has no valid pixel.
        scores: Probabilities (row, col, class) float32 over `classes`; NaN where not valid.
        classes: The candidates (ids 1..C) in the order of `scores`.
        embeddings: Features (row, col, dim) float32, or None when not asked for.
        exits: Classes (exit, row, col) given by each earlier exit, or None when not asked for.
    """

    labels: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    embeddings: np.ndarray | None = None
    exits: np.ndarray | None = None


def predict_map(fitted: Fitted, scene: Scene, mode: str = "auto", *, embeddings: bool = False, exits: bool = False,
                device: str | None = None, progress: bool = False) -> Prediction:  # fmt: skip
    """Predict every valid pixel of a scene.

    Args:
        mode: "dense" passes the whole scene through the network, strip by strip; "window" cuts a window around
            every pixel, which gives the same map, slower; "auto" takes dense where the network declares it may.
        embeddings: Also return the final features.
        exits: Also return the answer of each earlier exit.
        device: None takes the best available.

    Raises:
        ValueError: For an unknown mode, dense where the network cannot, or a scene whose bands cannot be
            resampled to those of the training scene.
    """
    if mode not in ("auto", "dense", "window"):
        raise ValueError(f"mode {mode!r} is unknown; choose 'auto', 'dense' or 'window'")
    dense_able = getattr(fitted.network, "dense", False)
    if mode == "dense" and not dense_able:
        raise ValueError(f"{type(fitted.network).__name__} cannot be evaluated densely; use mode='window'")
    scene = _with_trained_bands(fitted, scene)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = fitted.network.to(place).eval()
    cube = Cube.of(scene, fitted.normalizer, fitted.window, place)
    keep = torch.as_tensor(np.asarray(fitted.class_ids) - 1, device=place)
    work = _dense if mode == "dense" or (mode == "auto" and dense_able) else _windowed
    rows, cols = scene.shape
    labels, scores, features, answers = [], [], [], []
    with torch.inference_mode():
        for output in work(network, cube, rows, cols, progress):
            output = output.only(keep)
            labels.append(output.logits.argmax(1).cpu())  # (1, row, col)
            scores.append(output.logits.float().softmax(1).cpu())
            if embeddings:
                features.append(output.embedding.cpu())
            if exits:
                answers.append(torch.stack([e.argmax(1) for e in output.exits], 1).cpu())
    valid, ids = scene.valid, np.asarray(fitted.class_ids, np.int16)
    join = lambda parts, dim: torch.cat(parts, dim).numpy()[0]  # noqa: E731
    score_map = join(scores, 2).transpose(1, 2, 0).copy()  # (class, row, col) -> (row, col, class)
    score_map[~valid] = np.nan
    return Prediction(
        labels=np.where(valid, ids[join(labels, 1)], 0).astype(np.int16),
        scores=score_map,
        classes=ids,
        embeddings=join(features, 2).transpose(1, 2, 0) if embeddings else None,
        exits=np.where(valid, ids[join(answers, 2)], 0).astype(np.int16) if exits else None,
    )


def _with_trained_bands(fitted: Fitted, scene: Scene) -> Scene:
    """The scene on the bands of the training scene, resampled where both have wavelengths."""
    bands, waves = fitted.scene_facts.get("bands", scene.bands), fitted.scene_facts.get("wavelengths_nm")
    if waves is not None and scene.wavelengths_nm is not None and not np.array_equal(waves, scene.wavelengths_nm):
        return resample_bands(scene, np.array(waves), fitted.scene_facts["name"])
    if scene.bands != bands:
        raise ValueError(
            f"the model was trained on {bands} bands of {fitted.scene_facts['name']}, {scene.name} has "
            f"{scene.bands} and one of them no wavelengths to resample by; give the scene's wavelengths"
        )
    return scene


def _dense(network, cube: Cube, rows: int, cols: int, progress: bool):
    """Whole strips of rows through the network, each with the halo its windows need."""
    for top in tqdm(range(0, rows, STRIP_ROWS), desc="map", unit="strip", disable=not progress, leave=False):
        stop = min(top + STRIP_ROWS, rows) + cube.window - 1
        strip = lambda t: None if t is None else t[None, :, top:stop]  # noqa: B023, E731
        yield network(strip(cube.hsi), strip(cube.lidar))


def _windowed(network, cube: Cube, rows: int, cols: int, progress: bool):
    """One window a pixel, a scene row at a time in batches."""
    device = cube.hsi.device
    columns = torch.arange(cols, device=device)
    for row in tqdm(range(rows), desc="map", unit="row", disable=not progress, leave=False):
        batches = [_row_batch(network, cube, row, part) for part in columns.split(256)]
        yield Output(*(_join(parts) for parts in zip(*batches)))


def _row_batch(network, cube: Cube, row: int, columns: Tensor) -> Output:
    output = network(*cube.windows(torch.full_like(columns, row), columns))
    # (batch, c, 1, 1) -> (1, c, 1, batch): a batch of windows is a piece of a row
    line = lambda t: t[:, :, 0, 0].T[None, :, None, :]  # noqa: E731
    return Output(line(output.logits), line(output.embedding), tuple(map(line, output.exits)),
                  tuple(map(line, output.features)))  # fmt: skip


def _join(parts):
    return torch.cat(parts, -1) if isinstance(parts[0], Tensor) else tuple(torch.cat(p, -1) for p in zip(*parts))
