"""`PromptExplorer`: a question box over a map, with its controls."""

from __future__ import annotations

from functools import partial
from typing import Any

from hsikit.explore.panel import Panel, View
from hsikit.explore.prompts import Questions, parse
from hsikit.fitted import Fitted
from hsikit.scenes.scene import Scene
from hsikit.splits import Split
from hsikit.text import TextEncoder


class PromptExplorer(Questions, Panel):
    """A question box over a map: `Questions` with pictures and controls."""

    size_in = (10.6, 6.8)

    def __init__(
        self, model: Fitted, scene: Scene, split: Split | None = None, encoder: TextEncoder | None = None
    ) -> None:
        Panel.__init__(self)
        Questions.__init__(self, model, scene, split, encoder)

    def request(self, text: str) -> None:
        """`set_text` beside the other controls; a later question overtakes this one."""
        sentences, negatives = parse(text)
        self.say(f"Asking {len(sentences)} sentence{'s' * (len(sentences) > 1)} …")
        self._later("ask", lambda _: self._ask(sentences, negatives), partial(self.take, sentences, negatives))

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.prompts_view import PromptsView

        self.observe(lambda _: self._show(), "revision")
        return PromptsView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.prompts_controls import PromptsControls

        self._panel = PromptsControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()
