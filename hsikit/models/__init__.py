"""The networks; `describe` and `build` take one to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

from torch import nn

from hsikit._util import allowed, class_at
from hsikit._util.errors import InputError
from hsikit.models.mmlgnet import MMLGNet, TrunkClassifier
from hsikit.models.networks import CNN2D, CNN3D, HybridSN
from hsikit.models.output import Output, count_parameters, recorded
from hsikit.models.scales import MMLGNetScales, TrunkScales
from hsikit.models.sdhsi import SDHSINet, exit_names
from hsikit.models.spectralformer import SpectralFormer
from hsikit.models.ssftt import SSFTT
from hsikit.models.ssrn import SSRN

# What a file may name without anyone's word for it; see `build`.
NETWORKS = {f"{cls.__module__}.{cls.__qualname__}": cls for cls in (
    MMLGNet, TrunkClassifier, MMLGNetScales, TrunkScales, SDHSINet, CNN2D, CNN3D, HybridSN, SSRN, SSFTT,
    SpectralFormer)}  # fmt: skip


def describe(network: nn.Module) -> dict[str, Any]:
    """Where a network's class is found and what it was built with, as plain JSON values."""
    cls = type(network)
    if not hasattr(network, "built_with"):
        raise ValueError(f"{cls.__name__} does not keep its arguments; put @hsikit.models.recorded above the class")
    return {"class": f"{cls.__module__}.{cls.__qualname__}", "arguments": network.built_with}


def build(description: Mapping[str, Any], trust: Sequence[str] | None = ()) -> nn.Module:
    """The network that `describe` told of, with fresh weights; nothing is called that is no network.

    Args:
        trust: Modules or classes beside hsikit's own that may be imported; None: whatever is named.

    Raises:
        InputError: When the class is neither one of `NETWORKS` nor trusted, is no `nn.Module`, or its arguments are
            not plain numbers, texts and lists of them.
    """
    path, arguments = description["class"], description["arguments"]
    if not isinstance(arguments, Mapping) or not all(map(_plain, arguments.values())):
        raise InputError(f"the arguments of {short(path)} are no plain numbers, texts and lists of them")
    cls = NETWORKS.get(path) if isinstance(path, str) else None
    make: Any = cls or module_at(path, trust, "the description")
    network = make(**arguments)
    network.built_with = dict(arguments)
    return network


def module_at(path: object, trust: Sequence[str] | None, where: str) -> type[nn.Module]:
    """A network or loss class outside hsikit by its dotted path, imported if it is trusted, checked before any call.

    Raises:
        InputError: When it is not trusted, or no class derived from `nn.Module`.
    """
    cls = class_at(allowed(path, trust, where))
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise InputError(f"{where} names {short(path)}, no class derived from torch.nn.Module; it was not called")
    return cls


def _plain(value: Any) -> bool:
    return all(map(_plain, value)) if isinstance(value, list | tuple) else isinstance(value, int | float | str | None)


__all__ = ["CNN2D", "CNN3D", "NETWORKS", "SSFTT", "SSRN", "HybridSN", "MMLGNet", "MMLGNetScales", "Output",
           "SDHSINet", "SpectralFormer", "TrunkClassifier", "TrunkScales", "build", "count_parameters", "describe",
           "exit_names", "module_at", "recorded"]  # fmt: skip
