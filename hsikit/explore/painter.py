"""`LabelPainter`: paint classes on a scene, fit a light model, look at its map, correct, fit again."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.explore.painter_files import load_painting, save_painting
from hsikit.explore.painter_fit import MODELS, fit_light, painted_split, sentence
from hsikit.explore.painting import Painting, disc
from hsikit.explore.panel import Panel, View
from hsikit.explore.redraw import pixels_inside
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

TOOLS = ("brush", "lasso", "box")
LAYERS = ("class map", "confidence")


class LabelPainter(Panel):
    """Give classes to the pixels of a scene: `paint`, `lasso`, `box`, `undo`, `suggest`, `fit`, `save`.

    A scene that has labels starts with them painted. What is painted is a scene (`labelled_scene`) and a split
    (`split`) for everything else in hsikit.

    Attributes:
        painting: Labels (row, col), class names and colours, see `Painting`.
        active: The class 1..C being painted; 0 is the eraser.
        tool, radius: What a drag on the picture does, one of `TOOLS`; the brush's radius in pixels.
        method: The model fitted next, a value of `painter_fit.MODELS`.
        suggested: Classes (row, col) proposed for unpainted pixels, or None.
        prediction: Map and scores of the model fitted last, or None.
        layer: What the right picture shows, one of `LAYERS`.

    Methods raise ValueError for a class, colour, file or pixel that does not fit; a stroke over nothing is a
    message. In the widget all of these are messages.
    """

    size_in = (10.6, 5.6)

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene, self.painting = scene, Painting(scene)
        if scene.shape[1] > 1.6 * scene.shape[0]:  # wide scenes stand above their maps
            self.size_in = (10.6, 7.2)
        self.active, self.tool, self.radius, self.layer = min(1, scene.n_classes), TOOLS[0], 2, LAYERS[0]
        self.method = MODELS[next(iter(MODELS))]
        self.suggested: np.ndarray | None = None
        self.prediction: Prediction | None = None
        start = "Choose a class and drag over its pixels." if scene.n_classes else "Write a class name, then Add."
        self.message = f"{start} Two classes are enough for a first fit."

    def __repr__(self) -> str:
        painted = int(self.painting.counts().sum())
        return f"<LabelPainter of {self.scene.name}: {len(self.painting.class_names)} classes, {painted:,} px painted>"

    # --- classes and tools -----------------------------------------------------------------------

    def add_class(self, name: str, color: str | None = None) -> int:
        """Add a class, which is painted next; returns its number."""
        self.active = self.painting.add_class(name, color)
        self._tell(f"Painting {self.class_name(self.active)}.")
        return self.active

    def change_class(self, class_id: int, name: str | None = None, color: str | None = None) -> None:
        """Rename or recolour a class."""
        self.painting.change_class(class_id, name, color)
        self._tell(f"Class {class_id} is {self.class_name(class_id)}.")

    def choose(
        self,
        class_id: int | None = None,
        tool: str | None = None,
        radius: int | None = None,
        method: str | None = None,
    ) -> None:
        """Choose the class to paint (0: eraser), the tool, the brush's radius (0 to 20 px), the model to fit."""
        if tool is not None and tool not in TOOLS:
            raise ValueError(f"tool {tool!r} is unknown; choose one of {', '.join(TOOLS)}")
        if radius is not None and not 0 <= radius <= 20:
            raise ValueError(f"radius {radius} px; give 0 to 20")
        if method is not None and method not in MODELS.values():
            raise ValueError(f"model {method!r} is unknown; choose one of {', '.join(MODELS.values())}")
        self.painting.check_class(self.active if class_id is None else class_id)
        self.active = self.active if class_id is None else class_id
        self.tool, self.radius = tool or self.tool, self.radius if radius is None else radius
        self.method = method or self.method
        self._tell(f"{self.tool.capitalize()}: {self.class_name(self.active)}.")

    def class_name(self, class_id: int) -> str:
        """Name of a class, ``"eraser"`` for 0."""
        return self.painting.class_names[class_id - 1] if class_id else "eraser"

    # --- strokes ---------------------------------------------------------------------------------

    def paint(self, mask: np.ndarray) -> int:
        """Give the active class to the valid pixels of a mask (row, col); returns how many changed."""
        mask = np.asarray(mask)
        if mask.shape != self.scene.shape or mask.dtype != bool:
            raise ValueError(f"the mask is {mask.shape} {mask.dtype}, expected {self.scene.shape} of booleans")
        if not self.painting.class_names:
            raise ValueError("there is no class to paint yet; add one first")
        if not (mask & self.scene.valid).any():
            self._tell("No pixel with a measurement lies in there; drag over at least one.")
            return 0
        changed = self.painting.put(np.where(mask, self.active, -1))
        done = "erased" if self.active == 0 else f"px of {self.class_name(self.active)} painted"
        self._changed(f"{changed:,} {done}; {self.painting.counts().sum():,} px are painted in all.")
        return changed

    def brush(self, points: np.ndarray) -> int:
        """Paint along a path through points (n, 2) of x = column, y = row, as wide as the brush."""
        return self.paint(disc(np.atleast_2d(points), self.radius, self.scene.shape))

    def lasso(self, outline: np.ndarray) -> int:
        """Paint the pixels whose centres lie in an outline (n, 2) of x = column, y = row."""
        return self.paint(pixels_inside(np.asarray(outline, float), self.scene.shape))

    def box(self, top: int, left: int, bottom: int, right: int) -> int:
        """Paint rows top..bottom and columns left..right, all of them included."""
        mask = np.zeros(self.scene.shape, bool)
        mask[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
        return self.paint(mask)

    def undo(self) -> int:
        """Take the last stroke back; returns how many pixels changed."""
        changed = self.painting.undo()
        self._changed(f"Took back {changed:,} px." if changed else "Nothing is left to take back.")
        return changed

    # --- suggestions -----------------------------------------------------------------------------

    def suggest(self, most_rad: float = 0.05) -> int:
        """Propose a class for unpainted pixels within a spectral angle of a class mean; returns how many.

        `accept` paints them, `dismiss` forgets them. Raises ValueError for an angle outside 0 to pi/2.
        """
        if not 0 < most_rad <= np.pi / 2:
            raise ValueError(f"the angle is {most_rad:g} rad; give one above 0 and up to {np.pi / 2:.2f}")
        self.suggested = self.painting.alike(most_rad, self._good_bands)
        found = np.bincount(self.suggested.ravel(), minlength=len(self.painting.class_names) + 1)[1:]
        total = int(found.sum())
        if not total:
            self.dismiss(f"No unpainted pixel lies within {most_rad:g} rad of a class mean; give a larger angle.")
            return 0
        top = [int(c) + 1 for c in np.argsort(-found, kind="stable")[:3] if found[c]]
        listed = ", ".join(f"{self.class_name(c)} {found[c - 1]:,}" for c in top)
        self._tell(f"{total:,} px look alike (dotted): {listed}. Accept, or give a smaller angle.")
        return total

    def accept(self, class_id: int | None = None) -> int:
        """Paint what is suggested, of one class or of all, in one stroke; returns how many pixels."""
        if self.suggested is None:
            raise ValueError("nothing is suggested; suggest first")
        take = self.suggested > 0 if class_id is None else self.suggested == class_id
        changed = self.painting.put(np.where(take, self.suggested, -1))
        self._changed(f"{changed:,} px accepted; {self.painting.counts().sum():,} px are painted in all.")
        return changed

    def dismiss(self, message: str = "Suggestions dismissed.") -> None:
        """Forget the suggestions."""
        self.suggested = None
        self._tell(message)

    # --- fit, map, correct -----------------------------------------------------------------------

    def labelled_scene(self) -> Scene:
        """The scene with what is painted as its labels, class names and colours."""
        return self.painting.to_scene()

    def split(self, seed: int = 0) -> Split:
        """Painted pixels to train on, a fifth of them set aside; see `painter_fit.painted_split`."""
        return painted_split(self.labelled_scene(), seed)

    def fit(self, method: str | None = None, seed: int = 0) -> Prediction:
        """Fit a light model (a value of `painter_fit.MODELS`) on what is painted and map the scene."""
        method = method or self.method
        scene, split = self.labelled_scene(), self.split(seed)
        self._take(method, split, fit_light(method, scene, split, seed=seed))
        assert self.prediction is not None
        return self.prediction

    def request_fit(self, method: str | None = None) -> None:
        """`fit` beside the other controls, with progress; what is painted meanwhile counts at the next fit."""
        method = method or self.method
        scene, split = self.labelled_scene(), self.split()
        self.say(f"Fitting on {split.n_train:,} painted px …")
        self._later("fit", partial(fit_light, method, scene, split), partial(self._take, method, split))

    def show(self, layer: str) -> None:
        """Show the class map or the confidence on the right."""
        if layer not in LAYERS:
            raise ValueError(f"{layer!r} is unknown; choose one of {', '.join(LAYERS)}")
        self.layer = layer
        self._tell(f"{layer.capitalize()}." if self.prediction else "There is no map yet; fit a model first.")

    def confidence(self) -> np.ndarray:
        """Probability (row, col) of the answer given, 0 to 1; NaN where not valid. ValueError without a map."""
        if self.prediction is None:
            raise ValueError("there is no map yet; fit a model first")
        return self.prediction.scores.max(-1)

    # --- files -----------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write labels, names and colours as .tif (GeoTIFF) or .npz."""
        written = save_painting(self.painting, path)
        self._tell(f"Wrote {self.painting.counts().sum():,} painted px to {written}.")
        return written

    def load(self, path: str | Path) -> None:
        """Replace what is painted by what a .tif or .npz holds."""
        count = load_painting(self.painting, path)
        self.active = min(max(self.active, 1), len(self.painting.class_names))
        self._changed(f"Read {count:,} painted px of {len(self.painting.class_names)} classes from {Path(path).name}.")

    # --- inside ----------------------------------------------------------------------------------

    @cached_property
    def _good_bands(self) -> np.ndarray:
        return ~SceneFacts(self.scene).bad

    def _take(self, method: str, split: Split, prediction: Prediction) -> None:
        """Show a finished fit."""
        self.method, self.prediction = method, prediction
        self._tell(sentence(prediction, split))

    def _changed(self, message: str) -> None:
        """After a stroke: suggestions were made for another painting."""
        self.suggested = None
        self._tell(message)

    def _tell(self, message: str) -> None:
        self.message = message
        self._show()

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.painter_view import PainterView

        return PainterView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.painter_controls import PainterControls

        self._panel = PainterControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()
