"""The picture of a `FeatureSpaceExplorer`: cloud, map, spectra, legend, separation numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from hsikit.explore.feature_artists import SMALL, Cloud, Matrix
from hsikit.explore.feature_drawn import categories, picture, star_places
from hsikit.explore.panel import View
from hsikit.explore.pieces import draw_spectrum, grey_spans, short
from hsikit.explore.spectra_facts import left_out, sample_spectra
from hsikit.explore.state import Progress
from hsikit.spectra import bad_bands

if TYPE_CHECKING:
    from hsikit.explore.feature_scatter import BigClouds
    from hsikit.explore.feature_space import FeatureSpaceExplorer

METHOD_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
PLACES = {  # left, bottom, width, height
    "columns": {
        "map": (0.70, 0.57, 0.28, 0.39), "wide": (0.03, 0.57, 0.60, 0.39),
        "first": (0.03, 0.57, 0.28, 0.39), "second": (0.36, 0.57, 0.28, 0.39),
        "spectra": (0.07, 0.27, 0.26, 0.22), "distances": (0.43, 0.27, 0.23, 0.22),
        "confusion": (0.745, 0.27, 0.23, 0.22),
    },
    "stacked": {
        "map": (0.05, 0.82, 0.93, 0.15), "wide": (0.03, 0.50, 0.95, 0.27),
        "first": (0.03, 0.50, 0.46, 0.27), "second": (0.52, 0.50, 0.46, 0.27),
        "spectra": (0.07, 0.25, 0.26, 0.19), "distances": (0.43, 0.25, 0.23, 0.19),
        "confusion": (0.745, 0.25, 0.23, 0.19),
    },
}  # fmt: skip
SETTLE_S = 0.2
MEASURING = "measuring separation …"


class FeatureView(View):
    """Draws a `FeatureSpaceExplorer`: one or two clouds, map, spectra, distances of class centres, confusion."""

    def __init__(self, figure: Figure, explorer: FeatureSpaceExplorer, elsewhere: BigClouds | None = None) -> None:
        super().__init__(figure)
        self.explorer, scene, self.elsewhere = explorer, explorer.scene, elsewhere
        self.places = PLACES["stacked" if scene.shape[1] > 1.6 * scene.shape[0] else "columns"]
        self.axes, self.second = figure.add_axes(self.places["wide"]), figure.add_axes(self.places["second"])
        self.map, self.lines = figure.add_axes(self.places["map"]), figure.add_axes(self.places["spectra"])
        self.tables = [figure.add_axes(self.places[n]) for n in ("distances", "confusion")]
        self.key, self.numbers = figure.add_axes((0.03, 0.0, 0.59, 0.19)), figure.add_axes((0.63, 0.0, 0.37, 0.19))
        for axes in (self.axes, self.second):
            axes.set(xticks=[], yticks=[])
        self.clouds = [Cloud(axes, len(explorer.pixels)) for axes in (self.axes, self.second)]
        self.image = self.map.imshow(np.ones((*scene.shape, 3)), interpolation="nearest", animated=True)
        self.text = self.numbers.text(
            0, 1, "", va="top", fontsize=SMALL, family="monospace", animated=True, transform=self.numbers.transAxes
        )
        for axes in (self.key, self.numbers):
            axes.set_axis_off()
        self._decorate()
        self._lit: list[Any] = []
        self._drawn: list[Any] = []
        self._stars: list[Any] = []
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
        self.lines.set_xlabel("band" if waves is None else "wavelength (nm)", fontsize=SMALL)
        self.lines.set_ylabel(scene.units, fontsize=SMALL)
        self.lines.spines[["top", "right"]].set_visible(False)
        self.lines.locator_params(nbins=5)
        self.lines.tick_params(labelsize=SMALL)
        self.heading = self.lines.set_title("", loc="left", fontsize=10, animated=True)
        grey_spans(self.lines, left_out(self.x, self.bad, waves))
        if self.elsewhere is not None:
            self.axes.set_visible(False)
            self.second.set_visible(False)
            self.map.set_position((0.07, 0.57, 0.91, 0.39))
        classes = [c for c in np.unique(self.explorer.labels).tolist() if c]
        whole = [0, *classes] if (self.explorer.labels == 0).any() else classes
        predicted = [] if self.explorer.prediction is None else np.unique(self.explorer.prediction).tolist()
        everything = sorted({*whole, *predicted})
        self.distances = Matrix(self.tables[0], classes, "class", "class")
        self.confusion = Matrix(self.tables[1], everything, "predicted", "class")
        if self.explorer.prediction is None:
            self.tables[1].set_visible(False)

    # --- following the state ---------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring every artist to the current state; what has not changed is left alone."""
        explorer = self.explorer
        place = (explorer.space, explorer.beside, explorer.method, explorer.perplexity, explorer.neighbours)
        shown = frozenset(explorer.classes_shown)
        if self._news("cloud", (place, explorer.color_by, shown)):
            self._refresh_clouds(place)
            self._refresh_key()
        if self._news("lit", (place, explorer.color_by, shown, explorer.lit.tobytes())):
            self._refresh_lit()
            self._refresh_spectra()
            self._refresh_confusion()
        if self.elsewhere is not None:
            self.elsewhere.refresh()
        if self._news("distances", (explorer.space, shown)):
            self.distances.draw(explorer.numbers.centre_distances(self.distances.classes), "distance of class centres")
        if self.text.get_text() == MEASURING and not explorer.busy:  # stopped; the next change measures again
            self.text.set_text("separation: stopped")
            self._seen.pop("numbers")
        elif self._news("numbers", (place, shown)):
            self._refresh_numbers()

    def _news(self, part: str, state: Any) -> bool:
        if part in self._seen and self._seen[part] == state:
            return False
        self._seen[part] = state
        return True

    def _refresh_numbers(self) -> None:
        explorer = self.explorer
        if not self.live:
            self.text.set_text(explorer.numbers.text())
            return

        def measure(progress: Progress) -> str:
            time.sleep(SETTLE_S)  # the picture first; and of several changes in a row only the last is measured
            progress.step(0.1)
            return explorer.numbers.text()

        self.text.set_text(MEASURING)
        explorer._later("numbers", measure, self._set_numbers)

    def _set_numbers(self, text: str) -> None:
        self.text.set_text(text)
        self.show()

    def _refresh_clouds(self, place: Any) -> None:
        explorer = self.explorer
        category, _, colours = categories(explorer)
        if self.elsewhere is not None:
            return
        pair = explorer.beside is not None
        if self._news("pair", pair):
            self.axes.set_position(self.places["first" if pair else "wide"])
            self.second.set_visible(pair)
            self.redraw.full = True
        for cloud, xy in zip(self.clouds, (explorer.xy, explorer.xy_beside)):
            if xy is not None:
                cloud.draw(xy, category, colours, explorer.visible)
        if self._news("place", place):
            self._refresh_places()
            self.redraw.full = True

    def _refresh_places(self) -> None:
        explorer = self.explorer
        for artist in self._stars:
            artist.remove()
        self._stars = []
        self._refresh_place(self.axes, explorer.space, explorer.xy, star_places(explorer))
        if explorer.beside and explorer.xy_beside is not None:
            self._refresh_place(self.second, explorer.beside, explorer.xy_beside, star_places(explorer, beside=True))

    def _refresh_place(self, axes: Axes, space: str, xy: np.ndarray, stars: dict[str, np.ndarray]) -> None:
        explorer = self.explorer
        for name, (x, y) in stars.items():
            self._stars += axes.plot(x, y, "*", ms=13, mfc="#ffffff", mec="#000000", mew=1.2, zorder=6, animated=True)
            halo = [Stroke(linewidth=2.5, foreground="#ffffff"), Normal()]
            right = x > xy[:, 0].mean()  # labels run towards the middle
            label = axes.annotate(
                name, (x, y), (-6 if right else 6, 4), textcoords="offset points", ha="right" if right else "left",
                fontsize=SMALL, zorder=7, animated=True,
            )  # fmt: skip
            label.set_path_effects(halo)
            self._stars.append(label)
        every = np.vstack([xy, *[p[None] for p in stars.values()]])
        low, high = every.min(0), every.max(0)
        margin = 0.04 * np.maximum(high - low, 1e-9)
        axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        name = METHOD_NAMES[explorer.method]
        setting = {"tsne": f"; perplexity {explorer.perplexity:g}", "umap": f"; {explorer.neighbours} neighbours"}
        axes.set_title(short(space, 40 if explorer.beside else 90), loc="left", fontsize=10)
        axes.set_xlabel(f"{name} 1 (no unit{setting.get(explorer.method, '')})", fontsize=SMALL, labelpad=2)
        axes.set_ylabel(f"{name} 2 (no unit)", fontsize=SMALL, labelpad=2)

    def _refresh_lit(self) -> None:
        """Lit points ringed over the clouds, and alone in colour on the map."""
        explorer = self.explorer
        for artist in self._lit:
            artist.remove()
        self._lit = []
        category, _, colours = categories(explorer)
        ring = dict(marker="o", ls="", ms=4.8, mec="#000000", animated=True, zorder=5)
        for axes, xy in ((self.axes, explorer.xy), (self.second, explorer.xy_beside)):
            for c in np.unique(category[explorer.lit]) if xy is not None and self.elsewhere is None else ():
                x, y = xy[explorer.lit & (category == c)].T  # type: ignore[index]
                self._lit += axes.plot(x, y, mfc=colours[c], mew=0.5, **ring)  # type: ignore[arg-type]
        self.image.set_data(picture(explorer))

    def _refresh_spectra(self) -> None:
        explorer = self.explorer
        for artist in self._drawn:
            artist.remove()
        self._drawn = []
        for c, mean, std, _ in reversed(explorer.spectra()):
            colour = explorer.scene.colors[c - 1] if c else "#888888"
            self._drawn += draw_spectrum(self.lines, self.x, mean, std, colour, 1.8)
        self.heading.set_text(f"class means {self._whose}")

    def _refresh_confusion(self) -> None:
        if self.explorer.prediction is not None:
            classes = self.confusion.classes
            counts = self.explorer.confusion()[np.ix_(classes, classes)].astype(float)
            self.confusion.draw(counts, f"confusion {self._whose}")

    @property
    def _whose(self) -> str:
        lit = int(self.explorer.lit.sum())
        return f"of {lit:,} lit px" if lit else "of all shown"

    def _refresh_key(self) -> None:
        """All categories, also of classes that are hidden: it changes with the colouring alone."""
        explorer = self.explorer
        category, names, colours = categories(explorer)
        if not self._news("key", explorer.color_by):
            return
        found = np.unique(category)
        numbered = explorer.color_by in ("class", "prediction")  # the tables name classes by their numbers
        handles = [Line2D([], [], marker="o", ls="", ms=6, color=colours[c], mec="#666666", mew=0.4) for c in found]
        labels = [f"{c} {short(names[c], 25)}" if numbered else names[c] for c in found]
        self.key.legend(
            handles, labels, loc="upper left", fontsize=SMALL, frameon=False, ncols=max(1, min(len(labels), 3)),
            borderaxespad=0, labelspacing=0.35, columnspacing=1.2, handletextpad=0.2,
        )  # fmt: skip
        self.redraw.full = True
