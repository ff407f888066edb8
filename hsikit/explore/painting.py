"""`Painting`: labels under the brush with their classes, tools and way back, as state that a script drives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as t

from hsikit.explore.marks import disc, hex_of, pixels_inside
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.state import Choice, State, Within, check_mask, check_pixel
from hsikit.scenes.colours import class_colours
from hsikit.scenes.scene import Scene
from hsikit.spectra import class_means, spectral_angle

if TYPE_CHECKING:
    from hsikit.predict import Prediction  # torch
    from hsikit.splits import Split

TOOLS = ("brush", "lasso", "box", "fill", "picker", "eraser")
METHODS = ("lda", "rf", "cnn2d")  # `painter_fit.MODELS` says what they are
LAYERS = ("class map", "confidence")
MOST_MEAN = 50_000  # painted pixels that mean spectra are made of
STEPS_KEPT = 200  # that can be undone
WIDEST = 20  # radius of the brush, in pixels


@dataclass(frozen=True, eq=False)
class Stroke:
    """Flat pixels (n,), what they held before and after, and the stroke before it: many small steps stay small."""

    pixels: np.ndarray
    before: np.ndarray
    after: np.ndarray
    last: Stroke | None
    number: int


class Painting(State):
    """Give classes to the pixels of a scene: `paint`, `brush`, `lasso`, `box`, `fill`, `suggest`, `fit`, `undo`.

    A scene that has labels starts with them painted. What is painted is a scene (`labelled_scene`) and a split
    (`split`) for everything else in hsikit.

    Attributes:
        labels: Raster (row, col) int16, 0 where nothing is painted.
        class_names, colors: Of the classes 1..C.
        active: The class 1..C being painted; 0 erases.
        tool: What a drag or a click on the picture does, one of `TOOLS`.
        radius: Of brush and eraser, in pixels.
        opacity: 0 to 1, how strongly paint covers the scene.
        angle: In radians: how alike pixels must be that `suggest` proposes and that `fill` takes.
        suggested: Classes (row, col) proposed for unpainted pixels, or None.
        method: The model fitted next, one of `METHODS`.
        prediction, fitted: Map and scores of the model fitted last, or None, and which model that was.
        layer: What stands beside the painted scene, one of `LAYERS`.

    Methods raise ValueError for a class, colour, mask or pixel that does not fit; a stroke over nothing is a message.

    Example:
        >>> scene = hsikit.Scene("mine", np.ones((6, 8, 3)), np.zeros((6, 8), int), [])
        >>> painting = hsikit.Painting(scene)
        >>> meadow = painting.add_class("meadow")
        >>> painting.put(np.where(np.arange(8) < 2, meadow, -1) * np.ones((6, 1), int))  # pixels that changed
        12
        >>> painting.labelled_scene().class_names
        ('meadow',)
        >>> painting.undo()
        12
    """

    most_steps = STEPS_KEPT
    class_names = t.Tuple().tag(shown=True, kept=True)
    colors = t.Tuple().tag(shown=True, kept=True)
    stroke = t.Any(None).tag(shown=True, kept=True)
    labels = t.Any().tag(shown=True)
    active = t.Int().tag(shown=True)
    tool = Choice(TOOLS).tag(shown=True)
    radius = Within(2, 0, WIDEST).tag(shown=True)
    opacity = Within(0.8, 0, 1).tag(shown=True)
    angle = Within(0.05, 1e-6, np.pi / 2).tag(shown=True)
    suggested = t.Any(None).tag(shown=True)
    method = Choice(METHODS).tag(shown=True)
    prediction = t.Any(None).tag(shown=True)
    fitted = t.Unicode()  # what `prediction` was made by
    layer = Choice(LAYERS).tag(shown=True)
    place = t.Tuple().tag(shown=True)

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene, self.facts = scene, SceneFacts(scene)
        self._means: tuple[np.ndarray, tuple[np.ndarray, np.ndarray]] | None = None
        self.labels = scene.usable.astype(np.int16)
        self.class_names, self.colors = tuple(scene.class_names), tuple(scene.colors)
        self.active = min(1, scene.n_classes)
        start = "Choose a class and drag over its pixels." if scene.n_classes else "Write a class name, then Add."
        self._begin(f"{start} Two classes are enough for a first fit.")

    def __repr__(self) -> str:
        painted = int(self.counts().sum())
        return f"<{type(self).__name__} of {self.scene.name}: {len(self.class_names)} classes, {painted:,} px painted>"

    # --- classes and tools -----------------------------------------------------------------------

    def add_class(self, name: str, color: str | None = None) -> int:
        """Append a class, which is painted next; returns its number. Its colour, if none is given, suits its name."""
        name = self._new_name(name)
        color = class_colours([name], self.colors)[0] if color is None else hex_of(color)
        with self.step(f"Painting {name}."):
            self.class_names, self.colors = (*self.class_names, name), (*self.colors, color)
            self.active = len(self.class_names)
        return self.active

    def change_class(self, class_id: int, name: str | None = None, color: str | None = None) -> None:
        """Rename or recolour a class 1..C."""
        self.check_class(class_id, least=1)
        names, colors = list(self.class_names), list(self.colors)
        colors[class_id - 1] = colors[class_id - 1] if color is None else hex_of(color)
        if name is not None and " ".join(name.split()) != names[class_id - 1]:
            names[class_id - 1] = self._new_name(name)
        with self.step(f"Class {class_id} is {names[class_id - 1]}."):
            self.class_names, self.colors = tuple(names), tuple(colors)

    def check_class(self, class_id: int, least: int = 0) -> None:
        """Refuse a class that is not there; 0 is the eraser."""
        if not least <= class_id <= len(self.class_names):
            known = f"{least} to {len(self.class_names)}" if self.class_names else "none yet; add one first"
            raise ValueError(f"class {class_id}; classes are {known}")

    def choose(
        self,
        class_id: int | None = None,
        tool: str | None = None,
        radius: int | None = None,
        method: str | None = None,
    ) -> None:
        """Choose the class to paint (0: eraser), the tool, the brush's radius (0 to 20 px), the model to fit."""
        if class_id is not None:
            self.check_class(class_id)
        wanted = {"tool": tool, "radius": radius, "method": method, "active": class_id}
        with self.step():
            for name, value in wanted.items():
                if value is not None:
                    setattr(self, name, value)
            self.message = f"{self.tool.capitalize()}: {self.class_name(self.active)}."

    def press(self, key: str, ctrl: bool = False) -> None:
        """What a key does: a digit chooses a class (0 erases), [ and ] change the brush, Ctrl+Z and Ctrl+Y walk."""
        walks: dict[str, Callable[[], int]] = {"z": self.undo, "y": self.redo, "Z": self.redo}
        if ctrl and key in walks:
            walks[key]()
        elif not ctrl and key.isdecimal():
            self.choose(int(key))
        elif not ctrl and key in "[]":
            self.choose(radius=min(max(self.radius + (1 if key == "]" else -1), 0), WIDEST))

    def class_name(self, class_id: int) -> str:
        """Name of a class, ``"eraser"`` for 0."""
        return self.class_names[class_id - 1] if class_id else "eraser"

    def counts(self) -> np.ndarray:
        """Painted pixels of each class (C,) int64."""
        return np.bincount(self.labels.ravel(), minlength=len(self.class_names) + 1)[1:]

    # --- strokes ---------------------------------------------------------------------------------

    def put(self, values: np.ndarray) -> int:
        """Set the valid pixels where `values` (row, col) is not -1; returns how many changed."""
        values = np.asarray(values)
        if values.shape != self.scene.shape:
            raise ValueError(f"the mask is {values.shape}, expected {self.scene.shape} (row, col)")
        self.check_class(int(values.max()))
        pixels = np.flatnonzero((values >= 0) & self.facts.valid & (values != self.labels))
        if pixels.size:
            last, after = self.stroke, values.ravel()[pixels].astype(np.int16)
            number = 1 + (last.number if last else 0)
            with self.step():
                self.stroke = Stroke(pixels, self.labels.ravel()[pixels], after, last, number)
                self.suggested = None  # was made for another painting
        return pixels.size

    def paint(self, mask: np.ndarray) -> int:
        """Give the active class to the valid pixels of a mask (row, col); returns how many changed."""
        mask = check_mask(self.scene, mask)
        value = 0 if self.tool == "eraser" else self.active
        if not self.class_names:
            raise ValueError("there is no class to paint yet; add one first")
        if not (mask & self.facts.valid).any():
            with self.step("No pixel with a measurement lies in there; drag over at least one."):
                return 0
        with self.step():
            changed = self.put(np.where(mask, value, -1))
            self._sum_up(changed, "erased" if value == 0 else f"px of {self.class_name(value)} painted")
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

    def fill(self, row: int, col: int) -> int:
        """Paint what belongs to a pixel and touches it side by side; returns how many pixels changed.

        From a painted pixel that is the area of its class. From an unpainted one it is the unpainted pixels whose
        spectra lie within `angle` of its own.
        """
        from scipy.ndimage import label  # not needed to open a painting

        check_pixel(self.scene, row, col)
        alike = (self.labels == self.labels[row, col]) & self.facts.valid
        if not self.labels[row, col]:
            angles = spectral_angle(self.scene.hsi, np.asarray(self.scene.hsi[row, col], float), ~self.facts.bad)
            alike &= angles <= self.angle
            alike[row, col] = True
        areas, _ = label(alike)
        return self.paint(areas == areas[row, col])

    def pick_class(self, row: int, col: int) -> int:
        """Paint on with the class that is painted at a pixel, or mapped there where nothing is painted; returns it."""
        check_pixel(self.scene, row, col)
        found = int(self.labels[row, col])
        if not found and self.prediction is not None:
            found = int(self.prediction.labels[row, col])
        if not found:
            raise ValueError(f"no class is painted at ({row}, {col}); pick one where there is paint")
        with self.step():
            self.choose(found)
            self.place = (row, col)
        return found

    def pick(self, row: int, col: int) -> None:
        """Mark a pixel and say what it is; nothing is painted. What an explorer that is linked to this one does."""
        check_pixel(self.scene, row, col)
        with self.step(f"({row}, {col}){self.facts.place_text(row, col)}: {self._told(row, col)}."):
            self.place = (row, col)

    def click(self, row: int, col: int, ctrl: bool = False) -> None:
        """What a click does: a dab of the brush, `fill` or `pick_class`, which Ctrl does with any tool."""
        if ctrl or self.tool == "picker":
            self.pick_class(row, col)
        elif self.tool == "fill":
            self.fill(row, col)
        elif self.tool in ("brush", "eraser"):
            self.brush(np.array([[col, row]], float))
        else:
            with self.step(f"The {self.tool} is empty; drag around at least one pixel."):
                pass

    def drag(self, points: np.ndarray) -> None:
        """What a drag through points (n, 2) of x = column, y = row does: a stroke, or an outline that is painted."""
        if self.tool in ("lasso", "box"):
            self.lasso(points)
        elif self.tool in ("brush", "eraser"):
            self.brush(points)
        else:
            self.click(round(points[0][1]), round(points[0][0]))

    def undo(self) -> int:  # type: ignore[override]  # a state's own says nothing of pixels
        """Take the last step back, of strokes or of classes; returns how many pixels changed."""
        return self._walked(super().undo, self.can_undo, "Took back {:,} px.", "Nothing is left to take back.")

    def redo(self) -> int:  # type: ignore[override]
        """Take a step again that was taken back; returns how many pixels changed."""
        return self._walked(super().redo, self.can_redo, "Did {:,} px again.", "Nothing was taken back.")

    def _walked(self, walk: Callable[[], None], possible: bool, done: str, nothing: str) -> int:
        before = self.labels
        if possible:
            walk()
        changed = int((self.labels != before).sum())
        with self.step(done.format(changed) if possible else nothing):
            self.suggested, self.active = None, min(self.active, len(self.class_names))
        return changed

    def replace_all(self, labels: np.ndarray, class_names: list[str], colors: list[str]) -> None:
        """Take over labels (row, col) and classes read from a file, in one step."""
        made = replace(self.scene, labels=labels, class_names=class_names, colors=colors, masks={})  # checks them
        with self.step():
            self.class_names, self.colors = tuple(made.class_names), tuple(made.colors)
            self.put(made.usable.astype(np.int16))
            self.active = min(max(self.active, 1), len(self.class_names))

    @t.observe("stroke")
    def _repaint(self, change: Any) -> None:
        """Bring the labels from one stroke to another: back to where their ways part, then on."""
        old, new, ahead = change["old"], change["new"], []
        labels = self.labels.copy()
        flat = labels.ravel()
        while old is not new:
            if old is None or (new is not None and new.number > old.number):
                ahead.append(new)
                new = new.last
            else:
                flat[old.pixels] = old.before
                old = old.last
        for stroke in reversed(ahead):
            flat[stroke.pixels] = stroke.after
        self.labels = labels

    def _sum_up(self, changed: int, done: str) -> None:
        self.message = f"{changed:,} {done}; {self.counts().sum():,} px are painted in all."

    # --- spectra of what is painted --------------------------------------------------------------

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean spectra and deviations (C, band) of what is painted, NaN for a class without pixels.

        Of more than `MOST_MEAN` painted pixels every second, third, ... counts, so that strokes stay quick.
        """
        if self._means is None or self._means[0] is not self.labels:
            painted = np.flatnonzero(self.labels)
            rows, cols = np.divmod(painted[:: 1 + len(painted) // MOST_MEAN], self.scene.shape[1])
            spectra, labels = self.scene.hsi[rows, cols][None], self.labels[rows, cols][None]
            none = np.full((0, self.scene.bands), np.nan)
            made = class_means(spectra, labels, int(labels.max())) if len(rows) else (none, none)
            self._means = self.labels, made
        short = len(self.class_names) - len(self._means[1][0])  # classes after the last painted one
        mean, std = (np.pad(v, ((0, short), (0, 0)), constant_values=np.nan) for v in self._means[1])
        return mean, std

    def angles(self) -> np.ndarray:
        """Angles (C, C) in radians between the mean spectra of the classes; NaN for a class without pixels."""
        means, found = self.means()[0], np.full((len(self.class_names),) * 2, np.nan)
        for c in np.flatnonzero(self.counts()):
            found[c] = spectral_angle(means, means[c], ~self.facts.bad)
        return found

    def suggest(self, most_rad: float | None = None) -> int:
        """Propose the class with the nearest mean spectrum for unpainted pixels within an angle; returns how many.

        `accept` paints them, `dismiss` forgets them. Source: Kruse et
        al. 1993 (spectral angle mapper).
        """
        self.angle = self.angle if most_rad is None else most_rad
        painted = np.flatnonzero(self.counts()) + 1
        if not painted.size:
            raise ValueError("nothing is painted yet, so nothing can be suggested; paint some pixels first")
        means, good = self.means()[0], ~self.facts.bad
        angles = np.stack([spectral_angle(self.scene.hsi, means[c - 1], good) for c in painted])  # (class, row, col)
        angles = np.where(np.isfinite(angles), angles, np.inf)
        free = (angles.min(0) <= self.angle) & self.facts.valid & (self.labels == 0)
        suggested = np.where(free, painted[angles.argmin(0)], 0).astype(np.int16)
        found = np.bincount(suggested.ravel(), minlength=len(self.class_names) + 1)[1:]
        total = int(found.sum())
        if not total:
            self.dismiss(f"No unpainted pixel lies within {self.angle:g} rad of a class mean; give a larger angle.")
            return 0
        top = [int(c) + 1 for c in np.argsort(-found, kind="stable")[:3] if found[c]]
        listed = ", ".join(f"{self.class_name(c)} {found[c - 1]:,}" for c in top)
        with self.step(f"{total:,} px look alike (dotted): {listed}. Accept, or give a smaller angle."):
            self.suggested = suggested
        return total

    def accept(self, class_id: int | None = None) -> int:
        """Paint what is suggested, of one class or of all, in one stroke; returns how many pixels."""
        if self.suggested is None:
            raise ValueError("nothing is suggested; suggest first")
        take = self.suggested > 0 if class_id is None else self.suggested == class_id
        with self.step():
            changed = self.put(np.where(take, self.suggested, -1))
            self._sum_up(changed, "px accepted")
        return changed

    def dismiss(self, message: str = "Suggestions dismissed.") -> None:
        """Forget the suggestions."""
        with self.step(message):
            self.suggested = None

    # --- fit, map, correct -----------------------------------------------------------------------

    def labelled_scene(self) -> Scene:
        """The scene with what is painted as its labels, class names and colours."""
        return replace(self.scene, labels=self.labels, class_names=self.class_names, colors=self.colors, masks={})

    def split(self, seed: int = 0) -> Split:
        """Painted pixels to train on, a fifth of them set aside; see `painter_fit.painted_split`."""
        from hsikit.explore.painter_fit import painted_split  # torch

        return painted_split(self.labelled_scene(), seed)

    def fit(self, method: str | None = None, seed: int = 0) -> Prediction:
        """Fit a light model (a value of `painter_fit.MODELS`) on what is painted and map the scene."""
        from hsikit.explore.painter_fit import fit_light

        method, split = method or self.method, self.split(seed)
        made = fit_light(method, self.labelled_scene(), split, seed=seed)
        self.take(method, split, made)
        return made

    def take(self, method: str, split: Split, prediction: Prediction) -> None:
        """Show a finished fit."""
        from hsikit.explore.painter_fit import sentence

        with self.step(sentence(prediction, split)):
            self.method, self.fitted, self.prediction = method, method, prediction

    def show(self, layer: str) -> None:
        """Choose what stands beside the painted scene, one of `LAYERS`."""
        with self.step():
            self.layer = layer
            self.message = f"{layer.capitalize()}." if self.prediction else "There is no map yet; fit a model first."

    def confidence(self) -> np.ndarray:
        """Probability (row, col) of the answer given, 0 to 1; NaN where not valid. ValueError without a map."""
        if self.prediction is None:
            raise ValueError("there is no map yet; fit a model first")
        return self.prediction.scores.max(-1)

    def _told(self, row: int, col: int) -> str:
        text = f"painted {self.class_names[c - 1]}" if (c := self.labels[row, col]) else "not painted"
        if self.prediction is not None and (c := self.prediction.labels[row, col]):
            name = self.class_names[c - 1] if c <= len(self.class_names) else f"class {c}"
            text += f", mapped {name} ({self.prediction.scores[row, col].max():.2f})"
        return text

    def _new_name(self, name: str) -> str:
        name = " ".join(str(name).split())
        if not name or len(name) > 60:
            raise ValueError(f"a class name has 1 to 60 characters, this one {len(name)}; write another")
        if name in self.class_names:
            raise ValueError(f"there is a class {name!r} already; give each class its own name")
        return name
