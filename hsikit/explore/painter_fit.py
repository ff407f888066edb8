"""Light models for painted labels: fitted while one watches, stopped when one has seen enough."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from hsikit.explore.state import Progress
from hsikit.losses import CrossEntropy
from hsikit.models.output import Output
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

MODELS = {  # name in the menu -> method
    "linear discriminant (instant)": "lda",
    "random forest (seconds)": "rf",
    "2-D CNN (under a minute)": "cnn2d",
}
LEAST = 5  # painted pixels a class needs to be fitted
WINDOW_MEAN = 5  # side of the window whose mean the shallow models see, in pixels (assumed)
WINDOW, EPOCHS, BATCH = 7, 30, 32  # of the CNN (assumed: small strokes, few minutes)
START = 0.02  # share shown when a fit begins
MOST_TRAIN = 3000  # training pixels of the CNN, spread over the classes; keeps it under a minute


class _Watched(nn.Module):
    """Cross-entropy that reports each training step."""

    def __init__(self, progress: Progress, steps: int) -> None:
        super().__init__()
        self.inner, self.progress, self.steps, self.done = CrossEntropy(balanced=True), progress, steps, 0

    def begin(self, targets: Tensor, classes: int) -> None:
        self.inner.begin(targets, classes)

    def forward(self, output: Output, target: Tensor, index: Tensor) -> dict[str, Tensor]:
        self.done += 1
        self.progress.step(START + (0.9 - START) * min(self.done / self.steps, 1.0))  # the rest is the map
        return self.inner(output, target, index)


def fit_light(method: str, scene: Scene, split: Split, progress: Progress | None = None, seed: int = 0,
              threads: int = 1) -> Prediction:  # fmt: skip
    """Fit a light model on the training pixels of a split and map the whole scene.

    Args:
        method: A value of `MODELS`: "lda" or "rf" on a pixel's spectrum and the mean of the window around it,
            or "cnn2d" on windows of principal components, fitted on training pixels and selected on validation.

    Raises:
        ValueError: For an unknown method, or fewer than two classes to tell apart.
        Stopped: Where `progress.stop` was called.
    """
    if method not in MODELS.values():
        raise ValueError(f"model {method!r} is unknown; choose one of {', '.join(MODELS.values())}")
    if len(split.classes) < 2:
        raise ValueError("a map needs two classes to tell apart; paint a second one")
    progress = progress or Progress()
    progress.step(START)
    found = _network(scene, split, progress, seed, threads) if method == "cnn2d" else _shallow(method, scene, split)
    progress.step(1.0)
    return found


def _shallow(method: str, scene: Scene, split: Split) -> Prediction:
    from hsikit.shallow import fit_shallow

    return fit_shallow(method, scene, split, features="means", window=WINDOW_MEAN).predict(scene)


def _network(scene: Scene, split: Split, progress: Progress, seed: int, threads: int) -> Prediction:
    from hsikit.models import CNN2D
    from hsikit.predict import predict_map
    from hsikit.train import TrainConfig, fit

    split = _thinned(split, seed)
    bands = min(30, split.n_train - 1, scene.bands)
    network = CNN2D(bands, scene.n_classes, WINDOW, seed)
    config = TrainConfig(epochs=EPOCHS, batch=BATCH, seed=seed, threads=threads)
    steps = EPOCHS * max(1, round(split.n_train / BATCH))
    run = fit(network, scene, split, config, loss=_Watched(progress, steps), progress=False)
    return predict_map(run.model, scene)


def _thinned(split: Split, seed: int) -> Split:
    """The split with at most `MOST_TRAIN` training pixels, classes thinned to one size."""
    from dataclasses import replace

    from hsikit.features import draw_per_class

    if split.n_train <= MOST_TRAIN:
        return split
    kept = draw_per_class(split.y("train"), MOST_TRAIN // len(split.classes), seed)
    train = np.sort(split.train[kept])
    labels = np.zeros_like(split.labels)
    everything = np.concatenate([train, split.val, split.test])
    labels.ravel()[everything] = split.labels.ravel()[everything]
    return replace(split, train=train, labels=labels)


def painted_split(scene: Scene, seed: int = 0) -> Split:
    """Painted pixels to train on, of each class a tenth to select with and a tenth to look at.

    Those set aside lie in the same strokes as the training pixels: they tell a failed fit from a sound one, not
    how good the map is elsewhere. Classes under `LEAST` pixels are left out of the split; classes under ten
    pixels only train.

    Raises:
        ValueError: Where no class, or none with ten pixels, is painted.
    """
    from hsikit.splits.pixels import class_pools
    from hsikit.splits.split import Part, assemble

    rng = np.random.default_rng(seed)
    parts: dict[Part, list[np.ndarray]] = {"train": [], "val": [], "test": []}
    dropped = []
    for c, pool in class_pools(scene).items():
        if pool.size < LEAST:
            dropped.append(c)
            continue
        order, tenth = rng.permutation(pool), pool.size // 10
        for part, pixels in zip(parts, (order[2 * tenth :], order[:tenth], order[tenth : 2 * tenth])):
            parts[part].append(pixels)
    if not sum(p.size for p in parts["test"]):
        raise ValueError(f"no class has ten painted pixels; paint at least {LEAST} of each class and ten of one")
    joined = {part: np.concatenate(pixels) for part, pixels in parts.items()}
    return assemble(scene, "painted", joined, seed=seed, dropped=dropped)


def sentence(prediction: Prediction, split: Split) -> str:
    """What a finished fit says in words: the painted pixels set aside, classes left out, the least sure class."""
    names = split.class_names
    right = prediction.labels.ravel()[split.test] == split.y("test")
    text = f"Mapped. {right.sum()} of {right.size} painted px set aside are right (same strokes: not an accuracy)."
    left_out = [names[c - 1] for c in split.dropped_classes]
    text += f" Under {LEAST} px, left out: {', '.join(left_out)}." if left_out else ""
    sure = prediction.scores.max(-1)
    means = {int(c): float(sure[prediction.labels == c].mean()) for c in np.unique(prediction.labels) if c}
    least = min(means, key=lambda c: means[c])
    return f"{text} Least sure: {names[least - 1]} (mean confidence {means[least]:.2f})."
