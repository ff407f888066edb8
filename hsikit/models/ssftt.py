"""SSFTT: convolutions, a few weighted tokens, one transformer block (Sun et al., TGRS 2022, 10.1109/TGRS.2022.3144158).

The sizes are the published ones; details that its text leaves open are assumed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hsikit.models.output import Output, recorded, seeded

WIDTH, TOKENS, HEADS, HIDDEN, DROPOUT = 64, 4, 4, 8, 0.1


class Tokenizer(nn.Module):
    """Pixels (batch, pixel, 64) to a few tokens (batch, token, 64): weighted means of their projections."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(WIDTH, TOKENS, bias=False)
        self.project = nn.Linear(WIDTH, WIDTH, bias=False)
        nn.init.xavier_normal_(self.weigh.weight)  # the Gaussian weights of the paper
        nn.init.xavier_normal_(self.project.weight)

    def forward(self, pixels: Tensor) -> Tensor:
        share = self.weigh(pixels).softmax(1)  # over pixels
        return share.transpose(1, 2) @ self.project(pixels)


@recorded
class SSFTT(nn.Module):
    """SSFTT: 8 3-D filters, 64 2-D filters, 4 tokens and a class token, one transformer block of 4 heads.

    Published at window 13 with 30 components. Attention looks at a whole window, so a map is made window by window.

    Args:
        bands: Principal components taken, at least 3.
        classes: Classes of the scene.
        window: Side of the window in pixels, odd, at least 5.
        seed: Decides the first weights.

    Raises:
        ValueError: When bands or window are too small for the kernels.
    """

    dense = False
    lidar_channels = 0

    def __init__(self, bands: int = 30, classes: int = 16, window: int = 13, seed: int = 0) -> None:
        super().__init__()
        if bands < 3 or window < 5 or window % 2 == 0:
            raise ValueError(f"bands={bands}, window={window}: need at least 3 bands and an odd window from 5")
        self.bands, self.window = bands, window
        with seeded(seed):
            self.spectral = nn.Sequential(nn.Conv3d(1, 8, 3), nn.BatchNorm3d(8), nn.ReLU())
            self.spatial = nn.Sequential(nn.Conv2d(8 * (bands - 2), WIDTH, 3), nn.BatchNorm2d(WIDTH), nn.ReLU())
            self.tokens = Tokenizer()
            self.answer = nn.Parameter(torch.zeros(1, 1, WIDTH))
            self.places = nn.Parameter(0.02 * torch.randn(1, TOKENS + 1, WIDTH))
            self.block = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, DROPOUT, "gelu", batch_first=True,
                                                    norm_first=True)  # fmt: skip
            self.classify = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        maps = self.spatial(self.spectral(hsi[:, None]).flatten(1, 2))  # (batch, 64, row, col)
        tokens = self.tokens(maps.flatten(2).transpose(1, 2))
        tokens = torch.cat([self.answer.expand(len(tokens), -1, -1), tokens], 1) + self.places
        embedding = self.block(tokens)[:, 0, :, None, None]  # (batch, 64, 1, 1)
        return Output(self.classify(embedding), embedding)
