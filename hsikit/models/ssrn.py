"""SSRN: residual blocks along the spectrum, then in space (Zhong et al., TGRS 2018, doi 10.1109/TGRS.2017.2755542)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output, check_window, recorded, seeded

WIDTH, SPECTRAL = 24, 128  # channels of all blocks, and of the map that the spectrum ends in


class Residual(nn.Module):
    """Two convolutions that keep the size, and what came in beside them."""

    def __init__(self, *pair: nn.Module) -> None:
        super().__init__()
        self.first, self.norm, self.second, self.last = pair

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.last(self.second(F.relu(self.norm(self.first(x))))))


@recorded
class SSRN(nn.Module):
    """SSRN as published: stride 2 over the bands, two spectral blocks, two spatial blocks, a mean, a linear head.

    Published at window 7 with all bands. Spatial blocks pad with zeros inside the window, so a map is made window by
    window.

    Args:
        bands: Bands taken, in the order of wavelength; at least 8.
        classes: Classes of the scene.
        window: Side of the window in pixels, odd, at least 3.
        seed: Decides the first weights.

    Raises:
        ValueError: For fewer than 8 bands.
    """

    dense = False
    lidar_channels = 0

    def __init__(self, bands: int = 200, classes: int = 16, window: int = 7, seed: int = 0) -> None:
        super().__init__()
        check_window(window, 3)
        if bands < 8:
            raise ValueError(f"bands={bands}: the first kernel spans 7 of them and moves by 2; need at least 8")
        self.bands, self.window = bands, window
        left = (bands - 7) // 2 + 1
        with seeded(seed):
            self.first = nn.Sequential(nn.Conv3d(1, WIDTH, (7, 1, 1), (2, 1, 1)), nn.BatchNorm3d(WIDTH), nn.ReLU())
            self.spectral = nn.Sequential(_spectral_block(), _spectral_block())
            self.collapse = nn.Sequential(nn.Conv3d(WIDTH, SPECTRAL, (left, 1, 1)), nn.BatchNorm3d(SPECTRAL), nn.ReLU())
            self.spatial = nn.Sequential(nn.Conv2d(SPECTRAL, WIDTH, 3), nn.BatchNorm2d(WIDTH), nn.ReLU(),
                                         _spatial_block(), _spatial_block())  # fmt: skip
            self.classify = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        x = self.spectral(self.first(hsi[:, None]))  # (batch, 24, band, row, col)
        x = self.spatial(self.collapse(x).squeeze(2))  # (batch, 24, row - 2, col - 2)
        embedding = F.avg_pool2d(x, self.window - 2, stride=1)
        return Output(self.classify(embedding), embedding)


def _spectral_block() -> Residual:
    conv = lambda: nn.Conv3d(WIDTH, WIDTH, (7, 1, 1), padding=(3, 0, 0))  # noqa: E731
    return Residual(conv(), nn.BatchNorm3d(WIDTH), conv(), nn.BatchNorm3d(WIDTH))


def _spatial_block() -> Residual:
    conv = lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1)  # noqa: E731
    return Residual(conv(), nn.BatchNorm2d(WIDTH), conv(), nn.BatchNorm2d(WIDTH))
