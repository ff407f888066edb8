"""The networks; `describe` and `build` take one to JSON and back."""

from __future__ import annotations

from typing import Any

from torch import nn

from hsikit._util import class_at
from hsikit.models.mmlgnet import MMLGNet, TrunkClassifier
from hsikit.models.networks import CNN2D, CNN3D, HybridSN
from hsikit.models.output import Output, count_parameters, recorded
from hsikit.models.scales import MMLGNetScales, TrunkScales
from hsikit.models.sdhsi import SDHSINet, exit_names
from hsikit.models.spectralformer import SpectralFormer
from hsikit.models.ssftt import SSFTT
from hsikit.models.ssrn import SSRN


def describe(network: nn.Module) -> dict[str, Any]:
    """Where a network's class is found and what it was built with, as plain JSON values."""
    cls = type(network)
    if not hasattr(network, "built_with"):
        raise ValueError(f"{cls.__name__} does not keep its arguments; put @hsikit.models.recorded above the class")
    return {"class": f"{cls.__module__}.{cls.__qualname__}", "arguments": network.built_with}


def build(description: dict[str, Any]) -> nn.Module:
    """The network that `describe` told of, with fresh weights."""
    network = class_at(description["class"])(**description["arguments"])
    network.built_with = dict(description["arguments"])
    return network


__all__ = ["CNN2D", "CNN3D", "SSFTT", "SSRN", "HybridSN", "MMLGNet", "MMLGNetScales", "Output", "SDHSINet",
           "SpectralFormer", "TrunkClassifier", "TrunkScales", "build", "count_parameters", "describe", "exit_names",
           "recorded"]  # fmt: skip
