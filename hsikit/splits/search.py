"""Search for a partition of fields into training, validation and test that loses few pixels to the buffer.

Only geometry enters: which class a pixel has and where it lies, never a spectrum or a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse

from hsikit.splits.leakage import chebyshev

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
    near: sparse.csr_matrix
    sizes_by_class: sparse.csr_matrix

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
    by_class = sparse.csr_matrix((sizes, (row, np.arange(row.size))), (classes.size, row.size))
    return FieldGraph(field_of[first], near[first], by_class)


def near_regions(numbered: np.ndarray, pixels: np.ndarray, patch: int) -> sparse.csr_matrix:
    """Sparse (pixel, region) 0/1 float32: other regions, numbered 1.., nearer than `patch` to a pixel."""
    position = np.full(numbered.size, -1)
    position[pixels] = np.arange(pixels.size)
    hits = []
    for f, box in enumerate(ndimage.find_objects(numbered), start=1):
        wide = tuple(slice(max(0, s.start - patch + 1), s.stop + patch - 1) for s in box)
        crop = numbered[wide]
        row, col = np.nonzero((chebyshev(crop == f) < patch) & (crop > 0) & (crop != f))
        hits.append(position[(row + wide[0].start) * numbered.shape[1] + col + wide[1].start])
    fields = np.repeat(np.arange(len(hits)), [h.size for h in hits])
    ones = np.ones(fields.size, np.float32)
    return sparse.csr_matrix((ones, (np.concatenate(hits), fields)), (pixels.size, len(hits)))


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
