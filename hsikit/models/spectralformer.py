"""SpectralFormer: a transformer along the spectrum (Hong et al., TGRS 2022, doi 10.1109/TGRS.2021.3130716).

The patch-wise form: a token is one band of a small window with its neighbours in the spectrum.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hsikit.models.output import Output, check_window, recorded, seeded

WIDTH, DEPTH, HEADS, HIDDEN, DROPOUT = 64, 5, 4, 8, 0.1


@recorded
class SpectralFormer(nn.Module):
    """SpectralFormer: groups of neighbouring bands as tokens, five blocks, each fused with the one two before it.

    Published at window 7 with all bands and groups of 3. Attention looks at a whole window, so a map is made window
    by window.

    Args:
        bands: Bands taken, in the order of wavelength.
        classes: Classes of the scene.
        window: Side of the window in pixels, odd.
        neighbours: Bands in a group, odd; at the ends the spectrum goes on around the other end, as published.
        seed: Decides the first weights.

    Raises:
        ValueError: When `neighbours` is even or exceeds the bands.
    """

    dense = False
    lidar_channels = 0

    def __init__(self, bands: int = 200, classes: int = 16, window: int = 7, neighbours: int = 3,
                 seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        check_window(window, 1)
        if neighbours % 2 == 0 or neighbours > bands:
            raise ValueError(f"neighbours={neighbours} of {bands} bands: need an odd number, at most the bands")
        self.bands, self.window, self.neighbours = bands, window, neighbours
        with seeded(seed):
            self.embed = nn.Linear(neighbours * window**2, WIDTH)
            self.answer = nn.Parameter(torch.randn(1, 1, WIDTH))
            self.places = nn.Parameter(torch.randn(1, bands + 1, WIDTH))
            self.blocks = nn.ModuleList(
                nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, DROPOUT, "gelu", batch_first=True, norm_first=True)
                for _ in range(DEPTH)
            )
            self.fuse = nn.ModuleList(nn.Conv2d(bands + 1, bands + 1, (1, 2)) for _ in range(DEPTH - 2))
            self.norm = nn.LayerNorm(WIDTH)
            self.classify = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        spectra = hsi.flatten(2)  # (batch, band, pixel)
        half = self.neighbours // 2
        groups = torch.cat([spectra.roll(shift, 1) for shift in range(half, -half - 1, -1)], 2)
        tokens = self.embed(groups)  # (batch, band, 64)
        tokens = torch.cat([self.answer.expand(len(tokens), -1, -1), tokens], 1) + self.places
        before: list[Tensor] = []
        for depth, block in enumerate(self.blocks):
            before.append(tokens)
            if depth > 1:
                pair = torch.stack([tokens, before[depth - 2]], 3)  # (batch, token, 64, 2)
                tokens = self.fuse[depth - 2](pair)[..., 0]
            tokens = block(tokens)
        embedding = self.norm(tokens[:, 0])[:, :, None, None]  # (batch, 64, 1, 1)
        return Output(self.classify(embedding), embedding)
