"""`FeatureSpaceExplorer`: pixels in feature space, on the map and as spectra, linked."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from hsikit.explore.feature_inputs import PARTS, flat_pixels, labels_of, per_pixel, unit_vectors
from hsikit.explore.panel import Panel, View
from hsikit.explore.redraw import inside, pixels_inside
from hsikit.features import Embedding2D, Method, draw_per_class, embed, project
from hsikit.figures.style import PALETTE, WRONG
from hsikit.scenes.base import Scene
from hsikit.separation import Separation, separation
from hsikit.splits import Split

COLOUR_BY = ("class", "prediction", "correctness", "split")
PART_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[3], "#bbbbbb")
UNKNOWN = "#bbbbbb"
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
        prediction: Classes (n,) or (row, col) that a model gave, to colour by.
        words: Name -> vector (dim,) of sentences or class prompts, drawn as stars.
        window: Side of the model's window, for the separation numbers.
        cap_per_class: At most this many pixels a class are shown; None for all.
        cache: Folder for t-SNE and UMAP results.

    Attributes:
        pixels, labels, parts, prediction: Of the n pixels shown: flat index, class, index into `PARTS`, class
            or None.
        xy: Their places (n, 2) in the picture.
        lit: Booleans (n,): what was selected last.
        classes_shown: Classes that are drawn, 0 for unlabelled.

    Raises:
        ValueError: When lengths, shapes or indices do not fit each other or embeddings hold NaN.
    """

    size_in = (10.6, 5.4)

    def __init__(
        self,
        embeddings: np.ndarray | Mapping[str, np.ndarray],
        labels_or_split: np.ndarray | Split,
        scene: Scene,
        pixels: np.ndarray | None = None,
        *,
        prediction: np.ndarray | None = None,
        words: Mapping[str, np.ndarray] | None = None,
        window: int = 11,
        cap_per_class: int | None = 300,
        cache: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.scene, self.window, self.seed, self.cache = scene, window, seed, cache
        given = embeddings if isinstance(embeddings, Mapping) else {"embeddings": embeddings}
        if not given:
            raise ValueError("no embeddings were given; give vectors (n, dim)")
        pixels = flat_pixels(next(iter(given.values())), labels_or_split, scene, pixels)
        labels, parts = labels_of(labels_or_split, scene, pixels)
        spaces = {name: unit_vectors(name, array, scene, pixels) for name, array in given.items()}
        chosen = np.arange(len(pixels)) if cap_per_class is None else draw_per_class(labels, cap_per_class, seed)
        self.pixels, self.labels, self.parts = pixels[chosen], labels[chosen], parts[chosen]
        self.spaces = {name: vectors[chosen] for name, vectors in spaces.items()}
        self.prediction = None if prediction is None else per_pixel("prediction", prediction, scene, pixels)[chosen]
        self.words = {n: np.asarray(v, np.float32).ravel() for n, v in (words or {}).items()}
        self.space, self.method, self.perplexity, self.neighbours = next(iter(spaces)), "pca", 30.0, 15
        self.color_by = "class"
        self.classes_shown = set(np.unique(self.labels).tolist())
        self.lit = np.zeros(len(self.pixels), bool)
        self._pictures: dict[tuple[Any, ...], Embedding2D] = {}
        self._measured: dict[tuple[Any, ...], Separation] = {}
        self.xy = self._picture(self._settings()).coordinates
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
    ) -> None:
        """Lay a space out by ``"pca"``, ``"tsne"`` (perplexity) or ``"umap"`` (neighbours)."""
        settings = self._settings(space, method, perplexity, neighbours)
        self._place(settings, self._picture(settings))

    def color(self, by: str) -> None:
        """Colour points by one of `COLOUR_BY`."""
        if by not in COLOUR_BY:
            raise ValueError(f"{by!r} is unknown; choose one of {', '.join(COLOUR_BY)}")
        if by in ("prediction", "correctness") and self.prediction is None:
            raise ValueError(f"colouring by {by} needs prediction=; give a class for each pixel")
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

    def select_points(self, outline: np.ndarray) -> np.ndarray:
        """Light the shown points inside an outline (m, 2) of the cloud; returns their flat pixels (k,)."""
        return self._light(inside(np.asarray(outline, float), self.xy))

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
        """Counts (C + 1, C + 1) of class by prediction among the lit pixels, 0 for unlabelled."""
        if self.prediction is None:
            raise ValueError("a confusion needs prediction=; give a class for each pixel")
        size = self.scene.n_classes + 1
        pairs = self.labels[self.lit] * size + self.prediction[self.lit]
        return np.bincount(pairs, minlength=size * size).reshape(size, size)

    def separation(self) -> Separation:
        """Separation of the classes shown in the full space; see `hsikit.separation`."""
        key = (self.space, frozenset(self.classes_shown))
        if key not in self._measured:
            use = self.visible & (self.labels > 0)
            vectors, where = self.spaces[self.space][use], self.rowcol[use]
            self._measured[key] = separation(vectors, self.labels[use], where, self.window, 100, self.seed)
        return self._measured[key]

    # --- what the view draws ---------------------------------------------------------------------

    def categories(self) -> tuple[np.ndarray, list[str], list[str]]:
        """Category (n,) of every point under the present colouring, and the categories' names and colours."""
        names = [self.class_name(c) for c in range(self.scene.n_classes + 1)]
        colours = [UNKNOWN, *self.scene.colors]
        if self.color_by == "prediction" and self.prediction is not None:
            return self.prediction, names, colours
        if self.color_by == "correctness" and self.prediction is not None:
            state = np.where(self.labels == 0, 0, np.where(self.labels == self.prediction, 1, 2))
            return state, ["unlabelled", "right", "wrong"], ["#f0f0f0", PALETTE[0], WRONG]
        if self.color_by == "split":
            return self.parts, list(PARTS), list(PART_COLOURS)
        return self.labels, names, colours

    def picture(self) -> np.ndarray:
        """The map (row, col, 3) in 0..1: the scene in pale grey, lit (or all shown) points in colour."""
        from matplotlib.colors import to_rgb

        grey = self._backdrop
        category, _, colours = self.categories()
        which = self.lit if self.lit.any() else self.visible
        rows, cols = self.rowcol[which].T
        picture = grey.copy()
        picture[rows, cols] = np.array([to_rgb(c) for c in colours])[category[which]]
        return picture

    def star_places(self) -> dict[str, np.ndarray]:
        """Name -> place (2,) of the words in the picture, where they have the space's dimension."""
        dim = self.spaces[self.space].shape[1]
        fitting = {n: v / max(float(np.linalg.norm(v)), 1e-12) for n, v in self.words.items() if v.size == dim}
        if not fitting:
            return {}
        placed = project(self._picture(self._settings()), np.stack(list(fitting.values())))
        return dict(zip(fitting, placed))

    def class_name(self, class_id: int) -> str:
        """Name of a class, ``"unlabelled"`` for 0."""
        return self.scene.class_names[class_id - 1] if class_id else "unlabelled"

    def separation_text(self) -> str:
        """The separation numbers in a few lines, or why there are none."""
        try:
            found = self.separation()
        except ValueError as error:
            return textwrap.fill(f"no separation: {error}", 44)
        lines = [f"separation in the full space, {found.n:,} px;", f"pairs at least {found.window} px apart"]
        arrows = {"higher": "↑", "lower": "↓"}
        for metric, value, better in found.table().itertuples(index=False):
            lines.append(f"{metric.replace('_', ' ')} {arrows[better]}  {value:.3g}")
        return "\n".join(lines)

    # --- inside ----------------------------------------------------------------------------------

    @property
    def _backdrop(self) -> np.ndarray:
        if not hasattr(self, "_grey"):
            self._grey = np.repeat(0.75 + 0.25 * self.scene.rgb().mean(-1, keepdims=True), 3, -1)
        return self._grey

    def _settings(
        self, space: str | None = None, method: str | None = None, perplexity: float | None = None,
        neighbours: int | None = None,
    ) -> tuple[str, Method, float, int]:  # fmt: skip
        space = self.space if space is None else space
        if space not in self.spaces:
            raise ValueError(f"there is no space {space!r}; choose one of {', '.join(self.spaces)}")
        chosen = self.method if method is None else method
        if chosen not in get_args(Method):
            raise ValueError(f"method {chosen!r} is unknown; choose one of {', '.join(get_args(Method))}")
        perplexity = self.perplexity if perplexity is None else float(perplexity)
        return space, chosen, perplexity, self.neighbours if neighbours is None else int(neighbours)  # type: ignore[return-value]

    def _picture(self, settings: tuple[str, Method, float, int]) -> Embedding2D:
        space, method, perplexity, neighbours = settings
        key = (space, method, perplexity if method == "tsne" else neighbours if method == "umap" else None)
        if key not in self._pictures:
            self._pictures[key] = embed(self.spaces[space], method, self.seed, perplexity, neighbours, cache=self.cache)
        return self._pictures[key]

    def _place(self, settings: tuple[str, Method, float, int], picture: Embedding2D) -> None:
        self.space, self.method, self.perplexity, self.neighbours = settings
        self.xy = picture.coordinates
        self._tell(f"{self.space} by {self.method}, {len(self.pixels):,} px.")

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
