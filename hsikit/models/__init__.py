"""The networks. `make` builds one by the name of its method; `describe` and `build` take one to JSON and back."""

from __future__ import annotations

import importlib
from typing import Any

from torch import nn

from hsikit.models.mmlgnet import MMLGNet, TrunkClassifier
from hsikit.models.networks import CNN2D, CNN3D, HybridSN
from hsikit.models.output import Output, count_parameters, recorded, seeded
from hsikit.models.sdhsi import SDHSINet, exit_names
from hsikit.models.spectralformer import SpectralFormer
from hsikit.models.ssftt import SSFTT
from hsikit.models.ssrn import SSRN

BASELINES = {"cnn2d": CNN2D, "cnn3d": CNN3D, "hybridsn": HybridSN, "ssrn": SSRN, "ssftt": SSFTT,
             "spectralformer": SpectralFormer}  # fmt: skip
NETWORKS = ("mmlgnet", "trunk_ce", "sdhsi", "sdhsi_ce", *BASELINES)


def make(method: str, bands: int, lidar_channels: int, classes: int, seed: int, options: dict[str, Any]) -> nn.Module:
    """Build the network of a method for a scene of so many bands, LiDAR channels and classes.

    `method` is one of `NETWORKS`, or the dotted path of a user's own module class, which is called with `bands`,
    `lidar_channels`, `classes`, `seed` and the options.
    """
    options = dict(options)
    wanted = options.pop("bands", 30)  # None: all, for networks that read the spectrum in its order
    components = bands if wanted is None else min(wanted, bands)
    if method == "mmlgnet":
        lidar = min(options.pop("lidar_channels", 1), lidar_channels)
        return MMLGNet(bands, lidar, seed=seed, **options)
    if method == "trunk_ce":
        lidar = min(options.pop("lidar_channels", 1), lidar_channels)
        return TrunkClassifier(bands, lidar, classes, seed=seed, **options)
    if method in ("sdhsi", "sdhsi_ce"):
        return SDHSINet(components, classes, seed=seed, exits=method == "sdhsi", **options)
    if method in BASELINES:
        return BASELINES[method](components, classes, seed=seed, **options)
    with seeded(seed):  # the same first weights whatever was drawn before, also where the module does not mind its seed
        network = _class_at(method)(bands=bands, lidar_channels=lidar_channels, classes=classes, seed=seed, **options)
    network.built_with = {
        "bands": bands,
        "lidar_channels": lidar_channels,
        "classes": classes,
        "seed": seed,
    } | options
    return network


def describe(network: nn.Module) -> dict[str, Any]:
    """Where a network's class is found and what it was built with, as plain JSON values."""
    cls = type(network)
    if not hasattr(network, "built_with"):
        raise ValueError(f"{cls.__name__} does not keep its arguments; put @hsikit.models.recorded above the class")
    return {"class": f"{cls.__module__}.{cls.__qualname__}", "arguments": network.built_with}


def build(description: dict[str, Any]) -> nn.Module:
    """The network that `describe` told of, with fresh weights."""
    network = _class_at(description["class"])(**description["arguments"])
    network.built_with = dict(description["arguments"])
    return network


def _class_at(path: str) -> type:
    module, _, name = path.rpartition(".")
    if not module:
        raise ValueError(f"method {path!r} is neither one of {', '.join(NETWORKS)} nor a dotted path to a class")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"cannot import {path!r}: {error}") from None


__all__ = ["BASELINES", "CNN2D", "CNN3D", "NETWORKS", "SSFTT", "SSRN", "HybridSN", "MMLGNet", "Output", "SDHSINet",
           "SpectralFormer", "TrunkClassifier", "build", "count_parameters", "describe", "exit_names", "make",
           "recorded"]  # fmt: skip
