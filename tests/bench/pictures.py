"""t-SNE of many features: openTSNE, as `embed` calls it, against scikit-learn's."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from bench.timing import row, seconds
from hsikit.features import embed


def measure_pictures(points: int = 10_000, dim: int = 128) -> list[dict[str, Any]]:
    """One run each (they take a minute), and how well each keeps neighbours (trustworthiness, 15 neighbours)."""
    from sklearn.manifold import TSNE, trustworthiness
    from threadpoolctl import threadpool_limits

    draw = np.random.default_rng(0)
    centres = draw.standard_normal((12, dim))
    features = (centres[draw.integers(0, 12, points)] + 0.7 * draw.standard_normal((points, dim))).astype(np.float32)
    pictures: dict[str, np.ndarray] = {}

    def ours() -> None:
        pictures["ours"] = embed(features, "tsne", seed=0).coordinates

    def theirs() -> None:
        method = TSNE(perplexity=30, init="pca", random_state=0, n_jobs=threads or -1)
        with threadpool_limits(threads):
            pictures["theirs"] = method.fit_transform(features)

    # Threads that wait for each other at every step lose on a busy machine; one does not.
    threads = None if os.getloadavg()[0] < (os.cpu_count() or 1) + 1 else 1
    began = time.process_time()
    fast, half = seconds(ours, times=1, warm=False), time.process_time()
    slow, ended = seconds(theirs, times=1, warm=False), time.process_time()
    some = draw.choice(points, min(points, 3000), replace=False)  # trustworthiness needs all pairs
    trust = {name: float(trustworthiness(features[some], xy[some], n_neighbors=15)) for name, xy in pictures.items()}
    cpu = f"{half - began:.0f} s of processor time on one thread against {ended - half:.0f} s on {threads or 'all'}"
    note = (
        f"{fast:.0f} s against {slow:.0f} s ({cpu}); trustworthiness {trust['ours']:.4f} against {trust['theirs']:.4f}"
    )
    return [
        row(f"t-SNE of {points:,} x {dim}, against scikit-learn", slow / fast, 1.5, ">=", note),
        row(
            "its trustworthiness less scikit-learn's, to 3 digits", round(trust["ours"] - trust["theirs"], 3), 0.0, ">="
        ),
    ]
