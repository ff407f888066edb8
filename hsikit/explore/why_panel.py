"""`Why`: click a pixel, see what the answer rests on."""

from __future__ import annotations

from typing import Any

from hsikit.explore.panel import Panel, View
from hsikit.explore.why import Reasons


class Why(Reasons, Panel):
    """A map and the reasons for its answers: `Reasons` with pictures and controls."""

    size_in = (10.6, 6.6)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Panel.__init__(self)
        Reasons.__init__(self, *args, **kwargs)

    def request(self, row: int, col: int) -> None:
        """`pick` beside the other controls; a later pick overtakes this one."""
        self.say(f"Asking about ({row}, {col}) …")
        self._later("pick", lambda _: self.explain(row, col), self.take)

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.why_view import WhyView

        self.observe(lambda _: self._show(), "revision")
        return WhyView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.pieces import button, place_boxes, row_of

        self.row, self.col = place_boxes(self.scene.shape)
        ask = button(self, "Ask", "Explain this pixel", lambda: self.request(self.row.value, self.col.value))
        return [row_of(self.row, self.col, ask), None]

    def _connect(self) -> None:
        from hsikit.explore.redraw import Gestures

        click = self._guard(lambda x, y: self.request(round(y), round(x)))
        self.gestures = Gestures(self._view.map, self._view.redraw, click)

    def _sync(self) -> None:
        if self.now is not None:
            self.row.value, self.col.value = self.now.row, self.now.col
