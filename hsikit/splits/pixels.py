"""Splits that draw single pixels: stratified random, few-shot, and published masks.

They promise nothing about windows: neighbours of training pixels are tested. Read their scores beside a
spatially disjoint split's.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts load when they are used: a config is expanded without them

from hsikit._util.errors import door
from hsikit.splits.split import OnImpossible, Part, Split, SplitError, assemble, generator, report_impossible, whole

if TYPE_CHECKING:
    from hsikit.scenes.scene import Scene

MIN_BUDGET_FOR_VAL = 5  # labelled pixels a class needs before one of them is given to validation


@door
def random_split(
    scene: Scene, train: float | int = 0.10, val: float = 0.10, seed: int = 0, on_impossible: OnImpossible = "drop"
) -> Split:
    """Stratified random pixels: a label budget per class, the rest is test.

    Args:
        scene: Where to draw; only valid and labelled pixels are drawn.
        train: Label budget, validation included: a fraction of each class in (0, 1), at least one pixel,
            or a whole number of pixels per class.
        val: Share of the budget given to validation, from classes with at least 5 budget pixels
            (at least one pixel each); 0 for none.
        seed: Seed of the draw.
        on_impossible: ``"drop"`` leaves a class with too few pixels for both sides out, with a warning;
            ``"error"`` raises.

    Raises:
        SplitError: When a number is out of range or a class has fewer pixels than asked for.

    Example:
        >>> split = hsikit.random_split(hsikit.load_scene("simulated"), train=0.10)
        >>> split.name, split.leakage(patch=11).shared > 0.99
        ('random_10', True)
    """
    check_budget(train, val)
    name = split_label("random", train)
    pools = class_pools(scene)
    if isinstance(train, Integral):
        _check_enough(scene, name, pools, int(train))
    budgets = budget_per_class(pools, train)
    return _draw(scene, name, pools, budgets, val, seed, on_impossible)


@door
def few_shot_split(scene: Scene, shots: int = 20, seed: int = 0, on_impossible: OnImpossible = "drop") -> Split:
    """`shots` random training pixels of each class, no validation, the rest is test.

    Raises:
        SplitError: When `shots` is not a positive whole number or a class has fewer pixels.

    Example:
        >>> hsikit.few_shot_split(hsikit.load_scene("simulated"), shots=20).n_train  # of 6 classes
        120
    """
    shots = whole("shots", shots, "a whole number of pixels per class")
    name, pools = f"shot_{shots}", class_pools(scene)
    _check_enough(scene, name, pools, shots)
    return _draw(scene, name, pools, dict.fromkeys(pools, shots), 0.0, seed, on_impossible)


@door
def official_split(scene: Scene, name: str | None = None, val: float = 0.10, seed: int = 0) -> Split:
    """The training and test pixels published with a scene, as far as they are valid and labelled.

    Validation is drawn from the training mask, so the test pixels are the same for every seed. Classes
    without training pixels are left out of the test, with a warning.

    Args:
        scene: A scene with `masks`.
        name: Which of `scene.masks`; may be left out where there is only one.
        val: Share of each class's training pixels given to validation, as in `random_split`.
        seed: Seed of the validation draw.

    Raises:
        SplitError: When there is no such mask, or it contradicts the labels of the scene.

    Example:
        >>> west = np.tile(np.arange(8) < 4, (6, 1))
        >>> scene = hsikit.Scene("mine", np.ones((6, 8, 3)), np.ones((6, 8), int), ["meadow"],
        ...                      masks={"halves": (west * 1, ~west * 1)})
        >>> split = hsikit.official_split(scene, "halves")
        >>> split.n_train + split.n_val, split.n_test
        (24, 24)
    """
    check_val(val)
    chosen, (train_mask, test_mask) = _mask_pair(scene, name)
    pools = _mask_pools(scene, chosen, train_mask)
    tested = _mask_pools(scene, chosen, test_mask)
    dropped = sorted(set(tested) - set(pools))
    report_impossible(scene, chosen, dropped, "the mask has no training pixel of them", "drop")
    if not pools or set(tested) <= set(dropped):
        raise SplitError(f"{chosen}: no class of {scene.name} has valid pixels in both masks; check the masks")
    both = sum(np.intersect1d(pools[c], tested[c]).size for c in pools if c in tested)
    if both:
        raise SplitError(f"{chosen}: {both} pixels are in both masks; training and test must be disjoint")
    train, held = _take_val(pools, val, generator(seed))
    test = np.concatenate([pixels for c, pixels in tested.items() if c in pools])
    parts: dict[Part, np.ndarray] = {"train": train, "val": held, "test": test}
    return assemble(scene, chosen if name else "official", parts, seed=seed, dropped=dropped,
                    groups=fields(scene.usable))  # fmt: skip


# --- pieces the other splitters share --------------------------------------------------------------


def fields(labels: np.ndarray) -> np.ndarray:
    """Connected regions (8 neighbours) of one class, numbered 1.. in a raster (row, col) int32."""
    numbered, total = np.zeros(labels.shape, np.int32), 0
    for c in np.unique(labels[labels > 0]):
        regions, n = scipy.ndimage.label(labels == c, np.ones((3, 3), int))
        numbered[regions > 0] = regions[regions > 0] + total
        total += n
    return numbered


def extent(pixels: np.ndarray, cols: int) -> int:
    """Largest Chebyshev distance between two flat indices: below the patch, they fit on one side only."""
    row, col = np.divmod(pixels, cols)
    return int(max(np.ptp(row), np.ptp(col)))


def class_pools(scene: Scene) -> dict[int, np.ndarray]:
    """Flat indices (n,) of the valid, labelled pixels of each class 1..C that has any."""
    labels = scene.usable.ravel()
    pools = {c: np.flatnonzero(labels == c) for c in range(1, scene.n_classes + 1)}
    pools = {c: pool for c, pool in pools.items() if pool.size}
    if not pools:
        raise SplitError(f"{scene.name} has no pixel that is both valid and labelled; a split needs labels")
    return pools


def check_val(val: float) -> None:
    """Refuse a validation share outside [0, 1)."""
    if isinstance(val, bool) or not isinstance(val, Real) or not 0 <= val < 1:
        raise SplitError(f"val is {val!r}; expected a share of the label budget, 0 (none) to below 1")


def check_budget(train: float | int, val: float) -> None:
    """Refuse budgets that no class could give."""
    check_val(val)
    if isinstance(train, bool) or not isinstance(train, Real):
        raise SplitError(f"train is {train!r}; expected a fraction in (0, 1) or whole pixels per class")
    if isinstance(train, Integral):
        if train < 1:
            raise SplitError(f"train is {train}; expected a fraction in (0, 1) or at least 1 pixel per class")
        return
    if not 0 < train < 1:
        raise SplitError(f"train is {train!r}; a fraction must lie in (0, 1); pass an int for pixels per class")
    if train + val >= 1:
        raise SplitError(f"train + val is {train + val:g}; keep the sum below 1, so that test pixels remain")


def budget_per_class(pools: dict[int, np.ndarray], train: float | int) -> dict[int, int]:
    """Label budget of each class: pixels as given, or a rounded fraction of at least one and not all."""
    if isinstance(train, Integral):
        return {c: int(train) for c in pools}
    return {c: max(1, min(round(float(train) * pool.size), pool.size - 1)) for c, pool in pools.items()}


def val_count(budget: int, val: float) -> int:
    """Validation pixels out of a class's label budget."""
    return max(1, round(val * budget)) if val > 0 and budget >= MIN_BUDGET_FOR_VAL else 0


def split_label(kind: str, train: float | int) -> str:
    """Short name such as ``random_10`` (per cent) or ``random_50px`` (pixels per class)."""
    return f"{kind}_{train}px" if isinstance(train, Integral) else f"{kind}_{100 * float(train):g}"


def _check_enough(scene: Scene, name: str, pools: dict[int, np.ndarray], wanted: int) -> None:
    short = {c: pool.size for c, pool in pools.items() if pool.size < wanted}
    if short:
        named = ", ".join(f"{c} ({scene.class_names[c - 1]}) has {n}" for c, n in short.items())
        most = max(1, min(short.values()) - 1)
        raise SplitError(f"{name}: {wanted} pixels per class wanted, but {named}; ask for at most {most}")


def _draw(scene: Scene, name: str, pools: dict[int, np.ndarray], budgets: dict[int, int], val: float, seed: int,
          on_impossible: OnImpossible) -> Split:  # fmt: skip
    dropped = [c for c, pool in pools.items() if pool.size <= budgets[c]]
    why = "all their pixels would train and none be left to test; a smaller budget or more labels would work"
    report_impossible(scene, name, dropped, why, on_impossible)
    rng = generator(seed)
    shuffled = {c: rng.permutation(pool) for c, pool in pools.items() if c not in dropped}
    if not shuffled:
        raise SplitError(f"{name}: no class of {scene.name} has pixels for both sides; label more pixels")
    train, held = _take_val({c: pool[: budgets[c]] for c, pool in shuffled.items()}, val, rng)
    test = np.concatenate([pool[budgets[c] :] for c, pool in shuffled.items()])
    parts: dict[Part, np.ndarray] = {"train": train, "val": held, "test": test}
    return assemble(scene, name, parts, seed=seed, dropped=dropped, groups=fields(scene.usable))


def drawn(labels: np.ndarray, mask: np.ndarray, most: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flat indices of at most `most` (C+1,) random pixels of each class inside a mask (row, col)."""
    found = [np.empty(0, np.int64)]
    for c in np.unique(labels[mask & (labels > 0)]):
        found.append(rng.permutation(np.flatnonzero(mask & (labels == c)))[: int(most[c])])
    return np.concatenate(found)


def _take_val(budgets: dict[int, np.ndarray], val: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation indices (n,), (m,) out of each class's budget pixels."""
    shuffled = {c: rng.permutation(pool) for c, pool in budgets.items()}
    held = {c: val_count(pool.size, val) for c, pool in shuffled.items()}
    train = np.concatenate([pool[held[c] :] for c, pool in shuffled.items()])
    return train, np.concatenate([pool[: held[c]] for c, pool in shuffled.items()])


def _mask_pair(scene: Scene, name: str | None) -> tuple[str, tuple[np.ndarray, np.ndarray]]:
    available = ", ".join(sorted(scene.masks)) or "none"
    if name is None and len(scene.masks) == 1:
        name = next(iter(scene.masks))
    if name is None or name not in scene.masks:
        raise SplitError(f"{scene.name} has no published split {name!r}; available: {available}")
    return name, scene.masks[name]


def _mask_pools(scene: Scene, name: str, mask: np.ndarray) -> dict[int, np.ndarray]:
    mask = np.asarray(mask)
    if mask.shape != scene.shape:
        raise SplitError(f"{name}: the mask is {mask.shape}, the scene {scene.shape}; rows and columns must agree")
    usable = scene.usable
    drawn = (mask > 0) & (usable > 0)
    wrong = int((mask[drawn] != usable[drawn]).sum())
    if wrong:
        raise SplitError(
            f"{name}: at {wrong} of {int(drawn.sum())} pixels the mask's class is not the scene's label; "
            "bring the mask's class order to the scene's"
        )
    return {int(c): np.flatnonzero(drawn & (usable == c)) for c in np.unique(usable[drawn])}
