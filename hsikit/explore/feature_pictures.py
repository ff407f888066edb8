"""The two-dimensional pictures of a `FeatureSpaceExplorer`, computed once each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hsikit.explore.state import Progress
from hsikit.features import Embedding2D, Method, embed


class Settings(NamedTuple):
    """What shapes the pictures; `beside` is empty without a second space."""

    space: str
    method: Method
    perplexity: float
    neighbours: int
    beside: str


def picture_key(space: str, settings: Settings) -> tuple[Any, ...]:
    """What decides the picture of a space."""
    deciding = {"tsne": settings.perplexity, "umap": settings.neighbours}
    return space, settings.method, deciding.get(settings.method)


class Pictures:
    """Pictures of some spaces, name -> unit vectors (n, dim) of the same pixels; kept in memory and in a folder."""

    def __init__(self, spaces: dict[str, np.ndarray], seed: int, cache: str | Path | None) -> None:
        self.spaces, self.seed, self.cache = spaces, seed, cache
        self._made: dict[tuple[Any, ...], Embedding2D] = {}

    def one(self, space: str, settings: Settings, told: Callable[[float], Any] | None = None) -> Embedding2D:
        """The picture of a space; `told` hears how far it is. Raises ValueError as `embed` does, or for no space."""
        if space not in self.spaces:
            raise ValueError(f"there is no space {space!r}; choose one of {', '.join(self.spaces)}")
        key = picture_key(space, settings)
        if key not in self._made:
            self._made[key] = embed(
                self.spaces[space], settings.method, self.seed, settings.perplexity, settings.neighbours,
                cache=self.cache, progress=told,
            )  # fmt: skip
        return self._made[key]

    def of(self, settings: Settings, progress: Progress | None = None) -> list[Embedding2D]:
        """The picture of the first space, and that of the one beside it where there is one."""
        spaces = [settings.space] + ([settings.beside] if settings.beside else [])
        progress = progress or Progress()
        return [
            self.one(name, settings, lambda share, k=k: progress.step((k + share) / len(spaces)))  # type: ignore[misc]
            for k, name in enumerate(spaces)
        ]
