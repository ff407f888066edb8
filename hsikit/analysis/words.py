"""Questions in words to a fitted MMLGNet: the similarity map of any sentence, and what it is worth.

    answer = prompt_map(run.model, scene, "a red metal roof")
    answer.scores[0]      # (row, col) cosine similarity
    answer.r2, answer.z   # is it more than a mixture of class maps, does it stand out from unrelated sentences

A free sentence's map is close to a mixture of the maps of the class prompts: no map is shown without its R² and z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hsikit.fitted import Fitted
from hsikit.predict import predict_map
from hsikit.scenes.scene import Scene
from hsikit.splits import Split
from hsikit.text import TextEncoder, load_text_encoder
from hsikit.text.prompts import TextError, load_prompts, source_of

if TYPE_CHECKING:
    import pandas as pd

BEST_SHARE = 0.99  # a map is judged by its 99th percentile: where the sentence fits, if it fits anywhere


@dataclass(frozen=True, eq=False)
class PromptMap:
    """Similarity maps of n sentences.

    Attributes:
        sentences: What was asked.
        negatives: What was subtracted.
        scores: (n, row, col) float32, cosine to the sentence less the mean cosine to the negatives; NaN where
            the scene has no valid pixel.
        soft: (n, row, col) float32, shares of the sentences at each pixel: softmax of the scores at the model's
            temperature; NaN where not valid.
        r2: (n,) share of a map's variance that is linear in the maps of the trained classes' vectors, 0 to 1.
        z: (n,) how many standard deviations the 99th percentile of a map lies above that of 50 unrelated sentences.
    """

    sentences: tuple[str, ...]
    negatives: tuple[str, ...]
    scores: np.ndarray
    soft: np.ndarray
    r2: np.ndarray
    z: np.ndarray


def prompt_map(model: Fitted, scene: Scene, sentences: str | Sequence[str], negatives: Sequence[str] = (),
               encoder: TextEncoder | None = None) -> PromptMap:  # fmt: skip
    """Ask a scene in words.

    Beyond the paper; the definitions of scores, R² and z are ours.

    Args:
        model: A fitted MMLGNet, such as `run.model`.
        sentences: One sentence or several.
        negatives: Sentences whose mean similarity is subtracted from every map.
        encoder: The text encoder of the class vectors; MiniLM if left out.

    Raises:
        ValueError: For a model without words, or an encoder of another width than the model's text space.
        TextError: For an empty sentence or one longer than the encoder reads.
    """
    asked = (sentences,) if isinstance(sentences, str) else tuple(sentences)
    if model.text is None:
        raise ValueError("this model does not answer to words; give the Fitted of an MMLGNet trained with text=")
    encoder = load_text_encoder() if encoder is None else encoder
    vectors = _encoded(model, encoder, asked)
    minus = _encoded(model, encoder, negatives).mean(0) if negatives else np.zeros(vectors.shape[1])
    features = _valid_features(model, scene)
    maps = features @ (vectors - minus).T  # (pixel, sentence)
    classes = features @ model.text.vectors[np.asarray(model.class_ids) - 1].T
    others = features @ (_encoded(model, encoder, unrelated_sentences()) - minus).T
    weight = np.exp(temperature_scale(model) * (maps - maps.max(1, keepdims=True)))
    soft = weight / weight.sum(1, keepdims=True)
    return PromptMap(asked, tuple(negatives), _raster(maps, scene), _raster(soft, scene),
                     explained(maps, classes), standing_out(maps, others))  # fmt: skip


def synonym_precision(model: Fitted, scene: Scene, split: Split, encoder: TextEncoder | None = None,
                      prompts: str | Path = "") -> pd.DataFrame:  # fmt: skip
    """How well held-out names find their class among the test pixels.

    Args:
        split: Its test pixels are ranked by similarity to each synonym of the scene's prompts, none of which was
            trained with.
        prompts: A prompt file in the place of the scene's own.

    Returns:
        Columns `class`, `synonym`, `precision` (average precision, 0 to 1), `share` (of the class among the test
        pixels, which is what a random order reaches).

    Raises:
        TextError: When the scene has no prompts, or no class of it has synonyms.
    """
    import pandas as pd
    from sklearn.metrics import average_precision_score

    words = load_prompts(prompts or source_of(scene))
    names = [(c, s) for c in split.classes for s in words.only([scene.class_names[c - 1]]).sentences["synonyms"][0]]
    if not names:
        raise TextError(f"{scene.name}: no class has synonyms; write some in its prompt file")
    answer = prompt_map(model, scene, [s for _, s in names], encoder=encoder)
    true = split.y("test")
    at_test = answer.scores.reshape(len(names), -1)[:, split.test]  # (synonym, test pixel)
    return pd.DataFrame(
        [{"class": scene.class_names[c - 1], "synonym": s, "share": float((true == c).mean()),
          "precision": float(average_precision_score(true == c, own))}
         for (c, s), own in zip(names, at_test) if (true == c).any()]
    )[["class", "synonym", "precision", "share"]]  # fmt: skip


def explained(maps: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """R² (n,) of each map (pixel, n) on the class maps (pixel, class) with a constant; 1 for a flat map."""
    mean = maps.mean(0)
    design = np.column_stack([classes, np.ones(len(classes))])
    weights, *_ = np.linalg.lstsq(design, maps, rcond=None)
    left = ((maps - design @ weights) ** 2).sum(0)
    whole = ((maps - mean) ** 2).sum(0)
    flat = whole <= 1e-12 * (maps**2).sum(0)  # rounding is all that varies
    return np.where(flat, 1.0, 1 - left / np.where(flat, 1, whole))


def standing_out(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """z (n,) of the 99th percentile of each map (pixel, n) among those of other maps (pixel, m)."""
    best, usual = np.quantile(maps, BEST_SHARE, axis=0), np.quantile(others, BEST_SHARE, axis=0)
    return (best - usual.mean()) / max(float(usual.std(ddof=1)), 1e-12)


def unrelated_sentences() -> tuple[str, ...]:
    """The 50 sentences that speak of no land cover."""
    return tuple((resources.files("hsikit") / "prompts" / "unrelated_sentences.txt").read_text().split("\n")[:-1])


def temperature_scale(model: Fitted) -> float:
    """What the model multiplies its cosines with: the inverse of its learned temperature."""
    return float(model.network.log_scale.detach().exp().clamp(max=100.0))  # type: ignore[union-attr, operator]


def _encoded(model: Fitted, encoder: TextEncoder, sentences: Sequence[str]) -> np.ndarray:
    assert model.text is not None
    vectors = encoder.encode(list(sentences)).astype(np.float64)
    if vectors.shape[1] != model.text.dim:
        raise ValueError(f"{encoder.name} gives vectors of {vectors.shape[1]}, the model was trained on "
                         f"{model.text.dim} ({model.text.encoder}); give encoder=")  # fmt: skip
    return vectors


def _valid_features(model: Fitted, scene: Scene) -> np.ndarray:
    """Unit embeddings (valid pixel, dim)."""
    features = predict_map(model, scene, embeddings=True).embeddings
    assert features is not None
    return features[scene.valid].astype(np.float64)


def _raster(values: np.ndarray, scene: Scene) -> np.ndarray:
    """(valid pixel, n) to (n, row, col) float32, NaN elsewhere."""
    found = np.full((values.shape[1], *scene.shape), np.nan, np.float32)
    found[:, scene.valid] = values.T
    return found
