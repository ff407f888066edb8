"""`west_east_split`, `east_west_split`: train on some columns, test on others that no training window reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hsikit._util.errors import door
from hsikit.splits.pixels import check_val, drawn, fields, val_count
from hsikit.splits.split import Part, Split, SplitError, assemble, chebyshev, generator, report_impossible, whole

if TYPE_CHECKING:
    from hsikit.scenes.scene import Scene

# Weight of log(1 + validation pixels) against log(1 + training pixels) when a strip is chosen. Assumed.
VAL_WEIGHT = 0.25
PER_CLASS = 150  # label budget of each class, unless told otherwise


@door
def west_east_split(scene: Scene, train_cols_below: int = 119, test_cols_from: int = 129, per_class: int = 150,
                    val: float = 0.10, seed: int = 0) -> Split:  # fmt: skip
    """Training pixels west of a column, test pixels east of another; the defaults fit the MUUFL subset.

    Windows up to ``test_cols_from - train_cols_below + 1`` pixels (11 by default) share nothing across the
    seam. Validation comes from a strip along one edge of the west, as far from the training pixels as the
    test is; of strips along all four edges the one that serves most classes is taken, by counts alone. A
    class that is not in the strip has no validation pixels. Where no strip leaves every class trained,
    validation is empty and the whole budget trains. Classes of the east without training pixels are left out,
    with a warning.

    Args:
        scene: Where to split; only valid and labelled pixels take part.
        train_cols_below: Training and validation pixels have smaller columns than this.
        test_cols_from: Test pixels have at least this column.
        per_class: Label budget of each class, validation included; a class with fewer pixels gives all.
        val: Share of the budget given to validation; 0 for none.
        seed: Seed of the draw inside the west.

    Raises:
        SplitError: When a number is out of range or a side has no labelled pixels.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> hsikit.west_east_split(scene, train_cols_below=295, test_cols_from=305).leakage(patch=11).shared
        0.0
    """
    cols = scene.shape[1]
    if not 0 < train_cols_below <= test_cols_from < cols:
        raise SplitError(
            f"train_cols_below is {train_cols_below}, test_cols_from {test_cols_from}; expected "
            f"0 < train_cols_below <= test_cols_from < {cols}, the number of columns of {scene.name}"
        )
    column = np.arange(cols)
    sides = column < train_cols_below, column >= test_cols_from
    where = f"no pixel of them has a column below {train_cols_below}"
    return _across(scene, "west_east", sides, int(test_cols_from - train_cols_below + 1), per_class, val, seed, where)


@door
def east_west_split(
    scene: Scene,
    train_cols_from: int = 129,
    test_cols_below: int = 119,
    per_class: int = 150,
    val: float = 0.10,
    seed: int = 0,
) -> Split:
    """The other direction: training pixels east of a column, test pixels west of another, as `west_east_split`.

    Args:
        scene: Where to split; only valid and labelled pixels take part.
        train_cols_from: Training and validation pixels have at least this column.
        test_cols_below: Test pixels have smaller columns than this.
        per_class, val, seed: As `west_east_split` takes them.

    Raises:
        SplitError: When a number is out of range or a side has no labelled pixels.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> hsikit.east_west_split(scene, train_cols_from=305, test_cols_below=295).leakage(patch=11).shared
        0.0
    """
    cols = scene.shape[1]
    if not 0 < test_cols_below <= train_cols_from < cols:
        raise SplitError(
            f"test_cols_below is {test_cols_below}, train_cols_from {train_cols_from}; expected "
            f"0 < test_cols_below <= train_cols_from < {cols}, the number of columns of {scene.name}"
        )
    column = np.arange(cols)
    sides = column >= train_cols_from, column < test_cols_below
    where = f"no pixel of them has a column from {train_cols_from} on"
    return _across(scene, "east_west", sides, int(train_cols_from - test_cols_below + 1), per_class, val, seed, where)


def across_label(kind: str, per_class: int) -> str:
    """Short name of a split from one side to the other; a label budget other than 150 a class is named."""
    return kind if per_class == PER_CLASS else f"{kind}_{per_class}"


def _across(scene: Scene, kind: str, sides: tuple[np.ndarray, np.ndarray], patch: int, per_class: int, val: float,
            seed: int, where: str) -> Split:  # fmt: skip
    """Train and validate on the columns of the first side, test on those of the second."""
    check_val(val)
    whole("per_class", per_class, "whole pixels per class")
    own, other = (np.where(side, scene.usable, 0) for side in sides)
    if not own.any() or not other.any():
        raise SplitError(f"{kind}: a side of {scene.name} has no labelled pixels; move the columns")
    available = np.bincount(own.ravel(), minlength=scene.n_classes + 1)
    budget = np.minimum(available, per_class)
    held = np.array([val_count(int(n), val) for n in budget])
    room, strip = _best_strip(own, budget - held, held, patch, val)
    if not strip.any():
        held = np.zeros_like(held)  # the whole budget trains

    rng = generator(seed)
    parts: dict[Part, np.ndarray] = {
        "train": drawn(own, room, budget - held, rng),
        "val": drawn(own, strip, held, rng),
    }
    trained = np.unique(own[room & (own > 0)])
    parts["test"] = np.flatnonzero(np.isin(other, trained) & (other > 0))
    dropped = sorted(set(np.unique(other[other > 0]).tolist()) - set(trained.tolist()))
    report_impossible(scene, kind, dropped, where, "drop")
    return assemble(
        scene,
        across_label(kind, per_class),
        parts,
        seed=seed,
        patch=patch,
        dropped=dropped,
        groups=fields(scene.usable),
    )


def _best_strip(
    own: np.ndarray, train: np.ndarray, held: np.ndarray, patch: int, val: float
) -> tuple[np.ndarray, np.ndarray]:
    """Masks (row, col) of the room for training and of the validation strip that serve the classes best."""
    labelled = own > 0
    options: list[tuple[np.ndarray, np.ndarray]] = []
    for axis, share in ((axis, share) for axis in (0, 1) for share in (val, 2 * val) if val > 0):
        along = np.arange(own.shape[axis]).reshape((-1, 1) if axis == 0 else (1, -1))
        used = np.flatnonzero(labelled.any(axis=1 - axis))
        height = max(1, round(share * (used[-1] - used[0] + 1)))
        for strip in (labelled & (along < used[0] + height), labelled & (along > used[-1] - height)):
            options.append((labelled & (chebyshev(strip) >= patch), strip))

    def worth(option: tuple[np.ndarray, np.ndarray]) -> float:
        room, strip = (np.bincount(own[mask], minlength=train.size) for mask in option)
        got = np.log1p(np.minimum(room, train)).sum()
        return float(got + VAL_WEIGHT * np.log1p(np.minimum(strip, held)).sum())

    feasible = [o for o in options if np.array_equal(np.unique(own[o[0]]), np.unique(own[labelled]))]
    return max(feasible, key=worth, default=(labelled, np.zeros_like(labelled)))
