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
from hsikit.spectra import INDICES_NM, WATER_NM, water_bands

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
SINGLE = ("one band", "spectral angle", *INDICES_NM)  # pictures with one value a pixel


class SpectraView(View):
    """Draws a `SpectraExplorer`. Everything that follows the state is animated; see `Redraw`."""

    def __init__(self, figure: Figure, explorer: SpectraExplorer) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        rows, cols = scene.shape
        places = PLACES["stacked" if cols > 1.6 * rows else "beside"]
        self.map, self.scale, self.axes, self.key = (figure.add_axes(places[n]) for n in places)
        self.image = self.map.imshow(np.ones((rows, cols, 3)), interpolation="nearest", animated=True)
        self.marks = self.map.imshow(np.zeros((rows, cols, 4)), interpolation="nearest", animated=True, zorder=3)
        self.title = self.map.set_title("", loc="left", fontsize=10, animated=True)
        self._decorate()
        self.cursors = [self.axes.axvline(0, lw=1.2, ls="--", animated=True, zorder=4) for _ in range(3)]
        self._moving: list[Any] = []
        self._seen: dict[str, Any] = {}

    def _decorate(self) -> None:
        scene, x = self.explorer.scene, self.explorer.x
        pixel = "px" if scene.gsd_m is None else f"px of {scene.gsd_m:g} m"
        self.map.set(xlabel=f"column ({pixel})", ylabel=f"row ({pixel})")
        self.map.format_coord = self.explorer.under_pointer  # type: ignore[method-assign]
        self.map.locator_params(nbins=5)
        self.scale.set_yticks([])
        self.scale.set_xticks([0, 255])
        self.scale.tick_params(labelsize=SMALL, length=0)
        self.scale.set_animated(True)
        self.ramp = self.scale.imshow(np.zeros((1, 256, 3)), aspect="auto")
        self.axes.set_xlabel("band" if scene.wavelengths_nm is None else "wavelength (nm)")
        self.axes.set_ylabel(scene.units)
        self.axes.set_title("spectra (simulated data)" if scene.simulated else "spectra", loc="left", fontsize=10)
        margin = 0.02 * max(np.ptp(x), 1)
        self.axes.set_xlim(x.min() - margin, x.max() + margin)
        self.axes.spines[["top", "right"]].set_visible(False)
        self.axes.locator_params(nbins=6)
        self.key.set_axis_off()
        grey_bad_bands(self.axes, x, self.explorer.bad, scene.wavelengths_nm)

    # --- following the state ---------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring every artist to the current state; what has not changed is left alone."""
        explorer = self.explorer
        self._refresh_limits()
        angle = explorer.current if explorer.mode == "spectral angle" else None
        layers = (explorer.truth_opacity, explorer.lidar_opacity, explorer.lidar_channel)
        if self._news("map", (explorer.mode, explorer.rgb_bands, explorer.band, layers, angle)):
            self._refresh_map()
        if self._news("spectra", (*explorer.spectra, explorer.continuum, frozenset(explorer.classes_shown))):
            self._refresh_marks()
            for artist in self._moving:
                artist.remove()
            self._moving = []
            self._refresh_spectra()
        self._refresh_cursors()
        self._refresh_key()

    def _news(self, part: str, state: Any) -> bool:
        if part in self._seen and self._seen[part] == state:
            return False
        self._seen[part] = state
        return True

    def _refresh_map(self) -> None:
        explorer = self.explorer
        self.image.set_data(explorer.picture())
        self.title.set_text(_short(explorer.title, 58))
        single = explorer.mode in SINGLE
        self.scale.set_visible(single)
        if single:
            _, (low, high), cmap = explorer.shown_values()
            self.ramp.set_data(colormaps[cmap](np.arange(256))[None, :, :3])
            self.scale.set_xticks([0, 255], [f"{low:.4g}", f"{high:.4g}"])
            self.scale.stale = True

    def _refresh_marks(self) -> None:
        """Pixels of areas in the colour of their spectrum."""
        areas = [s for s in self.explorer.spectra if len(s.pixels) > 1]
        marks = np.zeros((*self.explorer.scene.shape, 4), np.float32)
        for area in areas:
            marks[area.pixels[:, 0], area.pixels[:, 1]] = (*to_rgb(area.colour), 0.6)
        if areas or self.marks.get_visible():
            self.marks.set_data(marks)
        self.marks.set_visible(bool(areas))

    def _refresh_limits(self) -> None:
        """Limits stay as they are unless a spectrum would leave them: a new limit means a full draw."""
        explorer = self.explorer
        low, high = (0.0, 1.05) if explorer.continuum else explorer.span
        for spectrum in explorer.spectra if not explorer.continuum else ():
            good = spectrum.mean[~explorer.bad]
            good = good[np.isfinite(good)]
            low, high = min([low, *good]), max([high, *good])
        if not np.allclose(self.axes.get_ylim(), (low, high)):
            self.axes.set_ylim(low, high)
            self.redraw.full = True
            unit = "continuum removed" if explorer.continuum else explorer.scene.units
            self.axes.set_ylabel(unit)

    def _refresh_spectra(self) -> None:
        explorer = self.explorer
        for c in sorted(explorer.classes_shown):
            mean, std = (part[c - 1] for part in explorer.class_spectra)
            self._draw(mean, std, explorer.scene.colors[c - 1], 1.4)
        for spectrum in explorer.spectra:
            self._draw(spectrum.mean, spectrum.std, spectrum.colour, 2.0, halo=True)
            if len(spectrum.pixels) == 1:
                row, col = spectrum.pixels[0]
                mark: dict[str, Any] = dict(marker="o", ms=9, mfc="none", animated=True, zorder=6)
                self._moving += self.map.plot(col, row, mec="#ffffff", mew=4, **mark)
                self._moving += self.map.plot(col, row, mec=spectrum.colour, mew=2, **mark)

    def _draw(self, mean: np.ndarray, std: np.ndarray | None, colour: str, width: float, halo: bool = False) -> None:
        explorer = self.explorer
        std = None if explorer.continuum else std
        drawn = explorer.drawn(mean)
        self._moving += draw_spectrum(self.axes, explorer.x, drawn, std, colour, width, halo)

    def _refresh_cursors(self) -> None:
        explorer = self.explorer
        rgb = len(explorer.rgb_bands) == 3 and explorer.mode in (
            "true colour",
            "colour infrared",
            "three bands",
        )
        bands = explorer.rgb_bands if rgb else (explorer.band,)
        colours = ("#d62728", "#2ca02c", "#1f77b4") if rgb else ("#000000",)
        shown = rgb or explorer.mode == "one band"
        if not self._news("cursors", (bands, shown)):
            return
        for line, band, colour in zip(self.cursors, bands, colours):
            line.set_xdata([explorer.x[band]] * 2)
            line.set_color(colour)
        for place, line in enumerate(self.cursors):
            line.set_visible(shown and place < len(bands))

    def _refresh_key(self) -> None:
        explorer, scene = self.explorer, self.explorer.scene
        handles: list[Any] = [Line2D([], [], color=s.colour, lw=2.6, label=s.name) for s in explorer.spectra]
        truth = explorer.truth_opacity > 0
        for c in range(1, scene.n_classes + 1):
            name, colour = scene.class_names[c - 1], scene.colors[c - 1]
            if truth:
                handles.append(Patch(facecolor=colour, edgecolor="#666666", lw=0.5, label=name))
            elif c in explorer.classes_shown:
                handles.append(Line2D([], [], color=colour, lw=2.6, label=f"{name}, mean"))
        if explorer.bad.any():
            handles.append(Patch(facecolor="#e8e8e8", label="bands left out"))
        wanted = [(h.get_label(), h.get_facecolor() if isinstance(h, Patch) else h.get_color()) for h in handles]
        if not self._news("key", wanted):
            return
        most = 26 if scene.shape[1] <= 1.6 * scene.shape[0] else 20
        labels = [_short(str(h.get_label()), 27) for h in handles[:most]]
        legend = self.key.legend(
            handles[:most], labels, loc="upper left", fontsize=SMALL, frameon=False,
            borderaxespad=0, handlelength=1.2, labelspacing=0.3,
        )  # fmt: skip
        legend.set_animated(True)


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
    spans = [(a, b) for a, b in WATER_NM if b > x.min() and a < x.max()] if waves is not None else []
    order = np.argsort(x, kind="stable")
    half = np.median(np.diff(x[order])) / 2 if len(x) > 1 else 0.5
    others = (bad & ~water_bands(waves, len(x)))[order]
    spans += [(x[order][a] - half, x[order][b] + half) for a, b in runs(others)]
    for low, high in spans:
        axes.axvspan(low, high, color="#e8e8e8", alpha=0.8, lw=0, zorder=3.5, animated=True)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    padded = np.diff(np.concatenate([[0], np.asarray(flags, int), [0]]))
    return list(zip(np.flatnonzero(padded == 1).tolist(), (np.flatnonzero(padded == -1) - 1).tolist()))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
