"""Networks to compare with: a 2-D CNN, a 3-D CNN, and HybridSN (Roy et al., GRSL 2020)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output, check_window, recorded, seeded


@recorded
class CNN2D(nn.Module):
    """Three valid 3x3 convolutions over principal components, a mean over the rest, a linear head (assumed).

    Example:
        >>> import torch
        >>> tuple(hsikit.CNN2D(bands=8, classes=6, window=7)(torch.zeros(2, 8, 7, 7)).logits.shape)
        (2, 6, 1, 1)
    """

    dense = True
    lidar_channels = 0

    def __init__(self, bands: int = 30, classes: int = 16, window: int = 11, seed: int = 0) -> None:
        super().__init__()
        check_window(window, 7)
        self.bands, self.window = bands, window
        with seeded(seed):
            self.layers = nn.Sequential(
                *_conv_bn(nn.Conv2d(bands, 64, 3), 64), *_conv_bn(nn.Conv2d(64, 64, 3), 64),
                *_conv_bn(nn.Conv2d(64, 128, 3), 128),
            )  # fmt: skip
            self.classify = nn.Conv2d(128, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col), give scores of classes; LiDAR is not looked at."""
        embedding = F.avg_pool2d(self.layers(hsi), self.window - 6, stride=1)
        return Output(self.classify(embedding), embedding)


@recorded
class CNN3D(nn.Module):
    """Two valid 3-D convolutions, strided over the spectrum, a mean over the rest, a linear head (assumed).

    Example:
        >>> import torch
        >>> tuple(hsikit.CNN3D(bands=15, classes=6, window=7)(torch.zeros(2, 15, 7, 7)).logits.shape)
        (2, 6, 1, 1)
    """

    dense = True
    lidar_channels = 0

    def __init__(self, bands: int = 30, classes: int = 16, window: int = 11, seed: int = 0) -> None:
        super().__init__()
        check_window(window, 5)
        if bands < 15:
            raise ValueError(f"bands={bands}: the two strided kernels need at least 15")
        self.bands, self.window = bands, window
        with seeded(seed):
            self.first = nn.Sequential(nn.Conv3d(1, 16, (7, 3, 3), stride=(2, 1, 1)), nn.BatchNorm3d(16), nn.ReLU())
            self.second = nn.Sequential(nn.Conv3d(16, 32, (5, 3, 3), stride=(2, 1, 1)), nn.BatchNorm3d(32), nn.ReLU())
            left = (((bands - 7) // 2 + 1) - 5) // 2 + 1
            self.classify = nn.Conv2d(32 * left, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col), give scores of classes; LiDAR is not looked at."""
        maps = self.second(self.first(hsi[:, None])).flatten(1, 2)  # (batch, channel * band, row, col)
        embedding = F.avg_pool2d(maps, self.window - 4, stride=1)
        return Output(self.classify(embedding), embedding)


@recorded
class HybridSN(nn.Module):
    """HybridSN: 8, 16, 32 3-D filters, 64 2-D filters, 256 and 128 units, dropout 0.4 (doi 10.1109/LGRS.2019.2918719).

    The first fully connected layer is written as a convolution over the whole remaining window, which is the
    same arithmetic and lets a scene be mapped in one pass. Published at window 25 with 30 components.

    Example:
        >>> import torch
        >>> tuple(hsikit.HybridSN(bands=15, classes=6, window=11)(torch.zeros(2, 15, 11, 11)).logits.shape)
        (2, 6, 1, 1)
    """

    dense = True
    lidar_channels = 0

    def __init__(self, bands: int = 30, classes: int = 16, window: int = 25, seed: int = 0) -> None:
        super().__init__()
        check_window(window, 9)
        if bands < 13:
            raise ValueError(f"bands={bands}: the three kernels need at least 13")
        self.bands, self.window = bands, window
        with seeded(seed):
            self.spectral = nn.Sequential(
                nn.Conv3d(1, 8, (7, 3, 3)), nn.ReLU(), nn.Conv3d(8, 16, (5, 3, 3)), nn.ReLU(),
                nn.Conv3d(16, 32, (3, 3, 3)), nn.ReLU(),
            )  # fmt: skip
            self.spatial = nn.Sequential(nn.Conv2d(32 * (bands - 12), 64, 3), nn.ReLU())
            self.head = nn.Sequential(
                nn.Conv2d(64, 256, window - 8), nn.ReLU(), nn.Dropout(0.4),
                nn.Conv2d(256, 128, 1), nn.ReLU(), nn.Dropout(0.4),
            )  # fmt: skip
            self.classify = nn.Conv2d(128, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col), give scores of classes; LiDAR is not looked at."""
        maps = self.spectral(hsi[:, None]).flatten(1, 2)  # (batch, channel * band, row, col)
        embedding = self.head(self.spatial(maps))
        return Output(self.classify(embedding), embedding)


def _conv_bn(conv: nn.Module, channels: int) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(channels), nn.ReLU()
