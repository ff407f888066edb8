"""A land-cover map before any label: from what classes are said to look like, in sentences or in a table of signs.

    answer = hsikit.zero_shot(scene, "muufl")                       # prompts: words, through a text encoder
    answer = hsikit.zero_shot(scene, table="muufl")                 # signs from one who knows the classes
    answer = hsikit.zero_shot(scene, table={"roof": {"height": 1, ...}, ...})

A pixel goes to the class whose expected quantities (`hsikit.analysis.quantities`) are nearest to those measured there.
Words are credited with what they add to a table of signs, and with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit._util.errors import door
from hsikit.analysis.quantities import measure, nearness
from hsikit.predict import Prediction
from hsikit.scenes.scene import Scene
from hsikit.text import ClassPrompts, TextEncoder, TextError, TextVectors, encode_classes, load_text_encoder
from hsikit.text.prompts import load_prompts, prompts_from
from hsikit.text.quantities import Quantity, checked_table, load_quantities, signatures, signs, table_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class ZeroShot:
    """A map without labels, and what it rests on.

    Attributes:
        labels: Classes (row, col) int16, numbered as the scene numbers them where it knows all their names, else 1..C
            in the order given; 0 where the scene has no valid pixel.
        confidence: Share (row, col) float32 of the class in a softmax of the scores; NaN where not valid. It ranks
            pixels; it was calibrated on nothing.
        scores: (row, col, class) float32, minus half the squared distance to each class; NaN where not valid.
        class_names: Names of the columns of `scores`.
        class_ids: Their numbers in `labels`.
        quantities: Names of the quantities that could be measured.
        expected: (class, quantity), what each class is expected to have of each.
        measured: (row, col, quantity) float32, in standard deviations over the scene.
        reason: (row, col) int16, which quantity (from 0) speaks most for the class against the next best; -1 where not
            valid.
    """

    labels: np.ndarray
    confidence: np.ndarray
    scores: np.ndarray
    class_names: tuple[str, ...]
    class_ids: np.ndarray
    quantities: tuple[str, ...]
    expected: np.ndarray
    measured: np.ndarray
    reason: np.ndarray

    def rests_on(self) -> pd.DataFrame:
        """What each class is expected to have, and how often each quantity decided for it: a line a class."""
        import pandas as pd

        table = pd.DataFrame(self.expected, self.class_names, self.quantities)
        for k, quantity in enumerate(self.quantities):
            own = [self.reason[self.labels == i] for i in self.class_ids]
            table[f"decided by {quantity}"] = [float((r == k).mean()) if r.size else 0.0 for r in own]
        return table

    def prediction(self) -> Prediction:
        """The same as `hsikit.score` takes it."""
        shares = np.exp(self.scores - self.scores.max(2, keepdims=True))
        return Prediction(self.labels, shares / shares.sum(2, keepdims=True), self.class_ids)


@door
def zero_shot(scene: Scene, prompts: str | Path | ClassPrompts | Mapping[str, Any] | TextVectors | None = None, *,
              table: str | Path | Mapping[str, Any] | None = None, filled_by_words: bool = False,
              quantities: str | Path | Sequence[Quantity] = "land_cover", encoder: TextEncoder | None = None,
              kind: str = "descriptive") -> ZeroShot:  # fmt: skip
    """Map a scene from what its classes are said to look like. No label is read; all its pixels are.

    Args:
        prompts: Words of the classes: the name of prompts that come along, a prompt file, prompts already read, class
            vectors, or a mapping of class names to a sentence or several.
        table: Signs of the classes in the place of words: a file's name, its path, or a mapping of class names to
            mappings of quantities to -1, 0 or 1.
        filled_by_words: Turn what the words say into such signs first.
        quantities: What is measured, and its partners in words.
        encoder: Of the sentences; MiniLM if left out.
        kind: Of prompts, such as "name" for bare names.

    Raises:
        ValueError: For both words and a table, or neither, or where nothing can be measured.
        TextError: For words or a table that lack a class or a quantity.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> answer = hsikit.zero_shot(scene, table={
        ...     "trees": {"height": 1, "greenness": 1}, "roofs": {"height": 1, "greenness": -1},
        ...     "meadow": {"height": -1, "greenness": 1}, "roads": {"height": -1, "greenness": -1}})
        >>> answer.labels.shape, answer.class_names, answer.quantities
        ((166, 600), ('trees', 'roofs', 'meadow', 'roads'), ('height', 'greenness'))
    """
    if (prompts is None) == (table is None):
        raise ValueError("give either prompts (words for the classes) or table= (signs for them)")
    known = load_quantities(quantities) if isinstance(quantities, str | Path) else tuple(quantities)
    if table is None:
        text = _vectors(prompts, encoder, kind)
        names, expected = text.class_names, signatures(text.vectors, known, encoder or load_text_encoder())
        expected = signs(expected) if filled_by_words else expected
    else:
        names, known, expected = _table(scene, table, known)
    measured = measure(scene, known)
    there = np.isfinite(measured[scene.valid]).any(0)
    if not there.any():
        raise ValueError(f"none of the quantities can be measured on {scene.name}; give LiDAR or wavelengths")
    return _mapped(
        scene, names, [q.name for q, yes in zip(known, there) if yes], expected[:, there], measured[..., there]
    )


def _mapped(scene: Scene, names: Sequence[str], quantities: Sequence[str], expected: np.ndarray,
            measured: np.ndarray) -> ZeroShot:  # fmt: skip
    known = all(name in scene.class_names for name in names)
    numbers = [list(scene.class_names).index(name) + 1 for name in names] if known else range(1, len(names) + 1)
    ids = np.array(numbers, np.int16)
    flat = measured[scene.valid]  # (pixel, quantity)
    scores = nearness(flat, expected) / 2
    order = np.argsort(-scores, 1)
    best, second = (expected[order[:, min(k, len(names) - 1)]] for k in (0, 1))  # (pixel, quantity)
    gain = np.nan_to_num((flat - second) ** 2 - (flat - best) ** 2)
    shares = np.exp(scores - scores.max(1, keepdims=True))

    def raster(values: Any, empty: float, dtype: type) -> np.ndarray:
        out = np.full((*scene.shape, *values.shape[1:]), empty, dtype)
        out[scene.valid] = values
        return out

    return ZeroShot(raster(ids[order[:, 0]], 0, np.int16), raster(shares.max(1) / shares.sum(1), np.nan, np.float32),
                    raster(scores, np.nan, np.float32), tuple(names), ids, tuple(quantities), expected, measured,
                    raster(gain.argmax(1), -1, np.int16))  # fmt: skip


def _vectors(prompts: Any, encoder: TextEncoder | None, kind: str) -> TextVectors:
    if isinstance(prompts, TextVectors):
        return prompts
    if isinstance(prompts, Mapping):
        classes = [{"name": name, "place": words} for name, words in prompts.items()]
        prompts = prompts_from({"classes": classes}, "prompts")
    found = prompts if isinstance(prompts, ClassPrompts) else load_prompts(prompts)
    if len(found.class_names) < 2:
        raise TextError("one class alone has nothing to be told from; give at least two")
    return encode_classes(encoder or load_text_encoder(), found, kind)


def _table(
    scene: Scene, table: Any, known: tuple[Quantity, ...]
) -> tuple[tuple[str, ...], tuple[Quantity, ...], np.ndarray]:
    """Classes, quantities and signs; a mapping may speak of some of the quantities, a file of more than the classes."""
    if not isinstance(table, Mapping):
        return tuple(scene.class_names), known, table_of(table, scene.class_names, known)
    spoken = {quantity for own in table.values() if isinstance(own, Mapping) for quantity in own}
    if unknown := spoken - {q.name for q in known}:
        raise TextError(f"the table speaks of {sorted(unknown)}, known are {[q.name for q in known]}")
    known = tuple(q for q in known if q.name in spoken)
    return tuple(table), known, checked_table(table, list(table), known)
