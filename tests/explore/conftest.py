"""A hand that speaks to charts as the browser does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="the interactive view needs anywidget")


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
