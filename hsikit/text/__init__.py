"""Words to vectors: one call for every text encoder, and the unit vectors of a scene's classes.

    encoder = load_text_encoder("minilm")
    text = encode_classes(encoder, load_prompts("trento"))      # text.vectors: (classes, dim), unit length

Text encoders are frozen (MMLGNet, arXiv 2601.08420). Prompts of a class are averaged, then re-normalised.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hsikit._util import arrays_of, nearest, saved
from hsikit._util.errors import door
from hsikit.text import encoders, openclip
from hsikit.text.prompts import ClassPrompts, TextError, load_prompts

__all__ = [
    "ClassPrompts", "TextEncoder", "TextError", "TextVectors", "encode_classes", "load_prompts",
    "load_text_encoder", "random_vectors",
]  # fmt: skip

_BACKENDS: dict[str, Callable[..., encoders.Backend]] = {
    "minilm": encoders.minilm, "openclip": openclip.openclip, "file": encoders.file,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class TextVectors:
    """One unit vector for each class.

    Attributes:
        vectors: (classes, dim) float32, rows of length 1.
        class_names: C names, entry 0 is class 1.
        encoder: What rows call it, such as "MiniLM", "MiniLM, shuffled" or "random".
        prompt_hash: Hash of the prompt file, "" where no prompt was used.
        prompts: The sentences behind each vector.

    Raises:
        TextError: When counts differ or a vector is not finite and of unit length.

    Example:
        >>> text = hsikit.TextVectors(np.eye(2, 8), ("meadow", "maize"), encoder="by hand")
        >>> text.dim, text.permuted(seed=0).encoder
        (8, 'by hand, shuffled')
    """

    vectors: np.ndarray
    class_names: tuple[str, ...]
    encoder: str
    prompt_hash: str = ""
    prompts: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        vectors = np.ascontiguousarray(self.vectors, np.float32)
        if vectors.ndim != 2 or len(vectors) != len(self.class_names):
            raise TextError(f"text vectors are {vectors.shape}, expected ({len(self.class_names)} classes, dim)")
        if not np.isfinite(vectors).all() or np.abs(np.linalg.norm(vectors, axis=1) - 1).max(initial=0) > 1e-4:
            raise TextError("text vectors must be finite and of length 1; divide each by its norm")
        vectors.flags.writeable = False
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "prompts", tuple(tuple(own) for own in self.prompts))
        if self.prompts and len(self.prompts) != len(self.class_names):
            raise TextError(f"prompts for {len(self.prompts)} classes, names for {len(self.class_names)}")

    @property
    def dim(self) -> int:
        """Width of the text space."""
        return self.vectors.shape[1]

    def permuted(self, seed: int) -> TextVectors:
        """A control without meaning: vectors dealt out anew, so that no class keeps its own."""
        n = len(self.class_names)
        if n < 2:
            raise TextError("one class alone cannot swap its vector; give at least two classes")
        rng = np.random.default_rng(seed)
        order = rng.permutation(n)
        while (order == np.arange(n)).any():  # about e tries; every derangement equally likely
            order = rng.permutation(n)
        prompts = tuple(self.prompts[i] for i in order) if self.prompts else ()
        return replace(self, vectors=self.vectors[order], prompts=prompts, encoder=f"{self.encoder}, shuffled")

    def save(self, path: str | Path) -> None:
        """Write an npz, in place at once or not at all."""
        words = json.dumps([self.class_names, self.encoder, self.prompt_hash, self.prompts])
        saved(Path(path), lambda handle: np.savez(handle, vectors=self.vectors, words=np.array(words)))

    @classmethod
    def load(cls, path: str | Path) -> TextVectors:
        """Read what `save` wrote; TextError when the file holds something else."""
        try:
            with arrays_of(Path(path)) as held:
                vectors, words = held["vectors"], json.loads(str(held["words"]))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise TextError(f"cannot read text vectors from {path}: {error}") from None
        return cls(vectors, *words)


@door
def random_vectors(class_names: Sequence[str], dim: int, seed: int) -> TextVectors:
    """A control without language: directions drawn evenly over the sphere, (classes, dim).

    Example:
        >>> hsikit.random_vectors(["meadow", "maize"], dim=384, seed=0).vectors.shape
        (2, 384)
    """
    drawn = np.random.default_rng(seed).standard_normal((len(class_names), dim))
    return TextVectors(_unit(drawn), tuple(class_names), "random")


class TextEncoder:
    """A frozen text model behind one call; vectors are kept on disk by prompt and weight hash.

    The network is loaded when the first prompt is met that the cache does not hold. Prompts go through it one
    by one on one thread, so that a vector does not depend on its company: with and without cache are equal.

    Attributes:
        name: What rows call it.
        weight_hash: Hash of the weights and of how they are used.
    """

    def __init__(self, backend: encoders.Backend, cache: Path | None) -> None:
        self.name = backend.name
        self.weight_hash = backend.weight_hash
        self._load = backend.load
        self._embed: encoders.Embed | None = None
        self._cache = cache / backend.weight_hash[:16] if cache and backend.cached else None

    def encode(self, prompts: Sequence[str]) -> np.ndarray:
        """Unit vectors (prompts, dim) float32 of some sentences.

        Raises `TextError` when a prompt is empty, longer than the model reads, or unknown to a file of vectors.
        """
        if isinstance(prompts, str) or not len(prompts):
            raise TextError(f"expected a list of at least one prompt, got {prompts!r}")
        for i, prompt in enumerate(prompts):
            if not isinstance(prompt, str) or not prompt.strip():
                raise TextError(f"prompt {i} of {len(prompts)} is empty ({prompt!r}); write a sentence")
        known: dict[str, np.ndarray] = {}
        for prompt in prompts:
            if prompt not in known:
                known[prompt] = self._vector(prompt.strip())
        return np.stack([known[prompt] for prompt in prompts])  # (prompt, dim)

    def _vector(self, prompt: str) -> np.ndarray:
        place = self._cache and self._cache / f"{hashlib.sha256(prompt.encode()).hexdigest()[:32]}.npy"
        if place and (kept := _read_vector(place)) is not None:
            return kept
        if self._embed is None:
            self._embed = self._load()
        vector = _unit(self._embed(prompt))
        if place:
            with suppress(OSError):  # a cache that cannot be written costs time, nothing else
                saved(place, lambda handle: np.save(handle, vector))
        return vector


@door
def load_text_encoder(backend: str = "minilm", *, cache: bool = True, **options: object) -> TextEncoder:
    """A text encoder, ready to `encode`, without any download.

    Args:
        backend: "minilm" (384-d, comes with the installation), "openclip" (options `model`,
            `pretrained`: a tag or the path of a checkpoint) or "file" (options `path`, `name`: an npz of
            prompts and vectors).
        cache: Keep vectors on disk, under $HSIKIT_CACHE or the user's cache folder.

    Raises:
        TextError: When the backend or an option is unknown, or a file is missing or not what it should be.

    Example:
        >>> hsikit.load_text_encoder("minilm").encode(["rows of vines", "a tiled roof"]).shape
        (2, 384)
    """
    if backend not in _BACKENDS:
        near = nearest(backend, _BACKENDS)
        raise TextError(f"no text backend {backend!r}; did you mean {near!r}? known are {list(_BACKENDS)}")
    make = _BACKENDS[backend]
    try:
        inspect.signature(make).bind(**options)
    except TypeError as error:
        takes = list(inspect.signature(make).parameters) or "none"
        raise TextError(f"text backend {backend!r}: {error}; its options are {takes}") from None
    return TextEncoder(make(**options), cache_folder() if cache else None)


@door
def encode_classes(encoder: TextEncoder, prompts: ClassPrompts, kind: str = "descriptive") -> TextVectors:
    """One unit vector a class: its prompts of a kind encoded, averaged, re-normalised.

    Example:
        >>> text = hsikit.encode_classes(hsikit.load_text_encoder("minilm"), hsikit.load_prompts("trento"), "name")
        >>> text.vectors.shape, text.encoder
        ((6, 384), 'MiniLM')
    """
    chosen = prompts.select(kind)
    means = [encoder.encode(own).mean(0) for own in chosen]
    vectors = np.stack([_unit(mean) for mean in means])  # (class, dim)
    return TextVectors(vectors, prompts.class_names, encoder.name, prompts.hash, tuple(map(tuple, chosen)))


def cache_folder() -> Path:
    """Where text vectors are kept: $HSIKIT_CACHE/text, or the user's cache folder."""
    if given := os.environ.get("HSIKIT_CACHE"):
        return Path(given).expanduser() / "text"
    import pooch

    return Path(pooch.os_cache("hsikit")) / "text"


def _unit(vectors: np.ndarray) -> np.ndarray:
    exact = np.asarray(vectors, np.float64)
    return (exact / np.linalg.norm(exact, axis=-1, keepdims=True)).astype(np.float32)


def _read_vector(path: Path) -> np.ndarray | None:
    """A vector from the cache, or None where there is none that can be trusted."""
    try:
        vector = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    sound = vector.ndim == 1 and vector.dtype == np.float32 and abs(float(np.linalg.norm(vector)) - 1) < 1e-4
    return vector if sound else None
