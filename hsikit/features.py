"""Two-dimensional pictures of feature vectors: PCA, t-SNE and UMAP, cached and open to new points.

    picture = embed(features, "tsne", seed=0, cap_per_class=200, labels=labels, cache="runs/embeddings")
    test_xy = project(picture, test_features)

How far classes lie apart, and how far a picture can be trusted, is measured in `hsikit.separation`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import logging
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hsikit._util import arrays_of, saved
from hsikit._util.errors import door, needs

TSNE_STEPS, TSNE_EVERY = 750, 25  # openTSNE's 250 exaggerated steps and 500 plain ones
Method = Literal["pca", "tsne", "umap"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Embedding2D:
    """A fitted two-dimensional picture of feature vectors.

    Attributes:
        coordinates: Positions (n, 2), float32, in arbitrary units.
        indices: Rows (n,) of the features that were given, ascending; all of them without a cap.
        method: ``"pca"``, ``"tsne"`` or ``"umap"``.
        seed: Seed of the draw under a cap and of the method.
        params: What else shaped the picture, such as the perplexity.
        features: The vectors (n, dim), float32, that stand behind the coordinates; `project` needs them.
    """

    coordinates: np.ndarray
    indices: np.ndarray
    method: Method
    seed: int
    params: dict[str, Any]
    features: np.ndarray = field(repr=False)


@door
def embed(features: np.ndarray, method: Method = "pca", seed: int = 0, perplexity: float = 30, neighbours: int = 15,
          cap_per_class: int | None = None, labels: np.ndarray | None = None,
          cache: str | os.PathLike[str] | None = None,
          progress: Callable[[float], Any] | None = None) -> Embedding2D:  # fmt: skip
    """Lay feature vectors out in two dimensions.

    t-SNE (openTSNE) and UMAP (umap-learn) start from PCA and run on one thread, so that the same call on
    the same machine gives the same numbers. Distances are Euclidean: normalise the features first where
    only their direction matters.

    Args:
        features: Vectors (n, dim), real and finite.
        method: ``"pca"``, ``"tsne"`` or ``"umap"``.
        seed: Seed of the draw and of the method.
        perplexity: t-SNE only; about the number of neighbours a point has. At most (n - 1) / 3.
        neighbours: UMAP only; fewer than n.
        cap_per_class: Draw at most this many rows of each class; needs `labels`.
        labels: Classes (n,), used for the cap alone.
        cache: Folder in which results are kept, named by the hash of features and settings.
        progress: Called now and then with the share done, 0 to 1; what it raises ends the computation.

    Raises:
        ValueError: On an unknown method, NaN, too few points for the perplexity or the neighbours, or lengths
            that do not match.

    Sources: van der Maaten and Hinton 2008 (t-SNE); McInnes et al. 2018 (UMAP).

    Example:
        >>> features = np.random.default_rng(0).random((100, 16))
        >>> hsikit.embed(features, "pca").coordinates.shape
        (100, 2)
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(get_args(Method))}")
    features = checked_features(features)
    indices = _capped(len(features), labels, cap_per_class, seed)
    features = np.ascontiguousarray(features[indices])
    _check_enough(features, method, perplexity, neighbours)
    params: dict[str, Any] = {}
    if method != "pca":
        # 30 and 30.0 are one picture, also in the cache
        params = {"perplexity": float(perplexity)} if method == "tsne" else {"neighbours": int(neighbours)}
    path = None if cache is None else Path(cache) / f"{method}-{_key(features, method, seed, params)}.npz"
    coordinates = None if path is None else _read(path, len(features))
    if coordinates is None:
        coordinates = _fit(features, method, seed, params, progress or (lambda share: None))
        if path is not None:
            saved(path, lambda file: np.savez(file, coordinates=coordinates))
    return Embedding2D(coordinates, indices, method, seed, params, features)


def project(embedding: Embedding2D, new_features: np.ndarray) -> np.ndarray:
    """Place new vectors (m, dim) in an existing picture, which stays as it is; returns (m, 2) float32.

    Raises `ValueError` when the vectors hold NaN or have another dimension than those embedded.
    """
    new = checked_features(new_features, least=1)
    old = embedding.features
    if new.shape[1] != old.shape[1]:
        raise ValueError(f"new features have {new.shape[1]} dimensions, the embedding was fitted on {old.shape[1]}")
    if embedding.method == "pca":
        return _pca(old).transform(new).astype(np.float32)
    if embedding.method == "tsne":
        perplexity, seed = embedding.params["perplexity"], embedding.seed
        placed = _tsne().TSNEEmbedding(embedding.coordinates.astype(np.float64), _affinities(old, perplexity, seed),
                                        random_state=seed, n_jobs=1)  # fmt: skip
        # openTSNE's advice: few neighbours for new points.
        return np.asarray(placed.transform(new, perplexity=min(5.0, perplexity)), np.float32)
    # Zero epochs build UMAP's neighbour graph without moving a point; the known coordinates then go back in.
    start = embedding.coordinates
    mapper = _umap(embedding.seed, embedding.params["neighbours"], init=start, n_epochs=0).fit(old)
    mapper.embedding_, mapper.n_epochs = start, None
    return np.asarray(mapper.transform(new), np.float32)


def checked_features(features: np.ndarray, least: int = 2) -> np.ndarray:
    """Vectors (n, dim) as float32, or a ValueError that says what is wrong with them."""
    array = np.asarray(features)
    if array.ndim != 2 or len(array) < least or array.shape[1] < 1:
        raise ValueError(f"features are {array.shape}, expected (n, dim) with n of at least {least}")
    if array.dtype.kind not in "uif":
        raise ValueError(f"features hold {array.dtype}, expected real numbers")
    array = array.astype(np.float32, copy=False)
    bad = int((~np.isfinite(array)).any(1).sum())
    if bad:
        raise ValueError(f"{bad} of {len(array)} feature vectors hold NaN or infinity; leave those rows out")
    return array


# --- the methods ---------------------------------------------------------------------------------


def _fit(features: np.ndarray, method: Method, seed: int, params: dict[str, Any],
         progress: Callable[[float], Any]) -> np.ndarray:  # fmt: skip
    log.info("embedding %d vectors of %d dimensions with %s", *features.shape, method)
    progress(0.0)
    if method == "pca":
        return _pca(features).transform(features).astype(np.float32)
    if method == "umap":
        mapper = _umap(seed, params["neighbours"])
        mapper.tqdm_kwds = _umap_progress(progress)
        return np.asarray(mapper.fit_transform(features), np.float32)
    tsne = _tsne()
    affinities = _affinities(features, params["perplexity"], seed)
    start = tsne.initialization.pca(features, random_state=seed)
    steps = iter(range(TSNE_EVERY, TSNE_STEPS, TSNE_EVERY))
    told = lambda *_: progress(next(steps, TSNE_STEPS) / TSNE_STEPS)  # noqa: E731 (its own count starts anew)
    method_tsne = tsne.TSNE(random_state=seed, n_jobs=1, callbacks=told, callbacks_every_iters=TSNE_EVERY)
    return np.asarray(method_tsne.fit(affinities=affinities, initialization=start), np.float32)


def _umap_progress(progress: Callable[[float], Any]) -> dict[str, Any]:
    """Settings of the bar that UMAP draws for its epochs, so that it tells `progress`; UMAP has no other ear."""

    class Told(io.StringIO):
        def write(self, text: str) -> int:
            done, _, total = text.strip().partition("/")
            if done.isdigit() and total.isdigit():
                progress(int(done) / max(int(total), 1))
            return len(text)

    return {"disable": False, "file": Told(), "bar_format": "{n}/{total}", "mininterval": 0.1}


def _pca(features: np.ndarray) -> Any:
    from sklearn.decomposition import PCA

    return PCA(2, svd_solver="full").fit(features)  # the full solver needs no seed


def _tsne() -> Any:
    with needs("embed", "t-SNE"):
        import openTSNE  # half a second
    return openTSNE


def _affinities(features: np.ndarray, perplexity: float, seed: int) -> Any:
    return _tsne().affinity.PerplexityBasedNN(features, perplexity=perplexity, random_state=seed, n_jobs=1)


def _umap(seed: int, neighbours: int, init: Any = "pca", n_epochs: int | None = None) -> Any:
    return _compiled_once().UMAP(n_neighbors=neighbours, init=init, n_epochs=n_epochs, random_state=seed, n_jobs=1)


@functools.cache
def _compiled_once() -> Any:
    """umap, with what numba compiles of it kept on disk: ten seconds once for a machine, not in each new process."""
    with needs("embed", "UMAP"):
        import umap.umap_  # numba with it: three seconds

    slow_ones = (umap.utils.fast_knn_indices, umap.utils.submatrix, umap.umap_.smooth_knn_dist,
                 umap.umap_.compute_membership_strengths)  # fmt: skip
    for slow in slow_ones:
        with contextlib.suppress(RuntimeError):  # no folder that can be written to
            slow.enable_caching()
    return umap


def _check_enough(features: np.ndarray, method: Method, perplexity: float, neighbours: int) -> None:
    n, dim = features.shape
    if dim < 2 or n < 3:
        raise ValueError(f"features are {(n, dim)}; a picture needs at least 3 vectors of 2 dimensions")
    if not np.ptp(features, axis=0).any():
        raise ValueError(f"all {n} feature vectors are equal; there is nothing to lay out")
    if method == "tsne" and not 1 <= perplexity <= (n - 1) / 3:
        raise ValueError(f"perplexity {perplexity:g} with {n} points; it must lie between 1 and {(n - 1) / 3:.1f}")
    if method == "umap" and not 2 <= neighbours < n:
        raise ValueError(f"{neighbours} neighbours with {n} points; take 2 to {n - 1}")


def _capped(n: int, labels: np.ndarray | None, cap: int | None, seed: int) -> np.ndarray:
    """Ascending rows, at most `cap` of each class."""
    if labels is not None and np.shape(labels) != (n,):
        raise ValueError(f"labels are {np.shape(labels)} for {n} feature vectors; give one label a vector")
    if cap is None:
        return np.arange(n)
    if labels is None:
        raise ValueError(f"cap_per_class={cap} needs labels; give one label a vector")
    if cap < 1:
        raise ValueError(f"cap_per_class={cap}; keep at least 1 vector a class")
    return draw_per_class(np.asarray(labels), cap, seed)


def draw_per_class(labels: np.ndarray, cap: int, seed: int) -> np.ndarray:
    """Ascending indices of at most `cap` random members of each class in `labels` (n,)."""
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(np.flatnonzero(labels == c))[:cap] for c in np.unique(labels)]
    return np.sort(np.concatenate(drawn))


# --- the cache -----------------------------------------------------------------------------------


def _key(features: np.ndarray, method: Method, seed: int, params: dict[str, Any]) -> str:
    """Sixteen hex digits of the features' content, the settings and the library's version."""
    library = {"pca": "scikit-learn", "tsne": "openTSNE", "umap": "umap-learn"}[method]
    settings = [features.shape, method, seed, params, metadata.version(library)]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(features.tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path, n: int) -> np.ndarray | None:
    """Coordinates (n, 2) from the cache, or None where there are none that can be used."""
    try:
        with arrays_of(path) as stored:
            coordinates = stored["coordinates"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        log.warning("%s cannot be read and is made anew", path)
        return None
    return coordinates if coordinates.shape == (n, 2) else None
