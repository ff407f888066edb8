"""The picture of a `SpectraExplorer`: map, colour scale, spectra, legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hsikit.explore.panel import View
from hsikit.explore.pieces import short
from hsikit.explore.spectra_drawn import axis, colour_scale, cursors, legend, lines
from hsikit.scenes.scene import Scene
from hsikit.spectra import WATER_NM, water_bands

if TYPE_CHECKING:
    from hsikit.explore.spectra import SpectraExplorer

PLACES = {  # left, bottom, width, height of the axes in the figure
    "beside": {
        "map": (0.065, 0.19, 0.37, 0.72), "scale": (0.115, 0.055, 0.27, 0.022),
        "spectra": (0.505, 0.14, 0.305, 0.77), "legend": (0.818, 0.05, 0.18, 0.87),
    },
    "stacked": {
        "map": (0.065, 0.60, 0.90, 0.35), "scale": (0.30, 0.515, 0.40, 0.014),
        "spectra": (0.075, 0.075, 0.70, 0.36), "legend": (0.785, 0.03, 0.21, 0.44),
    },
}  # fmt: skip
SMALL = 8.5


class SpectraView(View):
    """Draws a `SpectraExplorer` as a still picture; in a browser `central.py` draws it."""

    def __init__(self, figure: Figure, explorer: SpectraExplorer) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        places = PLACES["stacked" if scene.shape[1] > 1.6 * scene.shape[0] else "beside"]
        self.map, self.scale, self.axes, self.key = (figure.add_axes(places[n]) for n in places)
        pixel = "px" if scene.gsd_m is None else f"px of {scene.gsd_m:g} m"
        self.map.set(xlabel=f"column ({pixel})", ylabel=f"row ({pixel})")
        self.map.locator_params(nbins=5)
        self.axes.set_xlabel("band" if scene.wavelengths_nm is None else "wavelength (nm)")
        self.axes.set_title(spectra_title(scene), loc="left", fontsize=10)
        self.axes.set_xlim(*explorer.facts.reach)
        self.axes.spines[["top", "right"]].set_visible(False)
        self.axes.locator_params(nbins=6)
        self.key.set_axis_off()
        grey_bad_bands(self.axes, explorer.x, explorer.bad, scene.wavelengths_nm)

    def refresh(self) -> None:
        """Draw the present state; a still picture is drawn once."""
        explorer = self.explorer
        self.map.imshow(explorer.picture(), interpolation="nearest")
        self.map.set_title(short(explorer.title, 58), loc="left", fontsize=10)
        low, high, unit = axis(explorer)
        self.axes.set_ylim(low, high)
        self.axes.set_ylabel(unit)
        self._draw_scale()
        self._draw_spectra()
        for at, colour in cursors(explorer):
            self.axes.axvline(at, lw=1.2, ls="--", color=colour, zorder=4)
        self._draw_key()

    def _draw_scale(self) -> None:
        found = colour_scale(self.explorer)
        self.scale.set_visible(found is not None)
        if found is not None:
            (low, high), cmap = found
            self.scale.imshow(colormaps[cmap](np.arange(256))[None, :, :3], aspect="auto")
            self.scale.set(yticks=[])
            self.scale.set_xticks([0, 255], [f"{low:.4g}", f"{high:.4g}"])
            self.scale.tick_params(labelsize=SMALL, length=0)

    def _draw_spectra(self) -> None:
        explorer = self.explorer
        for line in lines(explorer):
            draw_spectrum(self.axes, explorer.x, line.mean, line.std, line.colour, 2.0 if line.picked else 1.4,
                          halo=line.picked)  # fmt: skip
            if len(line.pixels) > 1:
                marks = np.zeros((*explorer.scene.shape, 4), np.float32)
                marks[line.pixels[:, 0], line.pixels[:, 1]] = (*to_rgb(line.colour), 0.6)
                self.map.imshow(marks, interpolation="nearest", zorder=3)
            elif len(line.pixels):
                row, col = line.pixels[0]
                for colour, width in (("#ffffff", 4), (line.colour, 2)):
                    self.map.plot(col, row, "o", ms=9, mfc="none", mec=colour, mew=width, zorder=6)

    def _draw_key(self) -> None:
        """Spectra and shown means as lines, classes that colour the map as areas; other classes are left out."""
        explorer = self.explorer
        handles: list[Any] = []
        for entry in legend(explorer):
            name, colour = short(entry["label"], 27), entry["colour"]
            if entry["shown"]:
                handles.append(Line2D([], [], color=colour, lw=2.6, label=name))
            elif not entry["class_id"] or explorer.truth_opacity:
                handles.append(Patch(facecolor=colour, edgecolor="#666666", lw=0.5, label=name))
        most = 26 if explorer.scene.shape[1] <= 1.6 * explorer.scene.shape[0] else 20
        if handles:
            self.key.legend(handles=handles[:most], loc="upper left", fontsize=SMALL, frameon=False,
                            borderaxespad=0, handlelength=1.2, labelspacing=0.3)  # fmt: skip


def spectra_title(scene: Scene) -> str:
    """Heading of the spectra; simulated data is called simulated."""
    return "spectra (simulated data)" if scene.simulated else "spectra"


def broken(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths ascending, spectra (..., band) in that order, and a NaN that lifts the pen at each gap."""
    order = np.argsort(x, kind="stable")
    x, values = x[order], values[..., order]
    steps = np.diff(x)
    gaps = np.flatnonzero(steps > 4 * np.median(steps)) + 1 if len(steps) else np.array([], int)
    return np.insert(x, gaps, x[gaps - 1]), np.insert(values, gaps, np.nan, axis=-1)


def draw_spectrum(
    axes: Axes, x: np.ndarray, mean: np.ndarray, std: np.ndarray | None, colour: str, width: float, halo: bool
) -> list[Any]:
    """A line with its band of ± one deviation, animated; returns the artists."""
    place, line = broken(x, mean)
    keep: dict[str, Any] = dict(animated=True, zorder=3 if halo else 2.5)
    made: list[Any] = axes.plot(place, line, color="#ffffff", lw=width + 1.6, **keep) if halo else []
    made += axes.plot(place, line, color=colour, lw=width, **keep)
    if std is not None and np.isfinite(std).any():
        _, band = broken(x, std)
        made.append(axes.fill_between(place, line - band, line + band, color=colour, alpha=0.2, lw=0, **keep))
    return made


def grey_bad_bands(axes: Axes, x: np.ndarray, bad: np.ndarray, waves: np.ndarray | None) -> None:
    """Grey stretches over water absorption and over other bad bands."""
    for low, high in bad_spans(x, bad, waves):
        axes.axvspan(low, high, color="#e8e8e8", alpha=0.8, lw=0, zorder=3.5, animated=True)


def bad_spans(x: np.ndarray, bad: np.ndarray, waves: np.ndarray | None) -> list[tuple[float, float]]:
    """First and last wavelength (or index) of each stretch to grey: water absorption, and other bad bands."""
    spans = [(float(a), float(b)) for a, b in WATER_NM if b > x.min() and a < x.max()] if waves is not None else []
    order = np.argsort(x, kind="stable")
    half = np.median(np.diff(x[order])) / 2 if len(x) > 1 else 0.5
    others = (bad & ~water_bands(waves, len(x)))[order]
    return spans + [(float(x[order][a] - half), float(x[order][b] + half)) for a, b in runs(others)]


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    padded = np.diff(np.concatenate([[0], np.asarray(flags, int), [0]]))
    return list(zip(np.flatnonzero(padded == 1).tolist(), (np.flatnonzero(padded == -1) - 1).tolist()))
