"""What each exit of SDHSI-Net costs: parameters and multiply-accumulates, counted from its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from hsikit.models.sdhsi import SDHSINet

if TYPE_CHECKING:
    import pandas as pd


def exit_costs(network: SDHSINet) -> pd.DataFrame:
    """Parameters and multiply-accumulates needed to answer at each exit, the final output last.

    Only what an answer needs is counted: the stages up to the exit and its classifier, neither the other exits nor
    the hint's projections. Multiply-accumulates are those of convolutions; norms, pooling and activations are not.

    Returns:
        A row an exit: exit (from 1), name, parameters, macs (a pixel of a dense pass), macs_window (a single
        window), macs_own (the exit's classifier alone, part of both).
    """
    import pandas as pd

    bands, side, dense, window, parameters = network.bands, network.window, 0, 0, 0
    rows = []
    for depth in range(1, len(network.stages) + 2):
        block: Any = network.stages[depth - 1] if depth <= len(network.stages) else network.flat
        conv, side = block[0], side - 2
        bands = bands - conv.kernel_size[0] + 1 if conv.weight.dim() == 5 else 1
        dense += conv.weight.numel() * bands
        window += conv.weight.numel() * bands * side**2
        parameters += _parameters(block)
        if len(network.exits):
            classify: Any = network.exits[depth - 1].classify
            rows.append((f"exit {depth}", parameters, dense, window, classify))
    rows.append(("final", parameters, dense, window, nn.ModuleList([network.head, network.classify])))
    table = pd.DataFrame(
        [(name, trunk + _parameters(own), strip + _macs(own), cut + _macs(own), _macs(own))
         for name, trunk, strip, cut, own in rows],
        columns=["name", "parameters", "macs", "macs_window", "macs_own"],
    )  # fmt: skip
    table.insert(0, "exit", range(1, len(table) + 1))
    return table


def leaving_costs(costs: pd.DataFrame) -> np.ndarray:
    """Multiply-accumulates (exit,) of a window that leaves at an exit, having asked all shallower exits."""
    asked = costs["macs_own"].cumsum().shift(fill_value=0)
    return (costs["macs_window"] + asked).to_numpy()


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _macs(module: nn.Module) -> int:
    """Of convolutions that give a single position."""
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, nn.Conv2d))
