"""How far a long computation is, and the wish to stop it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any


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
