"""`Why`: what a model answers for a pixel, how sure it is, which pixels it recalls, what its answer rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsikit.analysis.occlusion import Answer, Occlusion
from hsikit.explore.panel import Panel, View
from hsikit.fitted import Fitted
from hsikit.predict import Prediction, predict_map
from hsikit.scenes.scene import Scene
from hsikit.splits import Split


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Known pixels whose features are most like those of a picked one, nearest first.

    Attributes:
        pixels: Row and column (n, 2).
        labels: Their classes (n,), 1..C.
        similarity: Cosine of the features (n,), -1 to 1.
    """

    pixels: np.ndarray
    labels: np.ndarray
    similarity: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Reason:
    """Everything `Why` says of one pixel."""

    row: int
    col: int
    answer: Answer
    near: Neighbours


class Why(Panel):
    """Click a pixel: class scores, every exit's answer, nearest known pixels, bands and sensor that decide.

    Args:
        model: A fitted network, such as `run.model`.
        scene: The scene it maps.
        split: Its training pixels are the ones recalled. Without a split all labelled pixels are, and the
            panel calls them "labelled" instead of "training".
        prediction: A map with embeddings, to open at once; computed if left out.
        neighbours: How many known pixels are shown. They lie at least a window away, as nearer ones share
            pixels with the picked window and resemble it for that reason alone.
        groups: Number of band groups that are taken away in turn.

    Attributes:
        now: The `Reason` shown, or None before the first pick.

    Raises:
        ValueError: When model, scene, split and prediction do not fit each other.
    """

    size_in = (10.6, 6.6)

    def __init__(
        self,
        model: Fitted,
        scene: Scene,
        split: Split | None = None,
        *,
        prediction: Prediction | None = None,
        neighbours: int = 5,
        groups: int = 12,
    ) -> None:
        super().__init__()
        if not isinstance(model, Fitted):
            raise ValueError(f"the model is a {type(model).__name__}; give a Fitted, such as run.model")
        if split is not None and split.shape != scene.shape:
            raise ValueError(f"the split was made for {split.shape} (row, col), {scene.name} is {scene.shape}")
        if scene.shape[1] > 1.6 * scene.shape[0]:  # wide scenes stand above their numbers
            self.size_in = (10.6, 7.6)
        self.model, self.scene, self.split, self.n_near = model, scene, split, neighbours
        self.occlusion = Occlusion(model, scene, groups)
        self.prediction = predict_map(model, scene, embeddings=True) if prediction is None else prediction
        if self.prediction.embeddings is None or self.prediction.embeddings.shape[:2] != scene.shape:
            raise ValueError("the prediction has no embeddings of this scene; predict_map(..., embeddings=True)")
        self.known = "training" if split is not None else "labelled"
        where = np.flatnonzero(scene.usable) if split is None else split.train
        self._known = where, (scene.usable if split is None else split.labels).ravel()[where].astype(int)
        self._vectors = _unit(self.prediction.embeddings.reshape(scene.valid.size, -1)[where])
        self.now: Reason | None = None
        self._picked: dict[tuple[int, int], Reason] = {}
        self.message = "Click a pixel to see what the answer rests on."

    def __repr__(self) -> str:
        return f"<Why of {self.scene.name}: {self.message}>"

    # --- what a script calls ---------------------------------------------------------------------

    def pick(self, row: int, col: int) -> Reason:
        """Explain the answer for a pixel and show it."""
        self.now = self.explain(row, col)
        self._tell(self.sentence(self.now))
        return self.now

    def explain(self, row: int, col: int) -> Reason:
        """Explain the answer for a pixel; kept once computed. Shows nothing."""
        rows, cols = self.scene.shape
        if not (0 <= row < rows and 0 <= col < cols):
            raise ValueError(
                f"pixel ({row}, {col}) is outside the scene; rows are 0..{rows - 1}, columns 0..{cols - 1}"
            )
        if not self.scene.valid[row, col]:
            raise ValueError(f"pixel ({row}, {col}) has no measurement; pick one that is not white")
        if (row, col) not in self._picked:
            self._picked[row, col] = Reason(row, col, self.occlusion.ask(row, col), self.nearest(row, col))
        return self._picked[row, col]

    def nearest(self, row: int, col: int) -> Neighbours:
        """The known pixels most like this one, at least a window away; none where there are no such pixels."""
        pixels, labels = self._known
        place = np.stack(np.divmod(pixels, self.scene.shape[1]), 1)  # (known pixel, 2)
        far = np.flatnonzero(np.abs(place - (row, col)).max(1, initial=0) >= self.model.window)
        assert self.prediction.embeddings is not None
        cosine = self._vectors[far] @ _unit(self.prediction.embeddings[row, col])
        order = np.argsort(-cosine, kind="stable")[: self.n_near]
        return Neighbours(place[far[order]], labels[far[order]], cosine[order])

    def exit_names(self) -> list[str]:
        """Names of the exits, shallow to deep, "final" last."""
        from hsikit.models import exit_names

        return exit_names(self.model.network) if hasattr(self.model.network, "exits") else ["final"]  # type: ignore[arg-type]

    def sentence(self, reason: Reason) -> str:
        """A reason in words."""
        answer = reason.answer
        label = int(self.scene.labels[reason.row, reason.col])
        truth = f", labelled {self.class_name(label)}" if label else ", unlabelled"
        text = f"({reason.row}, {reason.col}){truth}: {self.class_name(answer.label)} with {answer.scores.max():.2f}."
        first, last = answer.groups[int(answer.band_drop.argmax())]
        text += f" Most is lost without {self.band_span(first, last)} ({_change(answer.band_drop.max())})"
        text += "".join(f", without {name} {_change(drop)}" for name, drop in answer.sensor_drop.items()) + "."
        share = (reason.near.labels == answer.label).mean() if len(reason.near.labels) else None
        if share is None:
            return f"{text} No {self.known} pixel lies a window or more away."
        return f"{text} {share:.0%} of the {len(reason.near.labels)} nearest {self.known} pixels are of that class."

    def band_span(self, first: int, last: int) -> str:
        """A band group in words, in nm where the scene has wavelengths."""
        scene, order = self.occlusion.scene, self.occlusion.order
        if scene.wavelengths_nm is None:
            return f"bands {first} to {last}"
        return f"{scene.wavelengths_nm[order[first]]:.0f} to {scene.wavelengths_nm[order[last]]:.0f} nm"

    def class_name(self, class_id: int) -> str:
        """Name of a class 1..C."""
        return self.scene.class_names[class_id - 1] if class_id <= self.scene.n_classes else f"class {class_id}"

    # --- the panel -------------------------------------------------------------------------------

    def request(self, row: int, col: int) -> None:
        """`pick` beside the other controls; a later pick overtakes this one."""
        self.say(f"Asking about ({row}, {col}) …")
        self._later("pick", lambda _: self.explain(row, col), self._take)

    def _take(self, reason: Reason) -> None:
        self.now = reason
        self._tell(self.sentence(reason))

    def _tell(self, message: str) -> None:
        self.message = message
        self._show()

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.why_view import WhyView

        return WhyView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.pieces import button, place_boxes, row_of

        self.row, self.col = place_boxes(self.scene.shape)
        ask = button(self, "Ask", "Explain this pixel", lambda: self.request(self.row.value, self.col.value))
        return [row_of(self.row, self.col, ask), None]

    def _connect(self) -> None:
        from hsikit.explore.redraw import Gestures

        click = self._guard(lambda x, y: self.request(round(y), round(x)))
        self.gestures = Gestures(self._view.map, self._view.redraw, click)

    def _sync(self) -> None:
        if self.now is not None:
            self.row.value, self.col.value = self.now.row, self.now.col


def _change(drop: float) -> str:
    """A fall of the probability with its sign."""
    return f"{-drop:+.2f}".replace("-", "−")


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., dim) at length 1."""
    exact = np.asarray(vectors, np.float64)
    return exact / np.maximum(np.linalg.norm(exact, axis=-1, keepdims=True), 1e-12)
