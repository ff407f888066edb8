"""A network arranged for maps instead of windows: the same weights, the same answers to 1e-4.

What made a dense pass slow on a CPU, measured on SDHSI-Net's paper variant (window 25), and what is done about it:
means of 17 to 23 pixels a side before exits that nobody asked for (half of the time; left out, or taken along rows and
then along columns), a 17x17 convolution (a quarter; by Fourier transform), and 3-D convolutions: over a single channel
(as a 2-D one over all bands, five times as fast), and over a single small tile, for which PyTorch takes its slow kernel
(asking oneDNN for its own is nine times as fast). Batch norms are folded into the
convolutions before them (5 % of a map) and 2-D convolutions get their weights channels-last (25 % of MMLGNet's).
"""

from __future__ import annotations

import copy
import threading

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hsikit.models.sdhsi import Exit, SDHSINet, inner, tile_means

WIDE = 9  # from this side on a kernel is cheaper by Fourier transform


def for_maps(network: nn.Module, *, exits: bool = True, dense: bool = True) -> nn.Module:
    """A copy of a network in evaluation mode that gives the same map (to 1e-4), sooner.

    Args:
        exits: False leaves out the exits of SDHSI-Net, unless its answer is their mean.
        dense: Also replace layers by ones that are quick on whole tiles on a CPU; False for windows.
    """
    network = copy.deepcopy(network).eval()
    if isinstance(network, SDHSINet) and not exits and not network.answers_by_mean:
        network.exits = nn.ModuleList()
    if dense and all(weight.device.type == "cpu" for weight in network.parameters()):
        with torch.inference_mode(False), torch.no_grad():
            _replace(network)
    return network


def _replace(module: nn.Module) -> None:
    if isinstance(module, nn.Sequential):
        _fold_norms(module)
    for name, child in module.named_children():
        plain = isinstance(child, nn.Conv2d | nn.Conv3d) and _is_plain(child)
        if plain and isinstance(child, nn.Conv2d) and min(child.kernel_size) >= WIDE and set(child.stride) == {1}:
            setattr(module, name, FourierConv2d(child))
        elif plain and isinstance(child, nn.Conv3d) and child.in_channels == 1 and set(child.stride[1:]) == {1}:
            setattr(module, name, BandConv2d(child))
        elif plain and isinstance(child, nn.Conv3d) and torch.backends.mkldnn.is_available():
            setattr(module, name, OneDnnConv3d(child))
        elif isinstance(child, nn.Conv2d):
            child.weight.data = child.weight.contiguous(memory_format=torch.channels_last)
        elif isinstance(child, Exit):
            setattr(module, name, TileExit(child))
        else:
            _replace(child)


def _is_plain(conv: nn.Conv2d | nn.Conv3d) -> bool:
    """PyTorch's own layer, one group, neither dilated nor padded."""
    own = type(conv) in (nn.Conv2d, nn.Conv3d)
    padded = isinstance(conv.padding, str) or any(conv.padding)
    return own and conv.groups == 1 and set(conv.dilation) == {1} and not padded


def _fold_norms(layers: nn.Sequential) -> None:
    """Batch norms after convolutions become part of their weights."""
    for k, (conv, norm) in enumerate(zip(list(layers), list(layers)[1:])):
        flat = isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        if flat or (isinstance(conv, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d)):
            layers[k] = fuse_conv_bn_eval(conv, norm)  # type: ignore[type-var, arg-type]
            layers[k + 1] = nn.Identity()


class FourierConv2d(nn.Module):
    """A valid 2-D convolution with a wide kernel, tile by tile through the Fourier transform (overlap and save).

    A 17x17 kernel from 64 to 256 channels costs 60 times fewer multiplications so.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.kernel, self.bias, self.outside = conv.kernel_size, conv.bias, conv.out_channels
        self.side = next((side for side in (32, 48, 64, 96) if side >= 2.5 * max(self.kernel)), 4 * max(self.kernel))
        # Conjugates, as a convolution layer correlates.
        cols = torch.fft.rfft(conv.weight, self.side).permute(2, 3, 0, 1).conj()  # (row, col frequency, out, in)
        rows = torch.fft.fft(torch.eye(self.side, self.kernel[0]), dim=0).conj()  # (row frequency, row)
        spectrum = rows.resolve_conj() @ cols.resolve_conj().reshape(self.kernel[0], -1)
        self.spectrum = spectrum.view(-1, *conv.weight.shape[:2])  # (frequency, out, in)

    def forward(self, x: Tensor) -> Tensor:
        """Take (1, in, row, col), give (1, out, row - kernel + 1, col - kernel + 1)."""
        side, step = self.side, [self.side - k + 1 for k in self.kernel]
        size = [n - k + 1 for n, k in zip(x.shape[2:], self.kernel)]
        down, across = (-(-n // s) for n, s in zip(size, step))
        room = [(n - 1) * s + side - have for n, s, have in zip((down, across), step, x.shape[2:])]
        x = F.pad(x[0], (0, room[1], 0, room[0]))
        parts = x.unfold(1, side, step[0]).unfold(2, side, step[1])  # (in, down, across, side, side)
        waves = torch.fft.rfft2(parts).flatten(3).flatten(1, 2)  # (in, part, frequency)
        waves = torch.bmm(self.spectrum, waves.permute(2, 0, 1))  # (frequency, out, part)
        waves = waves.permute(1, 2, 0).view(self.outside, down, across, side, side // 2 + 1)
        parts = torch.fft.irfft2(waves, s=(side, side))[..., : step[0], : step[1]]
        # (out, down, across, row, col) -> (1, out, down * row, across * col)
        whole = parts.permute(0, 1, 3, 2, 4).reshape(1, self.outside, down * step[0], across * step[1])
        whole = whole[..., : size[0], : size[1]]
        return whole if self.bias is None else whole + self.bias[:, None, None]


class BandConv2d(nn.Module):
    """A 3-D convolution over one channel as a 2-D one over all bands, mostly zeros; quick because it is plain."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.weight, self.bias, self.stride = conv.weight, conv.bias, conv.stride[0]
        self.banded: dict[int, Tensor] = {}  # by number of bands
        self.lock = threading.Lock()

    def forward(self, x: Tensor) -> Tensor:
        """Take (batch, 1, band, row, col), give (batch, out, band, row, col)."""
        out, depth, bands = len(self.weight), self.weight.shape[2], x.shape[2]
        starts = range(0, bands - depth + 1, self.stride)
        with self.lock:
            if bands not in self.banded:
                wide = torch.zeros(out, len(starts), bands, *self.weight.shape[3:])
                for k, start in enumerate(starts):
                    wide[:, k, start : start + depth] = self.weight[:, 0]
                self.banded[bands] = wide.flatten(0, 1)  # (out * band, band, row, col)
        bias = None if self.bias is None else self.bias.repeat_interleave(len(starts))
        pixels = x[:, 0].contiguous(memory_format=torch.channels_last)
        return F.conv2d(pixels, self.banded[bands], bias).unflatten(1, (out, len(starts)))


class OneDnnConv3d(nn.Module):
    """A valid 3-D convolution by oneDNN whatever the size of its input."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.weight, self.bias, self.stride = conv.weight, conv.bias, list(conv.stride)

    def forward(self, x: Tensor) -> Tensor:
        """As the convolution does."""
        x = x.contiguous()
        return torch.mkldnn_convolution(x, self.weight, self.bias, [0] * 3, self.stride, [1] * 3, 1)


class TileExit(nn.Module):
    """An exit of SDHSI-Net that takes its means by `tile_means`."""

    def __init__(self, leave: Exit) -> None:
        super().__init__()
        self.look, self.margin, self.classify, self.project = leave.look, leave.margin, leave.classify, leave.project

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """As the exit does."""
        pooled = tile_means(inner(x, self.margin), self.look)
        return self.classify(pooled), None if self.project is None else self.project(pooled)
