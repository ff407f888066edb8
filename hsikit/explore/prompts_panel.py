"""`PromptExplorer`: a question box over a map, with its controls."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as w

from hsikit.explore import prompts_marks
from hsikit.explore.marks import Chart, short
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import button, help_of, menu, opacity_of, pages_of, place_box, row_of, walks
from hsikit.explore.prompts import LAYERS, Questions, parse

HELP = (
    "<b>Ask</b>: one sentence a line, up to eight; with a - before it, a line is subtracted. Examples and earlier "
    "questions are asked by choosing them.",
    "<b>Maps</b>: a click ranks the class prompts of that pixel; the wheel zooms, a drag moves, a double click "
    "shows all and picks nothing; arrow keys move the picked pixel, + and − zoom, Home shows all.",
    "<b>z</b>: how far the best hundredth of pixels stands out from that of 50 sentences that speak of no land "
    "cover. <b>R²</b>: the share of the map that is a mixture of the class prompts' maps.",
)


class PromptExplorer(Questions, Panel):
    """A question box over a map: `Questions` with pictures and controls."""

    def request(self, text: str) -> None:
        """`set_text` beside the other controls; a later question overtakes this one."""
        sentences, negatives = parse(text)
        self.say(f"Asking {len(sentences)} sentence{'s' * (len(sentences) > 1)} …")
        self._later("ask", lambda _: self._ask(sentences, negatives), partial(self.take, sentences, negatives))

    def _charts(self) -> dict[str, Chart]:
        return prompts_marks.charts(self, self._kept)

    def _acts(self) -> Acts:
        return self._map_acts(("map", "classes"), lambda row, col, _: self.pick(row, col))

    def _controls(self) -> list[Any]:
        return self._governed_by(PromptsControls(self))


class PromptsControls:
    """Rows of labelled widgets around the pictures. Each calls a method of the explorer; `sync` follows its state."""

    def __init__(self, explorer: PromptExplorer) -> None:
        self.explorer = explorer
        on, press = explorer._on, partial(button, explorer)
        box = {"width": "290px", "height": "54px"}
        self.text = w.Textarea(description="sentences", placeholder="one a line, - before a negative one", layout=box)
        self.ask = press("Ask", "Map these sentences", lambda: explorer.request(self.text.value))
        self.sentence = on(menu("draw", [("none yet", -1)], 300), explorer.show)
        examples = [("choose …", ""), *((short(e, 60), e) for e in explorer.examples())]
        self.example = on(menu("examples", examples, 190), self._example)
        self.earlier = on(menu("earlier", [("choose …", -1)], 190), self._earlier)
        self.layer = on(menu("second map", LAYERS, 230), lambda v: explorer.show(layer=v))
        self.opacity = opacity_of(explorer)
        self.place = place_box(explorer, explorer.pick)
        self.undo, self.redo = walks(explorer)
        self.asked, self.help = help_of(HELP)
        names = list(explorer.text.class_names)
        self.name = on(menu("class", names, 240), lambda _: self._follow_class())
        self.words = w.Textarea(description="its prompt", placeholder="one sentence a line", layout=box)
        self.change = press("Change", "Map with this prompt; nothing is trained",
                            lambda: explorer.edit_class(self.name.value, self.words.value))  # fmt: skip
        self.reset = press("Reset", "Back to the prompts of the training", explorer.reset_classes)
        self.worth = w.HTML()
        self._followed: Any = None

    def rows(self) -> list[Any]:
        """Rows of the panel; None stands for the pictures."""
        pages = pages_of({
            "Show": row_of(self.sentence, self.layer, self.opacity, self.place),
            "Words of classes": row_of(self.words, self.name, self.change, self.reset),
            "Numbers": self.worth,
        })  # fmt: skip
        hand = row_of(self.text, self.ask, self.example, self.earlier, self.undo, self.redo, self.asked)
        return [hand, self.help, None, pages]

    def sync(self) -> None:
        """Set the controls to the explorer's state."""
        explorer = self.explorer
        entries = [(f"{i + 1} {s[:40]}", i) for i, s in enumerate(explorer.sentences)] or [("none yet", -1)]
        if tuple(entries) != tuple(self.sentence.options):
            self.sentence.options = entries
        self.sentence.value = explorer.shown if explorer.sentences else -1
        earlier = [("choose …", -1), *((short(a.words.replace("\n", " | "), 60), i)
                                       for i, a in enumerate(explorer.history))]  # fmt: skip
        if tuple(earlier) != tuple(self.earlier.options):
            self.earlier.options = earlier
        self.example.value, self.earlier.value = "", -1  # each choice is a question of its own
        self.layer.value, self.worth.value = explorer.layer, prompts_marks.worth_table(explorer)
        if self._followed is not explorer.text:
            self._followed = explorer.text
            self._follow_class()

    def _example(self, sentence: str) -> None:
        if sentence:
            self.text.value = sentence
            self.explorer.request(sentence)

    def _earlier(self, place: int) -> None:
        if place >= 0:
            self.text.value = self.explorer.history[place].words
            self.explorer.ask_again(place)

    def _follow_class(self) -> None:
        place = list(self.explorer.text.class_names).index(self.name.value)
        self.words.value = "\n".join(self.explorer.class_words[place])
