"""What a `FeatureSpace` measures in the full space, for the classes that are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from hsikit.explore.feature_pictures import Settings, picture_key
from hsikit.separation import METRICS, Separation, separation, trustworthiness

PER_CLASS = 100  # pixels a class that are compared
ARROWS = {"higher": "↑", "lower": "↓"}
Classes = frozenset[int]


class Numbers:
    """Separation, trust and distances; each is measured once for every choice of classes.

    Args:
        spaces: Name -> unit vectors (n, dim).
        labels: Classes (n,), 0 for unlabelled.
        rowcol: Rows and columns (n, 2).
    """

    def __init__(
        self, spaces: dict[str, np.ndarray], labels: np.ndarray, rowcol: np.ndarray, window: int, seed: int
    ) -> None:
        self.spaces, self.labels, self.rowcol, self.window, self.seed = spaces, labels, rowcol, window, seed
        self._measured: dict[tuple[Any, ...], Any] = {}

    def separation(self, space: str, classes: Classes) -> Separation:
        """Separation of some classes in a space; ValueError where there are too few."""
        key = (space, classes)
        if key not in self._measured:
            use = np.isin(self.labels, list(classes - {0}))
            self._measured[key] = separation(
                self.spaces[space][use], self.labels[use], self.rowcol[use], self.window, PER_CLASS, self.seed
            )
        return self._measured[key]

    def trustworthiness(self, space: str, xy: np.ndarray, settings: Settings) -> float:
        """How far neighbours in a picture are neighbours in the full space, 0 to 1; all pixels count."""
        key = ("trust", *picture_key(space, settings))
        if key not in self._measured:
            self._measured[key] = trustworthiness(self.spaces[space], xy, seed=self.seed)
        return self._measured[key]

    def centre_distances(self, space: str, classes: list[int], shown: Classes) -> np.ndarray:
        """Distances (k, k) between the means of k classes in a space; NaN for those that are not shown."""
        key = ("centres", space, *classes)
        if key not in self._measured:
            means = np.stack([self.spaces[space][self.labels == c].mean(0, dtype=float) for c in classes])
            self._measured[key] = cdist(means, means)
        there = np.isin(classes, list(shown))
        return np.where(np.outer(there, there) & (there.sum() > 1), self._measured[key], np.nan)

    def within_and_between(self, space: str, which: np.ndarray) -> tuple[float, float]:
        """Mean distance of some points (n,) to the mean of their class, and between these means; NaN if unknown."""
        vectors, labels = self.spaces[space][which], self.labels[which]
        classes = np.unique(labels[labels > 0])
        if not len(classes):
            return np.nan, np.nan
        centres = np.stack([vectors[labels == c].mean(0) for c in classes]).astype(float)
        known = labels > 0
        own = centres[np.searchsorted(classes, labels[known])]
        within = float(np.linalg.norm(vectors[known] - own, axis=1).mean())
        pairs = cdist(centres, centres)[np.triu_indices(len(classes), 1)]
        return within, float(pairs.mean()) if len(pairs) else np.nan

    def lines(self, spaces: dict[str, np.ndarray], classes: Classes, settings: Settings) -> list[tuple[str, ...]]:
        """A line a number: its name, and its value in each space shown (name -> its places (n, 2)), or why not."""
        try:
            found = [self.separation(space, classes) for space in spaces]
        except ValueError as error:
            return [(f"no separation: {error}",)]
        lines: list[tuple[str, ...]] = [(f"{found[0].n:,} px, ≥ {found[0].window} px apart",)]
        for metric, better in METRICS.items():
            values = (f"{getattr(f, metric):.3g}" for f in found)
            lines.append((f"{metric.replace('_', ' ')} {ARROWS[better]}", *values))
        try:
            trust = tuple(f"{self.trustworthiness(name, xy, settings):.3g}" for name, xy in spaces.items())
        except ValueError:
            trust = ("too few px",)
        return [*lines, ("trust in the picture ↑", *trust)]
