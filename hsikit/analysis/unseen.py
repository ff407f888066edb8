"""Classes never trained on, found by their words: does the prompt of an unseen class rank its pixels first?

The pixels of the class are ranked among all test pixels by three scores: the cosine to its prompt; that cosine less
the best one to a trained class; and novelty, which knows no words (one minus the best cosine to a trained class).
Runs with shuffled or random class vectors are controls. Cosines are taken within the span of the trained classes'
vectors: training moves an embedding within that span only, what lies outside of it is left from the first weights.

Recall needs more than a ranking, since scores of an unseen class are not calibrated against those of trained classes:
where a split leaves out two classes or more, one of them, seen in the label budget only, chooses by how much trained
classes are held back (calibrated stacking, Chao et al. 2016, doi 10.1007/978-3-319-46475-6_4), and another is tested.
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


def unseen_facts(model: Fitted, scene: Scene, split: Split, budget: Split | None = None) -> dict[str, dict[str, Any]]:
    """How well each unseen class of a split is found among the test pixels.

    Args:
        model: A fitted MMLGNet whose text holds a vector for every class, the unseen ones too.
        split: Declares `unseen_classes`; its test pixels are ranked.
        budget: The same split before classes were left out, for `stacking`.

    Returns:
        Class name -> `pixels`, `share` (of the test pixels, the average precision of a random order), and
        `auroc` and `precision` (average precision), each a mapping from the names in `RANKINGS` to 0..1. With a
        budget and two unseen classes or more also `stacking`: by the name of the other class that chose the
        offset, recall of the class, mean recall of the trained ones, and the harmonic mean of the two. A class
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
        facts = {
            "pixels": int(own.sum()), "share": float(own.mean()),
            "auroc": {name: float(roc_auc_score(own, s)) for name, s in scores.items()},
            "precision": {name: float(average_precision_score(own, s)) for name, s in scores.items()},
        }  # fmt: skip
        if budget is not None:
            stacked = {scene.class_names[p - 1]: _stacked(cosine, split, budget, c, p) for p in split.unseen_classes}
            facts["stacking"] = {name: s for name, s in stacked.items() if s is not None}
        found[scene.class_names[c - 1]] = facts
    return found


def _cosines(model: Fitted, scene: Scene) -> np.ndarray:
    """Cosine (row * col, class) to every class vector, within the span of the trained ones."""
    assert model.text is not None
    features = predict_map(model, scene, embeddings=True).embeddings
    assert features is not None
    vectors = model.text.vectors.astype(np.float64)  # (class, dim)
    span, _ = np.linalg.qr(vectors[np.asarray(model.class_ids) - 1].T)  # (dim, trained)
    return unit(features.reshape(-1, features.shape[-1]) @ span) @ unit(vectors @ span).T


def _stacked(cosine: np.ndarray, split: Split, budget: Split, tested: int, chooser: int) -> dict[str, float] | None:
    """Recall of an unseen class among the trained ones, held back by an offset that another unseen class chose.

    The offset looks at the chooser's pixels of the label budget and at the split's validation pixels; None without
    either, or when both classes are the same.
    """
    spent = np.concatenate([budget.train, budget.val])
    pseudo = spent[budget.labels.ravel()[spent] == chooser]
    if tested == chooser or not len(pseudo) or not len(split.val):
        return None
    at, label = np.concatenate([split.val, pseudo]), np.r_[split.y("val"), np.full(len(pseudo), chooser)]
    gap = _gap(cosine, split, at, chooser)
    steps = np.unique(gap)
    offsets = np.r_[steps[0] - 1, (steps[1:] + steps[:-1]) / 2, steps[-1] + 1]
    offset = max(offsets, key=lambda o: _harmonic(cosine, split, at, label, chooser, o)[2])
    others = set(split.unseen_classes) - {tested}
    kept = ~np.isin(split.y("test"), list(others))
    unseen, seen, harmonic = _harmonic(cosine, split, split.test[kept], split.y("test")[kept], tested, offset)
    return {"recall": unseen, "trained_recall": seen, "harmonic": harmonic, "offset": float(offset)}


def _gap(cosine: np.ndarray, split: Split, pixels: np.ndarray, unseen: int) -> np.ndarray:
    """By how much (n,) the best trained class is above the unseen one."""
    return cosine[pixels][:, np.array(split.classes) - 1].max(1) - cosine[pixels, unseen - 1]


def _harmonic(cosine, split: Split, pixels, label, unseen: int, offset: float) -> tuple[float, float, float]:
    """Recall of the unseen class, mean recall of the trained classes, their harmonic mean, at an offset."""
    trained = np.array(split.classes)
    answer = np.where(_gap(cosine, split, pixels, unseen) < offset, unseen,
                      trained[cosine[pixels][:, trained - 1].argmax(1)])  # fmt: skip
    recall = {c: float((answer[label == c] == c).mean()) for c in np.unique(label)}
    own = recall.pop(unseen, 0.0)
    rest = float(np.mean(list(recall.values()))) if recall else 0.0
    return own, rest, 2 * own * rest / (own + rest) if own + rest else 0.0
