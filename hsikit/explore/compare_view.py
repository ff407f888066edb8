"""The picture of `CompareMaps`: both maps, their difference, gained and lost per class, shares per field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hsikit.explore.compare_maps import KINDS
from hsikit.explore.panel import View
from hsikit.explore.pieces import blend, short
from hsikit.figures.style import PALETTE, class_handles, patch

if TYPE_CHECKING:
    from hsikit.explore.compare_panel import CompareMaps

# A colour for each of KINDS; gained and lost differ in lightness too, and the key and bars name them.
COLOURS = ("#ffffff", "#ededed", "#bdbdbd", "#0072B2", "#D55E00", "#000000", "#CC79A7")
PLACES = {  # left, bottom, width, height
    "beside": {
        "a": (0.055, 0.56, 0.27, 0.39), "b": (0.385, 0.56, 0.27, 0.39), "kinds": (0.715, 0.56, 0.27, 0.39),
        "key": (0.02, 0.40, 0.96, 0.08), "classes": (0.15, 0.075, 0.33, 0.29), "fields": (0.57, 0.075, 0.20, 0.29),
        "names": (0.785, 0.0, 0.21, 0.385),
    },
    "stacked": {
        "a": (0.06, 0.80, 0.92, 0.17), "b": (0.06, 0.60, 0.92, 0.17), "kinds": (0.06, 0.40, 0.92, 0.17),
        "key": (0.02, 0.29, 0.96, 0.05), "classes": (0.15, 0.055, 0.33, 0.20), "fields": (0.57, 0.055, 0.20, 0.20),
        "names": (0.785, 0.0, 0.21, 0.27),
    },
}  # fmt: skip
SMALL = 9


class CompareView(View):
    """Draws a `CompareMaps`; the three maps share their axes, so that zooming one zooms all."""

    def __init__(self, figure: Figure, explorer: CompareMaps) -> None:
        super().__init__(figure)
        self.explorer, scene = explorer, explorer.scene
        self.wide = scene.shape[1] > 1.6 * scene.shape[0]
        places = PLACES["stacked" if self.wide else "beside"]
        made = {name: figure.add_axes(place) for name, place in places.items()}
        self.pictures = [made["a"], made["b"], made["kinds"]]
        self.key, self.classes, self.fields, self.names = (made[n] for n in ("key", "classes", "fields", "names"))
        blank = np.ones((*scene.shape, 3))
        self.images = [ax.imshow(blank, interpolation="nearest", animated=True) for ax in self.pictures]
        simulated = " (simulated data)" if scene.simulated else ""
        for ax, title in zip(self.pictures, (*explorer.names, f"difference{simulated}")):
            ax.set_title(title, loc="left", fontsize=10)
            ax.locator_params(nbins=4)
            ax.set_ylabel("row (px)" if self.wide or ax is self.pictures[0] else "")
            ax.set_xlabel("column (px)" if not self.wide or ax is self.pictures[2] else "")
            if ax is not self.pictures[0]:
                ax.sharex(self.pictures[0])
                ax.sharey(self.pictures[0])
            ax.tick_params(labelsize=SMALL, labelbottom=not self.wide or ax is self.pictures[2])
        self._keys()
        self._marks: list[Any] = []
        self._seen: Any = None

    def _keys(self) -> None:
        scene = self.explorer.scene
        self.key.set_axis_off()
        self.names.set_axis_off()
        handles = [patch(colour, kind) for colour, kind in zip(COLOURS, KINDS)]
        keep: dict[str, Any] = dict(frameon=False, borderaxespad=0, fontsize=SMALL, handlelength=1.2)
        self.key.legend(handles=handles, loc="upper center", ncols=len(KINDS), columnspacing=1.2, **keep)
        shown = class_handles(scene, range(1, min(scene.n_classes, 18) + 1))
        labels = [short(str(h.get_label()), 22) for h in shown]
        crowded = {"fontsize": 8.5, "labelspacing": 0.12} if len(shown) > 12 else {"labelspacing": 0.3}
        self.names.legend(shown, labels, loc="upper left", **keep | crowded)

    def refresh(self) -> None:
        """Bring every artist to the current state."""
        explorer = self.explorer
        shown = frozenset(explorer.classes_shown)
        self._clear_marks()  # before axes are cleared, which takes their artists
        if self._seen != shown:
            self._seen = shown
            self._refresh_maps()
            self._draw_classes()
            self._draw_fields()
            self.redraw.full = True
        self._refresh_marks()

    def _refresh_maps(self) -> None:
        explorer, scene = self.explorer, self.explorer.scene
        colours = np.array([to_rgb(c) for c in COLOURS])
        mask = explorer.shown
        blank = np.ones((*scene.shape, 3))
        for image, labels in zip(self.images, explorer.maps):
            image.set_data(blend(blank, np.where(mask, labels, 0), list(scene.colors), 1.0))
        self.images[2].set_data(colours[np.where(mask, explorer.kinds, 0)])

    def _draw_classes(self) -> None:
        """Gained to the right, lost to the left, in pixels, a row a class."""
        explorer, ax = self.explorer, self.classes
        ax.clear()
        table = explorer.per_class()
        table = table[table.index.isin(explorer.classes_shown)]
        ax.set_axis_on()
        if table.empty:
            ax.set_axis_off()
            ax.text(0, 0.5, "no truth: gained and lost\ncannot be told", transform=ax.transAxes, fontsize=10)
            return
        place = np.arange(len(table))
        ax.barh(place, table["gained"], color=COLOURS[3])
        ax.barh(place, -table["lost"], color=COLOURS[4])
        small = SMALL if len(table) <= 12 else 8
        ax.set_yticks(place, [short(n, 18) for n in table["class"]], fontsize=small)
        ax.invert_yaxis()
        ax.axvline(0, color="#000000", lw=0.8)
        most = max(1, int(table[["gained", "lost"]].to_numpy().max()))
        ax.set_xlim(-1.45 * most, 1.45 * most)
        for y, (gained, lost) in enumerate(zip(table["gained"], table["lost"])):
            ax.text(gained + 0.03 * most, y, f"+{gained}", va="center", fontsize=small)
            ax.text(-lost - 0.03 * most, y, f"−{lost}", va="center", ha="right", fontsize=small)
        ax.set_xlabel("lost  ←  px  →  gained", fontsize=SMALL)
        ax.tick_params(axis="x", labelsize=SMALL)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(f"per class: {short(explorer.names[1], 14)} against {short(explorer.names[0], 14)}", loc="left",
                     fontsize=10)  # fmt: skip

    def _draw_fields(self) -> None:
        """A point a field: its share right in both maps; above the line, it gained."""
        explorer, ax = self.explorer, self.fields
        ax.clear()
        table = explorer.per_field()
        table = table[table["class"].isin(explorer.classes_shown)]
        ax.set_axis_on() if len(table) else ax.set_axis_off()
        if table.empty:
            return
        ax.plot([0, 100], [0, 100], color="#999999", lw=0.8)
        for c, own in table.groupby("class"):
            ax.plot(100 * own["share_a"], 100 * own["share_b"], "o", ms=6, mfc=explorer.scene.colors[c - 1],
                    mec="#444444", mew=0.5, alpha=0.9)  # fmt: skip
        ax.set(xlim=(-4, 104), ylim=(-4, 104), xticks=(0, 50, 100), yticks=(0, 50, 100))
        ax.set_xlabel(f"% right in {short(explorer.names[0], 16)}", fontsize=SMALL)
        ax.set_ylabel(f"% right in {short(explorer.names[1], 16)}", fontsize=SMALL)
        ax.tick_params(labelsize=SMALL)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(f"{len(table)} fields", loc="left", fontsize=10)

    def _clear_marks(self) -> None:
        for artist in self._marks:
            artist.remove()
        self._marks = []

    def _refresh_marks(self) -> None:
        """The picked pixel as a cross, its field outlined, its point in the cloud of fields ringed."""
        explorer, place = self.explorer, self.explorer.place
        if place is None:
            return
        for ax in self.pictures:
            self._marks += ax.plot(place.col, place.row, "+", color="#ffffff", ms=17, mew=4, animated=True, zorder=5)
            self._marks += ax.plot(place.col, place.row, "+", color="#000000", ms=16, mew=1.8, animated=True, zorder=6)
            if place.field:
                self._marks += [ax.add_line(line) for line in self._outline(place.field)]
        table = explorer.per_field()
        if place.field in table.index:
            x, y = 100 * table.loc[place.field, ["share_a", "share_b"]].to_numpy(float)
            self._marks += self.fields.plot(
                x, y, "o", ms=13, mfc="none", mec=PALETTE[6], mew=2, animated=True, zorder=6
            )

    def _outline(self, field: int) -> list[Line2D]:
        """The field's edge as one broken line, along the sides of its pixels."""
        inside = np.pad(self.explorer.fields == field, 1)
        down = np.argwhere(inside[1:] != inside[:-1])  # edges below row r - 1: (r, c)
        across = np.argwhere(inside[:, 1:] != inside[:, :-1])
        gap = np.nan
        x = [*((c - 1.5, c - 0.5, gap) for _, c in down), *((c - 0.5, c - 0.5, gap) for _, c in across)]
        y = [*((r - 0.5, r - 0.5, gap) for r, _ in down), *((r - 1.5, r - 0.5, gap) for r, _ in across)]
        return [Line2D(np.ravel(x), np.ravel(y), color="#000000", lw=1.4, animated=True, zorder=4)]
