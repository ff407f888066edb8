"""Classes never trained on, found by their words: does the prompt of an unseen class rank its pixels first?

The pixels of the class are ranked among all test pixels by three scores: the cosine to its prompt; that cosine less
the best one to a trained class; and novelty, which knows no words (one minus the best cosine to a trained class).
Runs with shuffled or random class vectors are controls. Cosines are taken within the span of the trained classes'
vectors: training moves an embedding within that span only, what lies outside of it is left from the first weights.

Beyond the paper (MMLGNet, arXiv 2601.08420), which has no unseen classes; the protocol is ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hsikit.analysis.text_head import unit
from hsikit.fitted import Fitted
from hsikit.predict import predict_map
from hsikit.scenes.scene import Scene
from hsikit.splits import Split

RANKINGS = ("prompt", "prompt less best trained", "novelty")


def unseen_facts(model: Fitted, scene: Scene, split: Split) -> dict[str, dict[str, Any]]:
    """How well each unseen class of a split is found among the test pixels.

    Args:
        model: A fitted MMLGNet whose text holds a vector for every class, the unseen ones too.
        split: Declares `unseen_classes`; its test pixels are ranked.

    Returns:
        Class name -> `pixels`, `share` (of the test pixels, the average precision of a random order), and
        `auroc` and `precision` (average precision), each a mapping from the names in `RANKINGS` to 0..1. A class
        without test pixels is left out.

    Raises:
        ValueError: For a model without class vectors, or a split without unseen classes.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    if model.text is None or not split.unseen_classes:
        raise ValueError("unseen classes need a model trained with text= and a split that leaves classes out")
    cosine = _cosines(model, scene)  # (pixel of the scene, class)
    at_test = cosine[split.test]
    best = at_test[:, np.asarray(model.class_ids) - 1].max(1)
    true, found = split.y("test"), {}
    for c in split.unseen_classes:
        own = true == c
        if not own.any() or own.all():
            continue
        prompt = at_test[:, c - 1]
        scores = dict(zip(RANKINGS, (prompt, prompt - best, 1 - best)))
        found[scene.class_names[c - 1]] = {
            "pixels": int(own.sum()), "share": float(own.mean()),
            "auroc": {name: float(roc_auc_score(own, s)) for name, s in scores.items()},
            "precision": {name: float(average_precision_score(own, s)) for name, s in scores.items()},
        }  # fmt: skip
    return found


def _cosines(model: Fitted, scene: Scene) -> np.ndarray:
    """Cosine (row * col, class) to every class vector, within the span of the trained ones."""
    assert model.text is not None
    features = predict_map(model, scene, embeddings=True).embeddings
    assert features is not None
    vectors = model.text.vectors.astype(np.float64)  # (class, dim)
    span, _ = np.linalg.qr(vectors[np.asarray(model.class_ids) - 1].T)  # (dim, trained)
    return unit(features.reshape(-1, features.shape[-1]) @ span) @ unit(vectors @ span).T
