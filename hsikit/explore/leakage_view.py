"""The picture of a `LeakageExplorer`: where leaking test pixels lie, and curves over the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hsikit.explore.panel import View
from hsikit.figures.style import MARKERS, PALETTE, WRONG
from hsikit.splits import MAP_CODES

if TYPE_CHECKING:
    from hsikit.explore.leakage_panel import LeakageExplorer

COLOURS = ("#f2f2f2", "#000000", PALETTE[1], PALETTE[4], WRONG)  # a colour for each of MAP_CODES
SMALL = 8.5
PLACES = {  # left, bottom, width, height
    "beside": {
        "map": (0.06, 0.24, 0.38, 0.67),
        "key": (0.02, 0.0, 0.45, 0.13),
        "curve": (0.535, 0.13, 0.25, 0.78),
    },
    "stacked": {
        "map": (0.06, 0.42, 0.43, 0.45),
        "key": (0.04, 0.06, 0.45, 0.18),
        "curve": (0.57, 0.13, 0.22, 0.78),
    },
}


class LeakageView(View):
    """Draws a `LeakageExplorer`."""

    def __init__(self, figure: Figure, explorer: LeakageExplorer) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        places = PLACES["stacked" if scene.shape[1] > 1.6 * scene.shape[0] else "beside"]
        self.map, self.key, self.axes = (figure.add_axes(places[n]) for n in ("map", "key", "curve"))
        self.image = self.map.imshow(np.ones((*scene.shape, 3)), interpolation="nearest", animated=True)
        self.title = self.map.set_title("", loc="left", fontsize=10, animated=True)
        self.map.set(xlabel="column (px)", ylabel="row (px)")
        self.map.locator_params(nbins=5)
        self.key.set_axis_off()
        handles = [Patch(facecolor=c, edgecolor="#666666", lw=0.5, label=n) for c, n in zip(COLOURS, MAP_CODES)]
        self.key.legend(handles=handles, loc="upper left", fontsize=SMALL, frameon=False, ncols=2, borderaxespad=0)
        self.axes.set(xlabel="window (px)", ylabel="%", ylim=(-3, 103), xlim=(0, 30))
        title = "over windows (simulated data)" if scene.simulated else "over windows"
        self.axes.set_title(title, loc="left", fontsize=10)
        self.axes.spines[["top", "right"]].set_visible(False)
        self._curves: list[Any] = []

    def refresh(self) -> None:
        """Bring every artist to the current state."""
        explorer = self.explorer
        colours = np.array([to_rgb(c) for c in COLOURS])
        self.image.set_data(colours[explorer.now.codes])
        self.title.set_text(f"{explorer.now.kind}, window {explorer.now.window}")
        for artist in self._curves:
            artist.remove()
        self._curves = []
        kinds = list(dict.fromkeys(kind for kind, _ in explorer.done))
        for place, kind in enumerate(kinds):
            self._draw_curve(kind, PALETTE[place % 7], MARKERS[place % len(MARKERS)])
        now = explorer.now
        self._curves += self.axes.plot(
            [now.window] * 2, [100 * now.accuracy, 100 * now.shared], "o", ms=11, mfc="none", mec="#000000",
            animated=True, zorder=6,
        )  # fmt: skip
        legend = self.axes.legend(
            handles=self._curves[:-1], loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False,
            fontsize=SMALL, borderaxespad=0,
        )  # fmt: skip
        legend.set_animated(True)
        self.redraw.full = True  # the legend lies outside its axes

    def _draw_curve(self, kind: str, colour: str, marker: str) -> None:
        """Accuracy as a line, shared windows dashed."""
        measured = sorted((m for (k, _), m in self.explorer.done.items() if k == kind), key=lambda m: m.window)
        windows = [m.window for m in measured]
        keep: dict[str, Any] = dict(color=colour, marker=marker, ms=5, animated=True)
        for values, style, name in (("accuracy", "-", "accuracy"), ("shared", "--", "shared")):
            heights = [100 * getattr(m, values) for m in measured]
            self._curves += self.axes.plot(windows, heights, style, label=f"{kind}:\n{name}", **keep)
