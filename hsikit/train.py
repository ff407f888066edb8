"""One training loop for every network: seeded, resumable to the same bits, selected on validation pixels only.

What was tried to make a step quicker on a CPU (processor time a step, one thread): channels-last batches and weights,
14 % for MMLGNet, nothing for SDHSI-Net, and other last bits for both, so they are an option of `PatchSampler` alone;
AdamW fused, as it is here, within noise of unfused. `torch.compile` had not compiled MMLGNet after two minutes on a
busy machine, longer than a whole training.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import ndimage
from torch import Tensor, nn
from tqdm.auto import tqdm

from hsikit import losses as published
from hsikit._util import saved
from hsikit._util.errors import door
from hsikit.fitted import Fitted
from hsikit.inputs import Inputs
from hsikit.models.output import Output
from hsikit.patches import Cube, PatchSampler, reduce_bands
from hsikit.scenes.scene import Scene
from hsikit.splits import Split
from hsikit.text import TextVectors

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """How to train. The same values on the same machine give the same weights, bit for bit.

    Attributes:
        epochs: Passes over the training pixels.
        steps: Batches in all, in place of `epochs`; 0 goes by epochs.
        batch: Windows in a batch.
        lr, weight_decay: Of AdamW; the learning rate is the peak of the schedule.
        schedule: "onecycle" (warm up, then down to nothing) or "cosine".
        clip: Largest gradient norm.
        augment: Flip and transpose training windows at random.
        balanced: Draw every class equally often.
        seed: Decides batch order, augmentation and dropout (the first weights are the model's own seed).
        threads: CPU threads; part of the configuration because sums in another order differ in the last bit.
        reduction: How bands become the network's: "pca", "discriminants", "band_means" or "pca_transductive"
            (`hsikit.patches`).
        noise: Standard deviation of Gaussian noise added to every value of a training window, in the units that
            the network sees (`hsikit.train`).
        lidar_offset: Standard deviation of an offset added to a window's LiDAR, one for each channel.
        channels_last: Keep the bands of a pixel side by side in batches: windows are gathered in half the time and 2-D
            layers run sooner on a CPU. The last bits differ, so it is off where runs must equal older ones.
        mixed: Half precision (bfloat16) inside the network where it is safe; losses and weights stay in float32. Made
            for GPUs: half the memory, coarser numbers, so it is off unless asked for.
        keep: The epoch kept: "best" on validation pixels, or "last", for schedules that end at a learning rate of 0
            and validation pixels too few to choose by.
        wrong_labels: Share of training labels replaced by another class, to see what a method makes of them;
            validation labels stay right.
        unlabelled: Windows without label beside each batch, drawn evenly from `pool` in one forward pass with it:
            batch norms see them, and losses that take them (`hsikit.losses`). No label is read, but spectra of test
            pixels are where the pool holds them: rows say *transductive*.
        pool: "scene": every valid pixel that is not a training pixel. "background": pixels without label whose
            windows hold no test pixel.

    Example:
        >>> hsikit.TrainConfig(epochs=30, seed=1).lr
        0.001
    """

    epochs: int = 60
    steps: int = 0
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 1e-2
    schedule: str = "cosine"
    clip: float = 1.0
    augment: bool = True
    balanced: bool = False
    seed: int = 0
    threads: int = 2
    reduction: str = "pca"
    noise: float = 0.0
    lidar_offset: float = 0.0
    channels_last: bool = False
    mixed: bool = False
    keep: str = "best"
    wrong_labels: float = 0.0
    unlabelled: int = 0
    pool: str = "scene"

    def __post_init__(self) -> None:
        if self.pool not in ("scene", "background"):
            raise ValueError(f"pool={self.pool!r} is unknown; choose 'scene' or 'background'")
        if min(self.steps, self.unlabelled) < 0:
            raise ValueError(f"steps={self.steps}, unlabelled={self.unlabelled}: expected 0 (none) or more")
        if self.schedule not in ("onecycle", "cosine"):
            raise ValueError(f"schedule {self.schedule!r} is unknown; choose 'onecycle' or 'cosine'")
        if self.keep not in ("best", "last"):
            raise ValueError(f"keep={self.keep!r} is unknown; choose 'best' or 'last'")
        for name in ("epochs", "batch", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: need at least 1")


@dataclass(frozen=True, eq=False)
class Run:
    """What a training leaves: the fitted model, one history row an epoch, the seconds it took.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> network = hsikit.CNN2D(bands=8, classes=scene.n_classes, window=7)
        >>> once = hsikit.TrainConfig(epochs=1, threads=1)
        >>> run = hsikit.fit(network, scene, hsikit.few_shot_split(scene), once, progress=False)
        >>> len(run.history), run.model.window
        (1, 7)
    """

    model: Fitted
    history: pd.DataFrame
    seconds: float


@dataclass(eq=False)
class _Progress:
    """Everything that a checkpoint must hold."""

    epoch: int = 0
    seconds: float = 0.0
    best: tuple[float, float] = (-1.0, 0.0)  # validation OA, minus validation loss
    best_state: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


@door
def fit(model: nn.Module, scene: Scene, split: Split, config: TrainConfig = TrainConfig(), *,
        loss: nn.Module | None = None, text: TextVectors | None = None, inputs: Inputs | None = None,
        checkpoint: Path | None = None, keep_checkpoint: bool = False, device: str | None = None,
        progress: bool = True) -> Run:  # fmt: skip
    """Train a network on the training pixels of a split, keeping the epoch that is best on its validation pixels.

    Normalisation and PCA are fitted on training pixels. Test labels are not looked at: only `split.train` and
    `split.val` are read, and the places of test pixels where a pool leaves them out. Without validation pixels the
    last epoch is kept.

    Args:
        model: A network of `hsikit.models`, or any module with `bands`, `lidar_channels`, `window` and `dense`
            that returns an `Output`. With fewer bands than the scene it is fed principal components.
        loss: None takes the model's own: contrastive for MMLGNet, self-distillation for SDHSINet, cross-entropy
            for the rest.
        text: Class vectors, needed by MMLGNet.
        inputs: What the network reads in the place of bands and LiDAR (`hsikit.inputs`), fitted on the same split.
        checkpoint: File to write after epochs and to go on from; a damaged one is set aside. Removed when training is
            done, unless `keep_checkpoint`, for whom the work is not over then.
        device: Such as "cpu" or "cuda"; None takes the best available.

    Raises:
        ValueError: When model, scene, split and text do not fit each other.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> split = hsikit.few_shot_split(scene)
        >>> network = hsikit.CNN2D(bands=8, classes=scene.n_classes, window=7)
        >>> run = hsikit.fit(network, scene, split, hsikit.TrainConfig(epochs=5, threads=1), progress=False)
        >>> hsikit.score(hsikit.predict_map(run.model, scene), split).oa > 0.5
        True
    """
    start = time.perf_counter()
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    with _settings(config, place):
        bands, lidar_channels, window = _needs(model)
        given, scene = scene, scene if inputs is None else inputs.of(scene)
        normalizer = reduce_bands(scene, split.train, bands, lidar_channels, config.reduction, split.y("train"))
        class_ids = np.unique(split.y("train")).astype(np.int64)  # 1..C, the candidates
        _read_text(model, scene, text)
        fitted = Fitted(model.to(place), normalizer, window, class_ids, scene.class_names, text=text, inputs=inputs)
        fitted.remember(given)
        cube = Cube.of(scene, normalizer, window, place)
        index_of = np.searchsorted(class_ids, split.y("train")), np.searchsorted(class_ids, split.y("val"))
        targets = wrong_labels(index_of[0], config.wrong_labels, len(class_ids), config.seed)
        train = PatchSampler(cube, split.train, targets, scene.shape[1], config.batch, config.augment,
                             config.balanced, config.channels_last)  # fmt: skip
        val = PatchSampler(cube, split.val, index_of[1], scene.shape[1], 512) if len(split.val) else None
        beside = _unlabelled(cube, scene, split, config)
        loss = (own_loss(model) if loss is None else loss).to(place)
        begin = getattr(loss, "begin", None)
        if callable(begin):
            begin(train.targets, len(class_ids))
        state = _train(fitted, train, val, beside, loss, config, checkpoint, start, progress)
    if checkpoint is not None and not keep_checkpoint:
        checkpoint.unlink(missing_ok=True)
    if state.best_state:
        model.load_state_dict(state.best_state)
    model.eval()
    return Run(fitted, pd.DataFrame(state.history), state.seconds)


def own_loss(model: nn.Module) -> nn.Module:
    """The loss a network was published with; cross-entropy for a network that has none of its own."""
    return getattr(published, getattr(model, "own_loss", "CrossEntropy"))()


def _unlabelled(cube: Cube, scene: Scene, split: Split, config: TrainConfig) -> PatchSampler | None:
    """The windows without label that training draws from; their targets are all 0 and read by nobody."""
    if not config.unlabelled:
        return None
    free = scene.valid.copy()
    free.ravel()[split.train] = False
    if config.pool == "background":
        tested = np.zeros(scene.shape, bool)
        tested.ravel()[split.test] = True
        free &= (scene.labels == 0) & ~ndimage.maximum_filter(tested, cube.window)
    pixels = np.flatnonzero(free)
    if len(pixels) < config.unlabelled:
        raise ValueError(f"{scene.name} has {len(pixels)} pixels for the pool {config.pool!r}, a batch takes "
                         f"{config.unlabelled}; choose another pool, or unlabelled: 0")  # fmt: skip
    return PatchSampler(cube, pixels, np.zeros(len(pixels)), scene.shape[1], augment=config.augment)


def _train(fitted, train, val, beside, loss, config, checkpoint, start, progress) -> _Progress:
    network = fitted.network
    keep = torch.as_tensor(fitted.class_ids - 1, device=train.targets.device)
    weights = [*network.parameters(), *loss.parameters()]
    optimizer = torch.optim.AdamW(weights, config.lr, weight_decay=config.weight_decay, fused=True)
    steps = config.steps or config.epochs * len(train)
    epochs = math.ceil(steps / len(train))
    schedule = _schedule(optimizer, config, steps)
    parts = {"network": network, "loss": loss, "optimizer": optimizer, "schedule": schedule}
    state = _restore(checkpoint, parts)
    before = state.seconds
    bar = tqdm(total=epochs, initial=state.epoch, desc="training", unit="epoch", disable=not progress,
               leave=False, mininterval=0.5)  # fmt: skip
    for epoch in range(state.epoch + 1, epochs + 1):
        torch.manual_seed(config.seed * 1_000_003 + epoch)  # dropout: the same after a resume
        row = {"epoch": epoch, **_one_epoch(network, train, beside, loss, optimizer, schedule, config, epoch, steps,
                                            keep)}  # fmt: skip
        if not math.isfinite(row["loss"]):
            raise ValueError(f"the loss is {row['loss']} in epoch {epoch}; lower the learning rate ({config.lr:g}), or "
                             "look for values without meaning with scene.check()")  # fmt: skip
        if val is not None:
            row |= evaluate(network, val, keep)
            rank = (row["val_oa"], -row["val_loss"])
            if rank > state.best and config.keep == "best":
                state.best = rank
                state.best_state = {k: v.detach().clone() for k, v in network.state_dict().items()}
        state.history.append(row)
        state.epoch, state.seconds = epoch, before + time.perf_counter() - start
        bar.set_postfix({k: f"{row[k]:.3f}" for k in ("loss", "val_oa") if k in row}, refresh=False)
        bar.update()
        if checkpoint is not None and epoch < epochs:
            _save(checkpoint, parts, state)
    bar.close()
    return state


def _one_epoch(network, train, beside, loss, optimizer, schedule, config, epoch, steps, keep) -> dict[str, float]:
    network.train()
    loss.train()
    losses: list[tuple[str, Tensor, int]] = []
    shares: dict[str, float] = {}
    done = (epoch - 1) * len(train)
    draw = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)  # of windows without label
    for step, (hsi, lidar, target, index) in enumerate(islice(train.epoch(config.seed, epoch), steps - done)):
        if beside is not None:
            more = beside.drawn(config.unlabelled, draw, views=getattr(loss, "views", 1))
            hsi, lidar = (None if part[0] is None else torch.cat(part) for part in zip((hsi, lidar), *more))
        hsi, lidar = jitter(hsi, lidar, config.noise, config.lidar_offset)
        with torch.autocast(hsi.device.type, torch.bfloat16, enabled=config.mixed):
            output = network(hsi, lidar).centre().only(keep)
        output = output.float() if config.mixed else output
        if hasattr(loss, "advance"):
            loss.advance((done + step) / steps)
        free = {} if beside is None else {"beside": output.rows(slice(len(target), None))}
        terms = loss(output.rows(slice(len(target))) if free else output, target, index, **free)
        if step == 0 and (epoch == 1 or epoch % 10 == 0) and len(terms) > 1:
            shares = gradient_shares(terms, network)
        total = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        for part in getattr(network, "scales_apart", (network,)):  # each scale as if it were trained alone
            nn.utils.clip_grad_norm_(part.parameters(), config.clip)
        optimizer.step()
        schedule.step()
        losses += [(name, value.detach(), len(target)) for name, value in {"loss": total, **terms}.items()]
    sums: dict[str, float] = {}
    for name, value, n in losses:  # read at the end: a GPU would be waited for at every step
        sums[name] = sums.get(name, 0.0) + value.item() * n
    seen = sum(n for name, _, n in losses if name == "loss")
    return {name: value / seen for name, value in sums.items()} | shares


def gradient_shares(terms: dict[str, Tensor], network: nn.Module) -> dict[str, float]:
    """Each loss term's gradient norm over the network's weights, as a share of their sum."""
    weights = [p for p in network.parameters() if p.requires_grad]
    norms = {}
    for name, term in terms.items():
        grads = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
        norms[name] = float(torch.stack([g.square().sum() for g in grads if g is not None]).sum().sqrt())
    whole = sum(norms.values()) or 1.0
    return {f"grad_share_{name}": norm / whole for name, norm in norms.items()}


@torch.no_grad()
def evaluate(network: nn.Module, sampler: PatchSampler, keep: Tensor) -> dict[str, float]:
    """Accuracy of the final output and of every exit, mean recall, and cross-entropy, on a sampler's windows."""
    network.eval()
    outputs, targets = [], []
    for hsi, lidar, target, _ in sampler:
        output = network(hsi, lidar).centre().only(keep)
        outputs.append(output.averaged() if getattr(network, "answers_by_mean", False) else output)
        targets.append(target)
    target = torch.cat(targets)
    final = torch.cat([o.logits for o in outputs])
    right = (final.argmax(1) == target).double()
    recall = torch.stack([right[target == c].mean() for c in target.unique()])
    row = {"val_oa": right.mean().item(), "val_aa": recall.mean().item(),
           "val_loss": nn.functional.cross_entropy(final.double(), target).item()}  # fmt: skip
    for k in range(len(outputs[0].exits)):
        exit_k = torch.cat([o.exits[k] for o in outputs])
        row[f"val_oa_exit_{k + 1}"] = (exit_k.argmax(1) == target).double().mean().item()
    return row


def _schedule(optimizer, config: TrainConfig, steps: int):
    if config.schedule == "onecycle":
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, config.lr, total_steps=steps)
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def _needs(model: Any) -> tuple[int, int, int]:
    """Bands, LiDAR channels and window that a network takes."""
    return model.bands, model.lidar_channels, model.window


def _read_text(model: Any, scene: Scene, text: TextVectors | None) -> None:
    if not hasattr(model, "read_text"):
        return
    if text is None:
        raise ValueError("this model answers to words: pass text=, for example encode_classes(encoder, prompts)")
    if tuple(text.class_names) != tuple(scene.class_names):
        raise ValueError(
            f"text vectors are for {list(text.class_names)}, {scene.name} has {list(scene.class_names)}; "
            "write prompts for the scene's own classes, in their order"
        )
    model.read_text(text.vectors)


@contextmanager
def _settings(config: TrainConfig, place: torch.device) -> Iterator[None]:
    """The configured threads, a random state of our own, and on a GPU deterministic algorithms; put back afterwards.

    A GPU picks among algorithms whose sums differ in the last bits; the deterministic ones may be slower.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(config.threads)
    if place.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the library starts
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(threads)
        if place.type == "cuda":
            torch.use_deterministic_algorithms(strict)


def _save(path: Path, parts: dict, state: _Progress) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {name: part.state_dict() for name, part in parts.items()}
    progress = json.dumps([state.epoch, state.seconds, state.best, state.history])
    buffer = io.BytesIO()  # what cannot be written whole is then the disk's fault, and said so
    torch.save({**states, "progress": progress, "best_state": state.best_state}, buffer)
    saved(path, lambda file: file.write(buffer.getbuffer()), buffer.getbuffer().nbytes)


def _restore(path: Path | None, parts: dict) -> _Progress:
    if path is None or not path.exists():
        return _Progress()
    before = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
    try:
        saved = torch.load(path, weights_only=True)  # optimiser state is nested, which safetensors cannot hold
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        epoch, seconds, best, history = json.loads(saved["progress"])
        return _Progress(epoch, seconds, tuple(best), saved["best_state"], history)
    except Exception as error:  # a damaged file can raise anything
        aside = path.with_name(f"{path.name}.damaged")
        log.warning("%s is damaged (%s); it is set aside as %s, and training starts over", path,
                    type(error).__name__, aside.name)  # fmt: skip
        path.replace(aside)
        for name, part in parts.items():
            part.load_state_dict(before[name])
        return _Progress()


__all__ = ["Output", "Run", "TrainConfig", "evaluate", "fit", "gradient_shares", "own_loss"]


def jitter(
    hsi: Tensor, lidar: Tensor | None, noise: float = 0.0, lidar_offset: float = 0.0
) -> tuple[Tensor, Tensor | None]:
    """The windows with noise, drawn from torch's own random state, which training seeds for each epoch.

    With discriminants as bands (`hsikit.patches`), whose spread within classes is 1, `noise` of 1 makes every class
    as wide again as it is: the network cannot learn single pixels by heart. Assumed; the papers do not say.

    Args:
        hsi: Windows (batch, band, row, col), normalised.
        lidar: Windows (batch, channel, row, col), normalised, or None.
        noise: Standard deviation of what is added to each value of `hsi`.
        lidar_offset: Standard deviation of what is added to a whole window of LiDAR, one number for each channel.
    """
    if noise:
        hsi = hsi + noise * torch.randn_like(hsi)
    if lidar_offset and lidar is not None:
        lidar = lidar + lidar_offset * torch.randn(*lidar.shape[:2], 1, 1, device=lidar.device)
    return hsi, lidar


def wrong_labels(targets: np.ndarray, share: float, classes: int, seed: int = 0) -> np.ndarray:
    """Targets (n,) from 0 of which a share was replaced, each by another class drawn evenly from the rest.

    Raises:
        ValueError: For a share outside [0, 1), or a single class.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share of wrong labels is {share}; expected 0 (none) to below 1")
    if share and classes < 2:
        raise ValueError("a single class has no wrong label; train on at least 2 classes")
    draw = np.random.default_rng(seed)
    hit = draw.permutation(len(targets))[: round(share * len(targets))]
    out = targets.copy()
    out[hit] = (targets[hit] + draw.integers(1, max(classes, 2), len(hit))) % classes
    return out
