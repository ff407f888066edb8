"""Training windows made to vary: noise on every value, and LiDAR that does not know its own zero."""

from __future__ import annotations

import torch
from torch import Tensor


def jitter(
    hsi: Tensor, lidar: Tensor | None, noise: float = 0.0, lidar_offset: float = 0.0
) -> tuple[Tensor, Tensor | None]:
    """The windows with noise, drawn from torch's own random state, which training seeds for each epoch.

    With discriminants as bands (`hsikit.reduction`), whose spread within classes is 1, `noise` of 1 makes every class
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
