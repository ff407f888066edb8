"""The picture of `Why`: the map with the picked pixel and its likes, scores, exits, spectra, bands and sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from hsikit.explore.marks import lifted
from hsikit.explore.panel import View
from hsikit.explore.pieces import blend, short
from hsikit.figures.style import PALETTE

if TYPE_CHECKING:
    from hsikit.explore.why import Reason
    from hsikit.explore.why_panel import Why

PLACES = {  # left, bottom, width, height
    "beside": {
        "map": (0.055, 0.50, 0.33, 0.45), "scores": (0.56, 0.60, 0.16, 0.34), "exits": (0.80, 0.60, 0.17, 0.34),
        "spectra": (0.065, 0.09, 0.39, 0.30), "bands": (0.54, 0.09, 0.27, 0.34), "sensors": (0.88, 0.09, 0.10, 0.34),
    },
    "stacked": {
        "map": (0.06, 0.68, 0.92, 0.29), "scores": (0.16, 0.41, 0.25, 0.17), "exits": (0.64, 0.41, 0.33, 0.17),
        "spectra": (0.075, 0.07, 0.38, 0.22), "bands": (0.54, 0.07, 0.27, 0.22), "sensors": (0.88, 0.07, 0.10, 0.22),
    },
}  # fmt: skip
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))  # one a neighbour: their classes may share a colour
SMALL = 9
MOST_SCORES = 6


class WhyView(View):
    """Draws a `Why`. The map is animated; the rest is drawn anew after each pick, as every axis changes."""

    def __init__(self, figure: Figure, explorer: Why) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        wide = scene.shape[1] > 1.6 * scene.shape[0]
        places = PLACES["stacked" if wide else "beside"]
        (self.map, self.scores, self.exits, self.spectra, self.bands, self.sensors) = (
            figure.add_axes(places[n]) for n in places
        )
        blank = np.ones((*scene.shape, 3))
        picture = blend(blank, explorer.prediction.labels, list(scene.colors), 1.0)
        self.map.imshow(picture, interpolation="nearest")
        simulated = " (simulated data)" if scene.simulated else ""
        self.map.set_title(f"{scene.name}: class map{simulated}", loc="left", fontsize=10)
        self.map.set(xlabel="column (px)", ylabel="row (px)")
        self.map.locator_params(nbins=5)
        self._shown: Reason | None = None
        self._marks: list[Any] = []
        for ax in (self.scores, self.exits, self.spectra, self.bands, self.sensors):
            ax.set_axis_off()

    def refresh(self) -> None:
        """Bring every artist to the current state."""
        reason = self.explorer.now
        if reason is None or reason is self._shown:
            return
        self._shown = reason
        for artist in self._marks:
            artist.remove()
        self._marks = []
        for ax in (self.scores, self.exits, self.spectra, self.bands, self.sensors):
            ax.clear()
            ax.tick_params(labelsize=SMALL)
            ax.spines[["top", "right"]].set_visible(False)
        self._mark_map(reason)
        self._draw_scores(reason)
        self._draw_exits(reason)
        self._draw_spectra(reason)
        self._draw_bands(reason)
        self._draw_sensors(reason)
        self.redraw.full = True

    def _mark_map(self, reason: Reason) -> None:
        halo: dict[str, Any] = dict(marker="o", mfc="none", zorder=5)
        for place, (row, col), colour in self._points(reason):
            self._marks += self.map.plot(col, row, mec="#ffffff", ms=11, mew=4, **halo)
            self._marks += self.map.plot(col, row, mec="#000000", ms=11, mew=1.8, **halo)
            if place:
                box = dict(boxstyle="round,pad=0.15", fc="#ffffff", ec=colour, lw=1.5)
                turn = 2.4 * place  # numbers of pixels close together stand around them
                off = (17 * np.cos(turn) - 3, 17 * np.sin(turn) - 3)
                self._marks.append(
                    self.map.annotate(
                        str(place), (col, row), off, textcoords="offset points", fontsize=SMALL, bbox=box, zorder=6
                    )
                )
            else:
                self._marks += self.map.plot(col, row, "+", color="#000000", ms=18, mew=1.8, zorder=5)

    def _points(self, reason: Reason) -> list[tuple[int, tuple[int, int], str]]:
        """Number (0: the picked one), row and column, class colour of all marked pixels."""
        found = [(0, (reason.row, reason.col), "#000000")]
        for i, ((row, col), label) in enumerate(zip(reason.near.pixels, reason.near.labels), 1):
            found.append((i, (int(row), int(col)), self.explorer.scene.colors[label - 1]))
        return found

    def _draw_scores(self, reason: Reason) -> None:
        answer, scene = reason.answer, self.explorer.scene
        order = np.argsort(-answer.scores, kind="stable")[:MOST_SCORES]
        names = [self.explorer.class_name(int(c)) for c in answer.classes[order]]
        colours = [scene.colors[c - 1] for c in answer.classes[order]]
        self.scores.barh(range(len(order)), answer.scores[order], color=colours, edgecolor="#666666", lw=0.5)
        self.scores.set_yticks(range(len(order)), [short(n, 22) for n in names], fontsize=SMALL)
        for i, value in enumerate(answer.scores[order]):
            self.scores.text(value + 0.02, i, f"{value:.2f}", va="center", fontsize=SMALL)
        self.scores.set(xlim=(0, 1.2), xticks=(0, 0.5, 1), xlabel="probability")
        self.scores.invert_yaxis()
        self.scores.set_title("class scores", loc="left", fontsize=10)

    def _draw_exits(self, reason: Reason) -> None:
        """Each exit's answer: its class in words on a bar as long as its probability."""
        answer, scene, names = reason.answer, self.explorer.scene, self.explorer.exit_names()
        for i, scores in enumerate(answer.exits):
            best = int(answer.classes[scores.argmax()])
            self.exits.barh(
                i, scores.max(), color=to_rgb(scene.colors[best - 1]), edgecolor="#666666", lw=0.5, height=0.4
            )
            words = f"{short(self.explorer.class_name(best), 20)} {scores.max():.2f}"
            self.exits.text(0, i - 0.3, words, va="bottom", fontsize=SMALL)
        self.exits.set_yticks(range(len(names)), names, fontsize=SMALL)
        self.exits.set(xlim=(0, 1.05), ylim=(len(names) - 0.5, -0.85), xticks=(0, 0.5, 1), xlabel="probability")
        self.exits.set_title("answer of each exit" if len(names) > 1 else "one exit only", loc="left", fontsize=10)

    def _draw_spectra(self, reason: Reason) -> None:
        scene = self.explorer.scene
        x = np.arange(scene.bands) if scene.wavelengths_nm is None else scene.wavelengths_nm
        for place, (row, col), colour in self._points(reason):
            x_line, line = lifted(x, np.asarray(scene.hsi[row, col], float))
            name = f"{place} {short(self._near_name(reason, place), 18)}" if place else "picked"
            style: Any = STYLES[(place - 1) % len(STYLES)] if place else "-"
            self.spectra.plot(
                x_line, line, color=colour, lw=1.3 if place else 2.4, ls=style, label=name, zorder=3 - 0.1 * place
            )
        self.spectra.legend(fontsize=8.5, frameon=False, handlelength=2.6, labelspacing=0.2, loc="best")
        self.spectra.set(xlabel="band" if scene.wavelengths_nm is None else "wavelength (nm)", ylabel=scene.units)
        self.spectra.locator_params(nbins=6)
        known = f"nearest {self.explorer.known} pixels (1–{len(reason.near.labels)})"
        title = f"picked pixel and {known}" if len(reason.near.labels) else "picked pixel; none far enough away"
        self.spectra.set_title(title, loc="left", fontsize=10)

    def _near_name(self, reason: Reason, place: int) -> str:
        """Class of the neighbour with a number from 1."""
        return self.explorer.class_name(int(reason.near.labels[place - 1]))

    def _draw_bands(self, reason: Reason) -> None:
        answer, occlusion = reason.answer, self.explorer.occlusion
        waves = occlusion.scene.wavelengths_nm
        x = np.arange(occlusion.scene.bands) if waves is None else waves[occlusion.order]
        half = float(np.median(np.diff(x))) / 2 if len(x) > 1 else 0.5
        left = np.array([x[first] - half for first, _ in answer.groups])
        right = np.array([x[last] + half for _, last in answer.groups])
        colours = [PALETTE[0] if d >= 0 else PALETTE[1] for d in answer.band_drop]
        self.bands.bar(left, answer.band_drop, right - left, align="edge", color=colours, edgecolor="#ffffff", lw=0.8)
        self.bands.axhline(0, color="#000000", lw=0.8)
        self.bands.set(xlabel="band" if waves is None else "wavelength (nm)", ylabel="probability lost")
        self.bands.locator_params(axis="x", nbins=5)
        self.bands.set_title("without these bands", loc="left", fontsize=10)
        self.bands.set_ylim(*self._drops(reason))

    def _draw_sensors(self, reason: Reason) -> None:
        drops = reason.answer.sensor_drop
        colours = [PALETTE[0] if d >= 0 else PALETTE[1] for d in drops.values()]
        self.sensors.bar(list(drops), list(drops.values()), color=colours, width=0.6)
        self.sensors.axhline(0, color="#000000", lw=0.8)
        self.sensors.set_xlim(-0.6, len(drops) - 0.4)
        self.sensors.set_ylim(*self._drops(reason))
        self.sensors.set_title("without sensor", loc="left", fontsize=10)

    def _drops(self, reason: Reason) -> tuple[float, float]:
        """One scale for bands and sensors."""
        every = [*reason.answer.band_drop, *reason.answer.sensor_drop.values()]
        return min(-0.05, 1.1 * min(every)), max(0.05, 1.1 * max(every))
