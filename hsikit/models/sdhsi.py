"""SDHSI-Net: a 3-D CNN with exits that learn from its own final answer (arXiv 2601.07416).

Known from the paper: 3-D CNN, several exits, soft targets from within the network. Assumed: the trunks, the place
and shape of the exits. "light" and "paper" are HybridSN-like; "fields", "few_labels" and "ten_percent" are our own,
found on validation pixels of Indian Pines (`configs/sdhsi_partitions.yaml` says how).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output, recorded, seeded


@dataclass(frozen=True)
class Variant:
    """Stages and exits of a trunk; all kernels are valid (no padding).

    Attributes:
        cubes: Of each 3-D convolution: channels, kernel (band, row, col), stride along bands.
        flats: Channels of each 3x3 2-D convolution after them.
        looks: Side in pixels of what each exit takes the mean of, around the centre; empty for an exit after every
            stage that takes the mean of all that is left of the window.
        pooled: The head takes a mean of what is left, or flattens it as HybridSN does.
        bias, norm: Whether convolutions have biases, and batch norms after them.
        hint: Length of the exits' projections for the hint; 0 for none.
    """

    cubes: tuple[tuple[int, tuple[int, int, int], int], ...]
    flats: tuple[int, ...]
    looks: tuple[int, ...] = ()
    pooled: bool = True
    bias: bool = False
    norm: bool = True
    hint: int = 0


_HYBRID = ((8, (7, 3, 3), 1), (16, (5, 3, 3), 1), (32, (3, 3, 3), 1))
VARIANTS = {
    "light": Variant(_HYBRID, (64,), bias=True, hint=128),
    "paper": Variant(_HYBRID, (64,), pooled=False, bias=True, norm=False, hint=128),
    "fields": Variant(((16, (3, 1, 1), 1), (16, (3, 3, 3), 1)), (64, 64), looks=(1, 3, 5)),
    "few_labels": Variant(((8, (7, 3, 3), 1), (16, (5, 3, 3), 2)), (64, 96)),
    "ten_percent": Variant(((16, (7, 3, 3), 2), (32, (5, 3, 3), 2)), (64, 96)),
}


class Exit(nn.Module):
    """Mean over some of the window around its centre, a small MLP to class scores, and a projection for the hint."""

    def __init__(self, channels: int, left: int, look: int, classes: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.look, self.margin = look, (left - look) // 2
        self.classify = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, classes, 1))
        self.project = nn.Conv2d(channels, dim, 1) if dim else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        pooled = self.mean(x)
        return self.classify(pooled), None if self.project is None else self.project(pooled)

    def mean(self, x: Tensor) -> Tensor:
        """What it looks at: means of a stage's map, one a window."""
        return F.avg_pool2d(inner(x, self.margin), self.look, stride=1)


@recorded
class SDHSINet(nn.Module):
    """3-D convolutions over bands and space, 2-D convolutions, a head, and exits after the stages.

    Args:
        bands: Channels taken: principal components, or discriminants; each variant needs a few.
        classes: Classes of the scene.
        window: Side of the window in pixels, odd, at least what the kernels take.
        variant: "light" (batch norm, pooled head; made for CPUs) or "paper" (flattened head as HybridSN; window 25),
            both on the HybridSN-like trunk; or "fields", "few_labels", "ten_percent": trunks of our own for whole
            fields, for 1 to 5 % and for 10 % of the labels at random.
        exits: False leaves the exits out (cross-entropy on the final output alone).
        answer: What a map is made of: the "final" output, or the "mean" of the probabilities of all outputs.
        seed: Decides the first weights; the trunk's do not depend on `exits`.

    Raises:
        ValueError: For an unknown variant or answer, or bands or window too small for the kernels.

    Example:
        >>> import torch
        >>> output = hsikit.SDHSINet(bands=15, classes=6, window=9)(torch.zeros(2, 15, 9, 9))
        >>> tuple(output.logits.shape), len(output.exits)
        ((2, 6, 1, 1), 4)
    """

    dense = True
    lidar_channels = 0
    own_loss = "SelfDistillation"  # of hsikit.losses

    def __init__(self, bands: int = 30, classes: int = 16, window: int = 11, variant: str = "light",
                 exits: bool = True, answer: str = "final", seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        for name, value, known in (("variant", variant, VARIANTS), ("answer", answer, ("final", "mean"))):
            if value not in known:
                raise ValueError(f"{name} {value!r} is unknown; choose {' or '.join(map(repr, known))}")
        made = VARIANTS[variant]
        least, small = _least(made)
        if bands < least or window < small or window % 2 == 0:
            raise ValueError(f"bands={bands}, window={window}: need at least {least} bands and an odd window "
                             f"from {small}")  # fmt: skip
        self.bands, self.window, self.variant, self.answers_by_mean = bands, window, variant, answer == "mean"
        with seeded(seed):
            self.stages = nn.ModuleList()
            widths: list[int] = []
            self.sides: list[int] = []  # of what each stage leaves of a window
            inside = 1
            for channels, kernel, stride in made.cubes:
                conv = nn.Conv3d(inside, channels, kernel, (stride, 1, 1), bias=made.bias)
                self.stages.append(_block(conv, nn.BatchNorm3d(channels) if made.norm else None))
                bands, inside = (bands - kernel[0]) // stride + 1, channels
                widths.append(channels * bands)
                self.sides.append((self.sides or [window])[-1] - kernel[1] + 1)
            flats = []
            for channels in made.flats:
                conv2d = nn.Conv2d(widths[-1], channels, 3, bias=made.bias)
                flats.append(_block(conv2d, nn.BatchNorm2d(channels) if made.norm else None))
                widths.append(channels)
                self.sides.append(self.sides[-1] - 2)
            self.flat, self.more = flats[0], nn.ModuleList(flats[1:])  # saved models know the first by its name
            rest = self.sides[-1]
            self.head = nn.Sequential(*(
                [nn.AvgPool2d(rest, stride=1), nn.Conv2d(widths[-1], 128, 1)] if made.pooled else
                [nn.Conv2d(widths[-1], 256, rest), nn.ReLU(), nn.Dropout(0.4), nn.Conv2d(256, 128, 1)]
            ), nn.ReLU())  # fmt: skip
            self.dropout = nn.Dropout(0.4)
            self.classify = nn.Conv2d(128, classes, 1)
            self.exits = nn.ModuleList(
                Exit(width, left, look, classes, hidden=64, dim=made.hint)
                for width, left, look in zip(widths, self.sides, made.looks or self.sides)
            ) if exits else nn.ModuleList()  # fmt: skip

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col); LiDAR is not looked at."""
        maps = list(self.stage_maps(hsi))
        embedding = self.head(maps[-1])
        pairs = [leave(features) for leave, features in zip(self.exits, maps)]
        logits = self.classify(self.dropout(embedding))
        return Output(logits, embedding, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs if p[1] is not None))

    @property
    def blocks(self) -> list[nn.Module]:
        """The stages in their order: 3-D, then 2-D."""
        return [*self.stages, self.flat, *self.more]

    def stage_maps(self, hsi: Tensor) -> Iterator[Tensor]:
        """Feature maps (batch, channel * band, row, col) after each stage, made one by one as they are asked for."""
        x = hsi[:, None]  # (batch, 1, band, row, col)
        for depth in range(1, len(self.blocks) + 1):
            x = self.step(x, depth)
            yield flattened(x)

    def step(self, x: Tensor, depth: int) -> Tensor:
        """Stage `depth` (from 1) of what the stage before gave: (batch, channel, band, row, col), the last flat."""
        return self.blocks[depth - 1](x if depth <= len(self.stages) else flattened(x))

    def answer(self, hsi: Tensor, depth: int | None = None) -> Tensor:
        """Class scores (batch, class, row, col) of exit `depth` (from 1), or of the end; no more is computed."""
        for k, features in enumerate(self.stage_maps(hsi), 1):
            if k == depth and k <= len(self.exits):
                return self.leave(features, k)
        return self.finish(features)

    def leave(self, stage_map: Tensor, depth: int) -> Tensor:
        """Class scores of exit `depth` from the flat map of its stage."""
        leave: Any = self.exits[depth - 1]
        return leave.classify(self.pooled(stage_map, depth))

    def finish(self, stage_map: Tensor) -> Tensor:
        """Final class scores from the last stage's map."""
        return self.classify(self.dropout(self.head(stage_map)))

    def pooled(self, stage_map: Tensor, depth: int) -> Tensor:
        """Means of a stage's map (depth from 1): what an exit there looks at, all that is left where none can be."""
        left = self.sides[depth - 1]
        look = (*VARIANTS[self.variant].looks, *self.sides[len(VARIANTS[self.variant].looks) :])[depth - 1]
        return tile_means(inner(stage_map, (left - look) // 2), look)


def _least(made: Variant) -> tuple[int, int]:
    """Fewest bands and smallest window that the kernels of a variant take."""
    bands = 1
    for _, kernel, stride in reversed(made.cubes):
        bands = (bands - 1) * stride + kernel[0]
    lost = np.cumsum([kernel[1] - 1 for _, kernel, _ in made.cubes] + [2 for _ in made.flats])  # pixels of the side
    return bands, max(int(lost[-1]) + 1, *(int(n) + look for n, look in zip(lost, made.looks)), 1)


def _block(conv: nn.Module, norm: nn.Module | None) -> nn.Sequential:
    return nn.Sequential(conv, *([] if norm is None else [norm]), nn.ReLU())


def inner(x: Tensor, margin: int) -> Tensor:
    """A map (.., row, col) without `margin` pixels on each side."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin] if margin else x


def tile_means(x: Tensor, side: int) -> Tensor:
    """Means over `side` x `side` pixels at every place, along rows and then along columns: 2 k additions, not k^2."""
    x = x.contiguous(memory_format=torch.channels_last)
    return F.avg_pool2d(F.avg_pool2d(x, (side, 1), stride=1), (1, side), stride=1)


def flattened(x: Tensor) -> Tensor:
    """(batch, channel, band, row, col) to (batch, channel * band, row, col); flat maps stay."""
    return x.flatten(1, 2) if x.dim() == 5 else x


def exit_names(network: SDHSINet) -> list[str]:
    """Names of the exits, shallow to deep, the final output last."""
    return [f"exit {k + 1}" for k in range(len(network.exits))] + ["final"]
