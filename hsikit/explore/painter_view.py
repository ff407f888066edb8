"""The picture of a `LabelPainter`: the painted scene, the map that a model made of it, classes with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from hsikit.explore.panel import View
from hsikit.explore.pieces import blend, short
from hsikit.figures.style import patch

if TYPE_CHECKING:
    from hsikit.explore.painter import LabelPainter

PLACES = {  # left, bottom, width, height
    "beside": {
        "map": (0.05, 0.285, 0.42, 0.63), "answer": (0.545, 0.285, 0.42, 0.63),
        "scale": (0.71, 0.928, 0.235, 0.018), "key": (0.02, 0.0, 0.96, 0.17),
    },
    "stacked": {
        "map": (0.06, 0.60, 0.92, 0.36), "answer": (0.06, 0.18, 0.92, 0.36),
        "scale": (0.74, 0.552, 0.235, 0.014), "key": (0.02, 0.0, 0.96, 0.11),
    },
}  # fmt: skip
SMALL = 9
PAINT = 0.8  # opacity of paint over the scene
MOST_NAMES = 20


class PainterView(View):
    """Draws a `LabelPainter`; paint is laid over the scene, suggestions are dotted."""

    def __init__(self, figure: Figure, explorer: LabelPainter) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        self.wide = scene.shape[1] > 1.6 * scene.shape[0]
        places = PLACES["stacked" if self.wide else "beside"]
        self.map, self.answer, self.scale, self.key = (figure.add_axes(places[n]) for n in places)
        self.answer.sharex(self.map)
        self.answer.sharey(self.map)
        blank = np.ones((*scene.shape, 3))
        self.image, self.right = (
            ax.imshow(blank, interpolation="nearest", animated=True) for ax in (self.map, self.answer)
        )
        self.titles = [ax.set_title("", loc="left", fontsize=10, animated=True) for ax in (self.map, self.answer)]
        pixel = "px" if scene.gsd_m is None else f"px of {scene.gsd_m:g} m"
        for ax in (self.map, self.answer):
            ax.locator_params(nbins=5)
            ax.set_ylabel(f"row ({pixel})")
            if ax is self.answer or not self.wide:
                ax.set_xlabel(f"column ({pixel})")
        self.map.tick_params(labelbottom=not self.wide)
        self.scale.imshow(colormaps["cividis"](np.arange(256))[None, :, :3], aspect="auto")
        self.scale.set(yticks=[], xticks=[0, 127.5, 255])
        self.scale.set_xticklabels(["0", "confidence", "1"], fontsize=SMALL)
        self.scale.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=1)
        self.key.set_axis_off()
        self._base = scene.rgb()
        self._seen: dict[str, Any] = {}

    def refresh(self) -> None:
        """Bring every artist to the current state; what has not changed is left alone."""
        explorer = self.explorer
        painting = explorer
        colours = tuple(painting.colors)
        if self._news("paint", (painting.labels, explorer.suggested, colours)):
            self.image.set_data(self.painted())
        if self._news("answer", (explorer.prediction, explorer.layer, colours)):
            self.right.set_data(self.answered())
            shown = explorer.prediction is not None and explorer.layer == "confidence"
            if self.scale.get_visible() != shown:
                self.scale.set_visible(shown)
                self.redraw.full = True
        name = explorer.scene.name + (" (simulated data)" if explorer.scene.simulated else "")
        dotted = "" if explorer.suggested is None else "; dotted: suggested"
        self.titles[0].set_text(f"{name}: painted{dotted}")
        none_yet = "no map yet: fit a model" if explorer.prediction is None else explorer.layer
        self.titles[1].set_text(none_yet)
        self._refresh_key()

    def painted(self) -> np.ndarray:
        """The scene (row, col, 3) in 0..1 under paint; suggestions on every second pixel."""
        explorer = self.explorer
        out = blend(self._base, explorer.labels, explorer.colors, PAINT)
        if explorer.suggested is not None:
            odd = np.indices(explorer.scene.shape).sum(0) % 2 == 1
            out = blend(out, np.where(odd, explorer.suggested, 0), explorer.colors, 1.0)
        return out

    def answered(self) -> np.ndarray:
        """What the model says (row, col, 3) in 0..1: classes in their colours or confidence, white if none."""
        explorer, prediction = self.explorer, self.explorer.prediction
        blank = np.ones((*explorer.scene.shape, 3))
        if prediction is None:
            return 0.75 + 0.25 * np.repeat(self._base.mean(-1, keepdims=True), 3, -1)
        if explorer.layer == "class map":
            return blend(blank, prediction.labels, explorer.colors, 1.0)
        sure = explorer.confidence()
        return np.where(np.isfinite(sure)[..., None], colormaps["cividis"](np.nan_to_num(sure))[..., :3], blank)

    def _refresh_key(self) -> None:
        """Names with counts; the class being painted is marked with a triangle."""
        explorer, painting = self.explorer, self.explorer
        rows = list(zip(painting.class_names, painting.colors, painting.counts().tolist()))
        if not self._news("key", (tuple(rows), explorer.active)):
            return
        handles = [
            patch(colour, f"{'▶ ' if c == explorer.active else ''}{short(name, 22)} ({count:,})")
            for c, (name, colour, count) in enumerate(rows[:MOST_NAMES], 1)
        ]
        columns = 6 if self.wide else 5
        old = self.key.get_legend()
        if old is not None:
            old.remove()
        if handles:
            legend = self.key.legend(
                handles=handles, loc="upper left", fontsize=SMALL, frameon=False, ncols=min(columns, len(handles)),
                borderaxespad=0, labelspacing=0.35, columnspacing=1.2, handlelength=1.2,
            )  # fmt: skip
            legend.set_animated(True)

    def _news(self, part: str, state: tuple[Any, ...]) -> bool:
        """Whether a part's state is new; arrays are compared by identity, as each stroke makes a new one."""
        old = self._seen.get(part)
        same = old is not None and all(a is b or (not _big(a) and not _big(b) and a == b) for a, b in zip(old, state))
        self._seen[part] = state
        return not same


def _big(value: Any) -> bool:
    return not isinstance(value, (tuple, str, int, float, type(None)))
