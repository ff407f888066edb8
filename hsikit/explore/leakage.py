"""`Leakage`: what test windows share with training windows, by kind of split and window size, as state."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets as t

from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.state import State
from hsikit.scenes.scene import Scene
from hsikit.splits import MAP_CODES, Split, make_split

DISJOINT = ("block", "fields")  # kinds that keep a buffer
CLASSIFIER = "linear discriminant on a pixel's spectrum and its window's mean spectrum"


@dataclass(frozen=True, eq=False)
class Measured:
    """One split at one window.

    Attributes:
        kind: Kind of split as in the menu, with its buffer where it has one.
        window: Side of the windows in pixels, odd.
        split: The split.
        shared: Share of test windows, 0 to 1, that overlap a training window.
        codes: Raster (row, col) of codes into `hsikit.splits.MAP_CODES`.
        accuracy: Overall accuracy, 0 to 1, of the cheap classifier on the test pixels.
    """

    kind: str
    window: int
    split: Split
    shared: float
    codes: np.ndarray
    accuracy: float


class Leakage(State):
    """Choose a split and a window; see shared pixels, where they lie, and a cheap classifier's accuracy.

    Attributes:
        kind: One of `kinds`.
        window: Side of the classifier's window in pixels, odd.
        buffer: Window for which block and field splits are kept disjoint, odd.
        train: Label budget of random and block splits, a share of each class.
        now: What is shown, a `Measured`.
        done: Everything measured so far, by kind and window; drawn as curves.

    Raises:
        ValueError: When the scene has no labelled pixel, or a number is out of range.
    """

    kind = t.Unicode("random").tag(shown=True, kept=True)
    window = t.Int().tag(shown=True, kept=True)
    buffer = t.Int().tag(shown=True, kept=True)
    now: Any = t.Any().tag(shown=True, kept=True)

    def __init__(self, scene: Scene, window: int = 5, buffer: int = 11, train: float = 0.10, seed: int = 0) -> None:
        super().__init__()
        if not scene.usable.any():
            raise ValueError(f"{scene.name} has no labelled pixel, so there is nothing to split; label some first")
        self.scene, self.seed, self.facts = scene, seed, SceneFacts(scene)
        self.train = train
        self.done: dict[tuple[str, int], Measured] = {}
        self._splits: dict[str, Split] = {}
        self._take(("random", _odd(window), _odd(buffer)), self.measure("random", window, buffer))
        self._before.clear()  # there is nothing to take back yet

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.scene.name}: {self.message}>"

    @property
    def kinds(self) -> list[str]:
        """What the menu offers: random, block, fields, few_shot, and the scene's published masks."""
        return ["random", "block", "fields", "few_shot", *(f"official {name}" for name in self.scene.masks)]

    def measure(self, kind: str | None = None, window: int | None = None, buffer: int | None = None) -> Measured:
        """Split, overlap and accuracy for a kind and a window; kept once measured. Shows nothing."""
        kind = self.kind if kind is None else kind
        window = _odd(self.window if window is None else window)
        label, spec = self._spec(kind, _odd(self.buffer if buffer is None else buffer))
        if (label, window) not in self.done:
            if label not in self._splits:
                with warnings.catch_warnings():  # dropped classes are told in the sentence
                    warnings.simplefilter("ignore")
                    self._splits[label] = make_split(self.scene, spec, seed=self.seed)
            split = self._splits[label]
            report = split.leakage(window)
            accuracy = self._accuracy(split, window)
            self.done[label, window] = Measured(label, window, split, report.shared, report.map(), accuracy)
        return self.done[label, window]

    def show(self, kind: str | None = None, window: int | None = None, buffer: int | None = None) -> Measured:
        """Measure and show."""
        choice = self._choice(kind, window, buffer)
        self._take(choice, self.measure(*choice))
        return self.now

    def sweep(self, windows: Iterable[int] = (1, 3, 5, 7, 9, 11, 15, 19)) -> list[Measured]:
        """Measure the present kind of split at several windows and show the curve."""
        found = [self.measure(window=w) for w in windows]
        self._take((self.kind, self.window, self.buffer), self.measure())
        return found

    def sentence(self, measured: Measured) -> str:
        """A measurement in words."""
        split = measured.split
        text = (
            f"{measured.kind}, window {measured.window}: {100 * measured.shared:.1f} % of {split.n_test:,} "
            "test windows share pixels with training windows; "
            f"accuracy {100 * measured.accuracy:.1f} % ({CLASSIFIER})."
        )
        if split.dropped_classes:
            names = ", ".join(self.scene.class_names[c - 1] for c in split.dropped_classes)
            text += f" Left out, as they cannot be on both sides: {names}."
        return text

    def _told(self, row: int, col: int) -> str:
        return f"{self.facts.class_name(row, col)}, {MAP_CODES[self.now.codes[row, col]]}"

    # --- inside ----------------------------------------------------------------------------------

    def _spec(self, kind: str, buffer: int) -> tuple[str, dict[str, Any]]:
        if kind not in self.kinds:
            raise ValueError(f"split {kind!r} is unknown; choose one of {', '.join(self.kinds)}")
        if kind.startswith("official "):
            return kind, {"kind": "official", "name": kind.removeprefix("official ")}
        spec: dict[str, Any] = {"kind": kind}
        spec |= {"train": self.train} if kind in ("random", "block") else {}
        spec |= {"patch": buffer} if kind in DISJOINT else {}
        spec |= {"shots": self._shots()} if kind == "few_shot" else {}
        return f"{kind}, buffer {buffer}" if kind in DISJOINT else kind, spec

    def _shots(self) -> int:
        """Up to 20 training pixels a class, fewer where the smallest class has few."""
        counts = np.bincount(self.scene.usable.ravel(), minlength=self.scene.n_classes + 1)[1:]
        return int(max(1, min(20, counts[counts > 0].min() // 2)))

    def _accuracy(self, split: Split, window: int) -> float:
        from hsikit.shallow import fit_shallow

        fitted = fit_shallow("lda", self.scene, split, features="means", window=window, seed=self.seed)
        return float((fitted.estimator.predict(fitted.features[split.test]) == split.y("test")).mean())

    def _choice(self, kind: str | None, window: int | None, buffer: int | None) -> tuple[str, int, int]:
        chosen = self.kind if kind is None else kind
        self._spec(chosen, 1)
        return chosen, _odd(window or self.window), _odd(buffer or self.buffer)

    def _take(self, choice: tuple[str, int, int], measured: Measured) -> None:
        with self.step(self.sentence(measured)):
            self.kind, self.window, self.buffer = choice
            self.now = measured


def _odd(window: int) -> int:
    if isinstance(window, bool) or int(window) != window or window < 1 or window % 2 == 0:
        raise ValueError(f"window {window!r}; give an odd whole number of pixels, 1 or more")
    return int(window)
