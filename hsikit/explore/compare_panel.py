"""`CompareMaps`: two maps side by side with their difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsikit.explore import compare_marks
from hsikit.explore.compare_maps import ComparedMaps
from hsikit.explore.marks import Chart
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import hand, help_of, menu, place_box, row_of, walks

MAPS = ("a", "b", "kinds")
HELP = (
    "<b>Maps</b>: a click says what both answer there and outlines the field; with <i>lasso</i> or <i>box</i> a "
    "drag counts what lies inside. The wheel zooms all three, a drag moves, a double click shows all and picks "
    "nothing; arrow keys move the picked pixel, + and − zoom, Home shows all.",
    "<b>Legend</b>: a click shows one class alone, another click all of them; with Ctrl a class comes or goes.",
    "<b>Fields</b>: a click on a point lights its field.",
)


class CompareMaps(ComparedMaps, Panel):
    """Two maps and their difference: `ComparedMaps` with pictures and controls."""

    def _charts(self) -> dict[str, Chart]:
        return compare_marks.charts(self, self._kept)

    def _acts(self) -> Acts:
        acts = self._map_acts(MAPS, lambda row, col, _: self.pick(row, col))
        acts |= {(name, "outline"): lambda m: self.select_outline(np.array(m["points"], float)) for name in MAPS}
        acts["a", "class"] = lambda m: self.toggle(int(m["class_id"]), bool(m["ctrl"]))
        acts["fields", "click"] = lambda m: int(m["index"]) >= 0 and self.pick_field(int(m["index"]))
        return acts

    def _controls(self) -> list[Any]:
        names = [("all classes", 0), *((name, c) for c, name in enumerate(self.scene.class_names, 1))]
        self.chooser = self._on(menu("class", names, 260), lambda c: self.show_classes({c} if c else None))
        self.tool = hand(self)
        self.go_to = place_box(self, self.pick)
        asked, words = help_of(HELP)
        return [row_of(self.tool, self.chooser, self.go_to, *walks(self), asked), words, None]

    def _sync(self) -> None:
        self.chooser.value = next(iter(self.classes_shown)) if len(self.classes_shown) == 1 else 0
