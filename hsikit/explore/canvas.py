"""An ipympl canvas that sends whole frames.

ipympl sends what differs from the frame before. A browser that gets two frames while it decodes the first drops one of
them, and what is drawn from differences stays wrong until the next whole frame. Whole frames cannot go stale; packed
quickly, they take about as long.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from ipympl.backend_nbagg import Canvas, FigureManager
from matplotlib.figure import Figure
from PIL import Image

from hsikit.explore.redraw import PlainFigure

RUNS = 3  # zlib's run-length strategy: a fifth faster than its own choice on such pictures


class WholeFrames(Canvas):
    """A canvas whose every message is a whole picture, drawn by one thread at a time.

    Attributes:
        lock: Held while drawing. JupyterLab hands a widget's messages to a thread of their own, beside the cells.
    """

    def __init__(self, figure: Figure, lock: Any) -> None:
        self.lock = lock
        super().__init__(figure)

    def draw(self) -> None:
        """Draw all of it and send it."""
        with self.lock:
            super().draw()

    def get_diff_image(self) -> bytes | None:
        """The picture as PNG, or None where it was sent already; the name is matplotlib's."""
        if not self._png_is_old:  # type: ignore[has-type]
            return None
        pixels = np.asarray(self.get_renderer().buffer_rgba())  # (row, col, 4)
        self.set_image_mode("full")
        self._png_is_old = self._force_full = False
        self._last_buff = pixels.view(np.uint32).squeeze(2).copy()
        packed = io.BytesIO()
        Image.fromarray(pixels).convert("RGB").save(packed, "png", compress_level=1, compress_type=RUNS)
        return packed.getvalue()


def new_canvas(size_in: tuple[float, float], lock: Any) -> Any:
    """A canvas with a figure of that size in inches, independent of pyplot and of the chosen backend."""
    figure = PlainFigure(figsize=size_in, dpi=100)
    canvas = WholeFrames(figure, lock)
    FigureManager(canvas, 0)
    canvas.syncing_data_url = False  # the panel leaves a PNG of its own
    canvas.header_visible = False
    canvas.resizable = False
    canvas.toolbar_position = "bottom"
    canvas.toolbar_visible = "visible"
    canvas.add_class("hsikit-canvas")
    return canvas
