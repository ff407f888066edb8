"""`Reasons`: what a model answers for a pixel, how sure it is, which pixels it recalls, what its answer rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import traitlets as t

from hsikit.analysis.occlusion import Answer, Occlusion
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.state import State, check_pixel
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
    """Everything that is said of one pixel."""

    row: int
    col: int
    answer: Answer
    near: Neighbours


class Reasons(State):
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

    now = t.Any(None).tag(shown=True, kept=True)

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
        self.model, self.scene, self.split, self.n_near = model, scene, split, neighbours
        self.facts = SceneFacts(scene)
        self.occlusion = Occlusion(model, scene, groups)
        self.prediction = predict_map(model, scene, embeddings=True) if prediction is None else prediction
        if self.prediction.embeddings is None or self.prediction.embeddings.shape[:2] != scene.shape:
            raise ValueError("the prediction has no embeddings of this scene; predict_map(..., embeddings=True)")
        self.known = "training" if split is not None else "labelled"
        where = np.flatnonzero(scene.usable) if split is None else split.train
        self._known = where, (scene.usable if split is None else split.labels).ravel()[where].astype(int)
        self._vectors = _unit(self.prediction.embeddings.reshape(scene.valid.size, -1)[where])
        self._picked: dict[tuple[int, int], Reason] = {}
        self._begin("Click a pixel to see what the answer rests on.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.scene.name}: {self.message}>"

    # --- what a script calls ---------------------------------------------------------------------

    def pick(self, row: int, col: int) -> Reason:
        """Explain the answer for a pixel and show it."""
        self.take(self.explain(row, col))
        return self.now

    def take(self, reason: Reason) -> None:
        """Show a reason; Undo brings the one before back."""
        with self.step(self.sentence(reason)):
            self.now, self.place = reason, (reason.row, reason.col)

    def explain(self, row: int, col: int) -> Reason:
        """Explain the answer for a pixel; kept once computed. Shows nothing."""
        check_pixel(self.scene, row, col)
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
        truth = f", labelled {self.facts.name_of(label)}" if label else ", unlabelled"
        where = f"({reason.row}, {reason.col}){self.facts.place_text(reason.row, reason.col)}"
        text = f"{where}{truth}: {self.facts.name_of(answer.label)} with {answer.scores.max():.2f}."
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

    def _told(self, row: int, col: int) -> str:
        c, sure = self.prediction.labels[row, col], self.prediction.scores[row, col].max()
        return f"{self.facts.class_name(row, col)}, mapped {self.facts.name_of(c, 'nothing')} ({sure:.2f})"


def _change(drop: float) -> str:
    """A fall of the probability with its sign."""
    return f"{-drop:+.2f}".replace("-", "−")


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., dim) at length 1."""
    exact = np.asarray(vectors, np.float64)
    return exact / np.maximum(np.linalg.norm(exact, axis=-1, keepdims=True), 1e-12)
