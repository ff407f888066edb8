"""SDHSI-Net: a 3-D CNN with exits that learn from its own final answer (arXiv 2601.07416).

Known from the paper: 3-D CNN, several exits, soft targets from within the network. Assumed: the HybridSN-like
trunk, the place and shape of the exits, and both variants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output, recorded, seeded

KERNELS = ((7, 3, 3), (5, 3, 3), (3, 3, 3))  # band, row, col of the three 3-D convolutions
CHANNELS = (8, 16, 32)


class Exit(nn.Module):
    """Mean over the rest of the window, then a small MLP to class scores, and a projection for the hint."""

    def __init__(self, channels: int, pool: int, classes: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.pool = pool
        self.classify = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, classes, 1))
        self.project = nn.Conv2d(channels, dim, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled = F.avg_pool2d(x, self.pool, stride=1)
        return self.classify(pooled), self.project(pooled)


@recorded
class SDHSINet(nn.Module):
    """3-D convolutions over bands and space, a 2-D convolution, a head, and an exit after every stage.

    Args:
        bands: Principal components taken (30 assumed); at least 13.
        classes: Classes of the scene.
        window: Side of the window in pixels, odd, at least 9.
        variant: "light" (batch norm, pooled head; made for CPUs) or "paper" (flattened head as HybridSN; window 25).
        exits: False leaves the exits out (cross-entropy on the final output alone).
        seed: Decides the first weights; the trunk's do not depend on `exits`.

    Raises:
        ValueError: For an unknown variant, or bands or window too small for the kernels.

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
                 exits: bool = True, seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        if variant not in ("light", "paper"):
            raise ValueError(f"variant {variant!r} is unknown; choose 'light' or 'paper'")
        if bands < 13 or window < 9 or window % 2 == 0:
            raise ValueError(f"bands={bands}, window={window}: need at least 13 bands and an odd window from 9")
        self.bands, self.window, self.variant = bands, window, variant
        light = variant == "light"
        with seeded(seed):
            self.stages = nn.ModuleList()
            widths, inside = [], 1
            for kernel, channels in zip(KERNELS, CHANNELS):
                self.stages.append(_block3d(inside, channels, kernel, norm=light))
                bands, inside = bands - kernel[0] + 1, channels
                widths.append(channels * bands)
            self.flat = _block2d(widths[-1], 64, norm=light)
            rest = window - 8  # four valid 3x3 kernels
            self.head = nn.Sequential(*(
                [nn.AvgPool2d(rest, stride=1), nn.Conv2d(64, 128, 1)] if light else
                [nn.Conv2d(64, 256, rest), nn.ReLU(), nn.Dropout(0.4), nn.Conv2d(256, 128, 1)]
            ), nn.ReLU())  # fmt: skip
            self.dropout = nn.Dropout(0.4)
            self.classify = nn.Conv2d(128, classes, 1)
            self.exits = nn.ModuleList(
                Exit(width, pool, classes, hidden=64, dim=128)
                for width, pool in zip([*widths, 64], range(window - 2, 0, -2))
            ) if exits else nn.ModuleList()  # fmt: skip

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col); LiDAR is not looked at."""
        maps = list(self.stage_maps(hsi))
        embedding = self.head(maps[-1])
        pairs = [leave(features) for leave, features in zip(self.exits, maps)]
        logits = self.classify(self.dropout(embedding))
        return Output(logits, embedding, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))

    def stage_maps(self, hsi: Tensor) -> Iterator[Tensor]:
        """Feature maps (batch, channel * band, row, col) after each stage, made one by one as they are asked for."""
        x = hsi[:, None]  # (batch, 1, band, row, col)
        for depth in range(1, len(self.stages) + 2):
            x = self.step(x, depth)
            yield flattened(x)

    def step(self, x: Tensor, depth: int) -> Tensor:
        """Stage `depth` (from 1) of what the stage before gave: (batch, channel, band, row, col), the last flat."""
        return self.stages[depth - 1](x) if depth <= len(self.stages) else self.flat(flattened(x))

    def answer(self, hsi: Tensor, depth: int | None = None) -> Tensor:
        """Class scores (batch, class, row, col) of exit `depth` (from 1), or of the end; no more is computed."""
        for k, features in enumerate(self.stage_maps(hsi), 1):
            if k == depth:
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
        """Means of a stage's map over what is left of each window: what exit `depth` (from 1) looks at."""
        return tile_means(stage_map, self.window - 2 * depth)


def _block3d(inside: int, channels: int, kernel: tuple[int, int, int], norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv3d(inside, channels, kernel)]
    if norm:
        layers.append(nn.BatchNorm3d(channels))
    return nn.Sequential(*layers, nn.ReLU())


def _block2d(inside: int, channels: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inside, channels, 3)]
    if norm:
        layers.append(nn.BatchNorm2d(channels))
    return nn.Sequential(*layers, nn.ReLU())


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
