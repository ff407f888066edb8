"""`LeakageExplorer`: choose a split and a window, see what test windows share with training windows."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as w

from hsikit.explore import leakage_marks
from hsikit.explore.leakage import DISJOINT, Leakage, Measured
from hsikit.explore.marks import Chart
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import button, row_of
from hsikit.explore.state import Progress


class LeakageExplorer(Leakage, Panel):
    """Where a split leaks and what that is worth: `Leakage` with pictures and controls."""

    def _charts(self) -> dict[str, Chart]:
        return leakage_marks.charts(self, self._kept)

    def _acts(self) -> Acts:
        return {("map", "hover"): lambda m: setattr(self._view, "pointer", self.under_pointer(m["x"], m["y"]))}

    def _controls(self) -> list[Any]:
        def slider(name: str, value: int) -> Any:
            made = w.IntSlider(value, 1, max(29, value), 2, description=name, continuous_update=False)
            return self._on(made, lambda v: self._request(**{name.split()[0]: v}))

        self.kind_menu = w.Dropdown(options=self.kinds, value=self.kind, description="split")
        self._on(self.kind_menu, lambda v: self._request(kind=v))
        self.window_slider, self.buffer_slider = slider("window (px)", self.window), slider("buffer (px)", self.buffer)
        every = button(self, "Curve", "Measure this split at windows 1 to 19", self._request_curve)
        return [row_of(self.kind_menu, self.window_slider, self.buffer_slider, every), None]

    def _request(self, **change: Any) -> None:
        """Measure beside the other controls, then show."""
        choice = self.choice(**change)
        self.say(f"Measuring {choice[0]} at window {choice[1]} …")
        self._later("measure", lambda _: self.measure(*choice), partial(self.take, choice))

    def _request_curve(self) -> None:
        choice = self.choice()
        self.say(f"Measuring {self.kind} at windows {', '.join(map(str, self.WINDOWS))} …")

        def work(progress: Progress) -> Measured:
            self.curve(choice, self.WINDOWS, progress)
            return self.measure(*choice)

        self._later("measure", work, partial(self.take, choice))

    def _sync(self) -> None:
        self.kind_menu.value, self.window_slider.value = self.kind, self.window
        self.buffer_slider.value, self.buffer_slider.disabled = self.buffer, self.kind not in DISJOINT
