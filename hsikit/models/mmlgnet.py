"""MMLGNet: HSI and LiDAR encoders in the space of the class prompts (arXiv 2601.08420).

Known from the paper: one simple CNN per sensor, a fusion module, a frozen text encoder, prediction by
similarity to the prompts. Assumed: widths, depth, pooling and fusion, as written here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsikit.models.output import Output, check_window, recorded, seeded

FUSIONS = ("concat", "gated", "sum")
SENSORS = ("both", "hsi", "lidar")


class SensorEncoder(nn.Module):
    """1x1 reduction, valid 3x3 convolutions, then a mean over what is left of the window (assumed).

    Takes (batch, channel, row, col), gives (batch, width, row - window + 1, col - window + 1). Nothing depends on
    where a window was cut, so a pass over the whole scene equals a pass over its windows.
    """

    def __init__(self, channels: int, width: int, window: int, depth: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        check_window(window, 1)
        depth = min(depth, (window - 1) // 2)
        layers = [nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Dropout2d(dropout)] if dropout else []
            layers += [nn.Conv2d(width, width, 3), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.pool = window - 2 * depth

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.layers(x), self.pool, stride=1)


class TwoSensorTrunk(nn.Module):
    """One encoder a sensor and their fusion: (batch, out_channels, row, col).

    Args:
        sensors: "both", or "hsi" or "lidar" for a specialist of one sensor.
        fusion: "concat" (the paper's, as assumed; LiDAR gets half the width), "gated" (a learned share of each
            sensor for each channel) or "sum".
        sensor_dropout: Share of training windows that lose one of their sensors, either one equally often; a
            trunk trained so answers with a sensor missing.

    Attributes:
        absent: Sensor whose features are set to zero, "hsi" or "lidar", or None.
    """

    def __init__(self, hsi_bands: int, lidar_channels: int, window: int, width: int, depth: int = 3,
                 dropout: float = 0.0, fusion: str = "concat", sensors: str = "both",
                 sensor_dropout: float = 0.0) -> None:  # fmt: skip
        super().__init__()
        self.fusion, self.sensor_dropout, self.absent = fusion, sensor_dropout, None
        with_hsi, with_lidar = sensors != "lidar", bool(lidar_channels)
        self.thin = thin = width // 2 if fusion == "concat" else width
        self.hsi = SensorEncoder(hsi_bands, width, window, depth, dropout) if with_hsi else None
        self.lidar = SensorEncoder(lidar_channels, thin, window, depth, dropout) if with_lidar else None
        self.out_channels = width * with_hsi + thin * with_lidar if fusion == "concat" else width
        if fusion == "gated" and with_hsi and with_lidar:
            self.gate = nn.Conv2d(2 * width, width, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None) -> Tensor:
        if self.lidar is None:
            assert self.hsi is not None  # a trunk has one sensor at least
            return self.hsi(hsi)
        if lidar is None and not self.sensor_dropout:
            raise ValueError("this network takes LiDAR, but the batch has none; build it with lidar_channels=0, or "
                             "with sensor_dropout, for scenes without LiDAR")  # fmt: skip
        if self.hsi is None:
            return self.lidar(lidar)
        spectral = self.hsi(hsi)  # (batch, width, row, col)
        missing = spectral.new_zeros(len(spectral), self.thin, *spectral.shape[2:])
        parts = self._lost(spectral, missing if lidar is None else self.lidar(lidar))
        if self.fusion == "concat":
            return torch.cat(parts, 1)
        if self.fusion == "sum":
            return parts[0] + parts[1]
        share = self.gate(torch.cat(parts, 1)).sigmoid()
        return share * parts[0] + (1 - share) * parts[1]

    def _lost(self, hsi: Tensor, lidar: Tensor) -> tuple[Tensor, Tensor]:
        """Both sensors' features, those of a missing sensor set to zero."""
        if self.absent is not None:
            return hsi * (self.absent != "hsi"), lidar * (self.absent != "lidar")
        if not (self.training and self.sensor_dropout):
            return hsi, lidar
        draw = torch.rand(len(hsi), 1, 1, 1, device=hsi.device)
        half = self.sensor_dropout / 2
        return hsi * (draw >= half), lidar * (draw < 1 - half)


def _checked(lidar_channels: int, fusion: str, sensors: str, sensor_dropout: float) -> int:
    """LiDAR channels that the trunk takes, once its options make sense together."""
    if fusion not in FUSIONS:
        raise ValueError(f"fusion {fusion!r} is unknown; choose one of {', '.join(FUSIONS)}")
    if sensors not in SENSORS:
        raise ValueError(f"sensors={sensors!r} is unknown; choose one of {', '.join(SENSORS)}")
    if sensors == "lidar" and not lidar_channels:
        raise ValueError("sensors='lidar' needs LiDAR, the scene or the options give 0 channels; use sensors='hsi'")
    if sensor_dropout and (sensors != "both" or not lidar_channels):
        raise ValueError(f"sensor_dropout={sensor_dropout} needs both sensors; set it to 0 for one sensor alone")
    return 0 if sensors == "hsi" else lidar_channels


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
        depth, dropout: 3x3 convolutions an encoder has, and the share of channels dropped before each (assumed).
        fusion, sensors, sensor_dropout: As `TwoSensorTrunk` takes them.
        seed: Decides the first weights.

    Raises:
        ValueError: For an unknown fusion or sensor, or LiDAR asked for where there is none.

    Example:
        >>> import torch
        >>> network = hsikit.MMLGNet(hsi_bands=8, lidar_channels=1, text_dim=16, window=11)
        >>> network.read_text(hsikit.random_vectors(["meadow", "maize"], 16, seed=0).vectors)
        >>> tuple(network(torch.zeros(2, 8, 11, 11), torch.zeros(2, 1, 11, 11)).logits.shape)
        (2, 2, 1, 1)
    """

    dense = True
    own_loss = "SymmetricContrastive"  # of hsikit.losses

    def __init__(self, hsi_bands: int, lidar_channels: int = 1, text_dim: int = 384, window: int = 11,
                 width: int = 64, prototypes: bool = False, depth: int = 3, dropout: float = 0.0,
                 fusion: str = "concat", sensors: str = "both", sensor_dropout: float = 0.0,
                 seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        lidar_channels = _checked(lidar_channels, fusion, sensors, sensor_dropout)
        self.bands, self.lidar_channels, self.window, self.text_dim = (
            hsi_bands,
            lidar_channels,
            window,
            text_dim,
        )
        self.prototypes, self.seed = prototypes, seed
        with seeded(seed):
            self.trunk = TwoSensorTrunk(hsi_bands, lidar_channels, window, width, depth, dropout, fusion, sensors,
                                        sensor_dropout)  # fmt: skip
            self.project = nn.Conv2d(self.trunk.out_channels, text_dim, 1)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.text: Tensor | nn.Parameter
        self.register_buffer("text", torch.empty(0, text_dim))

    def read_text(self, vectors: np.ndarray) -> None:
        """Set the class vectors (class, text_dim), unit length. With `prototypes`, only their number is used."""
        hold_text(self, vectors)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col) and (batch, channel, row, col); give similarities and unit embeddings."""
        embedding = F.normalize(self.project(self.trunk(hsi, lidar)), dim=1)
        scale = self.log_scale.exp().clamp(max=100.0)
        text = F.normalize(self.text, dim=1)
        return Output(scale * torch.einsum("bdhw,cd->bchw", embedding, text), embedding)


def hold_text(network: Any, vectors: np.ndarray) -> None:
    """Make class vectors (class, text_dim) a network's `text`; with `prototypes`, as many to learn, by its seed.

    Raises:
        ValueError: For vectors of another length.
    """
    if vectors.ndim != 2 or vectors.shape[1] != network.text_dim:
        raise ValueError(f"text vectors are {vectors.shape}, expected (classes, {network.text_dim}); set text_dim")
    text = torch.tensor(np.array(vectors, np.float32), device=network.text.device)
    if network.prototypes:
        with seeded(network.seed):
            text = nn.Parameter(F.normalize(torch.randn(text.shape), dim=1).to(text.device))
        del network.text  # a buffer, which no parameter may replace
    network.text = text


@recorded
class TrunkClassifier(nn.Module):
    """The trunk of MMLGNet with a plain linear head (`trunk_ce`): what language has to beat.

    Example:
        >>> import torch
        >>> network = hsikit.TrunkClassifier(hsi_bands=8, lidar_channels=1, classes=6, window=11)
        >>> tuple(network(torch.zeros(2, 8, 11, 11), torch.zeros(2, 1, 11, 11)).logits.shape)
        (2, 6, 1, 1)
    """

    dense = True

    def __init__(self, hsi_bands: int, lidar_channels: int, classes: int, window: int = 11, width: int = 64,
                 depth: int = 3, dropout: float = 0.0, fusion: str = "concat", sensors: str = "both",
                 sensor_dropout: float = 0.0, seed: int = 0) -> None:  # fmt: skip
        super().__init__()
        lidar_channels = _checked(lidar_channels, fusion, sensors, sensor_dropout)
        self.bands, self.lidar_channels, self.window = hsi_bands, lidar_channels, window
        with seeded(seed):  # same seed, same trunk as MMLGNet
            self.trunk = TwoSensorTrunk(hsi_bands, lidar_channels, window, width, depth, dropout, fusion, sensors,
                                        sensor_dropout)  # fmt: skip
            self.head = nn.Conv2d(self.trunk.out_channels, classes, 1)

    def forward(self, hsi: Tensor, lidar: Tensor | None = None) -> Output:
        """Take (batch, band, row, col) and (batch, channel, row, col); give scores of classes."""
        embedding = self.trunk(hsi, lidar)
        return Output(self.head(embedding), embedding)
