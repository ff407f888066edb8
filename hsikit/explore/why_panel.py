"""`Why`: click a pixel, see what the answer rests on."""

from __future__ import annotations

from typing import Any

from hsikit.explore import why_marks
from hsikit.explore.marks import Chart
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import help_of, place_box, row_of, walks
from hsikit.explore.why import Reasons

HELP = (
    "<b>Map</b>: a click asks about that pixel. The wheel zooms, a drag moves, a double click shows all and picks "
    "nothing; arrow keys move the picked pixel, + and − zoom, Home shows all. Undo brings the pixel before back.",
    "<b>Numbers</b> 1 to 5 mark the known pixels that the network finds most alike, a window or more away.",
    "<b>Without</b>: what the probability of the answer loses when a part of the input is set to the training mean.",
)


class Why(Reasons, Panel):
    """A map and the reasons for its answers: `Reasons` with pictures and controls."""

    def request(self, row: int, col: int) -> None:
        """`pick` beside the other controls; a later pick overtakes this one."""
        self.say(f"Asking about ({row}, {col}) …")
        self._later("pick", lambda _: self.explain(row, col), self.take)

    def _charts(self) -> dict[str, Chart]:
        return why_marks.charts(self, self._kept)

    def _acts(self) -> Acts:
        return self._map_acts(("map",), lambda row, col, _: self.request(row, col))

    def _controls(self) -> list[Any]:
        self.go_to = place_box(self, self.request)
        asked, words = help_of(HELP)
        return [row_of(self.go_to, *walks(self), asked), words, None]
