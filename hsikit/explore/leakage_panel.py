"""`LeakageExplorer`: where leaking test pixels lie, and curves over the window, with their controls."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as w
import numpy as np

from hsikit.explore.leakage import DISJOINT, Leakage, Measured
from hsikit.explore.marks import Chart, Entry, Line, Ring, Size, is_wide, map_of, rgb_of
from hsikit.explore.panel import Acts, Panel
from hsikit.explore.pieces import button, row_of
from hsikit.explore.state import Progress
from hsikit.figures.style import PALETTE, WRONG
from hsikit.splits import MAP_CODES

COLOURS = ("#f2f2f2", "#000000", PALETTE[1], PALETTE[4], WRONG)  # a colour for each of MAP_CODES
WINDOWS = (1, 3, 5, 7, 9, 11, 15, 19)
DASH = (6.0, 4.0)


class LeakageExplorer(Leakage, Panel):
    """Choose a split and a window and see what is shared: `Leakage` with a picture and controls."""

    def _charts(self) -> dict[str, Chart]:
        table = np.array([rgb_of(colour) for colour in COLOURS], np.uint8)
        picture = self._kept("map", (self.now,), lambda: table[self.now.codes])
        return {"map": map_chart(self, picture), "curve": curve_chart(self)}

    def _acts(self) -> Acts:
        return {("map", "hover"): lambda m: setattr(self._view, "pointer", self.under_pointer(m["x"], m["y"]))}

    def _request(self, **change: Any) -> None:
        """Measure beside the other controls, then show."""
        choice = self._choice(change.get("kind"), change.get("window"), change.get("buffer"))
        self.say(f"Measuring {choice[0]} at window {choice[1]} …")
        self._later("measure", lambda _: self.measure(*choice), partial(self._take, choice))

    def _request_curve(self) -> None:
        choice = (self.kind, self.window, self.buffer)
        self.say(f"Measuring {self.kind} at windows {', '.join(map(str, WINDOWS))} …")

        def work(progress: Progress) -> Measured:
            for done, window in enumerate(WINDOWS):
                progress.step(done / len(WINDOWS))
                self.measure(choice[0], window, choice[2])
            return self.measure(*choice)

        self._later("measure", work, partial(self._take, choice))

    def _controls(self) -> list[Any]:
        def slider(name: str, value: int) -> Any:
            return w.IntSlider(value, 1, max(29, value), 2, description=name, continuous_update=False)

        def on(control: Any, key: str) -> Any:
            return self._on(control, lambda value: self._request(**{key: value}))

        self.kind_menu = on(w.Dropdown(options=self.kinds, value=self.kind, description="split"), "kind")
        self.window_slider = on(slider("window (px)", self.window), "window")
        self.buffer_slider = on(slider("buffer (px)", self.buffer), "buffer")
        every = button(self, "Curve", "Measure this split at windows 1 to 19", self._request_curve)
        return [row_of(self.kind_menu, self.window_slider, self.buffer_slider, every), None]

    def _sync(self) -> None:
        self.kind_menu.value, self.window_slider.value = self.kind, self.window
        self.buffer_slider.value = self.buffer
        self.buffer_slider.disabled = self.kind not in DISJOINT


def map_chart(state: Leakage, picture: np.ndarray) -> Chart:
    """The parts of the split, and which test pixels share something with training windows."""
    entries = tuple(Entry(name, colour) for name, colour in zip(MAP_CODES, COLOURS))
    return map_of(f"{state.now.kind}, window {state.now.window}", picture, state.scene, entries=entries,
                  size=Size(1.0, 400, 220, 170) if is_wide(state.scene) else Size(0.45, 320, 360, 180))  # fmt: skip


def curve_chart(state: Leakage) -> Chart:
    """Accuracy as a line, shared windows dashed, over the window; a colour a kind of split."""
    lines: list[Line] = []
    for place, kind in enumerate(dict.fromkeys(kind for kind, _ in state.done)):
        measured = sorted((m for (k, _), m in state.done.items() if k == kind), key=lambda m: m.window)
        x = np.array([m.window for m in measured], float)
        for what, dash in (("accuracy", ()), ("shared", DASH)):
            heights = np.array([100 * getattr(m, what) for m in measured])
            name = "" if dash else kind  # one line of the legend for both
            lines.append(Line(name, heights, PALETTE[place % 7], x=x, dash=dash, dots=True))
    now = state.now
    rings = tuple(Ring(now.window, 100 * share, "#000000") for share in (now.accuracy, now.shared))
    title = "accuracy (line), shared windows (dashes)" + " (simulated data)" * state.scene.simulated
    wide = is_wide(state.scene)
    return Chart(title, "window (px)", "%", (0.0, 30.0), (-3.0, 103.0), lines=tuple(lines), rings=rings, zoom="x",
                 size=Size(1.0, 400, 220, 170) if wide else Size(0.55, 400, 360, 180))  # fmt: skip
