"""MMLGNet with a pixel branch beside the context branch, at one scale or several whose scores are summed.

Ours on the paper's idea (arXiv 2601.08420): one simple CNN a sensor, fusion, frozen text and similarity are the
paper's; the branch for the pixel itself, the dropping of channels, and several windows beside each other are not. At
`scales` (11,) it is the closest reading of the paper here, with the pixel branch added; at (1,) it sees one pixel.

Scales are trained apart: each has its own loss on its own scores, its own temperature and its own clipping of
gradients, so that one run equals a run for each scale but for the draws of dropped channels. The sum of scores gives
the class of the summed log-softmax, which differs from it by one number for each pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.mmlgnet import hold_text
from hsikit.models.output import Output, check_window, recorded, seeded

CONTEXT = 3  # 3x3 convolutions of a context branch at most


class Branches(nn.Module):
    """One sensor at one scale: a branch for the centre and, above a window of 1, a branch for what lies around it.

    Takes (batch, channel, row, col), gives (batch, out_channels, row - window + 1, col - window + 1).
    """

    def __init__(self, channels: int, width: int, window: int) -> None:
        super().__init__()
        self.margin, depth, half_width = window // 2, min(CONTEXT, window // 2), width // 2
        self.pixel = nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        layers: list[nn.Module] = [nn.Conv2d(channels, half_width, 1, bias=False)]  # a norm would take a bias away
        for _ in range(depth):
            layers += [nn.Conv2d(half_width, half_width, 3, bias=False), nn.BatchNorm2d(half_width), nn.ReLU()]
        self.context = nn.Sequential(*layers) if depth else None
        self.pool, self.out_channels = window - 2 * depth, width + (half_width if depth else 0)

    def forward(self, x: Tensor) -> Tensor:
        centre = self.pixel(crop(x, self.margin))
        return centre if self.context is None else torch.cat([centre, self._around(x)], 1)

    def _around(self, x: Tensor) -> Tensor:
        assert self.context is not None
        return F.avg_pool2d(self.context(x), self.pool, stride=1)


def crop(x: Tensor, margin: int) -> Tensor:
    """The middle of maps (batch, channel, row, col), a margin of pixels cut off all around."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]


class Scale(nn.Module):
    """Both sensors at one scale, and a linear head: (batch, out, row, col) from windows of `window` pixels."""

    def __init__(self, hsi_bands: int, lidar_channels: int, window: int, width: int, drop: float, out: int) -> None:
        super().__init__()
        self.lidar_channels, self.drop = lidar_channels, drop
        self.hsi = Branches(hsi_bands, width, window)
        self.lidar = Branches(lidar_channels, width // 2, window) if lidar_channels else None
        wide = self.hsi.out_channels + (self.lidar.out_channels if self.lidar else 0)
        self.head = nn.Conv2d(wide, out, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the head gives, and what it is given."""
        parts = [self.hsi(F.dropout2d(hsi, self.drop, self.training))]  # whole channels, for each window anew
        if self.lidar is not None:
            if lidar is None:
                raise ValueError("this network takes LiDAR, but the batch has none; build it with lidar_channels=0")
            parts.append(self.lidar(F.dropout2d(lidar[:, : self.lidar_channels], self.drop, self.training)))
        joined = torch.cat(parts, 1)
        return self.head(joined), joined


def _scales(hsi_bands: int, lidar_channels: int, scales: Sequence[int], lidar_each: Sequence[int] | None, width: int,
            channel_dropout: float, out: int, seed: int) -> nn.ModuleList:  # fmt: skip
    """A `Scale` for each window, with the first weights that it would have alone."""
    if not scales or len(set(scales)) < len(scales):
        raise ValueError(f"scales={list(scales)}: expected different odd windows in pixels, such as [1, 3, 11]")
    each = [lidar_channels] * len(scales) if lidar_each is None else [min(n, lidar_channels) for n in lidar_each]
    if len(each) != len(scales):
        raise ValueError(f"lidar_each={lidar_each} for the scales {list(scales)}; give a number for each of them")
    made = []
    for window, channels in zip(scales, each):
        check_window(window, 1)
        with seeded(seed):
            made.append(Scale(hsi_bands, channels, window, width, channel_dropout, out))
    return nn.ModuleList(made)


class _Scales(nn.Module):
    """What both networks share: windows cut to each scale."""

    dense = True
    bands: int
    window: int

    def __init__(self, hsi_bands: int, lidar_channels: int, scales: Sequence[int], made: nn.ModuleList) -> None:
        super().__init__()
        self.bands, self.lidar_channels, self.window = hsi_bands, lidar_channels, max(scales)
        self.windows, self.parts = tuple(scales), made

    @property
    def scales_apart(self) -> list[nn.Module]:
        """The modules whose gradients are clipped one by one."""
        return list(self.parts)

    def _each(self, hsi: Tensor, lidar: Tensor | None) -> list[tuple[Tensor, Tensor]]:
        margins = [(self.window - window) // 2 for window in self.windows]
        return [part(crop(hsi, margin), None if lidar is None else crop(lidar, margin))
                for part, margin in zip(self.parts, margins)]  # fmt: skip

    def _answer(self, scores: list[Tensor], embedding: Tensor) -> Output:
        several = tuple(scores) if len(scores) > 1 else ()
        return Output(torch.stack(scores).sum(0), embedding, scales=several)


@recorded
class MMLGNetScales(_Scales):
    """Windows and class prompts in one space, at each scale by itself; the scores of all scales are summed.

    Args:
        hsi_bands: Channels of the cube.
        lidar_channels: LiDAR channels, 0 for none.
        text_dim: Width of the text vectors.
        scales: Windows in pixels, odd.
        lidar_each: How many LiDAR channels, the first ones, each scale reads; None for all.
        width: Of a pixel branch of the cube; half as many for its context and for LiDAR.
        channel_dropout: Share of input channels left out, for each window and sensor anew.
        prototypes: True learns the class vectors instead of reading text, for the ablation.
        seed: Decides the first weights.

    Raises:
        ValueError: For scales that are even or appear twice.

    Example:
        >>> import torch
        >>> network = hsikit.MMLGNetScales(hsi_bands=8, lidar_channels=2, text_dim=16, scales=(1, 3, 11))
        >>> network.read_text(hsikit.random_vectors(["meadow", "maize"], 16, seed=0).vectors)
        >>> tuple(network(torch.zeros(2, 8, 11, 11), torch.zeros(2, 2, 11, 11)).logits.shape)
        (2, 2, 1, 1)
    """

    own_loss = "SymmetricContrastive"  # of hsikit.losses

    def __init__(self, hsi_bands: int, lidar_channels: int = 0, text_dim: int = 384,
                 scales: Sequence[int] = (1, 3, 11), lidar_each: Sequence[int] | None = None, width: int = 48,
                 channel_dropout: float = 0.1, prototypes: bool = False, seed: int = 0) -> None:  # fmt: skip
        made = _scales(hsi_bands, lidar_channels, scales, lidar_each, width, channel_dropout, text_dim, seed)
        for part in made:
            part.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        super().__init__(hsi_bands, lidar_channels, scales, made)
        self.text_dim, self.prototypes, self.seed = text_dim, prototypes, seed
        self.text: Tensor | nn.Parameter
        self.register_buffer("text", torch.empty(0, text_dim))

    @property
    def scales_apart(self) -> list[nn.Module]:
        """As above; learned class vectors tie the scales together."""
        return [self] if self.prototypes else list(self.parts)

    @property
    def log_scale(self) -> Tensor:
        """Mean of the scales' logarithms of the similarity scale."""
        return torch.stack([part.log_scale for part in self.parts]).mean()  # type: ignore[misc]

    def read_text(self, vectors: np.ndarray) -> None:
        """Set the class vectors (class, text_dim), unit length. With `prototypes`, only their number is used."""
        hold_text(self, vectors)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col) and (batch, channel, row, col); give similarities and unit embeddings."""
        text = F.normalize(self.text, dim=1)
        embeddings = [F.normalize(made, dim=1) for made, _ in self._each(hsi, lidar)]
        scores = [part.log_scale.exp().clamp(max=100.0) * torch.einsum("bdhw,cd->bchw", e, text)  # type: ignore[union-attr, operator]
                  for part, e in zip(self.parts, embeddings)]  # fmt: skip
        return self._answer(scores, F.normalize(torch.stack(embeddings).sum(0), dim=1))


@recorded
class TrunkScales(_Scales):
    """The same trunk with a plain linear head at each scale: what words have to beat.

    Example:
        >>> import torch
        >>> network = hsikit.TrunkScales(hsi_bands=8, lidar_channels=2, classes=6, scales=(1, 3))
        >>> tuple(network(torch.zeros(2, 8, 3, 3), torch.zeros(2, 2, 3, 3)).logits.shape)
        (2, 6, 1, 1)
    """

    def __init__(self, hsi_bands: int, lidar_channels: int, classes: int, scales: Sequence[int] = (1, 3, 11),
                 lidar_each: Sequence[int] | None = None, width: int = 48, channel_dropout: float = 0.1,
                 seed: int = 0) -> None:  # fmt: skip
        made = _scales(hsi_bands, lidar_channels, scales, lidar_each, width, channel_dropout, classes, seed)
        super().__init__(hsi_bands, lidar_channels, scales, made)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col) and (batch, channel, row, col); give scores of classes."""
        each = self._each(hsi, lidar)
        return self._answer([scores for scores, _ in each], torch.cat([joined for _, joined in each], 1))
