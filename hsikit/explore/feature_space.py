"""`FeatureSpace`: pixels in feature space, on the map and as spectra, as state that a script drives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import traitlets as t

from hsikit.explore.feature_inputs import PARTS, flat_pixels, labels_of, per_pixel, shares, unit_vectors
from hsikit.explore.feature_numbers import Numbers
from hsikit.explore.feature_pictures import Pictures, Settings
from hsikit.explore.marks import inside, pixels_inside
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.state import Choice, State, check_mask
from hsikit.features import Embedding2D, draw_per_class
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.separation import Separation
from hsikit.splits import Split

COLOUR_BY = ("class", "prediction", "correctness", "confidence", "split")
REACH_PX = 6  # a click on the map lights the nearest shown pixel within this distance
SPECTRA_DRAWN = 6  # mean spectra of the largest classes among the lit pixels


class FeatureSpace(State):
    """Select in the cloud and see the map, or the other way round.

    Args:
        embeddings: Vectors (n, dim) of `pixels`, or (row, col, dim) for the whole scene; or a mapping from
            names (such as "input", "exit 1", "final") to such arrays of the same pixels.
        labels_or_split: Classes (n,) or (row, col), 0 for unlabelled; or a `Split`, which also tells the
            parts.
        scene: Where the pixels lie.
        pixels: Flat indices (n,) or rows and columns (n, 2). May be left out for (row, col, dim): then all
            valid pixels that are labelled or in the split.
        prediction: Classes (n,) or (row, col) that a model gave, to colour by; or a `Prediction`, which also tells
            how sure it was.
        confidence: How sure a model was (n,) or (row, col), 0 to 1, to colour by.
        words: Name -> vector (dim,) of sentences or class prompts, drawn as stars.
        window: Side of the model's window, for the separation numbers.
        cap_per_class: At most this many pixels a class are shown; None for all.
        cache: Folder for t-SNE and UMAP results.

    Attributes:
        pixels, labels, parts, prediction: Of the n pixels shown: flat index, class, index into `PARTS`, class
            or None.
        xy: Their places (n, 2) in the picture.
        beside, xy_beside: A second space shown beside the first, and the places in it; None without one.
        lit: Booleans (n,): what was selected last.
        table: ``"confusion"`` of class and prediction, or ``"distances"`` of class centres.
        classes_shown: Classes that are drawn, 0 for unlabelled.

    Raises:
        ValueError: When lengths, shapes or indices do not fit each other or embeddings hold NaN.
    """

    space = t.Unicode().tag(shown=True)
    beside: Any = t.Unicode(None, allow_none=True).tag(shown=True)
    method = t.Unicode("pca").tag(shown=True)
    perplexity = t.Float(30.0).tag(shown=True)
    neighbours = t.Int(15).tag(shown=True)
    color_by = Choice(COLOUR_BY).tag(shown=True)
    table = t.Enum(("confusion", "distances"), "distances").tag(shown=True)
    classes_shown = t.Set().tag(shown=True, kept=True)
    lit = t.Any().tag(shown=True, kept=True)

    def __init__(
        self,
        embeddings: np.ndarray | Mapping[str, np.ndarray],
        labels_or_split: np.ndarray | Split,
        scene: Scene,
        pixels: np.ndarray | None = None,
        *,
        prediction: Prediction | np.ndarray | None = None,
        confidence: np.ndarray | None = None,
        words: Mapping[str, np.ndarray] | None = None,
        window: int = 11,
        cap_per_class: int | None = 300,
        cache: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.scene, self.window, self.seed = scene, window, seed
        given = embeddings if isinstance(embeddings, Mapping) else {"embeddings": embeddings}
        if not given:
            raise ValueError("no embeddings were given; give vectors (n, dim)")
        pixels = flat_pixels(next(iter(given.values())), labels_or_split, scene, pixels)
        labels, parts = labels_of(labels_or_split, scene, pixels)
        spaces = {name: unit_vectors(name, array, scene, pixels) for name, array in given.items()}
        chosen = np.arange(len(pixels)) if cap_per_class is None else draw_per_class(labels, cap_per_class, seed)
        self.pixels, self.labels, self.parts = pixels[chosen], labels[chosen], parts[chosen]
        self.spaces = {name: vectors[chosen] for name, vectors in spaces.items()}
        if isinstance(prediction, Prediction):
            confidence = prediction.scores.max(-1) if confidence is None else confidence
            prediction = prediction.labels
        self.prediction = None if prediction is None else per_pixel("prediction", prediction, scene, pixels)[chosen]
        self.confidence = None if confidence is None else shares("confidence", confidence, scene, pixels)[chosen]
        self.words = {n: np.asarray(v, np.float32).ravel() for n, v in (words or {}).items()}
        self.xy_beside: np.ndarray | None = None
        self.classes = tuple(np.unique(self.labels).tolist())
        self.facts = SceneFacts(scene)
        self.pictures = Pictures(self.spaces, seed, cache)
        self.numbers = Numbers(self.spaces, self.labels, self.rowcol, window, seed)
        with self.step("Drag around points in the cloud, or around pixels on the map."):
            self.space, self.classes_shown = next(iter(spaces)), set(self.classes)
            self.lit = np.zeros(len(self.pixels), bool)
            self.table = "distances" if self.prediction is None else "confusion"
        self.xy = self.pictures.of(self.settings())[0].coordinates
        self._before.clear()  # there is nothing to take back yet

    def __repr__(self) -> str:
        what = f"{len(self.pixels):,} px, {self.space}, {self.method}"
        return f"<{type(self).__name__} of {self.scene.name}: {what}>"

    # --- the picture -----------------------------------------------------------------------------

    def show(
        self,
        space: str | None = None,
        method: str | None = None,
        perplexity: float | None = None,
        neighbours: int | None = None,
        beside: str | None = None,
    ) -> None:
        """Lay a space out by ``"pca"``, ``"tsne"`` (perplexity) or ``"umap"`` (neighbours).

        `beside` names a second space to stand beside it, laid out in the same way; ``""`` takes it away.
        """
        made = self.settings(space=space, method=method, perplexity=perplexity, neighbours=neighbours, beside=beside)
        self._place(made, self.pictures.of(made))

    def color(self, by: str) -> None:
        """Colour points by one of `COLOUR_BY`."""
        self.color_by = by
        self.message = f"Coloured by {by}."

    @t.validate("color_by")
    def _checked_color(self, proposal: Any) -> str:
        by = proposal["value"]
        if by in ("prediction", "correctness") and self.prediction is None:
            raise ValueError(f"colouring by {by} needs prediction=; give a class for each pixel")
        if by == "confidence" and self.confidence is None:
            raise ValueError("colouring by confidence needs confidence= or a Prediction; give a share for each pixel")
        if by == "split" and (self.parts == len(PARTS) - 1).all():
            raise ValueError("colouring by split needs a Split; give one instead of labels")
        return by

    @t.observe("space", "beside", "method", "perplexity", "neighbours")
    def _laid_out(self, change: Any) -> None:
        if self._inside:
            return
        try:  # set by itself: the places follow, or it is set back
            self.show()
        except ValueError:
            with self.step():
                setattr(self, change["name"], change["old"])
            raise

    def toggle_class(self, class_id: int, shown: bool | None = None) -> None:
        """Draw or dim a class (0: unlabelled) in cloud, map and separation table."""
        self._checked_class(class_id)
        shown = class_id not in self.classes_shown if shown is None else shown
        self._show_classes(self.classes_shown | {class_id} if shown else self.classes_shown - {class_id},
                           f"{self.facts.name_of(class_id)} {'shown' if shown else 'dimmed'}.")  # fmt: skip

    def only(self, class_id: int, add: bool = False) -> None:
        """What a click on the legend does: this class alone, all of them again the second time; with `add` one more."""
        self._checked_class(class_id)
        if add and self.classes_shown != set(self.classes):
            self.toggle_class(class_id)
        elif self.classes_shown == {class_id}:
            self._show_classes(set(self.classes), "All classes are shown.")
        else:
            self._show_classes({class_id}, f"Only {self.facts.name_of(class_id)}; again shows all, Ctrl adds another.")

    def _checked_class(self, class_id: int) -> None:
        if class_id not in self.classes:
            raise ValueError(f"class {class_id} has no pixel here; there are {list(self.classes)}")

    def _show_classes(self, classes: set[int], told: str) -> None:
        with self.step(told):
            self.classes_shown = classes
            if (self.lit & ~self.visible).any():
                self.lit = self.lit & self.visible

    # --- selections ------------------------------------------------------------------------------

    def select_points(self, outline: np.ndarray, beside: bool = False) -> np.ndarray:
        """Light the shown points inside an outline (m, 2) of the cloud; returns their flat pixels (k,).

        `beside` says that the outline was drawn in the second cloud; the same pixels light up in both.
        """
        return self._light(inside(np.asarray(outline, float), self.cloud(beside)))

    def pick_point(self, x: float, y: float, beside: bool = False) -> np.ndarray:
        """Light the shown point nearest to a place in the cloud; returns its flat pixel (1,)."""
        cloud = self.cloud(beside)
        away = np.where(self.visible, np.hypot(*((cloud - (x, y)) / np.ptp(cloud, axis=0)).T), np.inf)
        return self._light(np.arange(len(away)) == away.argmin())

    def pick(self, row: int, col: int) -> np.ndarray:
        """Light the shown pixel nearest to a place on the map, within a few pixels; returns it (1,) or nothing."""
        index = self.near(row, col)
        return self._light(np.arange(len(self.pixels)) == index) if index >= 0 else self._light(np.zeros_like(self.lit))

    def select_pixels(self, mask: np.ndarray) -> np.ndarray:
        """Light the shown points whose pixels lie in a mask (row, col); returns their flat pixels (k,)."""
        return self._light(check_mask(self.scene, mask).ravel()[self.pixels])

    select = select_pixels  # what linked explorers call

    def select_outline(self, outline: np.ndarray) -> np.ndarray:
        """`select_pixels` whose centres lie inside an outline (n, 2) of x = column, y = row."""
        return self.select_pixels(pixels_inside(np.asarray(outline, float), self.scene.shape))

    def clear(self) -> None:
        """Light nothing."""
        with self.step("Nothing is lit; Undo brings it back." if self.lit.any() else "Nothing is lit."):
            self.lit = np.zeros(len(self.pixels), bool)

    @t.validate("table")
    def _checked_table(self, proposal: Any) -> str:
        if proposal["value"] == "confusion" and self.prediction is None:
            raise ValueError("a confusion needs prediction=; give a class for each pixel")
        return proposal["value"]

    @property
    def visible(self) -> np.ndarray:
        """Booleans (n,): points of the classes shown."""
        return np.isin(self.labels, list(self.classes_shown))

    @property
    def rowcol(self) -> np.ndarray:
        """Rows and columns (n, 2) of the points."""
        return np.stack(np.divmod(self.pixels, self.scene.shape[1]), 1)

    @cached_property
    def backdrop(self) -> np.ndarray:
        """The scene in pale grey (row, col, 3), 0..1."""
        return np.repeat(0.75 + 0.25 * self.scene.rgb().mean(-1, keepdims=True), 3, -1)

    def spectra(self) -> list[tuple[int, np.ndarray, np.ndarray | None, int]]:
        """Class, mean, std (ddof 1; None for one), count of lit (or all shown) pixels, largest first."""
        which = self.lit if self.lit.any() else self.visible
        found = []
        for c in np.unique(self.labels[which]):
            rows, cols = self.rowcol[which & (self.labels == c)].T
            values = np.asarray(self.scene.hsi[rows, cols], np.float64)
            found.append((int(c), values.mean(0), values.std(0, ddof=1) if len(values) > 1 else None, len(values)))
        return sorted(found, key=lambda entry: -entry[3])[:SPECTRA_DRAWN]

    def confusion(self) -> np.ndarray:
        """Counts (C + 1, C + 1) of class by prediction among the lit (or all shown) pixels, 0 for unlabelled."""
        if self.prediction is None:
            raise ValueError("a confusion needs prediction=; give a class for each pixel")
        which = self.lit if self.lit.any() else self.visible
        size = self.scene.n_classes + 1
        pairs = self.labels[which] * size + self.prediction[which]
        return np.bincount(pairs, minlength=size * size).reshape(size, size)

    def separation(self, space: str | None = None) -> Separation:
        """Separation of the classes shown in the full space; see `hsikit.separation`."""
        return self.numbers.separation(space or self.space, frozenset(self.classes_shown))

    def centre_distances(self, classes: list[int]) -> np.ndarray:
        """Distances (k, k) between the means of k classes in the full space (unit vectors); NaN for dimmed ones."""
        return self.numbers.centre_distances(self.space, classes, frozenset(self.classes_shown))

    def measure(self) -> list[tuple[str, ...]]:
        """The numbers of the spaces on show, see `Numbers.lines`; the first time takes a while."""
        spaces = {name: self.cloud(place > 0) for place, name in enumerate(self.spaces_shown)}
        return self.numbers.lines(spaces, frozenset(self.classes_shown), self.settings())

    @property
    def spaces_shown(self) -> list[str]:
        """The space, and the one beside it."""
        return [self.space] + ([self.beside] if self.beside else [])

    def under_pointer(self, x: float, y: float) -> str:
        """The read-out of the shown pixel near a place on the map, x = column, y = row."""
        return self.about(self.near(round(y), round(x)))

    def about(self, index: int) -> str:
        """The read-out of a point: class, answer, how sure, place; empty for -1."""
        if not 0 <= index < len(self.pixels):
            return ""
        row, col = (int(v) for v in self.rowcol[index])
        words = [self.facts.name_of(int(self.labels[index]))]
        if self.prediction is not None:
            words.append(f"predicted {self.facts.name_of(int(self.prediction[index]))}")
        if self.confidence is not None:
            words.append(f"confidence {self.confidence[index]:.2f}")
        if self.parts[index] < len(PARTS) - 1:
            words.append(PARTS[self.parts[index]])
        return f"{', '.join(words)}: row {row}, col {col}{self.facts.place_text(row, col)}"

    def near(self, row: int, col: int) -> int:
        """Index of the shown pixel nearest to a place on the map, -1 beyond `REACH_PX`."""
        away = np.where(self.visible, np.abs(self.rowcol - (row, col)).max(1), REACH_PX + 1)
        return int(away.argmin()) if away.min() <= REACH_PX else -1

    # --- inside ----------------------------------------------------------------------------------

    def settings(self, **change: Any) -> Settings:
        """What a picture depends on: the present settings, with those given that are not None in their place."""
        now = Settings(self.space, self.method, self.perplexity, self.neighbours, self.beside or "")  # type: ignore[arg-type]
        return now._replace(**{name: value for name, value in change.items() if value is not None})

    def _place(self, settings: Settings, pictures: list[Embedding2D]) -> None:
        with self.step():
            self.space, self.method = settings.space, settings.method
            self.perplexity, self.neighbours = float(settings.perplexity), int(settings.neighbours)
            self.beside, self.xy = settings.beside or None, pictures[0].coordinates
            self.xy_beside = pictures[1].coordinates if settings.beside else None
            self.message = f"{' and '.join(self.spaces_shown)} by {self.method}, {len(self.pixels):,} px."

    def cloud(self, beside: bool) -> np.ndarray:
        """Places (n, 2) in the first picture or the one beside it; ValueError where there is no second."""
        if not beside:
            return self.xy
        if self.xy_beside is None:
            raise ValueError("there is no second cloud; show(beside=...) names one")
        return self.xy_beside

    def _light(self, chosen: np.ndarray) -> np.ndarray:
        chosen = chosen & self.visible
        if not chosen.any():
            with self.step("No shown point lies in there; drag around at least one."):
                return np.empty(0, self.pixels.dtype)
        counts = np.bincount(self.labels[chosen], minlength=self.scene.n_classes + 1)
        top = [c for c in np.argsort(-counts, kind="stable")[:4] if counts[c]]
        text = f"{chosen.sum():,} px lit: " + ", ".join(f"{self.facts.name_of(c)} {counts[c]:,}" for c in top) + "."
        if self.prediction is not None:
            known = chosen & (self.labels > 0)
            wrong = int((self.prediction[known] != self.labels[known]).sum())
            text += f" {wrong:,} of {known.sum():,} are predicted wrong."
        with self.step(text):
            self.lit = chosen
            if chosen.sum() == 1:
                self.place = tuple(int(v) for v in self.rowcol[chosen][0])
            else:
                self.chosen = self.pixels[chosen]
        return self.pixels[chosen]
