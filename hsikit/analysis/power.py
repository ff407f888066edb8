"""How much it takes to show a difference: fields, partitions or seeds, judged by how much methods differ among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts load when they are used

from hsikit._util.errors import door
from hsikit.areas import GROUP_PIXELS
from hsikit.scenes.scene import Scene
from hsikit.shallow import fit_shallow
from hsikit.splits import Split, block_split
from hsikit.splits.pixels import fields

if TYPE_CHECKING:
    import pandas as pd

COUNTS = (5, 10, 20, 40, 80, 160)
DRAWS = 4000
CUTS = 1 << 22  # numbers drawn at a time


@door
def power(scene: Scene, difference: float, counts: Sequence[int] = COUNTS,
          maps: tuple[np.ndarray, np.ndarray] | None = None, split: Split | None = None,
          seed: int = 0) -> pd.DataFrame:  # fmt: skip
    """How often a test over so many fields would show that one method is better by so much.

    Methods differ more from field to field than from pixel to pixel: how much, is measured on this scene with two maps.
    Their difference is moved to the one asked for, fields are drawn whole, and each draw is judged by the interval
    of its mean (`shown`).

    Args:
        difference: In overall accuracy, as a fraction: 0.02 for two points.
        counts: Numbers of tested fields to ask about.
        maps: Classes (row, col) of two methods; LDA on spectra and on means of 5 x 5 pixels if left out.
        split: Its test pixels count; `block_split` with windows of 11 if left out.
        seed: Of the draws.

    Returns:
        What `shown` gives.

    Raises:
        ValueError: When a map has another size, or fewer than two fields have 32 test pixels.

    Example:
        >>> needed = hsikit.power(hsikit.load_scene("simulated"), difference=0.02, counts=(10, 160))
        >>> bool(needed.power[1] > needed.power[0])
        True
    """
    split = block_split(scene) if split is None else split
    if maps is None:
        maps = tuple(fit_shallow("lda", scene, split, features=features, window=5).predict(scene).labels
                     for features in ("means", "spectra"))  # type: ignore[assignment]  # fmt: skip
    assert maps is not None
    for labels in maps:
        if np.shape(labels) != scene.shape:
            raise ValueError(f"a map is {np.shape(labels)}, {scene.name} is {scene.shape} (row, col); give maps of it")
    true = split.y("test")
    right = [np.asarray(labels).ravel()[split.test] == true for labels in maps]
    groups = fields(scene.usable).ravel()[split.test]
    sizes = np.bincount(groups)
    kept = np.flatnonzero(sizes >= GROUP_PIXELS)
    kept = kept[kept > 0]
    if kept.size < 2:
        raise ValueError(f"{kept.size} fields of {scene.name} have {GROUP_PIXELS} test pixels, at least two are needed")
    ahead = np.bincount(groups, right[0].astype(float) - right[1])[kept] / sizes[kept]
    return shown(ahead, difference, counts, sizes[kept], seed)


def shown(differences: np.ndarray, difference: float, counts: Sequence[int], sizes: np.ndarray | None = None,
          seed: int = 0) -> pd.DataFrame:  # fmt: skip
    """How often so many pairs, drawn from those observed, show a difference of a given size.

    Args:
        differences: Observed paired differences (n,): of fields, or of partitions or seeds out of the ledger.
        difference: The true one to ask about; the observed ones are moved so that it is their mean.
        counts: Numbers of pairs to ask about, 2 or more each.
        sizes: Weights (n,) of the pairs, such as pixels of fields; all alike if left out.
        seed: Of the draws.

    Returns:
        A row a count: `count`, `power` (share of draws whose 95 % interval lies above 0), `false_alarms` (the same
        with no difference at all, which ought to be 0.025) and `half_width` (median, of the interval).

    Raises:
        ValueError: For fewer than two differences, or a count below 2.
    """
    import pandas as pd

    observed, weights = (
        np.asarray(differences, float),
        np.ones(len(differences)) if sizes is None else np.asarray(sizes, float),
    )
    if observed.size < 2 or not np.isfinite(observed).all() or min(counts) < 2:
        raise ValueError(
            f"{observed.size} differences and counts from {min(counts)}; give at least two of each, finite"
        )
    spread = observed - np.average(observed, weights=weights)
    draw, rows = np.random.default_rng(seed), []
    for count in counts:
        parts = [_mean_and_half(spread, weights, draw.integers(observed.size, size=(part, count)))
                 for part in _parts(count)]  # fmt: skip
        mean, half = (np.concatenate(values) for values in zip(*parts))
        rows.append((count, (mean + difference > half).mean(), (mean > half).mean(), float(np.median(half))))
    return pd.DataFrame(rows, columns=["count", "power", "false_alarms", "half_width"])


def _parts(count: int) -> list[int]:
    """Draws in parts that fit in memory."""
    most = max(1, CUTS // count)
    return [min(most, DRAWS - done) for done in range(0, DRAWS, most)]


def _mean_and_half(spread: np.ndarray, weights: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean of each draw (draw, pair) and half of its 95 % t interval, as of a ratio over clusters."""
    values, own = spread[drawn], weights[drawn]
    total, n = own.sum(1), drawn.shape[1]
    mean = (own * values).sum(1) / total
    variance = n / (n - 1) * ((own * (values - mean[:, None])) ** 2).sum(1) / total**2
    return mean, scipy.stats.t.ppf(0.975, n - 1) * np.sqrt(variance)
