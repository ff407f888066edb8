"""A mouse that speaks to a canvas as the browser does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ipympl", reason="the interactive view needs ipympl")


class Mouse:
    """Sends canvas messages at data positions of an axes."""

    def __init__(self, axes) -> None:
        self.axes, self.canvas = axes, axes.figure.canvas
        self.canvas.syncing_data_url = False
        self.canvas.draw()

    def click(self, x: float, y: float) -> None:
        self._send("button_press", x, y, 1)
        self._send("button_release", x, y, 0)

    def drag(self, points) -> None:
        self._send("button_press", *points[0], 1)
        for x, y in points[1:]:
            self._send("motion_notify", x, y, 1)
        self._send("button_release", *points[-1], 0)

    def press_and_move(self, points) -> None:
        self._send("button_press", *points[0], 1)
        for x, y in points[1:]:
            self._send("motion_notify", x, y, 1)

    def pixels(self) -> np.ndarray:
        """What is on the canvas now."""
        return np.array(self.canvas.buffer_rgba())

    def _send(self, kind: str, x: float, y: float, buttons: int) -> None:
        left, up = self.axes.transData.transform((x, y))
        top = self.canvas.get_renderer().height - up
        event = {"type": kind, "x": left, "y": top, "button": 0, "buttons": buttons, "modifiers": []}
        self.canvas._handle_message(None, event, [])


@pytest.fixture
def mouse():
    return Mouse
