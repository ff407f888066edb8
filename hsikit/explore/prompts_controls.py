"""The controls of a `PromptExplorer`. Each one calls a method of the explorer; `sync` follows its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from hsikit.explore.pieces import button, place_boxes, row_of
from hsikit.explore.prompts import LAYERS
from hsikit.explore.redraw import Gestures

if TYPE_CHECKING:
    from hsikit.explore.prompts_panel import PromptExplorer
    from hsikit.explore.prompts_view import PromptsView


class PromptsControls:
    """Rows of labelled widgets around the picture."""

    def __init__(self, explorer: PromptExplorer) -> None:
        self.explorer = explorer
        on = explorer._on
        wide = {"width": "460px", "height": "72px"}
        self.text = w.Textarea(description="sentences", placeholder="one a line, - before a negative one", layout=wide)
        self.ask = button(explorer, "Ask", "Map these sentences", lambda: explorer.request(self.text.value))
        self.sentence = on(w.Dropdown(options=[("none yet", -1)], description="draw", layout={"width": "330px"}),
                           self._draw)  # fmt: skip
        self.layer = on(w.Dropdown(options=LAYERS, description="second map", layout={"width": "230px"}),
                        lambda v: explorer.show(layer=v))  # fmt: skip
        names = list(explorer.text.class_names)
        self.name = w.Dropdown(options=names, description="class", layout={"width": "260px"})
        explorer._on(self.name, lambda _: self._follow_class())
        self.words = w.Textarea(description="its prompt", placeholder="one sentence a line", layout=wide)
        self.change = button(explorer, "Change", "Map with this prompt; nothing is trained", self._edit)
        self.reset = button(explorer, "Reset", "Back to the prompts of the training", explorer.reset_classes)
        self.row, self.col = place_boxes(explorer.scene.shape)
        self.pick = button(explorer, "Pick", "Rank the class prompts at this pixel", self._pick)
        self._followed: Any = None

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the picture."""
        return [
            row_of(self.text, self.ask, self.sentence, self.layer),
            None,
            row_of(self.words, self.name, self.change, self.reset),
            row_of(self.row, self.col, self.pick),
        ]

    def connect(self, view: PromptsView) -> None:
        """A click on either map ranks the class prompts at that pixel."""
        click = self.explorer._guard(lambda x, y: self.explorer.pick(round(y), round(x)))
        self.gestures = [Gestures(axes, view.redraw, click) for axes in (view.map, view.second)]

    def sync(self) -> None:
        """Set the controls to the explorer's state."""
        explorer = self.explorer
        entries = [(f"{i + 1} {s[:40]}", i) for i, s in enumerate(explorer.sentences)] or [("none yet", -1)]
        if tuple(entries) != tuple(self.sentence.options):
            self.sentence.options = entries
        self.sentence.value = explorer.shown if explorer.sentences else -1
        self.layer.value = explorer.layer
        if self._followed is not explorer.text:
            self._followed = explorer.text
            self._follow_class()

    def _draw(self, place: int | None) -> None:
        if place is not None and place >= 0:
            self.explorer.show(sentence=place)

    def _follow_class(self) -> None:
        place = list(self.explorer.text.class_names).index(self.name.value)
        self.words.value = "\n".join(self.explorer.class_words[place])

    def _edit(self) -> None:
        self.explorer.edit_class(self.name.value, self.words.value)

    def _pick(self) -> None:
        self.explorer.pick(self.row.value, self.col.value)
