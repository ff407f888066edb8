"""`field_split`: whole fields (connected regions of one class) to one side, with a buffer between sides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts load when they are used: a config is expanded without them

from hsikit._util.errors import door
from hsikit.splits.pixels import class_pools, extent, fields
from hsikit.splits.repeats import chebyshev
from hsikit.splits.split import Split, SplitError, assemble, check_patch, generator, report_impossible

if TYPE_CHECKING:
    from hsikit.scenes.scene import Scene
    from hsikit.splits.split import OnImpossible, Part

CODES: dict[Part, int] = {"train": 1, "val": 2, "test": 3}  # of a partition raster; 0 is unassigned


@door
def field_split(
    scene: Scene, patch: int = 11, seed: int = 0, train_share: float = 1.0, on_impossible: OnImpossible = "drop",
    shots: int = 0,
) -> Split:  # fmt: skip
    """Whole 8-connected fields to training, validation or test, at least `patch` apart (Chebyshev).

    Which field goes where is searched with geometry alone (class and position of pixels), and so is which of
    two close fields gives up the pixels nearer than `patch` to the other. Validation has fields of its own; a
    class with two fields, or whose third would cost too much, has none. A partition depends on labels,
    `patch` and `seed` only; those for Indian Pines at seed 0 and windows 11 and 15 come with the package.

    Args:
        scene: Where to split; only valid and labelled pixels take part.
        patch: Largest window in pixels that may be used; windows across parts share no pixel.
        seed: Seed of the search and of the `train_share` draw.
        train_share: Share in (0, 1] of each class's training and validation pixels to keep, drawn at random
            inside their fields. Smaller shares are subsets of larger ones; the test stays the same.
        on_impossible: ``"drop"`` leaves out classes that cannot have training and test pixels, with a
            warning; ``"error"`` raises.
        shots: Pixels of each class to keep, drawn inside its training fields, and no validation pixels; 0 for all.
            Fewer shots are subsets of more; the test stays the same.

    Raises:
        SplitError: When `patch`, `train_share` or `shots` is out of range or no class can be on both sides.

    Example:
        >>> six = np.repeat([1, 2, 1, 2, 1, 2], 20)[:, None] * np.ones((1, 40), int)  # six fields of two classes
        >>> scene = hsikit.Scene("mine", np.ones((120, 40, 3)), six, ["meadow", "maize"])
        >>> hsikit.field_split(scene, patch=5).leakage(patch=5).shared
        0.0
    """
    check_patch(patch)
    name, rng = fields_label(train_share, shots), generator(seed)
    numbered, codes = fields(scene.usable), _partition(scene, patch, seed)
    dropped = sorted(set(class_pools(scene)) - set(np.unique(scene.usable[codes == CODES["train"]]).tolist()))
    why = (
        f"too few fields that lie {patch} or more pixels apart; a smaller patch, or random_split "
        "(which leaks between windows), would work"
    )
    report_impossible(scene, "fields", dropped, why, on_impossible)
    parts = {part: np.flatnonzero(codes == code) for part, code in CODES.items()}
    if parts["train"].size == 0:
        raise SplitError(f"fields: no class of {scene.name} can be on both sides at patch {patch}: {why}")
    if train_share < 1:
        order = rng.random(scene.usable.size)  # one draw a pixel: shares are nested
        for part in ("train", "val"):
            parts[part] = _thin(parts[part], scene.usable.ravel()[parts[part]], order, train_share)
    if shots:
        order, own = rng.random(scene.usable.size), scene.usable.ravel()[parts["train"]]
        parts["train"] = _thin(parts["train"], own, order, shots)
        parts["val"] = parts["val"][:0]
    return assemble(scene, name, parts, seed=seed, patch=patch, dropped=dropped, groups=numbered)


def fields_label(train_share: float, shots: int = 0) -> str:
    """Short name: ``fields``; ``fields_25`` for a quarter of the training pixels, ``fields_5px`` for 5 a class."""
    if isinstance(train_share, bool) or not isinstance(train_share, Real) or not 0 < train_share <= 1:
        raise SplitError(f"train_share is {train_share!r}; expected a share above 0 and up to 1 (all)")
    if isinstance(shots, bool) or not isinstance(shots, Integral) or shots < 0 or (shots and train_share < 1):
        raise SplitError(f"shots is {shots!r} beside train_share {train_share}; expected a whole number of pixels a "
                         "class, 0 for all, with train_share left at 1")  # fmt: skip
    return f"fields_{shots}px" if shots else "fields" if train_share == 1 else f"fields_{100 * train_share:g}"


def _thin(pixels: np.ndarray, labels: np.ndarray, order: np.ndarray, kept_of: float) -> np.ndarray:
    """A share of each class's pixels, or a whole number of them, first in a given order."""
    kept = []
    for c in np.unique(labels):
        own = pixels[labels == c]
        n = kept_of if isinstance(kept_of, int) else max(1, round(kept_of * own.size))
        kept.append(own[np.argsort(order[own])[:n]])
    return np.concatenate(kept) if kept else pixels


# --- the partition --------------------------------------------------------------------------------


def _partition(scene: Scene, patch: int, seed: int) -> np.ndarray:
    """Codes (row, col) uint8 of a searched partition, or of the one that comes with the package."""
    usable = scene.usable
    if seed == 0:
        stored = _stored_partition(patch, geometry_hash(usable))
        if stored is not None:
            return stored
    return _searched(np.ascontiguousarray(usable, np.int16).tobytes(), usable.shape, patch, seed)


@lru_cache(maxsize=8)
def _searched(labels: bytes, shape: tuple[int, int], patch: int, seed: int) -> np.ndarray:
    """`find_partition`, remembered within a process: a study over many seeds asks for one partition again."""
    codes = find_partition(np.frombuffer(labels, np.int16).reshape(shape), patch, seed)
    codes.setflags(write=False)
    return codes


def geometry_hash(usable: np.ndarray) -> str:
    """Sixteen hex digits of a label raster (row, col): all that a partition depends on."""
    usable = np.ascontiguousarray(usable, np.int16)
    return hashlib.sha256(repr(usable.shape).encode() + usable.tobytes()).hexdigest()[:16]


def _stored_partition(patch: int, wanted_hash: str) -> np.ndarray | None:
    """The shipped partition of a window that was made for these very labels, whatever scene they belong to."""
    for path in (resources.files("hsikit") / "partitions").iterdir():
        if not path.name.endswith(f"_fields_{patch}.npz"):
            continue
        with resources.as_file(path) as real, np.load(real, allow_pickle=False) as stored:
            if str(stored["geometry_hash"]) == wanted_hash:
                return stored["codes"]
    return None


def find_partition(usable: np.ndarray, patch: int, seed: int) -> np.ndarray:
    """Search a partition of a label raster (row, col); returns codes (row, col) uint8.

    A class left without training or test pixels leaves the search, which then starts anew without it, since
    its fields only cost the others pixels.
    """
    reach = {c: extent(np.flatnonzero(usable == c), usable.shape[1]) for c in np.unique(usable[usable > 0])}
    usable = np.where(np.isin(usable, [c for c, distance in reach.items() if distance >= patch]), usable, 0)
    while True:
        numbered = fields(usable)
        classes, n_fields = np.unique(_class_per_field(numbered, usable), return_counts=True)
        usable[np.isin(usable, classes[n_fields < 2])] = 0  # one field cannot be on two sides
        numbered = fields(usable)
        if not numbered.any():
            return np.zeros(usable.shape, np.uint8)
        codes = _settle(numbered, usable, patch, seed)
        present = [set(np.unique(usable[codes == code]).tolist()) for code in (CODES["train"], CODES["test"])]
        lost = set(np.unique(usable[usable > 0]).tolist()) - (present[0] & present[1])
        if not lost:
            return codes
        usable[np.isin(usable, list(lost))] = 0


def _class_per_field(numbered: np.ndarray, usable: np.ndarray) -> np.ndarray:
    ids, first = np.unique(numbered, return_index=True)
    return usable.ravel()[first[ids > 0]]


def _settle(numbered: np.ndarray, usable: np.ndarray, patch: int, seed: int) -> np.ndarray:
    """Run the search and apply the buffer exactly: each kind yields only to pixels that are really kept."""
    graph = field_graph(numbered, usable, patch)
    side = np.zeros(numbered.max() + 1, np.uint8)
    side[1:] = search(graph, seed)
    own = np.where(numbered > 0, side[numbered], 0)
    keeps = own == TEST_KEEPS
    train = (own == TRAIN) & (chebyshev(keeps) >= patch)
    test = keeps | ((own == TEST_YIELDS) & (chebyshev(train) >= patch))
    val = (own == VAL) & (chebyshev(train | test) >= patch)
    return np.select([train, val, test], list(CODES.values()), 0).astype(np.uint8)


# --- the search for a partition --------------------------------------------------------------------


# What a field can be. Of a training and a test field that lie close, one gives way: it loses the pixels
# nearer than the buffer to the other. Validation gives way to both.
UNUSED, TRAIN, TEST_KEEPS, TEST_YIELDS, VAL = range(5)

# The criterion is the sum over classes of log(1 + training pixels) + log(1 + test pixels), so that small
# classes weigh as much as large ones, with two additions and a toll. All of it is assumed, none fitted to a
# score.
VAL_WEIGHT = 0.45  # validation pixels count, but less than those to learn from and to test on
TEST_SHARE_WEIGHT = 15.0  # times the share of all field pixels that are tested: a larger test is a surer one
FLOOR = 20  # pixels of a class in training or test below which each missing pixel costs 1

STARTS = 60
MAX_EVALUATIONS = 50_000  # bounds the time on scenes with many fields


@dataclass(frozen=True, eq=False)
class FieldGraph:
    """Fields in pieces: all pixels of a piece lie in one field and near the same other fields.

    Attributes:
        field_of: Field 0..F-1 (n,) of each piece.
        near: Sparse (n, F) 0/1 float32, 1 where a piece is nearer than the buffer to a field.
        sizes_by_class: Sparse (K, n) float64: pixels of each piece, in the row of its class.
    """

    field_of: np.ndarray
    near: scipy.sparse.csr_matrix
    sizes_by_class: scipy.sparse.csr_matrix

    def counts(self, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels of each class (K, m) left in train, val and test by the buffer, for m assignments (F, m)."""
        own, m = sides[self.field_of], sides.shape[1]  # (piece, m)
        close = np.concatenate([sides == s for s in (TRAIN, TEST_KEEPS, TEST_YIELDS)], axis=1)  # (field, 3 m)
        near = self.near @ close.astype(np.float32) > 0  # (piece, 3 m)
        by_train, by_keeps, by_yields = near[:, :m], near[:, m : 2 * m], near[:, 2 * m :]
        train = (own == TRAIN) & ~by_keeps
        test = (own == TEST_KEEPS) | ((own == TEST_YIELDS) & ~by_train)
        val = (own == VAL) & ~(by_train | by_keeps | by_yields)
        kept = np.concatenate([train, val, test], axis=1).astype(np.float64)  # (piece, 3 m)
        counts = self.sizes_by_class @ kept
        return counts[:, :m], counts[:, m : 2 * m], counts[:, 2 * m :]

    def score(self, sides: np.ndarray) -> np.ndarray:
        """The criterion (m,) of m assignments (F, m), larger is better."""
        train, val, test = self.counts(sides)
        gain = np.log1p(train).sum(0) + np.log1p(test).sum(0) + VAL_WEIGHT * np.log1p(val).sum(0)
        toll = np.maximum(0, FLOOR - train).sum(0) + np.maximum(0, FLOOR - test).sum(0)
        return gain + TEST_SHARE_WEIGHT * test.sum(0) / self.sizes_by_class.sum() - toll


def field_graph(numbered: np.ndarray, labels: np.ndarray, patch: int) -> FieldGraph:
    """The graph of fields numbered 1..F in a raster (row, col); `labels` (row, col) gives their classes."""
    pixels = np.flatnonzero(numbered)
    field_of = numbered.ravel()[pixels] - 1
    near = near_regions(numbered, pixels, patch)
    # Pixels of one field with the same near fields are one piece: a random key per field tells them apart.
    keys = near @ np.random.default_rng(0).random(near.shape[1])
    _, first, piece = np.unique(np.stack([field_of, keys], 1), axis=0, return_index=True, return_inverse=True)
    classes, row = np.unique(labels.ravel()[pixels[first]], return_inverse=True)  # class 0..K-1 of each piece
    sizes = np.bincount(piece.ravel()).astype(np.float64)
    by_class = scipy.sparse.csr_matrix((sizes, (row, np.arange(row.size))), (classes.size, row.size))
    return FieldGraph(field_of[first], near[first], by_class)


def near_regions(numbered: np.ndarray, pixels: np.ndarray, patch: int) -> scipy.sparse.csr_matrix:
    """Sparse (pixel, region) 0/1 float32: other regions, numbered 1.., nearer than `patch` to a pixel."""
    position = np.full(numbered.size, -1)
    position[pixels] = np.arange(pixels.size)
    hits = []
    for f, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
        wide = tuple(slice(max(0, s.start - patch + 1), s.stop + patch - 1) for s in box)
        crop = numbered[wide]
        row, col = np.nonzero((chebyshev(crop == f) < patch) & (crop > 0) & (crop != f))
        hits.append(position[(row + wide[0].start) * numbered.shape[1] + col + wide[1].start])
    fields = np.repeat(np.arange(len(hits)), [h.size for h in hits])
    ones = np.ones(fields.size, np.float32)
    return scipy.sparse.csr_matrix((ones, (np.concatenate(hits), fields)), (pixels.size, len(hits)))


def search(graph: FieldGraph, seed: int) -> np.ndarray:
    """Best side (F,) of several random starts, each improved field by field until no change helps."""
    rng = np.random.default_rng(seed)
    n_fields = graph.near.shape[1]
    best, best_score, evaluations = np.zeros(n_fields, int), -np.inf, 0
    for _ in range(STARTS):
        side = rng.choice([TRAIN, TEST_KEEPS, TEST_YIELDS], n_fields)
        score, improved = graph.score(side[:, None])[0], True
        while improved and evaluations < MAX_EVALUATIONS:
            improved = False
            for f in rng.permutation(n_fields):
                trials = np.tile(side[:, None], 5)  # (field, 5): this field on each of its sides
                trials[f] = range(5)
                scores = graph.score(trials)
                evaluations += 5
                if scores.max() > score + 1e-9:
                    score, side, improved = scores.max(), trials[:, scores.argmax()], True
        if score > best_score:
            best, best_score = side, score
        if evaluations >= MAX_EVALUATIONS:
            break
    return best
