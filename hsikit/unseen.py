"""Classes never trained on, found by their words: does the prompt of an unseen class rank its pixels first?

The pixels of the class are ranked among all test pixels by four scores: the cosine to its prompt; that cosine less
the best one to a trained class; novelty, which knows no words (one minus the best cosine to a trained class); and,
in runs of their own, the prompt under shuffled or random class vectors. Recall is not given here: the scores of an
unseen class are not calibrated against those of trained classes, so it is hardly ever the first answer.
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
    rankings = _rankings(model, scene, split)
    true, found = split.y("test"), {}
    for place, c in enumerate(split.unseen_classes):
        own = true == c
        if not own.any() or own.all():
            continue
        scores = {name: values[:, place] for name, values in rankings.items()}
        found[scene.class_names[c - 1]] = {
            "pixels": int(own.sum()), "share": float(own.mean()),
            "auroc": {name: float(roc_auc_score(own, s)) for name, s in scores.items()},
            "precision": {name: float(average_precision_score(own, s)) for name, s in scores.items()},
        }  # fmt: skip
    return found


def _rankings(model: Fitted, scene: Scene, split: Split) -> dict[str, np.ndarray]:
    """Scores (test pixel, unseen class) of each ranking."""
    assert model.text is not None
    features = predict_map(model, scene, embeddings=True).embeddings
    assert features is not None
    at_test = features.reshape(-1, features.shape[-1])[split.test].astype(np.float64)
    cosine = at_test @ model.text.vectors.T  # (test pixel, class)
    prompt = cosine[:, np.array(split.unseen_classes) - 1]
    best = cosine[:, np.asarray(model.class_ids) - 1].max(1, keepdims=True)
    return dict(zip(RANKINGS, (prompt, prompt - best, np.broadcast_to(1 - best, prompt.shape))))


def unseen_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """AUROC of every unseen class, mean over seeds: a line a class and split, a column a method and ranking.

    Args:
        rows: Ledger rows, of which those with `unseen` count. The last line is the mean over classes.
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

    from hsikit.compare import paired_difference

    long = _long(rows)
    table = long.pivot_table(index=["split", "class"], columns="column", values="auroc", sort=False)
    first = long["column"].iloc[0]
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
         "column": f"{row['name']}: {ranking}", "auroc": value}
        for row in rows for name, facts in (row.get("unseen") or {}).items()
        for ranking, value in facts["auroc"].items()
    ]  # fmt: skip
    if not lines:
        raise ValueError("no run left a class out; give runs of a split with unseen classes")
    return pd.DataFrame(lines)
