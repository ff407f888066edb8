"""A text head in closed form, and what language is worth in it: classes left out alone, and in pairs.

A class-balanced ridge goes from the inputs of a pixel to the vector of its class, vectors centred on the mean of all
classes; a class scores by its cosine within the span of the trained classes' vectors. Beside it stand quantities in
words (`hsikit.analysis.quantities`), in which nothing is trained.

One class left out ranks its pixels among all test pixels. Any vector does well there once the best trained class is
subtracted, since that is a score of novelty: words are to be read beside random vectors and novelty. Two classes left
out are told apart by their words, which novelty cannot do: in a pair, pixels of the first are ranked against pixels of
the second by the difference of both scores. Ours; the paper (MMLGNet, arXiv 2601.08420) has no unseen classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from hsikit.analysis.quantities import nearness
from hsikit.patches import Normalizer, nearest_valid
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

ASSIGNMENTS = 500  # random assignments of sentences to classes behind a p
TEMPERATURE = 0.07  # of the shares of a map; they rank, and were calibrated on nothing
RANKINGS = ("prompt", "prompt less best trained", "novelty", "quantities", "both")


@dataclass(frozen=True, eq=False)
class TextHead:
    """Inputs of every pixel, and what the closed form needs of the training pixels.

    Attributes:
        inputs: (row * col, channel) float64, standardised on training pixels, each class counting alike.
        vectors: (class, dim) float64 unit vectors of all classes 1..C.
        split: Its training pixels are fitted on.
        penalty: Of the ridge, in units of the mean eigenvalue of the inputs' second moments.
    """

    inputs: np.ndarray
    vectors: np.ndarray
    split: Split
    penalty: float

    @classmethod
    def of(cls, scene: Scene, split: Split, vectors: np.ndarray, penalty: float = 2.0) -> TextHead:
        """Standardise the channels of a scene, LiDAR included; a hole takes the values of the nearest valid pixel."""
        norm = Normalizer.fit(scene, split.train, lidar_channels=scene.lidar_channels)
        rows, cols = nearest_valid(scene.valid)
        maps = [norm.hsi(scene.hsi[rows, cols])]
        if scene.lidar is not None:
            maps.append(norm.lidar(scene.lidar[rows, cols]))
        flat = np.concatenate(maps, 2).reshape(scene.valid.size, -1).astype(np.float64)
        weight = balance(split.y("train"))[:, None]
        mean = (weight * flat[split.train]).mean(0)
        spread = np.sqrt((weight * (flat[split.train] - mean) ** 2).mean(0))
        return cls((flat - mean) / np.where(spread < 1e-9, 1, spread), np.asarray(vectors, np.float64), split, penalty)

    def shares(self, pixels: np.ndarray, left_out: Sequence[int] = ()) -> tuple[np.ndarray, np.ndarray]:
        """The ridge before any words: (pixel, trained class) weights of the trained classes' vectors, and their ids.

        Args:
            pixels: Flat indices (n,).
            left_out: Classes 1..C whose training pixels are not fitted on.
        """
        label = self.split.y("train")
        kept = ~np.isin(label, left_out)
        x, y = self.inputs[self.split.train[kept]], label[kept]
        ids = np.unique(y)
        weight = balance(y)
        moments = (x * weight[:, None]).T @ x
        ridge = self.penalty * np.trace(moments) / len(moments)
        own = (y[:, None] == ids) * weight[:, None]  # (pixel, trained class)
        solved = np.linalg.solve(moments + ridge * np.eye(len(moments)), x.T @ own)  # (channel, trained class)
        return self.inputs[pixels] @ solved, ids

    def cosines(self, pixels: np.ndarray, left_out: Sequence[int] = ()) -> tuple[np.ndarray, np.ndarray]:
        """Cosine (pixel, class) to every class vector, and the ids of the trained classes."""
        shares, ids = self.shares(pixels, left_out)
        return cosines_of(shares, ids, self.vectors, self._all), ids

    def find(self, pixels: np.ndarray, left_out: int, spoken: np.ndarray, measured: np.ndarray,
             share: float) -> dict[str, np.ndarray]:  # fmt: skip
        """Scores (pixel,) by each of `RANKINGS` of a class 1..C whose training pixels are not fitted on.

        Args:
            spoken: What words say of each class (class, quantity), `signatures` of all classes.
            measured: (row * col, quantity).
            share: Weight of the quantities beside the ridge, both to unit spread over the pixels.
        """
        cosine, ids = self.cosines(pixels, [left_out])
        best = cosine[:, ids - 1].max(1)
        near = nearness(measured[pixels], spoken[[left_out - 1]])[:, 0]
        own = cosine[:, left_out - 1]
        less = own - best
        return dict(zip(RANKINGS, (own, less, 1 - best, near, _spread(less) + share * _spread(near))))

    @property
    def _all(self) -> np.ndarray:
        """Classes whose vectors are centred on their mean: all that the split trains."""
        return np.array(self.split.classes)

    def predict(self, scene: Scene, near: np.ndarray | None = None, share: float = 0.0) -> Prediction:
        """Map the scene that the inputs were made of, over the trained classes.

        Args:
            near: Scores (row * col, class) of all classes by quantities, added with a weight of `share`, both to unit
                spread.
        """
        pixels = np.flatnonzero(scene.valid)
        cosine, ids = self.cosines(pixels)
        own = cosine[:, ids - 1]
        if near is not None and share:
            own = own + share * own.std() * _spread(near[pixels][:, ids - 1])
        scores = np.full((scene.valid.size, len(ids)), np.nan, np.float32)
        shares = np.exp((own - own.max(1, keepdims=True)) / TEMPERATURE)
        scores[pixels] = shares / shares.sum(1, keepdims=True)
        labels = np.zeros(scene.valid.size, np.int16)
        labels[pixels] = ids[own.argmax(1)]
        return Prediction(labels.reshape(scene.shape), scores.reshape(*scene.shape, -1), ids.astype(np.int16))


def balance(labels: np.ndarray) -> np.ndarray:
    """Weights (n,) of mean 1 with which every class counts alike."""
    _, of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (len(counts) * counts[of])


def cosines_of(shares: np.ndarray, trained: np.ndarray, vectors: np.ndarray, centred_on: np.ndarray) -> np.ndarray:
    """Cosine (pixel, class) within the span of the trained classes' vectors, vectors less the mean of some classes."""
    vectors = vectors - vectors[centred_on - 1].mean(0)
    own = vectors[trained - 1]  # (trained, dim)
    span, _ = np.linalg.qr(own.T)  # (dim, trained)
    made, words = shares @ (own @ span), vectors @ span
    return unit(made) @ unit(words).T


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


# --- classes left out ----------------------------------------------------------------------------------


def left_out_facts(head: TextHead, spoken: np.ndarray, measured: np.ndarray, share: float,
                   class_names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
    """Each class left out alone, ranked among all test pixels: name -> pixels, share, AUROC by each of `RANKINGS`.

    Principal components of the inputs were fitted on all training pixels, those of the class left out included, without
    its label.

    `spoken`, `measured` and `share` as `TextHead.find` takes them.
    """
    from sklearn.metrics import roc_auc_score

    true = head.split.y("test")
    found: dict[str, Any] = {}
    for c in head.split.classes:
        own = true == c
        if not own.any() or own.all():
            continue
        scores = head.find(head.split.test, c, spoken, measured, share)
        found[class_names[c - 1]] = {
            "pixels": int(own.sum()), "share": float(own.mean()),
            "auroc": {name: float(roc_auc_score(own, score)) for name, score in scores.items()},
        }  # fmt: skip
    return found


def _spread(scores: np.ndarray) -> np.ndarray:
    return scores / max(float(scores.std()), 1e-12)


def pair_facts(head: TextHead, spoken: np.ndarray, measured: np.ndarray, share: float, class_names: Sequence[str],
               seed: int = 0) -> dict[str, Any]:  # fmt: skip
    """Every two classes left out together and told apart, by the ridge, by quantities, and by both.

    Returns:
        `pairs`: a list of `a`, `b` and the AUROC of each ranking; `p`: share of random assignments of the class vectors
        to the classes that tell the pairs apart as well by the ridge on average, or better.
    """
    from sklearn.metrics import roc_auc_score

    kept, shares = [], []
    pairs: list[dict[str, Any]] = []
    for a, b in pairs_of(head.split):
        pixels = head.split.test[np.isin(head.split.y("test"), (a, b))]
        own = head.split.labels.ravel()[pixels] == a
        made, ids = head.shares(pixels, [a, b])
        cosine = cosines_of(made, ids, head.vectors, head._all)
        ridge = cosine[:, a - 1] - cosine[:, b - 1]
        near = nearness(measured[pixels], spoken[[a - 1, b - 1]])
        quantities = near[:, 0] - near[:, 1]
        scores = {"ridge": ridge, "quantities": quantities, "both": _spread(ridge) + share * _spread(quantities)}
        pairs.append({"a": class_names[a - 1], "b": class_names[b - 1],
                      "auroc": {name: float(roc_auc_score(own, score)) for name, score in scores.items()}})  # fmt: skip
        some = _some(own, seed)
        kept.append((a, b, own[some], ids))
        shares.append(made[some])
    draw, real = np.random.default_rng(seed), _assigned(head, kept, shares, head._all)
    draws = np.array([_assigned(head, kept, shares, draw.permutation(head._all)) for _ in range(ASSIGNMENTS)])
    return {"pairs": pairs, "p": float((1 + (draws >= real).sum()) / (1 + len(draws)))}


def pairs_of(split: Split) -> list[tuple[int, int]]:
    """Pairs of classes that are trained and tested both."""
    return list(combinations(sorted(set(split.classes) & set(np.unique(split.y("test")).tolist())), 2))


def _some(own: np.ndarray, seed: int, most: int = 200) -> np.ndarray:
    """At most so many pixels of either class: enough for a draw among hundreds."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.permutation(np.flatnonzero(own == side))[:most] for side in (True, False)])


def _assigned(head: TextHead, kept: list, shares: list[np.ndarray], order: np.ndarray) -> float:
    """Mean AUROC of the pairs by the ridge with the class vectors dealt out in an order of the trained classes."""
    ids = head._all
    vectors = head.vectors.copy()
    vectors[ids - 1] = head.vectors[order - 1]
    values = []
    for (a, b, own, trained), made in zip(kept, shares):
        cosine = cosines_of(made, trained, vectors, ids)
        values.append(_auroc(cosine[:, a - 1] - cosine[:, b - 1], own))
    return float(np.mean(values))


def _auroc(score: np.ndarray, own: np.ndarray) -> float:
    """Area under the curve by ranks; ties, which cosines do not have, are broken by place."""
    rank = np.empty(len(score))
    rank[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    n, m = own.sum(), (~own).sum()
    return float((rank[own].sum() - n * (n + 1) / 2) / (n * m))


def sign_pairs(
    scores: np.ndarray, classes: Sequence[int], split: Split, class_names: Sequence[str]
) -> list[dict[str, Any]]:
    """The same pairs told apart by scores (row, col, class) in which nothing is trained, such as those of a table."""
    from sklearn.metrics import roc_auc_score

    flat, column = scores.reshape(-1, scores.shape[2]), {c: k for k, c in enumerate(classes)}
    found = []
    for a, b in pairs_of(split):
        pixels = split.test[np.isin(split.y("test"), (a, b))]
        own = split.labels.ravel()[pixels] == a
        score = flat[pixels, column[a]] - flat[pixels, column[b]]
        found.append({"a": class_names[a - 1], "b": class_names[b - 1],
                      "auroc": {"quantities": float(roc_auc_score(own, score))}})  # fmt: skip
    return found
