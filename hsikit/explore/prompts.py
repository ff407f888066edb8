"""`Questions`: ask a map in words, see how far it answers, and change the words that name its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import traitlets as t

from hsikit.analysis.words import BEST_SHARE, PromptMap, prompt_map, temperature_scale, unrelated_sentences
from hsikit.explore.marks import short
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.state import Choice, State, Within, check_pixel
from hsikit.fitted import Fitted
from hsikit.metrics import Scores, scores_from_labels
from hsikit.predict import predict_map
from hsikit.scenes.scene import Scene
from hsikit.splits import Split
from hsikit.text import TextEncoder, load_text_encoder

LAYERS = ("class prompts", "soft classes")
MOST_SENTENCES = 8
STANDS_OUT = 2.0  # z from which on a sentence is said to fit: about one unrelated sentence in forty gets there
MIXTURE = 0.95  # R² from which on a map is called a mixture of the maps of the class prompts (assumed)


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked, and the answer."""

    sentences: tuple[str, ...]
    negatives: tuple[str, ...]
    answer: PromptMap

    @property
    def words(self) -> str:
        """The question as it was typed."""
        return "\n".join((*self.sentences, *(f"- {n}" for n in self.negatives)))


class Questions(State):
    """Type sentences, one a line, `-` before a negative one: similarity maps, and what they are worth.

    What a map is worth is said in words first, by two numbers: z, how far its best hundredth stands out from that of 50
    sentences that speak of no land cover (under `STANDS_OUT`: nothing here stands out), and R², the share of it that is
    a mixture of the class prompts' maps (near 1: the sentence says nothing that the classes did not).

    Args:
        model: A fitted MMLGNet, such as `run.model`.
        scene: The scene it maps; its labels, where it has any, are the true classes of the histogram.
        split: With a split, test pixels are left out of histogram and scores, as words are chosen by looking.
        encoder: The text encoder that the class vectors came from; MiniLM if left out.

    Attributes:
        asked: What was asked last with its answer, or None before the first question.
        history: Questions asked so far, each once, the latest last.
        shown: Which sentence is drawn, counted from 0.
        layer: What the second picture shows, one of `LAYERS`.
        opacity: 0 to 1, how strongly an answer covers the scene.
        place: Row and column that were clicked, or ().
        text: The class vectors in use: the model's own, or edited ones. The model itself is never changed.
        labels: Class map (row, col) under these vectors, 1..C; 0 where not valid.

    Methods raise ValueError where model, scene, encoder or words do not fit; in the widget it is a message.
    """

    most_steps = 10  # answers are maps
    asked = t.Any(None).tag(shown=True, kept=True)
    text: Any = t.Any(None).tag(shown=True, kept=True)
    history = t.Tuple().tag(shown=True)
    shown = t.Int(0).tag(shown=True)
    layer = Choice(LAYERS).tag(shown=True)
    opacity = Within(0.8, 0, 1).tag(shown=True)
    place = t.Tuple().tag(shown=True, kept=True)

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
        self.model, self.scene, self.split, self.facts = model, scene, split, SceneFacts(scene)
        self.encoder = load_text_encoder() if encoder is None else encoder
        self.prediction = predict_map(model, scene, embeddings=True)
        self.text = model.text
        self._begin("Write a sentence, such as what a class looks like, and press Ask.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.scene.name}: {len(self.sentences)} sentences, {self.text.encoder}>"

    @property
    def sentences(self) -> list[str]:
        """What was asked last."""
        return list(self.asked.sentences) if self.asked else []

    @property
    def negatives(self) -> list[str]:
        """What was subtracted."""
        return list(self.asked.negatives) if self.asked else []

    @property
    def answer(self) -> PromptMap | None:
        """The maps of what was asked last."""
        return self.asked.answer if self.asked else None

    @property
    def edited(self) -> bool:
        """Whether a class prompt is another one than in training."""
        return self.text is not self.model.text

    @property
    def class_words(self) -> tuple[tuple[str, ...], ...]:
        """The sentences of each class."""
        return self.text.prompts or ((),) * len(self.text.class_names)

    # --- questions -------------------------------------------------------------------------------

    def set_text(self, text: str) -> None:
        """Ask the map: one sentence a line, `-` before a negative one."""
        sentences, negatives = parse(text)
        self.take(sentences, negatives, self._ask(sentences, negatives))

    def ask_again(self, place: int) -> None:
        """Show a question of the `history` again."""
        with self.step():
            self.asked, self.shown = self.history[place], 0
            self.message = self.summary()

    def examples(self) -> tuple[str, ...]:
        """Sentences to begin with: the words of a few classes, and one that has nothing to do with land."""
        own = [words[0] if words else name for words, name in zip(self.class_words, self.text.class_names)]
        return (*own[:: max(1, len(own) // 3)][:3], unrelated_sentences()[0])

    def show(self, sentence: int | None = None, layer: str | None = None) -> None:
        """Choose the sentence drawn (from 0) and what the second picture shows."""
        if sentence is not None and not 0 <= sentence < len(self.sentences):
            raise ValueError(f"there is no sentence {sentence}; {len(self.sentences)} were asked, counted from 0")
        with self.step():
            self.layer = self.layer if layer is None else layer
            self.shown = self.shown if sentence is None else sentence
            self.message = self.summary() if self.asked else "Nothing was asked yet."

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
        """What the map of the sentence shown is worth: a verdict in words, then the numbers."""
        assert self.answer is not None
        r2, z = float(self.answer.r2[self.shown]), float(self.answer.z[self.shown])
        first, name = self.ranking()[0], short(self.sentences[self.shown], 70)
        if z < STANDS_OUT:
            text = f"Nothing here stands out for “{name}”: sentences that speak of no land cover reach such scores too."
        else:
            where, share = self.best()
            text = f"“{name}” stands out here, most on what is mapped as {where} ({share:.0%} of its best pixels)."
        if r2 >= MIXTURE:
            text += " Its map is a mixture of the class prompts' maps: it says little that they did not."
        numbers = f"z {z:+.1f} (from {STANDS_OUT:g} it stands out), R² {r2:.3f}"
        return f"{text} {numbers}; nearest class prompt {first[0]} ({first[1]:.2f})."

    def best(self) -> tuple[str, float]:
        """The class that most of the best hundredth of pixels are mapped as, and its share of them."""
        values = self.similarity()
        top = values >= np.nanquantile(values, BEST_SHARE)
        counts = np.bincount(self.labels[top], minlength=self.scene.n_classes + 1)
        return self.scene.class_names[int(counts[1:].argmax())], float(counts[1:].max() / top.sum())

    def pick(self, row: int, col: int) -> list[tuple[str, float]]:
        """The class prompts that answer a pixel, with their probabilities, most likely first."""
        check_pixel(self.scene, row, col)
        scores, ids = self._class_scores[row, col], np.asarray(self.model.class_ids)
        found = [(self.scene.class_names[ids[i] - 1], float(scores[i])) for i in np.argsort(-scores, kind="stable")]
        text = ", ".join(f"{name} {p:.2f}" for name, p in found[:3])
        asked = f" Score of the sentence: {self.similarity()[row, col]:.3f}." if self.asked else ""
        with self.step(f"({row}, {col}){self.facts.place_text(row, col)}: {text}.{asked}"):
            self.place = (row, col)
        return found

    def _told(self, row: int, col: int) -> str:
        mapped = self.facts.name_of(self.labels[row, col], "nothing")
        score = f", score {self.similarity()[row, col]:.3f}" if self.asked else ""
        label = self.facts.name_of(self._known()[row, col], "not known")
        return f"{label}, mapped {mapped}{score}"

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
                f"({self.text.encoder}); give encoder="
            )
        place, vectors = names.index(name), self.text.vectors.copy()
        vectors[place] = mean / np.linalg.norm(mean)
        words = [*self.class_words]
        words[place] = tuple(written)
        text = replace(self.text, vectors=vectors, prompts=tuple(words), prompt_hash="")
        self._reword(f"Prompt of {name} changed.", text)

    def reset_classes(self) -> None:
        """Go back to the sentences the model was trained with."""
        self._reword("Class prompts are those of the training again.", self.model.text)

    @property
    def scored_on(self) -> str:
        """Which pixels `scores` speaks of: never test pixels where there is a split."""
        return "labelled" if self.split is None else "validation" if self.split.n_val else "training"

    # --- inside ----------------------------------------------------------------------------------

    def _ask(self, sentences: list[str], negatives: list[str]) -> PromptMap:
        return prompt_map(self.model, self.scene, sentences, negatives, self.encoder)

    def take(self, sentences: list[str], negatives: list[str], answer: PromptMap) -> None:
        """Show the answer to a question."""
        new = Asked(tuple(sentences), tuple(negatives), answer)
        with self.step():
            self.history = (*(old for old in self.history if old.words != new.words), new)[-self.most_steps :]
            self.asked = new
            self.message = self.summary()

    @t.observe("asked")
    def _fresh(self, _: Any) -> None:
        self.shown = 0
        if len(self.sentences) < 2:
            self.layer = LAYERS[0]

    @t.validate("layer")
    def _has_two(self, proposal: Any) -> str:
        if proposal["value"] == "soft classes" and len(self.sentences) < 2:
            raise ValueError("soft classes need two sentences or more; write one a line")
        return proposal["value"]

    @t.observe("text")
    def _use(self, _: Any) -> None:
        """Map the scene with the class vectors; embeddings stay, as words do not reach them."""
        ids = np.asarray(self.model.class_ids)
        assert self.prediction.embeddings is not None
        logits = temperature_scale(self.model) * (self.prediction.embeddings @ self.text.vectors[ids - 1].T)
        weight = np.exp(logits - logits.max(-1, keepdims=True))
        self._class_scores = weight / weight.sum(-1, keepdims=True)  # (row, col, class)
        self.labels = np.where(self.facts.valid, ids[logits.argmax(-1)], 0).astype(np.int16)
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

    def _reword(self, done: str, text: Any) -> None:
        before = self.scores
        with self.step():
            self.text, self.layer = text, LAYERS[0]  # soft classes would not show the change
            if before is not None and self.scores is not None:
                n = int(self.scores.support.sum())
                done += f" OA {before.oa:.3f} → {self.scores.oa:.3f}, AA {before.aa:.3f} → {self.scores.aa:.3f}"
                done += f" on {n:,} {self.scored_on} px."
            self.message = done


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
