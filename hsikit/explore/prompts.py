"""`PromptExplorer`: ask a map in words, see how far it answers, and change the words that name its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hsikit.analysis.words import PromptMap, prompt_map, temperature_scale
from hsikit.explore.panel import Panel, View
from hsikit.explore.pieces import short
from hsikit.fitted import Fitted
from hsikit.metrics import Scores, scores_from_labels
from hsikit.predict import predict_map
from hsikit.scenes.scene import Scene
from hsikit.splits import Split
from hsikit.text import TextEncoder, TextVectors, load_text_encoder

LAYERS = ("class prompts", "soft classes")
MOST_SENTENCES = 8


class PromptExplorer(Panel):
    """Type sentences, one a line, `-` before a negative one: similarity maps, and what they are worth.

    Two numbers stand beside each map: R², the share of it that is a mixture of the class prompts' maps (near 1:
    the sentence says nothing that the classes did not), and z, how far it stands out from unrelated sentences.

    Args:
        model: A fitted MMLGNet, such as `run.model`.
        scene: The scene it maps; its labels, where it has any, are the true classes of the histogram.
        split: With a split, test pixels are left out of histogram and scores, as words are chosen by looking.
        encoder: The text encoder that the class vectors came from; MiniLM if left out.

    Attributes:
        sentences, negatives: What was asked last.
        answer: Its `PromptMap`, or None before the first question.
        shown: Which sentence is drawn, counted from 0.
        layer: What the second picture shows, one of `LAYERS`.
        text: The class vectors in use: the model's own, or edited ones. The model itself is never changed.
        labels: Class map (row, col) under these vectors, 1..C; 0 where not valid.

    Methods raise ValueError where model, scene, encoder or words do not fit; in the widget it is a message.
    """

    size_in = (10.6, 6.8)

    def __init__(
        self, model: Fitted, scene: Scene, split: Split | None = None, encoder: TextEncoder | None = None
    ) -> None:
        super().__init__()
        if not isinstance(model, Fitted) or model.text is None or not hasattr(model.network, "read_text"):
            raise ValueError("this model does not answer to words; give the Fitted of an MMLGNet trained with text=")
        if split is not None and split.shape != scene.shape:
            raise ValueError(f"the split was made for {split.shape} (row, col), {scene.name} is {scene.shape}")
        if max(model.class_ids) > scene.n_classes:
            raise ValueError(
                f"the model tells {max(model.class_ids)} classes apart, {scene.name} names {scene.n_classes}; "
                "give class_names and colors of the classes it was trained on"
            )
        self.model, self.scene, self.split = model, scene, split
        self.encoder = load_text_encoder() if encoder is None else encoder
        self._own: TextVectors = model.text
        self.prediction = predict_map(model, scene, embeddings=True)
        self.sentences: list[str] = []
        self.negatives: list[str] = []
        self.answer: PromptMap | None = None
        self.shown, self.layer = 0, LAYERS[0]
        if scene.shape[1] > 1.6 * scene.shape[0]:  # wide scenes stand under each other
            self.size_in = (10.6, 8.6)
        self._use(self._own, self._words(self._own))
        self.message = "Write a sentence, such as what a class looks like, and press Ask."

    def __repr__(self) -> str:
        return f"<PromptExplorer of {self.scene.name}: {len(self.sentences)} sentences, {self.text.encoder}>"

    # --- questions -------------------------------------------------------------------------------

    def set_text(self, text: str) -> None:
        """Ask the map: one sentence a line, `-` before a negative one."""
        sentences, negatives = parse(text)
        self._take(sentences, negatives, self._ask(sentences, negatives))

    def request(self, text: str) -> None:
        """`set_text` beside the other controls; a later question overtakes this one."""
        sentences, negatives = parse(text)
        self.say(f"Asking {len(sentences)} sentence{'s' * (len(sentences) > 1)} …")
        self._later("ask", lambda _: self._ask(sentences, negatives), partial(self._take, sentences, negatives))

    def show(self, sentence: int | None = None, layer: str | None = None) -> None:
        """Choose the sentence drawn (from 0) and what the second picture shows."""
        if sentence is not None and not 0 <= sentence < len(self.sentences):
            raise ValueError(f"there is no sentence {sentence}; {len(self.sentences)} were asked, counted from 0")
        if layer is not None and layer not in LAYERS:
            raise ValueError(f"{layer!r} is unknown; choose one of {', '.join(LAYERS)}")
        if layer == "soft classes" and len(self.sentences) < 2:
            raise ValueError("soft classes need two sentences or more; write one a line")
        self.shown = self.shown if sentence is None else sentence
        self.layer = self.layer if layer is None else layer
        self._tell(self.summary() if self.answer is not None else "Nothing was asked yet.")

    def similarity(self) -> np.ndarray:
        """Scores (row, col) of the sentence shown; NaN where not valid. ValueError before the first question."""
        if self.answer is None:
            raise ValueError("nothing was asked yet; write a sentence first")
        return np.where(self.scene.valid, self.answer.scores[self.shown], np.nan)

    def ranking(self) -> list[tuple[str, float]]:
        """Class names with the cosine of their prompt to the sentence shown, most alike first."""
        if not self.sentences:
            return []
        cosine = self.text.vectors.astype(float) @ self.encoder.encode([self.sentences[self.shown]])[0]
        order = np.argsort(-cosine, kind="stable")
        return [(self.text.class_names[i], float(cosine[i])) for i in order]

    def by_class(self) -> dict[int, np.ndarray]:
        """Scores (n,) of the sentence shown over the known pixels of each class; empty without labels."""
        known, values = self._known(), self.similarity()
        return {int(c): values[known == c] for c in np.unique(known[known > 0])}

    def summary(self) -> str:
        """What the map of the sentence shown is worth, in words."""
        assert self.answer is not None
        r2, z = float(self.answer.r2[self.shown]), float(self.answer.z[self.shown])
        first = self.ranking()[0]
        return (
            f"“{short(self.sentences[self.shown], 70)}”: R² {r2:.3f} (1: a mixture of the class prompts' maps), "
            f"z {z:+.1f} against unrelated sentences; nearest class prompt {first[0]} ({first[1]:.2f})."
        )

    def pick(self, row: int, col: int) -> list[tuple[str, float]]:
        """The class prompts that answer a pixel, with their probabilities, most likely first."""
        rows, cols = self.scene.shape
        if not (0 <= row < rows and 0 <= col < cols):
            raise ValueError(
                f"pixel ({row}, {col}) is outside the scene; rows are 0..{rows - 1}, columns 0..{cols - 1}"
            )
        if not self.scene.valid[row, col]:
            raise ValueError(f"pixel ({row}, {col}) has no measurement; pick one that is not white")
        scores, ids = self._class_scores[row, col], np.asarray(self.model.class_ids)
        found = [(self.scene.class_names[ids[i] - 1], float(scores[i])) for i in np.argsort(-scores, kind="stable")]
        text = ", ".join(f"{name} {p:.2f}" for name, p in found[:3])
        asked = f" Score of the sentence: {self.similarity()[row, col]:.3f}." if self.answer is not None else ""
        self._tell(f"({row}, {col}): {text}.{asked}")
        return found

    # --- class prompts ---------------------------------------------------------------------------

    def edit_class(self, name: str, sentences: str | Sequence[str]) -> None:
        """Replace the sentences of a class (one a line): map and scores change, nothing is trained."""
        names = list(self.text.class_names)
        if name not in names:
            raise ValueError(f"there is no class {name!r}; choose one of {', '.join(names)}")
        lines = sentences.splitlines() if isinstance(sentences, str) else list(sentences)
        written = [" ".join(s.split()) for s in lines if s.strip()]
        if not written:
            raise ValueError(f"{name} needs at least one sentence; write one")
        mean = self.encoder.encode(written).astype(float).mean(0)
        if mean.shape != (self.text.dim,):
            raise ValueError(
                f"{self.encoder.name} gives vectors of {mean.size}, the model was trained on {self.text.dim} "
                f"({self._own.encoder}); give encoder="
            )
        place, vectors = names.index(name), self.text.vectors.copy()
        vectors[place] = mean / np.linalg.norm(mean)
        words = [*self.class_words]
        words[place] = tuple(written)
        before = self.scores
        prompts = tuple(words) if self.text.prompts else ()
        self._use(replace(self.text, vectors=vectors, prompts=prompts, prompt_hash=""), words)
        self._after_edit(f"Prompt of {name} changed.", before)

    def reset_classes(self) -> None:
        """Go back to the sentences the model was trained with."""
        before = self.scores
        self._use(self._own, self._words(self._own))
        self._after_edit("Class prompts are those of the training again.", before)

    @property
    def scored_on(self) -> str:
        """Which pixels `scores` speaks of: never test pixels where there is a split."""
        return "labelled" if self.split is None else "validation" if self.split.n_val else "training"

    # --- inside ----------------------------------------------------------------------------------

    def _ask(self, sentences: list[str], negatives: list[str]) -> PromptMap:
        return prompt_map(self.model, self.scene, sentences, negatives, self.encoder)

    def _take(self, sentences: list[str], negatives: list[str], answer: PromptMap) -> None:
        self.sentences, self.negatives, self.answer, self.shown = sentences, negatives, answer, 0
        if len(sentences) < 2:
            self.layer = LAYERS[0]
        self._tell(self.summary())

    def _use(self, text: TextVectors, words: Sequence[tuple[str, ...]]) -> None:
        """Map the scene with class vectors; embeddings stay, as words do not reach them."""
        self.text, self.class_words = text, tuple(words)
        ids = np.asarray(self.model.class_ids)
        assert self.prediction.embeddings is not None
        logits = temperature_scale(self.model) * (self.prediction.embeddings @ text.vectors[ids - 1].T)
        weight = np.exp(logits - logits.max(-1, keepdims=True))
        self._class_scores = weight / weight.sum(-1, keepdims=True)  # (row, col, class)
        self.labels = np.where(self.scene.valid, ids[logits.argmax(-1)], 0).astype(np.int16)
        self.scores = self._score()

    def _score(self) -> Scores | None:
        part = {"validation": "val", "training": "train"}.get(self.scored_on)
        known = self.scene.usable if part is None else np.where(self.split.mask(part), self.split.labels, 0)  # type: ignore[union-attr, arg-type]
        where = known > 0
        if not where.any():
            return None
        return scores_from_labels(known[where], self.labels[where], self.scene.class_names)

    def _known(self) -> np.ndarray:
        """True classes (row, col), 0 where unknown or a test pixel."""
        return self.scene.usable if self.split is None else np.where(self.split.mask("test"), 0, self.split.labels)

    def _words(self, text: TextVectors) -> list[tuple[str, ...]]:
        return list(text.prompts) or [() for _ in text.class_names]

    def _after_edit(self, done: str, before: Scores | None) -> None:
        if before is not None and self.scores is not None:
            n = int(self.scores.support.sum())
            done += f" OA {before.oa:.3f} → {self.scores.oa:.3f}, AA {before.aa:.3f} → {self.scores.aa:.3f}"
            done += f" on {n:,} {self.scored_on} px."
        self._tell(done)

    def _tell(self, message: str) -> None:
        self.message = message
        self._show()

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.prompts_view import PromptsView

        return PromptsView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.prompts_controls import PromptsControls

        self._panel = PromptsControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()


def parse(text: str) -> tuple[list[str], list[str]]:
    """Sentences and negatives of a text, one a line, `-` before a negative; empty lines are left out.

    Raises:
        ValueError: When no sentence is left, or there are more than `MOST_SENTENCES`.
    """
    lines = [" ".join(line.split()) for line in text.splitlines()]
    negatives = [line[1:].strip() for line in lines if line.startswith("-") and line[1:].strip()]
    sentences = [line for line in lines if line and not line.startswith("-")]
    if not sentences:
        only = "only negatives were given" if negatives else "the text is empty"
        raise ValueError(f"{only}; write a sentence without - before it")
    if len(sentences) > MOST_SENTENCES:
        raise ValueError(f"{len(sentences)} sentences; ask up to {MOST_SENTENCES} at once")
    return sentences, negatives
