"""What an explorer knows, without widgets: traits that a script sets and reads, and steps that can be taken back.

An explorer is a `State` (what it knows), pure functions from the state to marks (`marks.py`), two renderers of marks
(`board.py` for a browser, `still.py` for a picture), and a `Panel` with its controls. A state knows none of them:
whoever shows it observes `revision`. `spectra.py`, `spectra_marks.py` and `spectra_panel.py` are the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import numpy as np
import traitlets as t

from hsikit.explore.spectra_facts import SceneFacts
from hsikit.scenes.scene import Scene


class Within(t.Float):
    """A trait that is a number between two limits; a whole one where the default is."""

    def __init__(self, default: float, low: float, high: float) -> None:
        super().__init__(default)
        self.low, self.high, self.kind = low, high, type(default)

    def validate(self, obj: Any, value: Any) -> float:
        value = super().validate(obj, value)
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} is {value:g}, expected {self.low:g} to {self.high:g}")
        return self.kind(value)


class Choice(t.Unicode):
    """A trait that is one of some words; the first where nothing was chosen."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(known[0])
        self.known = known

    def validate(self, obj: Any, value: Any) -> str:
        if value not in self.known:
            raise ValueError(f"{self.name} {value!r} is unknown; choose one of {', '.join(filter(None, self.known))}")
        return value


class State(t.HasTraits):
    """Base of the states.

    Traits tagged ``shown=True`` are what is seen: setting one adds 1 to `revision`. Those tagged ``kept=True`` are what
    could be lost: `undo` and `redo` walk through the values they had, so they hold tuples and frozen objects only.

    Attributes:
        message: What happened last, or what to change.
        revision: Grows by 1 with every change of what is seen.
        place: Row and column of the pixel picked last; empty before.
        chosen: Flat indices (k,) of the pixels selected last, or None. `link` hands both on.
    """

    most_steps = 50  # that can be taken back
    message = t.Unicode()
    revision = t.Int()
    place: Any = t.Tuple()
    chosen: Any = t.Any(None)
    scene: Scene
    facts: SceneFacts

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._inside = False
        self._before: list[dict[str, Any]] = []
        self._after: list[dict[str, Any]] = []
        self.observe(self._noticed, list(self.trait_names(shown=True)))

    def under_pointer(self, x: float, y: float) -> str:
        """The read-out at x = column, y = row: place, what `_told` says of the pixel, LiDAR; empty beside the map."""
        return self.facts.read_out(x, y, self._told)

    def _told(self, row: int, col: int) -> str:
        """What an explorer says of a pixel."""
        return self.facts.class_name(row, col)

    @contextmanager
    def step(self, message: str | None = None) -> Iterator[None]:
        """Changes made inside are one: one revision, one thing to undo, and perhaps a message."""
        if self._inside:  # a step within a step belongs to it
            yield
            self.message = self.message if message is None else message
            return
        held, self._inside = self._held(), True
        try:
            yield
        finally:
            self._inside = False
        if any(value is not held[name] for name, value in self._held().items()):
            self._before = [*self._before, held][-self.most_steps :]
            self._after.clear()
        if message is not None:
            self.message = message
        self.revision += 1

    def _begin(self, message: str) -> None:
        """What a constructor ends with: here the way back ends."""
        self._before.clear()
        self.message = message

    def undo(self) -> None:
        """Take the last step back; ValueError where there is none."""
        self._walk(self._before, self._after, "nothing to undo")

    def redo(self) -> None:
        """Take a step again that was taken back; ValueError where there is none."""
        self._walk(self._after, self._before, "nothing to redo")

    @property
    def latest(self) -> object:
        """The step made last, to be compared by identity; None where there is none."""
        return self._before[-1] if self._before else None

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        return bool(self._after)

    def _walk(self, source: list[dict[str, Any]], other: list[dict[str, Any]], nothing: str) -> None:
        if not source:
            raise ValueError(nothing)
        other.append(self._held())
        self._inside = True
        try:
            for name, value in source.pop().items():
                setattr(self, name, value)
        finally:
            self._inside = False
        self.message = "Taken back." if other is self._after else "Done again."
        self.revision += 1

    def _held(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.trait_names(kept=True)}

    def _noticed(self, change: Any) -> None:
        if self._inside:
            return
        if self.trait_metadata(change["name"], "kept"):
            self._before = [*self._before, self._held() | {change["name"]: change["old"]}][-self.most_steps :]
            self._after.clear()
        self.revision += 1


def check_pixel(scene: Scene, row: int, col: int) -> None:
    """Raises ValueError for a pixel outside a scene, or without a measurement."""
    rows, cols = scene.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise ValueError(f"pixel ({row}, {col}) is outside the scene; rows are 0..{rows - 1}, columns 0..{cols - 1}")
    if not scene.valid[row, col]:
        raise ValueError(f"pixel ({row}, {col}) has no measurement; pick one that is not white")


def check_mask(scene: Scene, mask: np.ndarray) -> np.ndarray:
    """A mask (row, col) of booleans of the scene's size; raises ValueError for anything else."""
    mask = np.asarray(mask)
    if mask.shape != scene.shape or mask.dtype != bool:
        raise ValueError(f"the mask is {mask.shape} {mask.dtype}, expected {scene.shape} of booleans")
    return mask


# --- long computations ---------------------------------------------------------------------------


class Stopped(Exception):
    """A computation was stopped from outside."""


class Progress:
    """Share of a computation that is done; may be read and stopped from another thread.

    Attributes:
        share: 0 to 1.
        told: Called with `share` after each step, in the computing thread.
    """

    def __init__(self, told: Callable[[float], Any] | None = None) -> None:
        self.share, self.told, self._stop = 0.0, told, Event()

    def stop(self) -> None:
        """Ask the computation to end at its next step."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_set()

    def step(self, share: float) -> None:
        """Note how far it is; raises `Stopped` where that was asked for."""
        if self._stop.is_set():
            raise Stopped
        self.share = share
        if self.told is not None:
            self.told(share)
