"""What loaders of the published MATLAB scenes share: arrays of a stated shape with published counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsikit.scenes.facts import SceneFacts, find, require
from hsikit.scenes.matlab import read_array
from hsikit.scenes.scene import SceneError


def read_published(facts: SceneFacts, filename: str, variable: str, ndim: int) -> np.ndarray:
    """An array of one of the scene's files, checked against the scene's rows and columns (and bands, if 3-D).

    Raises:
        SceneError: When the file is missing or holds something else.
    """
    path = require(facts, filename)
    array = read_array(path, variable, ndim)
    if array.shape[:2] != (facts.rows, facts.cols):
        raise SceneError(f"{path}: {variable!r} is {array.shape}, expected {facts.rows} x {facts.cols} pixels")
    return np.ascontiguousarray(array)


def check_bands(facts: SceneFacts, filename: str, cube: np.ndarray) -> np.ndarray:
    """The cube, when it has the published number of bands.

    Raises:
        SceneError: When it has another.
    """
    if cube.shape[2] != facts.bands:
        raise SceneError(f"{facts.name}: {filename} has {cube.shape[2]} bands, expected {facts.bands}")
    return cube


def check_counts(facts: SceneFacts, filename: str, labels: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """The labels, when each class has the published number of pixels.

    Raises:
        SceneError: When one has another; the first such class is named.
    """
    found = np.bincount(np.asarray(labels).astype(np.int64).clip(0).ravel(), minlength=len(counts) + 1)[1:]
    for i, expected in enumerate(counts):
        if found[i] != expected:
            raise SceneError(
                f"{facts.name}: {filename} has {found[i]} pixels of class {i + 1}, published are {expected}; "
                "it is another version of the file, or a damaged one"
            )
    return labels


def fixed_masks(
    facts: SceneFacts, name: str, train: tuple[str, str], test: tuple[str, str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The scene's fixed split {name: (train, test)} out of two (file, variable) pairs; empty if not in hand.

    Raises:
        SceneError: When a file is there but holds something else.
    """
    if any(find(facts, filename) is None for filename, _ in (train, test)):
        return {}
    first, second = (
        read_published(facts, filename, variable, 2).astype(np.int16) for filename, variable in (train, test)
    )
    return {name: (first, second)}
