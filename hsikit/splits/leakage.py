"""How much of the training area a test window sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from hsikit.splits.split import Split, SplitError

if TYPE_CHECKING:
    import pandas as pd

MAP_CODES = ("not in the split", "training", "validation", "test, clear of training", "test, shares pixels")


@dataclass(frozen=True, eq=False)
class LeakageReport:
    """Overlap of test windows with training windows.

    Attributes:
        split: The split that was measured.
        patch: Size of the windows in pixels; both windows are `patch` x `patch`.
        distance: Chebyshev distance in pixels (n_test,) int32 from each test pixel to its nearest training
            pixel.
    """

    split: Split
    patch: int
    distance: np.ndarray

    @property
    def overlaps(self) -> np.ndarray:
        """True (n_test,) where a test window shares at least one pixel with a training window."""
        return self.distance < self.patch

    @property
    def shared(self) -> float:
        """Share of test windows, 0 to 1, that overlap a training window."""
        return float(self.overlaps.mean())

    @property
    def counts(self) -> pd.DataFrame:
        """Pixels of each class in train, val and test, and how many test windows overlap (``shared``)."""
        import pandas as pd

        split = self.split
        columns = {part: split.counts(part) for part in ("train", "val", "test")}
        overlapping = split.y("test")[self.overlaps]
        columns["shared"] = np.bincount(overlapping, minlength=len(split.class_names) + 1)[1:]
        return pd.DataFrame(columns, index=pd.Index(split.class_names, name="class"))

    def map(self) -> np.ndarray:
        """Raster (row, col) uint8 of codes into `MAP_CODES`."""
        codes = np.zeros(self.split.shape, np.uint8)
        codes.ravel()[self.split.train] = 1
        codes.ravel()[self.split.val] = 2
        codes.ravel()[self.split.test] = np.where(self.overlaps, 4, 3)
        return codes

    def __repr__(self) -> str:
        return (
            f"<leakage of {self.split.name} at window {self.patch}: {100 * self.shared:.1f} % of "
            f"{self.split.n_test:,} test windows share pixels with training windows>"
        )


def chebyshev(mask: np.ndarray) -> np.ndarray:
    """Distance (row, col) int32 in pixels from every pixel to the nearest True one; huge if there is none."""
    if not mask.any():
        return np.full(mask.shape, np.iinfo(np.int32).max, np.int32)
    return ndimage.distance_transform_cdt(~mask, metric="chessboard").astype(np.int32)


def leakage_report(split: Split, patch: int) -> LeakageReport:
    """Measure a split at one window size; see `LeakageReport`."""
    if isinstance(patch, bool) or int(patch) != patch or patch < 1:
        raise SplitError(f"patch is {patch!r}; expected a window size in pixels, 1 or more")
    distance = chebyshev(split.mask("train")).ravel()[split.test]
    distance.setflags(write=False)
    return LeakageReport(split, int(patch), distance)
