"""Quantities in words: sentences for much and for little of what can be measured, and tables of signs.

    quantities = load_quantities()                    # six, with a sentence for much and for little of each
    signatures(text.vectors, quantities, encoder)     # (class, quantity): how much of each words speak of
    table_of("muufl", class_names, quantities)        # the same from one who knows the classes: -1, 0, 1

Sentences, their measured partners and tables stand in YAML files under `hsikit/prompts/quantities`, to be edited; what
is measured of them is in `hsikit.analysis.quantities`. Beyond the paper (MMLGNet, arXiv 2601.08420); ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from hsikit._util import contents, load_mapping, nearest
from hsikit.scenes.envi import decoded
from hsikit.text import TextEncoder, TextError

FOLDER = resources.files("hsikit") / "prompts" / "quantities"
MEASURED = ("height", "greenness", "brightness", "roughness", "yellowness", "contrast")
SIGN = 0.5  # standard deviations over classes from which words count as a sign


@dataclass(frozen=True)
class Quantity:
    """One quantity: what is measured, and a sentence for much and for little of it."""

    name: str
    measured: str
    much: str
    little: str


def load_quantities(name_or_path: str | Path = "land_cover") -> tuple[Quantity, ...]:
    """Read quantities by the name of a file that comes along, or by the path of your own.

    Raises:
        TextError: For an unknown name or key, or a quantity that cannot be measured.
    """
    entries = _read(name_or_path).get("quantities")
    if not isinstance(entries, list) or not entries:
        raise TextError(f"{name_or_path}: 'quantities' must be a list with at least one entry")
    keys = ("name", "measured", "much", "little")
    for entry in entries:
        if not isinstance(entry, Mapping) or set(entry) != set(keys):
            raise TextError(f"{name_or_path}: a quantity has the keys {', '.join(keys)}, found {entry!r}")
        if entry["measured"] not in MEASURED:
            near = nearest(entry["measured"], MEASURED)
            raise TextError(f"{name_or_path}: {entry['measured']!r} cannot be measured; did you mean {near!r}?")
    return tuple(Quantity(**{key: str(entry[key]) for key in keys}) for entry in entries)


def content_hash(*names_or_paths: str | Path) -> str:
    """Sixteen hex digits of what the files say; comments and layout do not count."""
    content = json.dumps([_read(name) for name in names_or_paths if name], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def signatures(vectors: np.ndarray, quantities: Sequence[Quantity], encoder: TextEncoder) -> np.ndarray:
    """How much of each quantity classes are said to have (class, quantity), mean 0 and deviation 1 over the classes.

    The product of a class vector, less the mean of all, and the sentence for much less the one for little.
    """
    much, little = (encoder.encode([getattr(q, side) for q in quantities]) for side in ("much", "little"))
    products = (vectors - vectors.mean(0)).astype(np.float64) @ (much - little).astype(np.float64).T
    return (products - products.mean(0)) / np.maximum(products.std(0), 1e-12)


def signs(spoken: np.ndarray) -> np.ndarray:
    """Signatures as a table of signs (class, quantity): what words alone would fill it with."""
    return np.where(np.abs(spoken) < SIGN, 0.0, np.sign(spoken))


def table_of(name_or_path: str | Path, class_names: Sequence[str], quantities: Sequence[Quantity]) -> np.ndarray:
    """Signs (class, quantity) from a table that somebody wrote.

    Raises:
        TextError: When a class or a quantity is missing, or a sign is not -1, 0 or 1.
    """
    return checked_table(_read(name_or_path).get("table"), class_names, quantities, str(name_or_path))


def checked_table(table: Any, class_names: Sequence[str], quantities: Sequence[Quantity],
                  source: str = "the table") -> np.ndarray:  # fmt: skip
    """Signs (class, quantity) from a mapping of classes to mappings of quantities to -1, 0 or 1."""
    if not isinstance(table, Mapping):
        raise TextError(f"{source}: 'table' maps each class to its signs, found {table!r}")
    rows = []
    for name in class_names:
        if not isinstance(table.get(name), Mapping):
            raise TextError(f"{source} has no signs for {name!r}; the nearest class is {nearest(name, table)!r}")
        own = table[name]
        for quantity in quantities:
            if own.get(quantity.name) not in (-1, 0, 1):
                raise TextError(
                    f"{source}: {quantity.name} of {name!r} is {own.get(quantity.name)!r}; write -1, 0 or 1"
                )
        rows.append([own[quantity.name] for quantity in quantities])
    return np.array(rows, np.float64)


def _read(name_or_path: str | Path) -> dict[str, Any]:
    path = Path(name_or_path)
    known = [entry.name.removesuffix(".yaml") for entry in FOLDER.iterdir() if entry.name.endswith(".yaml")]
    if path.suffix not in (".yaml", ".yml"):
        if str(name_or_path) not in known:
            near = nearest(name_or_path, known)
            raise TextError(
                f"no quantities or table called {name_or_path!r}; did you mean {near!r}? Or give a .yaml file"
            )
        text = (FOLDER / f"{name_or_path}.yaml").read_text()
    else:
        try:
            text = decoded(contents(path))
        except OSError as error:
            raise TextError(f"cannot read {path}: {error.strerror or error}") from None
    return load_mapping(text, str(path), "quantities or table", TextError)
