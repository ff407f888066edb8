"""The `Split`: sorted pixel indices for training, validation and test, checked when made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy  # its parts load when they are used: a config is expanded without them

from hsikit._util import arrays_of, saved, warn
from hsikit._util.errors import HsikitError
from hsikit.splits.repeats import chebyshev, measured_once

if TYPE_CHECKING:
    import pandas as pd

    from hsikit.scenes.scene import Scene

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
OnImpossible = Literal["drop", "error"]


class SplitError(HsikitError, ValueError):
    """A split cannot be made, or a stored one does not fit. The message names what to change.

    Example:
        >>> hsikit.few_shot_split(hsikit.load_scene("simulated"), shots=0)
        Traceback (most recent call last):
        hsikit.splits.split.SplitError: shots is 0; expected a whole number of pixels per class, 1 or more
    """


@dataclass(frozen=True, eq=False)
class Split:
    """Disjoint training, validation and test pixels of one scene.

    Attributes:
        name: Short name used in tables, such as ``"random_10"`` or ``"fields"``.
        shape: Rows and columns of the scene.
        train, val, test: Sorted flat indices ``row * cols + col`` (n,) int64, read-only.
        labels: Raster (row, col) int16, the class 1..C at every pixel of the split, 0 elsewhere.
        class_names: C names; entry 0 is class 1.
        seed: Seed of the draw or of the partition.
        patch: No test or validation window up to this size shares a pixel with a training window, and no
            test window with a validation window; 0 where nothing is promised.
        dropped_classes: Classes 1..C that could not be on both sides and are in none of the parts.
        groups: Raster (row, col) int32 naming the field or block of each pixel, 0 for none: the units of a
            bootstrap over space. None where there are none.
        scene_hash: `Scene.content_hash` of the scene it was made for.
        unseen_classes: Classes 1..C that are tested though never trained, on purpose.

    Raises:
        SplitError: When parts overlap, repeat, leave the scene, lack labels, or test an untrained class.

    Example:
        >>> split = hsikit.few_shot_split(hsikit.load_scene("simulated"), shots=5)
        >>> split.name, split.n_train, split.y("train").max()
        ('shot_5', 30, np.int16(6))
    """

    name: str
    shape: tuple[int, int]
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    seed: int
    patch: int
    dropped_classes: tuple[int, ...] = ()
    groups: np.ndarray | None = None
    scene_hash: str = ""
    unseen_classes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        put = lambda key, value: object.__setattr__(self, key, value)  # noqa: E731 (frozen dataclass)
        put("shape", (int(self.shape[0]), int(self.shape[1])))
        put("class_names", tuple(str(c) for c in self.class_names))
        put("dropped_classes", tuple(sorted(int(c) for c in self.dropped_classes)))
        put("unseen_classes", tuple(sorted(int(c) for c in self.unseen_classes)))
        for part in PARTS:
            put(part, _checked_indices(self.name, part, getattr(self, part), self.shape))
        put("labels", _checked_raster(self.name, "labels", self.labels, self.shape, np.int16))
        if self.groups is not None:
            put("groups", _checked_raster(self.name, "groups", self.groups, self.shape, np.int32))
        self._check_parts()

    def _check_parts(self) -> None:
        everything = np.concatenate([self.train, self.val, self.test])
        if self.train.size == 0 or self.test.size == 0:
            sizes = f"{self.train.size} training and {self.test.size} test pixels"
            raise SplitError(f"{self.name}: {sizes}; both need at least one")
        shared = everything.size - np.unique(everything).size
        if shared:
            raise SplitError(f"{self.name}: {shared} pixels are in two parts; train, val and test must be disjoint")
        found = self.labels.ravel()[everything]
        if found.min() < 1 or found.max() > len(self.class_names):
            raise SplitError(
                f"{self.name}: labels of the split run from {found.min()} to {found.max()}, "
                f"expected 1 to {len(self.class_names)}; only labelled pixels can be in a split"
            )
        if np.count_nonzero(self.labels) != everything.size:
            raise SplitError(f"{self.name}: labels are set outside the split; set them to 0 there")
        stray = set(np.unique(found).tolist()) & set(self.dropped_classes)
        if stray:
            raise SplitError(f"{self.name}: dropped classes {sorted(stray)} still have pixels; remove them")
        untrained = set(np.unique(self.y("test")).tolist()) - set(self.classes) - set(self.unseen_classes)
        if untrained:
            remedy = "drop them or declare them in unseen_classes"
            raise SplitError(f"{self.name}: classes {sorted(untrained)} are tested but never trained; {remedy}")

    # --- what a part holds -----------------------------------------------------------------------

    def indices(self, part: Part) -> np.ndarray:
        """Sorted flat indices (n,) int64 of ``"train"``, ``"val"`` or ``"test"``."""
        if part not in PARTS:
            raise SplitError(f"part {part!r} is unknown; expected one of {', '.join(PARTS)}")
        return getattr(self, part)

    def y(self, part: Part) -> np.ndarray:
        """Labels 1..C (n,) int16 of a part, in the order of its indices."""
        return self.labels.ravel()[self.indices(part)]

    def rowcol(self, part: Part) -> np.ndarray:
        """Rows and columns (n, 2) int64 of a part, in the order of its indices."""
        return np.stack(np.divmod(self.indices(part), self.shape[1]), axis=1)

    def mask(self, part: Part) -> np.ndarray:
        """Raster (row, col) of booleans, True at the pixels of a part."""
        mask = np.zeros(self.shape[0] * self.shape[1], bool)
        mask[self.indices(part)] = True
        return mask.reshape(self.shape)

    def counts(self, part: Part) -> np.ndarray:
        """Pixels of each class (C,) int64 in a part."""
        return np.bincount(self.y(part), minlength=len(self.class_names) + 1)[1:]

    @property
    def classes(self) -> tuple[int, ...]:
        """Sorted ids 1..C of the classes that have training pixels."""
        return tuple(np.unique(self.y("train")).tolist())

    @property
    def n_train(self) -> int:
        """Number of training pixels, validation not counted."""
        return self.train.size

    @property
    def n_val(self) -> int:
        """Number of validation pixels."""
        return self.val.size

    @property
    def n_test(self) -> int:
        """Number of test pixels."""
        return self.test.size

    def __repr__(self) -> str:
        dropped = f", dropped {list(self.dropped_classes)}" if self.dropped_classes else ""
        return (
            f"<split {self.name}: {self.n_train:,} train, {self.n_val:,} val, {self.n_test:,} test px, "
            f"{len(self.classes)} of {len(self.class_names)} classes, "
            f"patch {self.patch}, seed {self.seed}{dropped}>"
        )

    # --- derived ---------------------------------------------------------------------------------

    def leakage(self, patch: int) -> LeakageReport:
        """How many test windows of `patch` x `patch` pixels share a pixel with a training window."""
        distance = chebyshev(self.mask("train")).ravel()[self.test]
        distance.setflags(write=False)
        return LeakageReport(self, check_patch(patch), distance)

    def without_training(self, classes: Iterable[int], window: int = 1) -> Split:
        """The same split with some classes 1..C taken out of train and val, declared unseen, still tested.

        Args:
            classes: The classes to take out.
            window: Training and validation pixels whose window of this side holds a labelled pixel of such a class
                go too. A class left without training pixels by this is dropped altogether, with a warning.

        Raises:
            SplitError: When a class is not trained, or no trained class is left.
        """
        unseen = sorted({int(c) for c in classes})
        missing = set(unseen) - set(self.classes)
        if missing:
            raise SplitError(f"{self.name}: classes {sorted(missing)} are not trained; choose from {self.classes}")
        near = scipy.ndimage.maximum_filter(np.isin(self.labels, unseen), window).ravel()
        flat = self.labels.ravel()
        train, val = self.train[~near[self.train]], self.val[~near[self.val]]
        lost = sorted(set(self.classes) - set(unseen) - set(np.unique(flat[train]).tolist()))
        if not len(train):
            raise SplitError(f"{self.name}: without {unseen} no training pixel is left; leave out fewer classes")
        if lost:
            warn(f"{self.name}: classes {lost} lie beside {unseen} only and are left out")
        val, test = val[~np.isin(flat[val], lost)], self.test[~np.isin(flat[self.test], lost)]
        labels = np.zeros_like(self.labels)
        kept = np.concatenate([train, val, test])
        labels.ravel()[kept] = flat[kept]
        return replace(self, train=train, val=val, test=test, labels=labels,
                       dropped_classes=(*self.dropped_classes, *lost),
                       unseen_classes=(*self.unseen_classes, *unseen))  # fmt: skip

    def fold(self, number: int, of: int = 4) -> Split:
        """The label budget alone: one random fold of it tests, the others train. No test pixel is in it.

        Folds are for choosing settings where test windows overlap training windows, as theirs do. They are the same
        for every seed that leaves the budget the same. A class that only this fold has is not tested.

        Args:
            number: Which fold, from 0.
            of: Folds that the budget of each class is dealt into.

        Raises:
            SplitError: For a number outside 0 to of - 1, or a budget too small for the folds.

        Example:
            >>> split = hsikit.few_shot_split(hsikit.load_scene("simulated"), shots=8)
            >>> fold = split.fold(0)
            >>> fold.n_train, fold.n_test, bool(np.isin(fold.test, split.test).any())
            (36, 12, False)
        """
        if whole("number", number, "a fold, counted from 0", 0) >= whole("of", of, "two folds or more", 2):
            raise SplitError(f"fold {number} of {of}; folds are counted from 0 to {of - 1}")
        flat, order = self.labels.ravel(), generator(0)
        budget = np.union1d(self.train, self.val)
        held = np.concatenate([order.permutation(budget[flat[budget] == c])[number::of] for c in self.classes])
        train, val = (np.setdiff1d(own, held) for own in (self.train, self.val))
        test = np.sort(held[np.isin(flat[held], flat[train])])
        labels = np.zeros_like(self.labels)
        kept = np.concatenate([train, val, test])
        labels.ravel()[kept] = flat[kept]
        return replace(self, name=f"{self.name}, fold {number} of its budget", train=train, val=val, test=test,
                       labels=labels, patch=0)  # fmt: skip

    # --- on disk ---------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write a small npz (no pickle), moved into place when complete; returns the path."""
        arrays = {key: np.asarray(getattr(self, key)) for key in STORED if getattr(self, key) is not None}
        return saved(Path(path), lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))

    @staticmethod
    def load(path: str | Path, scene: Scene) -> Split:
        """Read a saved split and make sure that it was made for this very scene.

        Raises:
            SplitError: When the file is no saved split, or belongs to another scene or version of it.
        """
        try:
            with arrays_of(Path(path)) as stored:
                arrays = {key: stored[key] for key in stored.files}
        except FileNotFoundError:
            raise SplitError(f"no split at {path}; save one there first") from None
        except Exception as problem:  # zip, zlib and header errors come in many types
            raise SplitError(f"{path} is not a saved split ({problem}); make and save it again") from None
        missing = [key for key in STORED if key not in arrays and key != "groups"]
        if missing:
            raise SplitError(f"{path} is not a saved split: it lacks {', '.join(missing)}; save it again")
        if str(arrays["scene_hash"]) != scene.content_hash:
            raise SplitError(
                f"{path} was made for a scene with hash {arrays['scene_hash']}, {scene.name} has "
                f"{scene.content_hash}; load that scene or make the split again"
            )
        return Split(**{key: _plain(key, arrays[key]) for key in STORED if key in arrays})


def _checked_indices(name: str, part: str, indices: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    indices = np.asarray(indices)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "ui"):
        raise SplitError(
            f"{name}: {part} is {indices.dtype} {indices.shape}; expected flat indices row * cols + col (n,)"
        )
    indices = np.array(indices, np.int64)
    if indices.size and (indices.min() < 0 or indices.max() >= shape[0] * shape[1]):
        raise SplitError(f"{name}: {part} holds indices outside the scene of {shape[0]} x {shape[1]} pixels")
    if np.any(np.diff(indices) <= 0):
        raise SplitError(f"{name}: {part} is not sorted or repeats pixels; pass np.unique(indices)")
    indices.setflags(write=False)
    return indices


def _checked_raster(name: str, what: str, raster: np.ndarray, shape: tuple[int, int], dtype: type) -> np.ndarray:
    raster = np.array(raster, dtype)
    if raster.shape != shape:
        raise SplitError(f"{name}: {what} are {raster.shape}, the scene is {shape}; rows and columns must agree")
    raster.setflags(write=False)
    return raster


# --- shared by the splitters ---------------------------------------------------------------------


def whole(name: str, value: Any, expected: str, least: int = 1) -> int:
    """The value as a plain int, or a clear error where it is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise SplitError(f"{name} is {value!r}; expected {expected}, {least} or more")
    return int(value)


def check_patch(patch: int) -> int:
    """Refuse window sizes that are no positive whole number."""
    return whole("patch", patch, "a window size in whole pixels")


def generator(seed: int) -> np.random.Generator:
    """A random generator, or a clear error for a seed that is no whole number from 0."""
    return np.random.default_rng(whole("seed", seed, "a whole number", 0))


def assemble(scene: Scene, name: str, parts: dict[Part, np.ndarray], *, seed: int, patch: int = 0,
             dropped: Iterable[int] = (), groups: np.ndarray | None = None) -> Split:  # fmt: skip
    """A `Split` of `scene` from flat indices in any order; labels are the scene's.

    Of pixels that repeat one measurement (`scene.source_pixel`) one stays, in the first of the parts that has any: no
    measurement is trained and tested, and the pixels of a part count measurements.
    """
    sorted_parts = {part: np.sort(np.asarray(parts[part], np.int64)) for part in PARTS}
    if scene.source_pixel is not None:
        sorted_parts = measured_once(scene.source_pixel, sorted_parts, patch)
    everything = np.concatenate(list(sorted_parts.values()))
    labels = np.zeros(scene.shape, np.int16)
    labels.ravel()[everything] = scene.usable.ravel()[everything]
    train, val, test = sorted_parts.values()
    return Split(name, scene.shape, train, val, test, labels=labels, seed=seed, patch=patch,
                 class_names=tuple(scene.class_names), dropped_classes=tuple(dropped), groups=groups,
                 scene_hash=scene.content_hash)  # fmt: skip


def report_impossible(scene: Scene, name: str, classes: Iterable[int], why: str, on_impossible: str) -> None:
    """Warn that classes are left out of training and test, or raise when they must not be."""
    classes = sorted(classes)
    if on_impossible not in ("drop", "error"):
        raise SplitError(f"on_impossible is {on_impossible!r}; expected 'drop' or 'error'")
    if not classes:
        return
    named = ", ".join(f"{c} ({scene.class_names[c - 1]})" for c in classes)
    if on_impossible == "error":
        raise SplitError(f"{name}: on {scene.name} classes {named} cannot be on both sides: {why}")
    warn(f"{name}: on {scene.name} classes {named} are left out: {why}")


# --- leakage ---------------------------------------------------------------------------------------


MAP_CODES = ("not in the split", "training", "validation", "test, clear of training", "test, shares pixels")


@dataclass(frozen=True, eq=False)
class LeakageReport:
    """Overlap of test windows with training windows.

    Attributes:
        split: The split that was measured.
        patch: Size of the windows in pixels; both windows are `patch` x `patch`.
        distance: Chebyshev distance in pixels (n_test,) int32 from each test pixel to its nearest training
            pixel.

    Example:
        >>> report = hsikit.random_split(hsikit.load_scene("simulated")).leakage(patch=11)
        >>> report.shared > 0.99  # of the test windows overlap a training window
        True
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
        shared = f"{100 * self.shared:.1f} % of {self.split.n_test:,} test windows share pixels with training windows"
        return f"<leakage of {self.split.name} at window {self.patch}: {shared}>"


ARRAYS = ("train", "val", "test", "labels", "groups")
TUPLES = ("shape", "class_names", "dropped_classes", "unseen_classes")
STORED = ("name", "seed", "patch", "scene_hash", *TUPLES, *ARRAYS)


def _plain(key: str, array: np.ndarray) -> Any:
    if key in ARRAYS:
        return array
    return tuple(array.tolist()) if key in TUPLES else array.item()
