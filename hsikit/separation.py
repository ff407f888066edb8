"""How tightly classes sit and how far they lie apart in a feature space.

    measured = separation(features, labels, rowcol, window=11)    # .table(), .per_class, .to_dict()

Pixels closer than a window see the same ground and are alike whatever the network learnt: silhouette,
neighbourhood hit and radius leave near pixels out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # its parts load when they are used

from hsikit._util.errors import door
from hsikit.features import checked_features, draw_per_class
from hsikit.metrics import plain

if TYPE_CHECKING:
    import pandas as pd

NEIGHBOURS = 10
METRICS = {"scatter_ratio": "higher", "silhouette": "higher", "davies_bouldin": "lower", "calinski_harabasz": "higher",
           "neighbourhood_hit": "higher", "radius_ratio": "lower"}  # name -> where better lies  # fmt: skip


@dataclass(frozen=True, eq=False)
class Separation:
    """Separation of classes on L2-normalised features; NaN where no pair of pixels was far enough apart.

    Attributes:
        scatter_ratio: Trace of the between-class over trace of the within-class scatter.
        silhouette: Mean silhouette between pixels at least a window apart, -1 to 1.
        davies_bouldin: Davies-Bouldin index; lower is better.
        calinski_harabasz: Calinski-Harabasz index.
        neighbourhood_hit: Share of own class among the 10 nearest pixels at least a window away.
        radius_ratio: Mean over classes of radius / distance to the nearest centroid; lower is better.
        window: Smallest Chebyshev distance in pixels between those compared; 0 without positions.
        n: Pixels measured.
        per_class: A row a class: n, silhouette, neighbourhood_hit, radius, nearest_centroid, radius_ratio.
    """

    scatter_ratio: float
    silhouette: float
    davies_bouldin: float
    calinski_harabasz: float
    neighbourhood_hit: float
    radius_ratio: float
    window: int
    n: int
    per_class: pd.DataFrame = field(repr=False)

    def table(self) -> pd.DataFrame:
        """Columns metric, value, better; a row a metric."""
        import pandas as pd

        rows = [(m, getattr(self, m), better) for m, better in METRICS.items()]
        return pd.DataFrame(rows, columns=["metric", "value", "better"])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, ready for JSON; what is not finite becomes None."""
        classes = {name: plain(column.to_numpy()) for name, column in self.per_class.items()}
        measured = {name: plain(getattr(self, name)) for name in METRICS}
        return measured | {"window": self.window, "n": self.n, "per_class": classes}


@door
def separation(features: np.ndarray, labels: np.ndarray, rowcol: np.ndarray | None, window: int,
               per_class: int | None = 200, seed: int = 0) -> Separation:  # fmt: skip
    """Measure how classes are separated in the full feature space.

    A fixed number of pixels of each class is drawn first. Silhouette, neighbourhood hit and radius compare
    pixels at least `window` apart; the radius of a class is the mean distance of its pixels to the mean of
    those far enough away. Scatter ratio, Davies-Bouldin and Calinski-Harabasz take all pixels drawn.

    Args:
        features: Vectors (n, dim), real and finite; they are L2-normalised here.
        labels: Classes (n,); every value is a class, so leave unlabelled pixels out.
        rowcol: Row and column (n, 2) of each pixel, or None: then nothing is left out.
        window: Side of the model's window in pixels.
        per_class: At most this many pixels a class; None for all.
        seed: Seed of the draw.

    Raises:
        ValueError: On NaN, lengths that do not match, or fewer than two classes.

    Sources: Fukunaga 1990 (scatter); Rousseeuw 1987; Davies and Bouldin 1979; Calinski and Harabasz 1974;
    Paulovich et al. 2008 (hit, here in the full space). Leaving near pixels out of them is ours.

    Example:
        >>> features = np.repeat(np.eye(2), 30, axis=0) + 0.01 * np.random.default_rng(0).random((60, 2))
        >>> found = hsikit.separation(features, np.repeat([1, 2], 30), rowcol=None, window=1)
        >>> found.neighbourhood_hit
        1.0
    """
    import pandas as pd
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
    from sklearn.preprocessing import normalize

    features, labels = _checked(features, labels)
    places = _checked_places(rowcol, len(features), window)
    if per_class is not None:
        keep = draw_per_class(labels, per_class, seed)
        features, labels = features[keep], labels[keep]
        places = None if places is None else places[keep]
    classes, codes = np.unique(labels, return_inverse=True)
    if len(features) <= len(classes):
        raise ValueError(f"{len(features)} pixels for {len(classes)} classes; give more pixels of a class")
    vectors = normalize(features.astype(np.float64))
    member = np.eye(len(classes))[codes]  # (n, class)
    centroids = member.T @ vectors / member.sum(0)[:, None]  # (class, dim)
    scores = pd.DataFrame(_pairwise(vectors, codes, places, window)).assign(**{"class": classes[codes]})
    table = scores.groupby("class").mean()  # pandas leaves NaN out
    table.insert(0, "n", np.bincount(codes))
    table["nearest_centroid"] = np.sort(scipy.spatial.distance.cdist(centroids, centroids))[:, 1]  # 0 is to itself
    table["radius_ratio"] = table["radius"] / table["nearest_centroid"]
    return Separation(
        _scatter_ratio(vectors, codes, centroids), float(scores["silhouette"].mean()),
        float(davies_bouldin_score(vectors, codes)), float(calinski_harabasz_score(vectors, codes)),
        float(scores["neighbourhood_hit"].mean()), float(table["radius_ratio"].mean()),
        window=0 if places is None else int(window), n=len(vectors), per_class=table.reset_index(),
    )  # fmt: skip


def trustworthiness(
    features: np.ndarray, coordinates: np.ndarray, neighbours: int = 10, cap: int = 3000, seed: int = 0
) -> float:
    """How far neighbours in a picture are neighbours in the full space, 0 to 1 (Venna and Kaski 2001).

    Compares vectors (n, dim) with their positions (n, 2). Memory grows with the square of n, so that at most
    `cap` points are drawn. Raises ValueError when lengths differ or `neighbours` reaches half of the points.
    """
    from sklearn.manifold import trustworthiness as measure

    features, coordinates = checked_features(features), checked_features(coordinates)
    n, placed = len(features), len(coordinates)
    if n != placed:
        raise ValueError(f"{n} features for {placed} coordinates; take features[embedding.indices]")
    keep = np.random.default_rng(seed).permutation(n)[:cap]
    if neighbours >= len(keep) / 2:
        raise ValueError(f"{neighbours} neighbours among {len(keep)} points; take fewer than half of them")
    return float(measure(features[keep], coordinates[keep], n_neighbors=neighbours))


# --- between pixels ------------------------------------------------------------------------------


def _pairwise(
    vectors: np.ndarray, codes: np.ndarray, places: np.ndarray | None, window: int, block: int = 512
) -> dict[str, np.ndarray]:
    """Silhouette, neighbourhood hit and radius (n,) of each pixel against those far enough away."""
    member = np.eye(codes.max() + 1)[codes]  # (n, class)
    parts = []
    for start in range(0, len(codes), block):
        part = np.arange(start, min(start + block, len(codes)))
        other = part[:, None] != np.arange(len(codes))  # (block, n)
        far = other if places is None else np.abs(places[part, None] - places).max(-1) >= window
        distance = scipy.spatial.distance.cdist(vectors[part], vectors)  # (block, n)
        # Without places the centroid is the plain one, the pixel itself included.
        own = (codes[part, None] == codes) & (far | (places is None))
        with np.errstate(invalid="ignore"):
            radius = np.linalg.norm(vectors[part] - (own @ vectors) / own.sum(1)[:, None], axis=1)
        silhouette = _silhouettes(distance, far, member, codes[part])
        parts.append((silhouette, _hits(distance, far, codes[part], codes), radius))
    names = ("silhouette", "neighbourhood_hit", "radius")
    return {name: np.concatenate(values) for name, values in zip(names, zip(*parts))}


def _silhouettes(distance: np.ndarray, far: np.ndarray, member: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(b - a) / max(a, b), 0 for a pixel alone in its class, NaN where no pixel of a class is far enough."""
    with np.errstate(invalid="ignore"):
        mean = np.where(far, distance, 0) @ member / (far @ member)  # (block, class); NaN: nobody to compare
        at = np.arange(len(own))
        inside = mean[at, own].copy()
        mean[at, own] = np.nan
        outside = np.fmin.reduce(mean, axis=1)
        value = (outside - inside) / np.maximum(inside, outside)
    value[(inside == 0) & (outside == 0)] = 0.0
    return np.where(member.sum(0)[own] == 1, 0.0, value)


def _hits(distance: np.ndarray, far: np.ndarray, own: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Share of own class among the ten nearest that are far enough; NaN where nobody is."""
    k = min(NEIGHBOURS, distance.shape[1])
    distance = np.where(far, distance, np.inf)
    nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
    usable = np.isfinite(np.take_along_axis(distance, nearest, 1))
    same = (codes[nearest] == own[:, None]) & usable
    with np.errstate(invalid="ignore"):
        return same.sum(1) / usable.sum(1)


def _scatter_ratio(vectors: np.ndarray, codes: np.ndarray, centroids: np.ndarray) -> float:
    """Sum of n_c |m_c - m|^2 over sum of |x - m_c|^2; inf when every class is a single point."""
    between = (np.bincount(codes) * ((centroids - vectors.mean(0)) ** 2).sum(1)).sum()
    within = ((vectors - centroids[codes]) ** 2).sum()
    return float(between / within) if within > 0 else float("inf")


def _checked(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features, labels = checked_features(features), np.asarray(labels)
    if labels.shape != (len(features),):
        raise ValueError(f"labels are {labels.shape} for {len(features)} vectors; give one label a vector")
    if len(np.unique(labels)) < 2:
        raise ValueError("all pixels are of one class; separation needs at least 2 classes")
    return features, labels


def _checked_places(rowcol: np.ndarray | None, n: int, window: int) -> np.ndarray | None:
    if rowcol is None:
        return None
    places = np.asarray(rowcol)
    if places.shape != (n, 2) or places.dtype.kind not in "ui":
        raise ValueError(f"rowcol is {places.shape} of {places.dtype}, expected ({n}, 2) whole numbers")
    if window < 1:
        raise ValueError(f"window={window}; give the model's window in pixels, at least 1")
    return places.astype(np.int64)
