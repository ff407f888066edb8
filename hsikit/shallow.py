"""Shallow methods: what a network has to beat. Fitted on training pixels, tuned on validation pixels.

Features of a pixel: its spectrum ("spectra"), its spectrum and the mean of the window around it ("means"), or
its spectrum and morphological profiles of principal components and LiDAR ("profiles", `hsikit.inputs.spatial`, in one
pass over the scene). Other features are inputs, made into channels of the scene beforehand (`hsikit.inputs`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hsikit.inputs.spatial import profile
from hsikit.patches import Normalizer, nearest_valid
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

SVM_GRID = [{"C": c, "gamma": g} for c in (1.0, 10.0, 100.0, 1000.0) for g in (0.1, 1.0, 10.0)]  # gamma x 1/features
FEATURES = ("spectra", "means", "profiles")


@dataclass(frozen=True, eq=False)
class Shallow:
    """A fitted shallow method.

    Attributes:
        estimator: A scikit-learn classifier over features.
        features: Rows of features for every pixel (row * col, feature) float32.
        class_ids: Trained classes.
        val_oa: Overall accuracy on validation pixels, None without any.
        trials: How many settings were compared on them.
        chosen: The setting kept.
        parameters: Fitted numbers of the estimator, where that means something, else 0.
    """

    estimator: Any
    features: np.ndarray
    class_ids: np.ndarray
    val_oa: float | None
    trials: int
    chosen: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0

    def predict(self, scene: Scene) -> Prediction:
        """Map the scene the features were made of."""
        flat = np.flatnonzero(scene.valid)
        shape = scene.shape
        scores = np.full((scene.valid.size, len(self.class_ids)), np.nan, np.float32)
        labels = np.zeros(scene.valid.size, np.int16)
        rows = self.features[flat]
        labels[flat] = self.estimator.predict(rows)
        if hasattr(self.estimator, "predict_proba"):
            scores[flat] = self.estimator.predict_proba(rows)
        else:  # no probabilities: all on the answer
            scores[flat] = labels[flat, None] == self.class_ids[None]
        return Prediction(labels.reshape(shape), scores.reshape(*shape, -1), self.class_ids.astype(np.int16))


def fit_shallow(method: str, scene: Scene, split: Split, *, features: str = "spectra", window: int = 1,
                most: int = 0, seed: int = 0) -> Shallow:  # fmt: skip
    """Fit one of majority, coordinates, nearest_mean, lda, svm, rf.

    Args:
        features: "spectra", "means" or "profiles"; not looked at by majority and coordinates.
        window: Side of the mean's window in pixels, odd, for "means".
        most: Training pixels that are fitted, drawn from each class alike; 0 for all. An SVM's time grows with their
            square.

    Raises:
        ValueError: For an unknown method or kind of features.
    """
    x = _positions(scene) if method in ("coordinates", "majority") else pixel_features(scene, split, features, window)
    drawn = _drawn(split.y("train"), most, seed)
    train, y = x[split.train[drawn]], split.y("train")[drawn]
    best: tuple[float, Any, dict] | None = None
    settings = SVM_GRID if method == "svm" else [{}]
    for setting in settings:
        estimator = _estimator(method, setting, x.shape[1], seed).fit(train, y)
        val = float((estimator.predict(x[split.val]) == split.y("val")).mean()) if len(split.val) else float("nan")
        if best is None or val > best[0]:
            best = (val, estimator, setting)
        if not len(split.val):
            break  # nothing to choose by: the first setting stands
    assert best is not None
    val, estimator, setting = best
    trials = len(settings) if len(split.val) else 1
    return Shallow(estimator, x, np.unique(y), None if np.isnan(val) else val, trials, setting, _parameters(estimator))


def _drawn(y: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Places of some `most` of the labels, the same share of each class and at least one; all where there are fewer."""
    if not most or len(y) <= most:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    each = [rng.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    return np.sort(np.concatenate([own[: max(1, most * len(own) // len(y))] for own in each]))


def pixel_features(scene: Scene, split: Split, features: str, window: int) -> np.ndarray:
    """Features of every pixel (row * col, feature) float32, standardised with training pixels."""
    from scipy.ndimage import uniform_filter

    if features not in FEATURES:
        raise ValueError(f"features={features!r} is unknown; choose one of {', '.join(FEATURES)}")
    norm = Normalizer.fit(scene, split.train, lidar_channels=scene.lidar_channels)
    rows, cols = nearest_valid(scene.valid)
    maps = norm.hsi(np.asarray(scene.hsi[rows, cols], np.float64))  # (row, col, band)
    if scene.lidar is not None:
        maps = np.concatenate([maps, norm.lidar(scene.lidar[rows, cols])], 2)
    parts = [maps]
    if features == "means":
        parts.append(uniform_filter(maps, (window, window, 1), mode="mirror"))
    if features == "profiles":
        pca = Normalizer.fit(scene, split.train, bands=4)
        layers = [*np.moveaxis(pca.hsi(np.asarray(scene.hsi[rows, cols], np.float64)), 2, 0)]
        layers += [*np.moveaxis(maps[..., scene.bands :], 2, 0)]
        levels = np.stack([level for layer in layers for level in profile(layer)], 2)
        train = levels.reshape(-1, levels.shape[2])[split.train]
        parts.append((levels - train.mean(0)) / (train.std(0) + 1e-6))
    return np.concatenate(parts, 2).reshape(scene.valid.size, -1).astype(np.float32)


def _positions(scene: Scene) -> np.ndarray:
    return np.indices(scene.shape).reshape(2, -1).T.astype(np.float32)  # (row * col, 2)


def _estimator(method: str, setting: dict[str, Any], n_features: int, seed: int):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
    from sklearn.svm import SVC

    if method == "svm":
        return SVC(C=setting["C"], gamma=setting["gamma"] / n_features)
    simple = {
        "majority": lambda: DummyClassifier(strategy="most_frequent"),
        "coordinates": lambda: KNeighborsClassifier(1),
        "nearest_mean": NearestCentroid,
        "lda": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        "rf": lambda: RandomForestClassifier(300, random_state=seed, n_jobs=1),
    }
    if method not in simple:
        raise ValueError(f"unknown shallow method {method!r}; choose one of {', '.join([*simple, 'svm'])}")
    return simple[method]()


def _parameters(estimator: Any) -> int:
    """Numbers the estimator keeps: coefficients, centroids, support vectors, or tree nodes."""
    if hasattr(estimator, "estimators_"):
        return int(sum(tree.tree_.node_count for tree in estimator.estimators_))
    names = ("coef_", "intercept_", "centroids_", "support_vectors_", "dual_coef_")
    kept = [vars(estimator).get(n) for n in names]
    return int(sum(np.size(k) for k in kept if k is not None))
