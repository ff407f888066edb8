"""The picture of a `PromptExplorer`: similarity map, class map, ranking of prompts, scores by true class."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from hsikit.explore.panel import View
from hsikit.explore.pieces import blend, short
from hsikit.figures.style import LINES, PALETTE, class_handles, patch

if TYPE_CHECKING:
    from hsikit.explore.prompts_panel import PromptExplorer

PLACES = {  # left, bottom, width, height
    "beside": {
        "map": (0.055, 0.52, 0.32, 0.42), "scale": (0.395, 0.52, 0.014, 0.42), "second": (0.51, 0.52, 0.32, 0.42),
        "key": (0.845, 0.40, 0.15, 0.55), "ranks": (0.16, 0.08, 0.20, 0.33), "counts": (0.44, 0.08, 0.24, 0.33),
        "worth": (0.70, 0.0, 0.30, 0.37),
    },
    "stacked": {
        "map": (0.06, 0.72, 0.84, 0.25), "scale": (0.915, 0.73, 0.012, 0.22), "second": (0.06, 0.41, 0.84, 0.25),
        "key": (0.01, 0.31, 0.98, 0.05), "ranks": (0.16, 0.06, 0.20, 0.21), "counts": (0.44, 0.06, 0.24, 0.21),
        "worth": (0.70, 0.0, 0.30, 0.27),
    },
}  # fmt: skip
SMALL = 9
BINS = 40
MOST_RANKS = 10
MOST_LINES = 8  # classes in the histogram, the largest


class PromptsView(View):
    """Draws a `PromptExplorer`; questions and edits change nearly all of it, so it is drawn whole."""

    def __init__(self, figure: Figure, explorer: PromptExplorer) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        self.wide = scene.shape[1] > 1.6 * scene.shape[0]
        places = PLACES["stacked" if self.wide else "beside"]
        (self.map, self.scale, self.second, self.key, self.ranks, self.counts, self.worth) = (
            figure.add_axes(places[n]) for n in places
        )
        grey = 0.6 + 0.4 * np.repeat(scene.rgb().mean(-1, keepdims=True), 3, -1)
        self.image = self.map.imshow(grey, interpolation="nearest")
        self.classes = self.second.imshow(np.ones((*scene.shape, 3)), interpolation="nearest")
        self.second.sharex(self.map)
        self.second.sharey(self.map)
        for ax in (self.map, self.second):
            ax.set(xlabel="" if self.wide and ax is self.map else "column (px)", ylabel="row (px)")
            ax.locator_params(nbins=5)
            ax.tick_params(labelsize=SMALL)
        ramp = np.arange(255, -1, -1)[:, None]
        self.scale.imshow(colormaps["cividis"](ramp)[..., :3], aspect="auto")
        self.scale.set_xticks([])
        self.scale.yaxis.tick_right()
        for ax in (self.key, self.worth):
            ax.set_axis_off()
        self._seen: Any = None

    def refresh(self) -> None:
        """Bring every artist to the current state; what has not changed is left alone."""
        explorer = self.explorer
        state = (id(explorer.answer), explorer.shown, explorer.layer, id(explorer.text))
        if self._seen == state:
            return
        self._seen, self._drawn = state, (explorer.answer, explorer.text)  # kept, so that ids stay theirs
        self._draw_map()
        self._draw_second()
        self._draw_ranks()
        self._draw_counts()
        self._draw_worth()
        self.redraw.full = True

    def _draw_map(self) -> None:
        explorer = self.explorer
        asked = explorer.answer is not None
        self.scale.set_visible(asked)
        simulated = " (simulated data)" if explorer.scene.simulated else ""
        title = f"{explorer.scene.name}{simulated}: ask something"
        if asked:
            values = explorer.similarity()
            low, high = np.nanpercentile(values, (1, 99))
            shown = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
            colours = colormaps["cividis"](np.nan_to_num(shown))[..., :3]
            self.image.set_data(np.where(np.isfinite(values)[..., None], colours, 1.0))
            self.scale.set_yticks([0, 255], [f"{high:.2f}", f"{low:.2f}"], fontsize=SMALL)
            title = short(explorer.sentences[explorer.shown], 70 if self.wide else 42)
            title = f"“{title}”{simulated}"
        self.map.set_title(title, loc="left", fontsize=10)

    def _draw_second(self) -> None:
        """Classes of the prompts, or the sentences as soft classes: colours mixed by their shares."""
        explorer, scene = self.explorer, self.explorer.scene
        blank = np.ones((*scene.shape, 3))
        if explorer.layer == "soft classes" and explorer.answer is not None:
            soft = np.nan_to_num(np.asarray(explorer.answer.soft, float))  # (sentence, row, col)
            table = np.array([to_rgb(PALETTE[i % 8]) for i in range(len(soft))])
            mixed = np.einsum("nrc,nk->rck", soft, table)
            self.classes.set_data(np.where(scene.valid[..., None], np.clip(mixed, 0, 1), 1.0))
            handles = [patch(PALETTE[i % 8], f"{i + 1} {short(s, 20)}") for i, s in enumerate(explorer.sentences)]
            self.second.set_title("sentences as soft classes", loc="left", fontsize=10)
        else:
            self.classes.set_data(blend(blank, explorer.labels, list(scene.colors), 1.0))
            handles = class_handles(scene, [int(c) for c in explorer.model.class_ids][:20])
            edited = " (edited)" if explorer.edited else ""
            self.second.set_title(f"map of the class prompts{edited}", loc="left", fontsize=10)
        labels = [short(str(h.get_label()), 20) for h in handles]
        columns = min(len(handles), 6) if self.wide else 1
        self.key.legend(handles, labels, loc="upper left", fontsize=8.5, frameon=False, borderaxespad=0,
                        handlelength=1.2, labelspacing=0.25, columnspacing=1.2, ncols=columns)  # fmt: skip

    def _draw_ranks(self) -> None:
        """How alike the sentence and each class prompt are."""
        explorer, ax = self.explorer, self.ranks
        ax.clear()
        ranking = explorer.ranking()[:MOST_RANKS]
        if not ranking:
            ax.set_axis_off()
            return
        ax.set_axis_on()
        names, values = [n for n, _ in ranking], [v for _, v in ranking]
        of = dict(zip(explorer.scene.class_names, explorer.scene.colors))
        ax.barh(range(len(names)), values, color=[of[n] for n in names], edgecolor="#666666", lw=0.5)
        for place, value in enumerate(values):
            ax.text(max(value, 0) + 0.02, place, f"{value:.2f}", va="center", fontsize=SMALL)
        ax.set_yticks(range(len(names)), [short(n, 20) for n in names], fontsize=SMALL)
        ax.set_xlim(min(0.0, 1.1 * min(values)), max(0.3, 1.3 * max(values)))
        ax.invert_yaxis()
        ax.set_xlabel("cosine to the class prompt", fontsize=SMALL)
        ax.tick_params(axis="x", labelsize=SMALL)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title("nearest class prompts", loc="left", fontsize=10)

    def _draw_counts(self) -> None:
        """Distribution of the sentence's scores over known pixels of each class."""
        explorer, ax = self.explorer, self.counts
        ax.clear()
        groups = explorer.by_class() if explorer.answer is not None else {}
        if not groups:
            ax.set_axis_off()
            if explorer.answer is not None:
                ax.text(0, 0.5, "no labels: scores by class\ncannot be told", transform=ax.transAxes, fontsize=10)
            return
        ax.set_axis_on()
        largest = sorted(groups, key=lambda c: -len(groups[c]))[:MOST_LINES]
        every = np.concatenate(list(groups.values()))
        edges = np.linspace(float(np.nanmin(every)), float(np.nanmax(every)), BINS + 1)
        for place, c in enumerate(sorted(largest)):
            share = 100 * np.histogram(groups[c], edges)[0] / len(groups[c])
            name = short(explorer.scene.class_names[c - 1], 16)
            ax.stairs(share, edges, color=explorer.scene.colors[c - 1], lw=1.6, ls=LINES[place % 4], label=name)
        ax.set_xlabel("score of the sentence", fontsize=SMALL)
        ax.set_ylabel("% of a class", fontsize=SMALL)
        ax.set_ylim(0, 1.12 * max(ax.get_ylim()[1], 1))
        ax.tick_params(labelsize=SMALL)
        ax.spines[["top", "right"]].set_visible(False)
        known = "labelled" if explorer.split is None else "training and validation"
        ax.set_title(f"scores by true class ({known} px)", loc="left", fontsize=10)

    def _draw_worth(self) -> None:
        """R² and z of every sentence, and the scores of the class prompts, as text; a key of the histogram."""
        explorer = self.explorer
        self.worth.clear()
        self.worth.set_axis_off()
        lines = []
        if explorer.answer is not None:
            lines.append("sentence            R²       z")
            for i, (r2, z) in enumerate(zip(explorer.answer.r2, explorer.answer.z)):
                mark = "▶" if i == explorer.shown else " "
                lines.append(f"{mark}{i + 1} {short(explorer.sentences[i], 15):<15} {r2:6.3f} {z:+7.1f}")
            if explorer.negatives:
                lines += textwrap.wrap("not: " + "; ".join(short(n, 30) for n in explorer.negatives), 36)[:3]
        if explorer.scores is not None:
            lines += ["", f"class prompts on {explorer.scores.support.sum():,} {explorer.scored_on} px:",
                      f"OA {explorer.scores.oa:.3f}, AA {explorer.scores.aa:.3f}"]  # fmt: skip
        self.worth.text(0.02, 0.02, "\n".join(lines), fontsize=8.5, family="monospace", va="bottom")
        if self.counts.axison and self.counts.get_legend_handles_labels()[0]:
            handles, labels = self.counts.get_legend_handles_labels()
            self.worth.legend(handles, labels, loc="upper left", ncols=2, fontsize=8.5, frameon=False,
                              borderaxespad=0, labelspacing=0.2, handlelength=2)  # fmt: skip
