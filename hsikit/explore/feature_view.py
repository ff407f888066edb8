"""The picture of a `FeatureSpaceExplorer`: cloud, map, spectra, legend, separation numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from hsikit.explore.panel import View
from hsikit.explore.spectra_facts import sample_spectra
from hsikit.explore.spectra_view import draw_spectrum, grey_bad_bands
from hsikit.spectra import bad_bands

if TYPE_CHECKING:
    from hsikit.explore.feature_space import FeatureSpaceExplorer

CHUNKS = 20  # a line a class hides the classes before it; shuffled chunks mix the colours at the same cost
METHOD_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
PLACES = {  # left, bottom, width, height
    "columns": {
        "cloud": (0.045, 0.31, 0.31, 0.62),
        "map": (0.42, 0.31, 0.25, 0.62),
        "spectra": (0.745, 0.36, 0.245, 0.57),
    },
    "stacked": {
        "cloud": (0.045, 0.31, 0.38, 0.62),
        "map": (0.50, 0.70, 0.49, 0.25),
        "spectra": (0.50, 0.34, 0.49, 0.19),
    },
}
SMALL = 8


class Cloud:
    """Points in colours, drawn by `plot` in shuffled chunks (a scatter takes ten times as long)."""

    def __init__(self, axes: Axes, points: int) -> None:
        self.axes = axes
        self.chunk = np.random.default_rng(0).integers(0, CHUNKS, points)
        self._lines: dict[tuple[int, int], Line2D] = {}

    def draw(self, xy: np.ndarray, category: np.ndarray, colours: list[str], shown: np.ndarray) -> None:
        """Put the shown points (n,) where they are, in the colours of their categories."""
        for line in self._lines.values():
            line.set_data([], [])
        code = self.chunk * len(colours) + category
        order = np.flatnonzero(shown)[np.argsort(code[shown], kind="stable")]
        groups = np.split(order, np.flatnonzero(np.diff(code[order])) + 1) if len(order) else []
        for group in groups:
            line = self._line(int(self.chunk[group[0]]), int(category[group[0]]))
            line.set_data(*xy[group].T)
            line.set_color(colours[category[group[0]]])

    def _line(self, chunk: int, category: int) -> Line2D:
        if (chunk, category) not in self._lines:
            (line,) = self.axes.plot([], [], "o", ms=3.2, mew=0, alpha=0.85, zorder=2 + chunk / CHUNKS)
            self._lines[chunk, category] = line
        return self._lines[chunk, category]


class FeatureView(View):
    """Draws a `FeatureSpaceExplorer`; the cloud is the background, lit points and the map move."""

    def __init__(self, figure: Figure, explorer: FeatureSpaceExplorer) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        places = PLACES["stacked" if scene.shape[1] > 1.6 * scene.shape[0] else "columns"]
        self.axes, self.map, self.lines = (figure.add_axes(places[n]) for n in ("cloud", "map", "spectra"))
        self.key, self.numbers = (
            figure.add_axes((0.03, 0.0, 0.70, 0.21)),
            figure.add_axes((0.745, 0.0, 0.25, 0.23)),
        )
        self.axes.set(xticks=[], yticks=[])
        self.cloud = Cloud(self.axes, len(explorer.pixels))
        self.image = self.map.imshow(np.ones((*scene.shape, 3)), interpolation="nearest", animated=True)
        self.text = self.numbers.text(
            0, 1, "", va="top", fontsize=SMALL, animated=True, transform=self.numbers.transAxes
        )
        for axes in (self.key, self.numbers):
            axes.set_axis_off()
        self._decorate()
        self._lit: list[Any] = []
        self._drawn: list[Any] = []
        self._seen: dict[str, Any] = {}

    def _decorate(self) -> None:
        scene = self.explorer.scene
        self.map.set(xlabel="column (px)", ylabel="row (px)")
        self.map.set_title("map (simulated data)" if scene.simulated else "map", loc="left", fontsize=10)
        self.map.locator_params(nbins=4)
        waves = scene.wavelengths_nm
        self.x = np.arange(scene.bands, dtype=float) if waves is None else waves
        sample = sample_spectra(scene)
        self.bad = bad_bands(sample, waves)
        low, high = np.nanpercentile(sample[:, ~self.bad], (0.1, 99.9))
        self.lines.set_ylim(low - 0.05 * (high - low), high + 0.05 * max(high - low, 1e-9))
        self.lines.set_xlim(self.x.min(), self.x.max())
        self.lines.set_xlabel("band" if waves is None else "wavelength (nm)")
        self.lines.set_ylabel(scene.units)
        self.lines.spines[["top", "right"]].set_visible(False)
        self.lines.locator_params(nbins=5)
        self.lines.tick_params(labelsize=SMALL)
        self.heading = self.lines.set_title("", loc="left", fontsize=10, animated=True)
        grey_bad_bands(self.lines, self.x, self.bad, waves)

    # --- following the state ---------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring every artist to the current state; what has not changed is left alone."""
        explorer = self.explorer
        place = (explorer.space, explorer.method, explorer.perplexity, explorer.neighbours)
        shown = frozenset(explorer.classes_shown)
        if self._news("cloud", (place, explorer.color_by, shown)):
            self._refresh_cloud(place)
            self._refresh_key()
        if self._news("lit", (place, explorer.color_by, shown, explorer.lit.tobytes())):
            self._refresh_lit()
            self._refresh_spectra()
        if self._news("numbers", (explorer.space, shown)):
            if self.live:
                self.text.set_text("measuring separation …")
                explorer._later("numbers", lambda _: explorer.separation_text(), self._set_numbers)
            else:
                self.text.set_text(explorer.separation_text())

    def _news(self, part: str, state: Any) -> bool:
        if self._seen.get(part) == state:
            return False
        self._seen[part] = state
        return True

    def _set_numbers(self, text: str) -> None:
        self.text.set_text(text)
        self.redraw.now()

    def _refresh_cloud(self, place: Any) -> None:
        explorer = self.explorer
        category, _, colours = explorer.categories()
        self.cloud.draw(explorer.xy, category, colours, explorer.visible)
        if self._news("place", place):
            self._refresh_place()
        self.redraw.full = True

    def _refresh_place(self) -> None:
        explorer = self.explorer
        stars = explorer.star_places()
        for artist in self._stars if hasattr(self, "_stars") else []:
            artist.remove()
        self._stars: list[Any] = []
        for name, (x, y) in stars.items():
            self._stars += self.axes.plot(x, y, "*", ms=13, mfc="#ffffff", mec="#000000", mew=1.2, zorder=6)
            halo = [Stroke(linewidth=2.5, foreground="#ffffff"), Normal()]
            right = x > explorer.xy[:, 0].mean()  # labels run towards the middle
            label = self.axes.annotate(
                name,
                (x, y),
                (-6 if right else 6, 4),
                textcoords="offset points",
                ha="right" if right else "left",
                fontsize=SMALL,
                zorder=7,
            )
            label.set_path_effects(halo)
            self._stars.append(label)
        every = np.vstack([explorer.xy, *[p[None] for p in stars.values()]])
        low, high = every.min(0), every.max(0)
        margin = 0.04 * np.maximum(high - low, 1e-9)
        self.axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        name = METHOD_NAMES[explorer.method]
        setting = {
            "tsne": f", perplexity {explorer.perplexity:g}",
            "umap": f", {explorer.neighbours} neighbours",
        }
        self.axes.set_title(f"{explorer.space}: {name}{setting.get(explorer.method, '')}", loc="left", fontsize=10)
        self.axes.set(xlabel=f"{name} 1 (no unit)", ylabel=f"{name} 2 (no unit)")

    def _refresh_lit(self) -> None:
        """Lit points ringed over the cloud, and alone in colour on the map."""
        explorer = self.explorer
        for artist in self._lit:
            artist.remove()
        self._lit = []
        category, _, colours = explorer.categories()
        ring = dict(marker="o", ls="", ms=4.8, mec="#000000", animated=True, zorder=5)
        for c in np.unique(category[explorer.lit]):
            x, y = explorer.xy[explorer.lit & (category == c)].T
            self._lit += self.axes.plot(x, y, mfc=colours[c], mew=0.5, **ring)  # type: ignore[arg-type]
        self.image.set_data(explorer.picture())

    def _refresh_spectra(self) -> None:
        explorer = self.explorer
        for artist in self._drawn:
            artist.remove()
        self._drawn = []
        for c, mean, std, _ in reversed(explorer.spectra()):
            colour = explorer.scene.colors[c - 1] if c else "#888888"
            self._drawn += draw_spectrum(self.lines, self.x, mean, std, colour, 1.8, False)
        what = f"of {explorer.lit.sum():,} lit px" if explorer.lit.any() else "of all shown"
        self.heading.set_text(f"class means {what}")

    def _refresh_key(self) -> None:
        explorer = self.explorer
        category, names, colours = explorer.categories()
        found = np.unique(category[explorer.visible])
        handles = [Line2D([], [], marker="o", ls="", ms=6, color=colours[c], mec="#666666", mew=0.4) for c in found]
        labels = [names[c] for c in found]
        columns = max(1, min(len(labels), 4))
        legend = self.key.legend(
            handles, labels, loc="upper left", fontsize=SMALL, frameon=False, ncols=columns, borderaxespad=0,
            labelspacing=0.35, columnspacing=1.2, handletextpad=0.2,
        )  # fmt: skip
        legend.set_animated(True)
