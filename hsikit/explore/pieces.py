"""Small pieces that several panels draw with: class colours over a picture, cut names, number boxes, rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb


def blend(base: np.ndarray, classes: np.ndarray, colors: Sequence[str], opacity: float = 1.0) -> np.ndarray:
    """A picture (row, col, 3) in 0..1 with class colours laid over it where classes (row, col) are above 0."""
    if not len(colors):
        return base
    table = np.array([to_rgb(c) for c in colors])
    share = opacity * (classes > 0)[..., None]
    return (1 - share) * base + share * table[np.clip(classes, 1, len(table)) - 1]


def short(text: str, most: int) -> str:
    """A text, cut with an ellipsis beyond `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def place_boxes(shape: tuple[int, int]) -> list[Any]:
    """Number boxes for a row and a column of a raster, to pick without a mouse."""
    import ipywidgets as w

    return [
        w.BoundedIntText(0, min=0, max=most - 1, description=name, layout={"width": "150px"})
        for name, most in zip(("row", "column"), shape)
    ]


def row_of(*children: Any) -> Any:
    """Widgets side by side, wrapping where the window is narrow."""
    import ipywidgets as w

    from hsikit.explore.panel import BOX

    return w.HBox(list(children), layout=BOX)
