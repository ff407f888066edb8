"""`LeakageExplorer`: choose a split and a window, see what test windows share with training windows."""

from __future__ import annotations

from functools import partial
from typing import Any

from hsikit.explore.leakage import DISJOINT, Leakage, Measured
from hsikit.explore.panel import Panel, View
from hsikit.explore.state import Progress


class LeakageExplorer(Leakage, Panel):
    """Where a split leaks and what that is worth: `Leakage` with pictures and controls."""

    size_in = (10.6, 4.8)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Panel.__init__(self)
        Leakage.__init__(self, *args, **kwargs)

    def _request(self, **change: Any) -> None:
        """Measure beside the other controls, then show."""
        choice = self.choice(change.get("kind"), change.get("window"), change.get("buffer"))
        self.say(f"Measuring {choice[0]} at window {choice[1]} …")
        self._later("measure", lambda _: self.measure(*choice), lambda measured: self.take(choice, measured))

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.leakage_view import LeakageView

        self.observe(lambda _: self._show(), "revision")
        return LeakageView(figure, self)

    def _controls(self) -> list[Any]:
        import ipywidgets as w

        from hsikit.explore.pieces import BOX, button

        def slider(name: str, value: int) -> Any:
            return w.IntSlider(value, 1, max(29, value), 2, description=name, continuous_update=False)

        def on(control: Any, key: str) -> Any:
            return self._on(control, lambda value: self._request(**{key: value}))

        self.kind_menu = on(w.Dropdown(options=self.kinds, value=self.kind, description="split"), "kind")
        self.window_slider = on(slider("window (px)", self.window), "window")
        self.buffer_slider = on(slider("buffer (px)", self.buffer), "buffer")
        every = button(self, "Curve", "Measure this split at windows 1 to 19", self._request_curve)
        return [w.HBox([self.kind_menu, self.window_slider, self.buffer_slider, every], layout=BOX), None]

    def _request_curve(self) -> None:
        choice = self.choice()
        self.say(f"Measuring {self.kind} at windows {', '.join(map(str, self.WINDOWS))} …")

        def work(progress: Progress) -> Measured:
            self.curve(choice, self.WINDOWS, progress)
            return self.measure(*choice)

        self._later("measure", work, partial(self.take, choice))

    def _sync(self) -> None:
        self.kind_menu.value, self.window_slider.value = self.kind, self.window
        self.buffer_slider.value = self.buffer
        self.buffer_slider.disabled = self.kind not in DISJOINT
