"""`block_split`: square blocks train and validate, everything a window away from them is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import scipy  # its parts load when they are used: a config is expanded without them

from hsikit._util.errors import door
from hsikit.splits.fields import near_regions
from hsikit.splits.pixels import budget_per_class, check_budget, class_pools, drawn, extent, split_label, val_count
from hsikit.splits.repeats import chebyshev
from hsikit.splits.split import Split, SplitError, assemble, check_patch, generator, report_impossible, whole

if TYPE_CHECKING:
    from hsikit.scenes.scene import Scene
    from hsikit.splits.split import OnImpossible, Part

STARTS = 6  # tilings tried: the grid of blocks is shifted at random, the best outcome is kept

# Criterion: the sum over classes of log(1 + test pixels) and of these weights times their terms. Assumed.
TRAIN_WEIGHT = 2.0  # log(1 + training pixels, up to the budget)
VAL_WEIGHT = 0.5  # log(1 + validation pixels, up to the budget)
BOTH_SIDES = 5.0  # for each class that has training and test pixels


@door
def block_split(scene: Scene, train: float | int = 0.10, patch: int = 11, val: float = 0.10, seed: int = 0,
                block: int | None = None, on_impossible: OnImpossible = "drop") -> Split:  # fmt: skip
    """Training and validation pixels in blocks, test pixels at least `patch` away from both (Chebyshev).

    Blocks are picked one after the other, each time the one that brings most wanted training pixels for the
    fewest test pixels lost to the buffer, counted in logarithms so that small classes weigh as much as large
    ones. Only geometry enters. Labelled pixels in the buffer are in no part. Validation has its own blocks,
    `patch` away from the training pixels; where the budget or the scene leaves no room, a class has none.
    A budget is a ceiling: a class may get fewer training pixels than asked for, never more.

    Args:
        scene: Where to split; only valid and labelled pixels take part.
        train: Label budget, validation included, as in `random_split`.
        patch: Largest window in pixels that may be used; windows across parts share no pixel.
        val: Share of the budget given to validation; 0 for none.
        seed: Seed of the tiling and of the draw inside blocks.
        block: Side of a block in pixels. Default: the larger of 4 and half of `patch`.
        on_impossible: ``"drop"`` leaves out classes that cannot be on both sides, with a warning;
            ``"error"`` raises.

    Raises:
        SplitError: When a number is out of range or no class can be on both sides.

    Example:
        >>> split = hsikit.block_split(hsikit.load_scene("simulated"), train=0.03, patch=11)
        >>> split.name, split.leakage(patch=11).shared
        ('block_3', 0.0)
    """
    check_budget(train, val)
    check_patch(patch)
    side = max(4, patch // 2) if block is None else whole("block", block, "the side of a block in whole pixels")
    name, pools = split_label("block", train), class_pools(scene)
    budgets = budget_per_class(pools, train)
    held = {c: val_count(n, val) for c, n in budgets.items()}
    rng = generator(seed)
    possible = [c for c, pool in pools.items() if extent(pool, scene.shape[1]) >= patch]
    wanted = Wanted.of(scene, possible, budgets, held)
    best = max((_one_try(wanted, patch, side, rng) for _ in range(STARTS)), key=lambda t: t.score)
    dropped = sorted(set(pools) - set(np.unique(scene.usable.ravel()[best.parts["train"]]).tolist()))
    why = (
        f"no training and test pixels of them lie {patch} or more apart once the other classes have theirs; "
        "a smaller patch or a smaller budget may work"
    )
    report_impossible(scene, name, dropped, why, on_impossible)
    if best.parts["train"].size == 0:
        raise SplitError(f"{name}: no class of {scene.name} can be on both sides at patch {patch}: {why}")
    return assemble(scene, name, best.parts, seed=seed, patch=patch, dropped=dropped, groups=best.blocks)


@dataclass(frozen=True, eq=False)
class Wanted:
    """Labels (row, col) with impossible classes set to 0, and the pixels wanted of each class (C+1,)."""

    labels: np.ndarray
    train: np.ndarray
    val: np.ndarray

    @staticmethod
    def of(scene: Scene, possible: list[int], budgets: dict[int, int], held: dict[int, int]) -> Wanted:
        train, val = np.zeros(scene.n_classes + 1), np.zeros(scene.n_classes + 1)
        for c in possible:
            train[c], val[c] = budgets[c] - held[c], held[c]
        return Wanted(np.where(np.isin(scene.usable, possible), scene.usable, 0), train, val)

    def score(self, train: np.ndarray, val: np.ndarray, test: np.ndarray) -> np.ndarray:
        """The criterion over the last axis, classes: pixels (..., C+1) in each part; larger is better."""
        got, held = np.minimum(train, self.train), np.minimum(val, self.val)
        both = (got > 0) & (test > 0)
        terms = TRAIN_WEIGHT * np.log1p(got) + VAL_WEIGHT * np.log1p(held) + np.log1p(test) + BOTH_SIDES * both
        return terms.sum(-1)


@dataclass(frozen=True, eq=False)
class Try:
    """One tiling: its score, the parts as flat indices, and the block number (row, col) of each pixel."""

    score: float
    parts: dict[Part, np.ndarray]
    blocks: np.ndarray


def _one_try(wanted: Wanted, patch: int, side: int, rng: np.random.Generator) -> Try:
    blocks = _tiling(wanted.labels, side, rng)
    picked, picked_val = _pick_blocks(wanted, blocks, patch)
    labels, n = wanted.labels, len(wanted.train)
    train = _thin(labels, np.isin(blocks, picked), wanted.train, rng)
    room = np.isin(blocks, picked_val) & (chebyshev(train) >= patch)
    val = _thin(labels, room, wanted.val, rng)
    test = (labels > 0) & (chebyshev(train | val) >= patch)
    both = np.intersect1d(labels[train], labels[test])  # classes on one side only leave, which frees test pixels
    train, val = train & np.isin(labels, both), val & np.isin(labels, both)
    test = np.isin(labels, both) & (chebyshev(train | val) >= patch)
    masks: dict[Part, np.ndarray] = {"train": train, "val": val, "test": test}
    counts = [np.bincount(labels[m], minlength=n) for m in masks.values()]
    parts = {part: np.flatnonzero(m) for part, m in masks.items()}
    return Try(float(wanted.score(*counts)), parts, np.where(labels > 0, blocks, 0))


def _tiling(labels: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers 1.. (row, col) int32 of the labelled square blocks on a randomly shifted grid."""
    rows, cols = labels.shape
    down, across = rng.integers(0, side, 2)
    grid = ((np.arange(rows) + down) // side)[:, None] * (cols // side + 2) + (np.arange(cols) + across) // side
    labelled = labels > 0
    blocks = np.zeros(labels.shape, np.int32)
    blocks[labelled] = np.unique(grid[labelled], return_inverse=True)[1] + 1
    return blocks


def _pick_blocks(wanted: Wanted, blocks: np.ndarray, patch: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the blocks for training and for validation, picked greedily by the criterion."""
    if not blocks.any():
        return np.empty(0, int), np.empty(0, int)
    pixels = np.flatnonzero(blocks)
    block_of, label = blocks.ravel()[pixels] - 1, wanted.labels.ravel()[pixels]
    shape = (int(blocks.max()), len(wanted.train))
    own = scipy.sparse.csr_matrix(
        (np.ones(pixels.size, np.float32), (np.arange(pixels.size), block_of)), (pixels.size, shape[0])
    )
    reach = (near_regions(blocks, pixels, patch) + own).tocsr()  # (pixel, block): the pixel cannot be tested
    one_hot = np.eye(shape[1], dtype=np.float32)[label]  # (pixel, class)
    greedy = _Greedy(wanted, reach, one_hot)
    train = greedy.run("train", own.T @ one_hot)
    free = ~greedy.excluded
    val = greedy.run("val", own.T @ (one_hot * free[:, None]))
    return np.array(train, int) + 1, np.array(val, int) + 1


class _Greedy:
    """Keeps what the blocks picked so far exclude from the test, and what each further block would."""

    def __init__(self, wanted: Wanted, reach: scipy.sparse.csr_matrix, one_hot: np.ndarray) -> None:
        self.wanted, self.reach, self.one_hot = wanted, reach, one_hot
        self.by_block = reach.tocsc()
        self.excluded = np.zeros(reach.shape[0], bool)
        self.test = one_hot.sum(0)  # (class,)
        self.loss = reach.T @ one_hot  # (block, class): test pixels a block would still take away
        self.got = {"train": np.zeros_like(self.test), "val": np.zeros_like(self.test)}

    def run(self, part: Literal["train", "val"], offer: np.ndarray) -> list[int]:
        """Blocks 0.. in the order picked, from what each offers to a part (block, class)."""
        picked: list[int] = []
        while True:
            after = {**self.got, part: self.got[part] + offer}
            scores = self.wanted.score(after["train"], after["val"], self.test - self.loss)
            best = int(scores.argmax())
            if scores[best] <= self.wanted.score(self.got["train"], self.got["val"], self.test) + 1e-6:
                return picked
            picked.append(best)
            self.got[part] = self.got[part] + offer[best]
            self._exclude(self.by_block.indices[slice(*self.by_block.indptr[best : best + 2])])
            offer[best] = 0

    def _exclude(self, pixels: np.ndarray) -> None:
        new = pixels[~self.excluded[pixels]]
        self.excluded[new] = True
        self.test = self.test - self.one_hot[new].sum(0)
        self.loss = self.loss - self.reach[new].T @ self.one_hot[new]


def _thin(labels: np.ndarray, mask: np.ndarray, most: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mask (row, col) with at most `most` (C+1,) randomly drawn pixels of each class."""
    kept = np.zeros(mask.size, bool)
    kept[drawn(labels, mask, most, rng)] = True
    return kept.reshape(mask.shape)
