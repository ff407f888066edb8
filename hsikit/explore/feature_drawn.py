"""What the views of `FeatureSpaceExplorer` draw: colours of the points, the map, the places of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from hsikit.explore.feature_inputs import PARTS
from hsikit.features import project
from hsikit.figures.style import PALETTE, WRONG

if TYPE_CHECKING:
    from hsikit.explore.feature_space import FeatureSpaceExplorer

STEPS = 10  # of confidence, each with a colour of its own
PART_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[3], "#bbbbbb")
UNKNOWN = "#bbbbbb"


def categories(explorer: FeatureSpaceExplorer) -> tuple[np.ndarray, list[str], list[str]]:
    """Category (n,) of every point under the present colouring, and the categories' names and colours."""
    names = [explorer.class_name(c) for c in range(explorer.scene.n_classes + 1)]
    colours = [UNKNOWN, *explorer.scene.colors]
    if explorer.color_by == "prediction" and explorer.prediction is not None:
        return explorer.prediction, names, colours
    if explorer.color_by == "correctness" and explorer.prediction is not None:
        state = np.where(explorer.labels == 0, 0, np.where(explorer.labels == explorer.prediction, 1, 2))
        return state, ["unlabelled", "right", "wrong"], ["#f0f0f0", PALETTE[0], WRONG]
    if explorer.color_by == "confidence" and explorer.confidence is not None:
        step = np.minimum((explorer.confidence * STEPS).astype(int), STEPS - 1)
        names = [f"{k / STEPS:.1f} to {(k + 1) / STEPS:.1f}" for k in range(STEPS)]
        return step, names, [to_hex(colormaps["cividis"](k / (STEPS - 1))) for k in range(STEPS)]
    if explorer.color_by == "split":
        return explorer.parts, list(PARTS), list(PART_COLOURS)
    return explorer.labels, names, colours


def picture(explorer: FeatureSpaceExplorer) -> np.ndarray:
    """The map (row, col, 3) in 0..1: the scene in pale grey, lit (or all shown) points in colour."""
    category, _, colours = categories(explorer)
    which = explorer.lit if explorer.lit.any() else explorer.visible
    rows, cols = explorer.rowcol[which].T
    found = explorer.backdrop.copy()
    found[rows, cols] = np.array([to_rgb(c) for c in colours])[category[which]]
    return found


def star_places(explorer: FeatureSpaceExplorer, beside: bool = False) -> dict[str, np.ndarray]:
    """Name -> place (2,) of the words in a picture, where they have the space's dimension."""
    space = explorer.beside if beside and explorer.beside else explorer.space
    dim = explorer.spaces[space].shape[1]
    fitting = {n: v / max(float(np.linalg.norm(v)), 1e-12) for n, v in explorer.words.items() if v.size == dim}
    if not fitting:
        return {}
    placed = project(explorer.pictures.one(space, explorer.settings()), np.stack(list(fitting.values())))
    return dict(zip(fitting, placed))
