"""MMLGNet: HSI and LiDAR encoders in the space of the class prompts (arXiv 2601.08420).

Known from the paper: one simple CNN per sensor, a fusion module, a frozen text encoder, prediction by
similarity to the prompts. Assumed: widths, depth, pooling and fusion, as written here.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output, recorded, seeded


class SensorEncoder(nn.Module):
    """1x1 reduction, valid 3x3 convolutions, then a mean over what is left of the window (assumed).

    Takes (batch, channel, row, col), gives (batch, width, row - window + 1, col - window + 1). Nothing depends on
    where a window was cut, so a pass over the whole scene equals a pass over its windows.
    """

    def __init__(self, channels: int, width: int, window: int, depth: int = 3) -> None:
        super().__init__()
        depth = min(depth, (window - 1) // 2)
        layers = [nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Conv2d(width, width, 3), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.pool = window - 2 * depth

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.layers(x), self.pool, stride=1)


class TwoSensorTrunk(nn.Module):
    """Both encoders and their concatenation: (batch, 2 width or width, row, col)."""

    def __init__(self, hsi_bands: int, lidar_channels: int, window: int, width: int) -> None:
        super().__init__()
        self.hsi = SensorEncoder(hsi_bands, width, window)
        self.lidar = SensorEncoder(lidar_channels, width // 2, window) if lidar_channels else None
        self.out_channels = width + (width // 2 if lidar_channels else 0)

    def forward(self, hsi: Tensor, lidar: Tensor | None) -> Tensor:
        parts = [self.hsi(hsi)]
        if self.lidar is not None:
            if lidar is None:
                raise ValueError("this network takes LiDAR, but the batch has none; build it with lidar_channels=0")
            parts.append(self.lidar(lidar))
        return torch.cat(parts, 1)


@recorded
class MMLGNet(nn.Module):
    """Windows and class prompts in one space; a class scores by the similarity of its prompt.

    Args:
        hsi_bands: Bands taken; fewer than the scene's asks `fit` for a PCA.
        lidar_channels: LiDAR channels taken, 1 in the paper, 0 for none.
        text_dim: Width of the text vectors: 384 for MiniLM, 512 for CLIP ViT-B.
        window: Side of the window in pixels, odd; 11 is assumed.
        width: Channels of the HSI encoder (assumed).
        prototypes: True learns the class vectors instead of reading text, for the ablation.
        seed: Decides the first weights.
    """

    dense = True

    def __init__(self, hsi_bands: int, lidar_channels: int = 1, text_dim: int = 384, window: int = 11,
                 width: int = 64, prototypes: bool = False, seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        self.bands, self.lidar_channels, self.window, self.text_dim = (
            hsi_bands,
            lidar_channels,
            window,
            text_dim,
        )
        self.prototypes, self.seed = prototypes, seed
        with seeded(seed):
            self.trunk = TwoSensorTrunk(hsi_bands, lidar_channels, window, width)
            self.project = nn.Conv2d(self.trunk.out_channels, text_dim, 1)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.text: Tensor | nn.Parameter
        self.register_buffer("text", torch.empty(0, text_dim))

    def read_text(self, vectors: np.ndarray) -> None:
        """Set the class vectors (class, text_dim), unit length. With `prototypes`, only their number is used."""
        if vectors.ndim != 2 or vectors.shape[1] != self.text_dim:
            raise ValueError(f"text vectors are {vectors.shape}, expected (classes, {self.text_dim}); set text_dim")
        text = torch.tensor(np.array(vectors, np.float32), device=self.log_scale.device)
        if self.prototypes:
            with seeded(self.seed):
                start = F.normalize(torch.randn(text.shape), dim=1).to(text.device)
            del self.text
            self.text = nn.Parameter(start)
        else:
            self.text = text

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col) and (batch, channel, row, col); give similarities and unit embeddings."""
        embedding = F.normalize(self.project(self.trunk(hsi, lidar)), dim=1)
        scale = self.log_scale.exp().clamp(max=100.0)
        text = F.normalize(self.text, dim=1)
        return Output(scale * torch.einsum("bdhw,cd->bchw", embedding, text), embedding)


@recorded
class TrunkClassifier(nn.Module):
    """The trunk of MMLGNet with a plain linear head (`trunk_ce`): what language has to beat."""

    dense = True

    def __init__(self, hsi_bands: int, lidar_channels: int, classes: int, window: int = 11, width: int = 64,
                 seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        self.bands, self.lidar_channels, self.window = hsi_bands, lidar_channels, window
        with seeded(seed):  # same seed, same trunk as MMLGNet
            self.trunk = TwoSensorTrunk(hsi_bands, lidar_channels, window, width)
            self.head = nn.Conv2d(self.trunk.out_channels, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        embedding = self.trunk(hsi, lidar)
        return Output(self.head(embedding), embedding)
