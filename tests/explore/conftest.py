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


class Hand:
    """Speaks to the charts of an explorer as their scripts do, and reads what the browser got."""

    def __init__(self, explorer) -> None:
        explorer.widget()
        self.view = explorer._view

    def send(self, chart: str, kind: str, **content) -> None:
        data = {"method": "custom", "content": {"kind": kind, **content}}
        self.view[chart]._handle_msg({"content": {"data": data}, "buffers": []})

    def click(self, chart: str, x: float, y: float, ctrl: bool = False) -> None:
        self.send(chart, "click", x=x, y=y, ctrl=ctrl, index=-1)

    def draw(self, chart: str, points, brush: bool = False) -> None:
        """A drag: an outline, or a stroke that is told in two parts."""
        if not brush:
            self.send(chart, "outline", points=points)
            return
        self.send(chart, "brush", points=points[:2], first=True, done=False)
        self.send(chart, "brush", points=points[1:], first=False, done=True)

    def colours(self, chart: str) -> np.ndarray:
        """What the browser shows of a map (row, col, 3) in 0..255: picture and layers."""
        part = self.view[chart]
        shape = part.head["rows"], part.head["cols"]
        found = np.frombuffer(part.picture, np.uint8).reshape(*shape, 3).astype(float)
        for layer, palette, opacity in zip(part.layers, part.palettes, part.opacities):
            values = np.frombuffer(layer, np.uint8).reshape(shape)
            table = np.array([(0, 0, 0), *(tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in palette)], float)
            share = opacity * (values > 0)[..., None]
            found = (1 - share) * found + share * table[np.where(values < len(table), values, 0)]
        return found


@pytest.fixture
def hand():
    return Hand
