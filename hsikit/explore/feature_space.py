"""`FeatureSpaceExplorer`: pixels in feature space, on the map and as spectra, linked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.explore.feature_inputs import PARTS, flat_pixels, labels_of, per_pixel, shares, unit_vectors
from hsikit.explore.feature_numbers import Numbers
from hsikit.explore.feature_pictures import Pictures, Settings
from hsikit.explore.marks import inside, pixels_inside
from hsikit.explore.panel import Panel, View
from hsikit.features import Embedding2D, draw_per_class
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.separation import Separation
from hsikit.splits import Split

COLOUR_BY = ("class", "prediction", "correctness", "confidence", "split")
MOST_DRAWN = 50_000  # points; matplotlib needs a second for more
REACH_PX = 6  # a click on the map lights the nearest shown pixel within this distance
SPECTRA_DRAWN = 6  # mean spectra of the largest classes among the lit pixels


class FeatureSpaceExplorer(Panel):
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
        classes_shown: Classes that are drawn, 0 for unlabelled.

    Raises:
        ValueError: When lengths, shapes or indices do not fit each other or embeddings hold NaN.
    """

    size_in = (10.6, 8.4)

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
        self.space, self.method, self.perplexity, self.neighbours = next(iter(spaces)), "pca", 30.0, 15
        self.color_by = "class"
        self.beside: str | None = None
        self.xy_beside: np.ndarray | None = None
        self.classes_shown = set(np.unique(self.labels).tolist())
        self.lit = np.zeros(len(self.pixels), bool)
        if scene.shape[1] > 1.6 * scene.shape[0]:  # wide maps stand above the clouds
            self.size_in = (10.6, 9.6)
        self.pictures, self.numbers = Pictures(self.spaces, seed, cache), Numbers(self)
        self.xy = self.pictures.of(self.settings())[0].coordinates
        self.message = "Drag around points in the cloud, or around pixels on the map."

    def __repr__(self) -> str:
        what = f"{len(self.pixels):,} px, {self.space}, {self.method}"
        return f"<FeatureSpaceExplorer of {self.scene.name}: {what}>"

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
        settings = self.settings(space, method, perplexity, neighbours, beside)
        self._place(settings, self.pictures.of(settings))

    def color(self, by: str) -> None:
        """Colour points by one of `COLOUR_BY`."""
        if by not in COLOUR_BY:
            raise ValueError(f"{by!r} is unknown; choose one of {', '.join(COLOUR_BY)}")
        if by in ("prediction", "correctness") and self.prediction is None:
            raise ValueError(f"colouring by {by} needs prediction=; give a class for each pixel")
        if by == "confidence" and self.confidence is None:
            raise ValueError("colouring by confidence needs confidence= or a Prediction; give a share for each pixel")
        if by == "split" and (self.parts == len(PARTS) - 1).all():
            raise ValueError("colouring by split needs a Split; give one instead of labels")
        self.color_by = by
        self._tell(f"Coloured by {by}.")

    def toggle_class(self, class_id: int, shown: bool | None = None) -> None:
        """Draw or hide a class (0: unlabelled) in cloud, map and separation table."""
        if class_id not in np.unique(self.labels):
            raise ValueError(f"class {class_id} has no pixel here; there are {np.unique(self.labels).tolist()}")
        shown = class_id not in self.classes_shown if shown is None else shown
        (self.classes_shown.add if shown else self.classes_shown.discard)(class_id)
        self.lit &= self.visible
        self._tell(f"{self.class_name(class_id)} {'shown' if shown else 'hidden'}.")

    # --- selections ------------------------------------------------------------------------------

    def select_points(self, outline: np.ndarray, beside: bool = False) -> np.ndarray:
        """Light the shown points inside an outline (m, 2) of the cloud; returns their flat pixels (k,).

        `beside` says that the outline was drawn in the second cloud; the same pixels light up in both.
        """
        return self._light(inside(np.asarray(outline, float), self.cloud(beside)))

    def select_indices(self, chosen: np.ndarray) -> np.ndarray:
        """Light the shown points of some places (k,) in `pixels`; returns their flat pixels."""
        mask = np.zeros(len(self.pixels), bool)
        mask[chosen] = True
        return self._light(mask)

    def pick_point(self, x: float, y: float, beside: bool = False) -> np.ndarray:
        """Light the shown point nearest to a place in the cloud; returns its flat pixel (1,)."""
        cloud = self.cloud(beside)
        away = np.where(self.visible, np.hypot(*((cloud - (x, y)) / np.ptp(cloud, axis=0)).T), np.inf)
        return self._light(np.arange(len(away)) == away.argmin())

    def pick(self, row: int, col: int) -> np.ndarray:
        """Light the shown pixel nearest to a place on the map, within a few pixels; returns it (1,) or nothing."""
        away = np.where(self.visible, np.abs(self.rowcol - (row, col)).max(1), REACH_PX + 1)
        return self._light((np.arange(len(away)) == away.argmin()) & (away <= REACH_PX))

    def select_pixels(self, mask: np.ndarray) -> np.ndarray:
        """Light the shown points whose pixels lie in a mask (row, col); returns their flat pixels (k,)."""
        mask = np.asarray(mask)
        if mask.shape != self.scene.shape or mask.dtype != bool:
            raise ValueError(f"the mask is {mask.shape} {mask.dtype}, expected {self.scene.shape} of booleans")
        return self._light(mask.ravel()[self.pixels])

    def clear(self) -> None:
        """Light nothing."""
        self.lit = np.zeros(len(self.pixels), bool)
        self._tell("Nothing is lit.")

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
        return self.numbers.separation(space or self.space)

    def class_name(self, class_id: int) -> str:
        """Name of a class, ``"unlabelled"`` for 0."""
        return self.scene.class_names[class_id - 1] if class_id else "unlabelled"

    # --- inside ----------------------------------------------------------------------------------

    def settings(
        self, space: str | None = None, method: str | None = None, perplexity: float | None = None,
        neighbours: int | None = None, beside: str | None = None,
    ) -> Settings:  # fmt: skip
        """What a picture depends on: the present settings, with those given in their place."""
        return self.pictures.checked(
            self.space if space is None else space,
            self.method if method is None else method,
            self.perplexity if perplexity is None else perplexity,
            self.neighbours if neighbours is None else neighbours,
            (self.beside or "") if beside is None else beside,
        )

    def _place(self, settings: Settings, pictures: list[Embedding2D]) -> None:
        self.space, self.method, self.perplexity, self.neighbours = settings[:4]
        self.beside, self.xy = settings.beside or None, pictures[0].coordinates
        self.xy_beside = pictures[1].coordinates if settings.beside else None
        named = f"{self.space} and {self.beside}" if self.beside else self.space
        self._tell(f"{named} by {self.method}, {len(self.pixels):,} px.")

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
            self._tell("No shown point lies in there; drag around at least one.")
            return np.empty(0, self.pixels.dtype)
        self.lit = chosen
        counts = np.bincount(self.labels[chosen], minlength=self.scene.n_classes + 1)
        top = [c for c in np.argsort(-counts, kind="stable")[:4] if counts[c]]
        text = f"{chosen.sum():,} px lit: " + ", ".join(f"{self.class_name(c)} {counts[c]:,}" for c in top) + "."
        if self.prediction is not None:
            known = chosen & (self.labels > 0)
            wrong = int((self.prediction[known] != self.labels[known]).sum())
            text += f" {wrong:,} of {known.sum():,} are predicted wrong."
        self._tell(text)
        return self.pixels[chosen]

    def _tell(self, message: str) -> None:
        self.message = message
        self._show()

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.feature_view import FeatureView

        return FeatureView(figure, self)

    def _open(self) -> tuple[Any, Any]:
        """Beyond `MOST_DRAWN` points the clouds stand above the figure, drawn by the graphics card."""
        if len(self.pixels) <= MOST_DRAWN:
            return super()._open()
        try:
            from hsikit.explore.feature_scatter import BigClouds
        except ImportError:
            self.message = f"{len(self.pixels):,} points are slow to draw; hsikit[clouds] draws them by WebGL."
            return super()._open()
        import ipywidgets as w

        from hsikit.explore.canvas import new_canvas
        from hsikit.explore.feature_view import FeatureView

        canvas = new_canvas(self.size_in, self._lock)
        clouds = BigClouds(self)
        return FeatureView(canvas.figure, self, clouds), w.VBox([clouds.widget, canvas])

    def _controls(self) -> list[Any]:
        from hsikit.explore.feature_controls import FeatureControls

        self._panel = FeatureControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()

    def _map_outline(self, outline: np.ndarray) -> None:
        self.select_pixels(pixels_inside(outline, self.scene.shape))
