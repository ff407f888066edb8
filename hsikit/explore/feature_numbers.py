"""What a `FeatureSpaceExplorer` measures in the full space, for the classes that are shown."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

from hsikit.separation import METRICS, Separation, separation, trustworthiness

if TYPE_CHECKING:
    from hsikit.explore.feature_space import FeatureSpaceExplorer

PER_CLASS = 100  # pixels a class that are compared


class Numbers:
    """Separation, trust and distances; each is measured once for every choice of classes."""

    def __init__(self, explorer: FeatureSpaceExplorer) -> None:
        self.explorer = explorer
        self._measured: dict[tuple[Any, ...], Any] = {}

    def separation(self, space: str) -> Separation:
        """Separation of the classes shown in a space; ValueError where there are too few."""
        explorer = self.explorer
        key = (space, frozenset(explorer.classes_shown))
        if key not in self._measured:
            use = explorer.visible & (explorer.labels > 0)
            vectors, where = explorer.spaces[space][use], explorer.rowcol[use]
            self._measured[key] = separation(
                vectors, explorer.labels[use], where, explorer.window, PER_CLASS, explorer.seed
            )
        return self._measured[key]

    def trustworthiness(self, beside: bool = False) -> float:
        """How far neighbours in a picture are neighbours in the full space, 0 to 1; all pixels count."""
        explorer = self.explorer
        space = explorer.beside if beside and explorer.beside else explorer.space
        key = ("trust", *explorer.pictures.key(space, explorer.settings()))
        if key not in self._measured:
            self._measured[key] = trustworthiness(explorer.spaces[space], explorer.cloud(beside), seed=explorer.seed)
        return self._measured[key]

    def centre_distances(self, classes: list[int]) -> np.ndarray:
        """Distances (k, k) between the means of k classes in the full space (unit vectors); NaN for hidden ones."""
        explorer = self.explorer
        centres = self._centres(explorer.space)
        shown = np.array([c in explorer.classes_shown and c in centres for c in classes], bool)
        found = np.full((len(classes), len(classes)), np.nan)
        if shown.sum() > 1:
            means = np.stack([centres[c] for c, there in zip(classes, shown) if there])
            found[np.ix_(shown, shown)] = cdist(means, means)
        return found

    def _centres(self, space: str) -> dict[int, np.ndarray]:
        """Class -> mean (dim,) of its unit vectors; a toggle of a class changes none of them."""
        key = ("centres", space)
        if key not in self._measured:
            vectors, labels = self.explorer.spaces[space], self.explorer.labels
            self._measured[key] = {int(c): vectors[labels == c].mean(0, dtype=float) for c in np.unique(labels) if c}
        return self._measured[key]

    def text(self) -> str:
        """The numbers of the spaces shown in a few lines, or why there are none."""
        explorer = self.explorer
        shown = [explorer.space] + ([explorer.beside] if explorer.beside else [])
        try:
            found = [self.separation(space) for space in shown]
        except ValueError as error:
            return textwrap.fill(f"no separation: {error}", 44)
        arrows = {"higher": "↑", "lower": "↓"}
        lines = [f"in the full space, {found[0].n:,} px, pairs ≥ {found[0].window} px apart"]
        lines += [" " * 25 + " ".join(f"{side:>10}" for side in ("left", "right"))] if explorer.beside else []
        for metric, better in METRICS.items():
            values = " ".join(f"{getattr(f, metric):>10.3g}" for f in found)
            lines.append(f"{metric.replace('_', ' ') + ' ' + arrows[better]:<25}{values}")
        try:
            trust = " ".join(f"{self.trustworthiness(b):>10.3g}" for b in (False, True)[: len(shown)])
        except ValueError:
            trust = f"{'too few px':>10}"
        return "\n".join([*lines, f"{'trust in the picture ↑':<25}{trust}"])
