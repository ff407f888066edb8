"""`ComparedMaps`: two maps of one scene, where they differ, and who gains and loses by it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import traitlets as t

from hsikit.areas import per_field_accuracy
from hsikit.explore.marks import pixels_inside
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.state import State
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

if TYPE_CHECKING:
    import pandas as pd

# What the difference map tells of a pixel; "gained" is right in the second map only, "lost" in the first only.
KINDS = ("no answer", "same", "same, both wrong", "gained", "lost", "differ, both wrong", "differ, truth unknown")


class ComparedMaps(State):
    """Two maps side by side with their difference; gained and lost per class and per field.

    Args:
        a, b: What `predict_map` returns, or rasters (row, col) of classes 1..C, 0 for no answer.
        scene: Gives truth, names and colours. Without a scene there is no truth: the maps are only compared.
        split: Only its test pixels are scored, and its groups are the fields. Without a split all labelled
            pixels are scored (also those that a model was trained on), and fields are connected regions.
        names: What the two maps are called.

    Attributes:
        kinds: Raster (row, col) uint8 of codes into `KINDS`.
        classes_shown: Classes 1..C whose pixels count, by truth (where it is known, else by either map).
        place: Row and column of what was picked last, or ().

    Raises:
        ValueError: When maps, scene and split have different sizes, or a map holds unknown classes.
    """

    classes_shown = t.Set().tag(shown=True, kept=True)
    place = t.Tuple().tag(shown=True, kept=True)

    def __init__(
        self,
        a: Prediction | np.ndarray,
        b: Prediction | np.ndarray,
        scene: Scene | None = None,
        split: Split | None = None,
        names: tuple[str, str] = ("a", "b"),
    ) -> None:
        super().__init__()
        first, second = (np.asarray(getattr(m, "labels", m)) for m in (a, b))
        self.scene = _bare_scene(first, second) if scene is None else scene
        self.maps = _checked(first, self.scene, names[0]), _checked(second, self.scene, names[1])
        if split is not None and split.shape != self.scene.shape:
            raise ValueError(f"the split was made for {split.shape} (row, col), the maps are {self.scene.shape}")
        self.names, self.split = names, split
        self.truth = np.where(split.mask("test"), split.labels, 0) if split else self.scene.usable
        self.fields = self._fields()
        self.classes_shown = set(range(1, self.scene.n_classes + 1))
        self.kinds = kinds_of(self.truth, *self.maps)
        self.facts = SceneFacts(self.scene)
        self._begin(self.summary())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.scene.name}: {self.summary()}>"

    # --- numbers ---------------------------------------------------------------------------------

    @property
    def shown(self) -> np.ndarray:
        """Mask (row, col): pixels of the classes shown."""
        wanted = list(self.classes_shown)
        by_map = np.isin(self.maps[0], wanted) | np.isin(self.maps[1], wanted)
        return np.where(self.truth > 0, np.isin(self.truth, wanted), by_map)

    def per_class(self) -> pd.DataFrame:
        """One row a class with truth: name, pixels, right in a, right in b, gained, lost; counts of pixels."""
        import pandas as pd

        a, b = self.maps
        size = self.scene.n_classes + 1
        count = lambda where: np.bincount(self.truth[where], minlength=size)[1:]  # noqa: E731
        known = self.truth > 0
        right_a, right_b = known & (a == self.truth), known & (b == self.truth)
        columns = {"pixels": count(known), "right_a": count(right_a), "right_b": count(right_b),
                   "gained": count(right_b & ~right_a), "lost": count(right_a & ~right_b)}  # fmt: skip
        table = pd.DataFrame({"class": self.scene.class_names, **columns}, index=range(1, size))
        return table[table["pixels"] > 0]

    def per_field(self) -> pd.DataFrame:
        """One row a field with truth: class, pixels, share right in a and in b, and `change` (b minus a)."""
        return self._field_table

    @cached_property
    def _field_table(self) -> pd.DataFrame:
        import pandas as pd

        known = (self.truth > 0) & (self.fields > 0)
        if not known.any():
            return pd.DataFrame(columns=["class", "pixels", "share_a", "share_b", "change"])
        groups, true = self.fields[known], self.truth[known]
        a, b = (per_field_accuracy(true, m[known], groups) for m in self.maps)
        table = a[["class", "pixels"]].assign(share_a=a["share"], share_b=b["share"])
        return table.assign(change=table["share_b"] - table["share_a"])

    def counts(self, where: np.ndarray | None = None) -> dict[str, int]:
        """Pixels of each of `KINDS` in a mask (row, col), or among the classes shown."""
        found = np.bincount(self.kinds[self.shown if where is None else where], minlength=len(KINDS))
        return dict(zip(KINDS, found.tolist()))

    def summary(self) -> str:
        """The comparison in words."""
        a, b = self.names
        found, known = self.counts(), int(((self.truth > 0) & self.shown).sum())
        differ = sum(found[kind] for kind in KINDS[3:])
        total = sum(found.values()) - found["no answer"]
        text = f"{a} and {b} differ in {differ:,} of {total:,} px ({differ / max(total, 1):.1%})."
        if not known:
            return f"{text} No truth: nobody can say which of them is right."
        scored = "test" if self.split else "labelled"
        return f"{text} Of {known:,} {scored} px, {b} gains {found['gained']:,} and loses {found['lost']:,}."

    # --- what a script calls ---------------------------------------------------------------------

    def pick(self, row: int, col: int) -> int:
        """Say what both maps answer at a pixel, and light its field in all pictures; returns the field, 0 for none."""
        rows, cols = self.scene.shape
        if not (0 <= row < rows and 0 <= col < cols):
            raise ValueError(f"pixel ({row}, {col}) is outside the maps; rows are 0..{rows - 1}, columns 0..{cols - 1}")
        field = int(self.fields[row, col])
        text = f"({row}, {col}){self.facts.place_text(row, col)}, {self._told(row, col)}."
        table = self.per_field()
        if field in table.index:
            line = table.loc[field]
            text += f" Field {field}, {int(line['pixels']):,} px: {line['share_a']:.0%} right"
            text += f" in {self.names[0]}, {line['share_b']:.0%} in {self.names[1]}."
        with self.step(text):
            self.place = (row, col)
        return field

    def select_outline(self, outline: np.ndarray) -> dict[str, int]:
        """Count the `KINDS` among pixels inside an outline (n, 2) of x = column, y = row."""
        inside = pixels_inside(np.asarray(outline, float), self.scene.shape) & self.shown
        if not inside.any():
            with self.step("No pixel of the classes shown lies in there; drag around at least one."):
                return {}
        found = self.counts(inside)
        listed = ", ".join(f"{kind} {count:,}" for kind, count in found.items() if count)
        with self.step(f"{int(inside.sum()):,} px: {listed}."):
            return found

    def show_classes(self, classes: set[int] | None = None) -> None:
        """Count and draw only pixels of some classes 1..C; None for all."""
        every = set(range(1, self.scene.n_classes + 1))
        wanted = every if classes is None else {int(c) for c in classes}
        if not wanted or not wanted <= every:
            raise ValueError(f"classes {sorted(wanted)}; choose from 1 to {self.scene.n_classes}")
        with self.step():
            self.classes_shown = wanted
            self.message = self.summary()

    def toggle(self, class_id: int, ctrl: bool = False) -> None:
        """What a click in the legend does: that class alone, or all again; with Ctrl it comes or goes."""
        if ctrl:
            self.show_classes(self.classes_shown ^ {class_id})
        else:
            self.show_classes(None if self.classes_shown == {class_id} else {class_id})

    def pick_field(self, place: int) -> int:
        """Pick a pixel of a field, by its place among the fields of the classes shown."""
        table = self.per_field()
        field = table.index[table["class"].isin(self.classes_shown)][place]
        pixels = np.argwhere((self.fields == field) & (self.truth > 0))
        row, col = pixels[np.abs(pixels - pixels.mean(0)).sum(1).argmin()]
        return self.pick(int(row), int(col))

    def _told(self, row: int, col: int) -> str:
        answers = (f"{n}: {self.facts.name_of(m[row, col], 'no answer')}" for n, m in zip(self.names, self.maps))
        return ", ".join((f"truth {self.facts.name_of(self.truth[row, col], 'unknown')}", *answers))

    # --- inside ----------------------------------------------------------------------------------

    def _fields(self) -> np.ndarray:
        from hsikit.splits.pixels import fields

        if self.split is not None and self.split.groups is not None:
            return self.split.groups
        return fields(self.scene.usable if self.split is None else self.split.labels)


def kinds_of(truth: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Codes (row, col) uint8 into `KINDS`; all three are rasters of classes, 0 for unknown or no answer."""
    right_a, right_b, same = a == truth, b == truth, a == b
    inside = (a > 0) | (b > 0)
    found = np.select(
        [~inside, same & ((truth == 0) | right_a), same, truth == 0, right_b, right_a], [0, 1, 2, 6, 3, 4], 5
    )
    return found.astype(np.uint8)


def _checked(labels: np.ndarray, scene: Scene, name: str) -> np.ndarray:
    if labels.shape != scene.shape:
        raise ValueError(f"map {name} is {labels.shape}, expected {scene.shape} (row, col)")
    if labels.dtype.kind not in "ui" or labels.min() < 0 or labels.max() > scene.n_classes:
        raise ValueError(f"map {name} must hold whole numbers 0 to {scene.n_classes}, the classes of {scene.name}")
    return labels


def _bare_scene(a: np.ndarray, b: np.ndarray) -> Scene:
    """A scene without spectra or truth, with as many classes as the maps hold."""
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"the maps are {a.shape} and {b.shape}; give two of one size (row, col)")
    if any(m.dtype.kind not in "ui" for m in (a, b)):
        raise ValueError(f"the maps hold {a.dtype} and {b.dtype}; give whole numbers, 0 for no answer")
    names = [f"class {i}" for i in range(1, max(int(a.max()), int(b.max()), 1) + 1)]
    return Scene("maps", np.zeros((*a.shape, 1), np.float32), np.zeros(a.shape, np.int16), names)
