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

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit.fitted import Fitted
from hsikit.predict import predict_map
from hsikit.scenes.base import Scene
from hsikit.splits import Split

if TYPE_CHECKING:
    import pandas as pd

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
    inside = features.reshape(-1, features.shape[-1]) @ span
    inside /= np.maximum(np.linalg.norm(inside, axis=1, keepdims=True), 1e-12)
    words = vectors @ span
    return inside @ (words / np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-12)).T


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


def unseen_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """AUROC of every unseen class, mean over seeds: a line a class and split, a column a method and ranking.

    Args:
        rows: Ledger rows, of which those with `unseen` count. The last line is the mean over classes, each of which
            counts once for every split that leaves it out.
    """
    long = _long(rows)
    table = long.pivot_table(index=["split", "class"], columns="column", values="auroc", sort=False)
    table.loc[("all", "mean over classes"), :] = table.mean()
    pixels = long.groupby(["split", "class"], sort=False)["pixels"].first()
    table.insert(0, "test pixels", pixels.reindex(table.index))
    return table.reset_index()


def unseen_gains(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The first method's prompt against every other column, paired over classes, means over seeds.

    Returns:
        Columns comparison, classes, difference, low, high (AUROC, 95 % t interval over classes), p (two-sided
        Wilcoxon, None under 8 classes).
    """
    import pandas as pd

    from hsikit.tables.stats import paired_difference

    long = _long(rows)
    table = long.pivot_table(index=["split", "class"], columns="column", values="auroc", sort=False)
    table = table.groupby("class", sort=False).mean()  # a class left out in several splits counts once
    first = f"{long['method'].iloc[0]}: {RANKINGS[0]}"
    found = []
    for other in table.columns.drop(first):
        both = table[[first, other]].dropna()
        d = paired_difference(both[first].to_numpy(), both[other].to_numpy())
        found.append({"comparison": f"{first} − {other}", "classes": d.n, "difference": d.mean, "low": d.low,
                      "high": d.high, "p": d.p})  # fmt: skip
    return pd.DataFrame(found)


def _long(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    lines = [
        {"split": row["split"], "class": name, "pixels": facts["pixels"], "seed": row["seed"],
         "method": row["name"], "column": f"{row['name']}: {ranking}", "auroc": value}
        for row in rows for name, facts in (row.get("unseen") or {}).items()
        for ranking, value in facts["auroc"].items()
    ]  # fmt: skip
    if not lines:
        raise ValueError("no run left a class out; give runs of a split with unseen classes")
    return pd.DataFrame(lines)


def stacking_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Calibrated stacking over pairs of unseen classes: a line a class, then the mean; means over choosers and seeds.

    Args:
        rows: Ledger rows of splits that leave out two classes or more.

    Returns:
        Columns class, and for each method its recall of the class, mean recall of trained classes, harmonic mean.
    """
    import pandas as pd

    lines = [
        {"class": name, "method": row["name"], **facts}
        for row in rows for name, found in (row.get("unseen") or {}).items()
        for facts in found.get("stacking", {}).values()
    ]  # fmt: skip
    if not lines:
        raise ValueError("no run left out two classes; give runs of hsikit run mmlgnet_unseen_pairs")
    long = pd.DataFrame(lines)
    measures = ["recall", "trained_recall", "harmonic"]
    table = long.pivot_table(index="class", columns="method", values=measures, sort=False)
    order = [(measure, name) for name in long["method"].unique() for measure in measures]
    table = table[order].set_axis([f"{name}: {measure.replace('_', ' ')}" for measure, name in order], axis=1)
    table.loc["mean over classes"] = table.mean()
    return table.reset_index()
