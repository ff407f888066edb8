"""SDHSI-Net written with 2-D convolutions alone: the same answers, several times sooner over a whole scene.

A 3-D convolution that slides over bands is a 2-D convolution over (channel, band) pairs whose weights repeat along
the bands, with zeros where the kernel does not reach. That multiplies more, but a CPU's 2-D convolution over one large
image does so some ten times faster than its 3-D one. Batch norms are folded into the weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from hsikit.models.sdhsi import KERNELS, SDHSINet


class Unrolled(SDHSINet):
    """A trained SDHSI-Net for mapping; not to be trained. Exits and head are the network's own, shared.

    Args:
        network: In evaluation mode, its weights final: later changes to its stages do not reach this copy.
    """

    def __init__(self, network: SDHSINet) -> None:
        nn.Module.__init__(self)
        self.bands, self.window, self.variant = network.bands, network.window, network.variant
        bands, layers = network.bands, []
        for block in network.stages:
            layers.append(_unrolled(block, bands))
            bands -= KERNELS[len(layers) - 1][0] - 1
        self.stages = nn.ModuleList([*layers, _conv_relu(*_weights(network.flat))])
        self.exits, self.head = network.exits, network.head
        self.dropout, self.classify = network.dropout, network.classify
        self.eval()

    def stage_maps(self, hsi: Tensor) -> Iterator[Tensor]:
        """Feature maps after each stage, as the network's own."""
        x = hsi.contiguous(memory_format=torch.channels_last)  # (batch, band, row, col)
        for stage in self.stages:
            x = stage(x)
            yield x


def _unrolled(block: Any, bands: int) -> nn.Sequential:
    """Conv3d (and batch norm) and ReLU over so many bands, as Conv2d and ReLU."""
    weight, bias = _weights(block)  # (out, in, k, 3, 3), (out,)
    out, inside, reach = weight.shape[:3]
    left = bands - reach + 1
    wide = weight.new_zeros(out, left, inside, bands, *weight.shape[3:])
    for band in range(left):
        wide[:, band, :, band : band + reach] = weight
    # (out, left, in, band, 3, 3) -> (out * left, in * band, 3, 3)
    return _conv_relu(wide.flatten(0, 1).flatten(1, 2), bias.repeat_interleave(left))


def _conv_relu(weight: Tensor, bias: Tensor) -> nn.Sequential:
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    conv.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
    conv.bias = nn.Parameter(bias)
    return nn.Sequential(conv, nn.ReLU(inplace=True))


@torch.no_grad()
def _weights(block: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias of a block's convolution, with its batch norm's running statistics folded in."""
    conv: Any = block[0]
    weight, bias = conv.weight.detach().clone(), conv.bias.detach().clone()
    norm: Any = block[1]
    if not isinstance(norm, nn.ReLU):  # a batch norm
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight *= scale.view(-1, *[1] * (weight.dim() - 1))
        bias = (bias - norm.running_mean) * scale + norm.bias
    return weight, bias
