"""The open_clip text towers behind `hsikit.text.TextEncoder`, from checkpoints already on this machine.

open_clip itself would try the network for most of a minute before it gives up on a tag; here the file is
looked for first, and its absence is told at once.
"""

from __future__ import annotations

import hashlib
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from hsikit._util import one_thread
from hsikit._util.errors import needs
from hsikit.text.encoders import Backend, Embed, check_length, repair, sha256
from hsikit.text.prompts import TextError


def openclip(model: str = "ViT-B-32", pretrained: str | Path = "openai") -> Backend:
    """The text tower of an open_clip model whose checkpoint is already on this machine.

    Args:
        model: Architecture as open_clip names it. For a local file of OpenAI's own weights use a name that
            ends in "-quickgelu"; for a tag the activation it was trained with is set.
        pretrained: A tag that open_clip knows for this model, or the path of a checkpoint.

    Raises:
        TextError: When the model or the tag is unknown, or the checkpoint is not on this machine. Another
            model or tag never takes its place.
    """
    repair()
    with needs("text", "CLIP"):
        import open_clip

    if model not in open_clip.list_models():
        near = get_close_matches(model, open_clip.list_models(), n=3, cutoff=0.3)
        raise TextError(f"open_clip has no model {model!r}; nearest are {near}")
    tag = open_clip.get_pretrained_cfg(model, str(pretrained))
    path = _checkpoint_of_tag(model, str(pretrained), tag) if tag else Path(pretrained)
    if not path.is_file():
        tags = open_clip.list_pretrained_tags_by_model(model)
        raise TextError(f"{model} has no checkpoint {str(pretrained)!r}: no such file, and its tags are {tags}")
    quick = bool(tag and tag.get("quick_gelu"))
    config = open_clip.get_model_config(model)
    _check_tokenizer(model, config["text_cfg"])
    use = hashlib.sha256(repr((sha256(path), quick, config)).encode()).hexdigest()
    label = str(pretrained) if tag else path.stem
    return Backend(f"CLIP {model} {label}", use, lambda: _load_openclip(model, path, quick))


def _checkpoint_of_tag(model: str, name: str, tag: dict[str, Any]) -> Path:
    """The file a tag stands for, from the caches open_clip fills itself; never from the network."""
    from huggingface_hub import try_to_load_from_cache
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    if tag.get("hf_hub"):
        repository, file = os.path.split(tag["hf_hub"])
        wanted = [file] if file else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
        for candidate in wanted:
            if isinstance(found := try_to_load_from_cache(repository, candidate), str):
                return Path(found)
        bring = f"hf download {repository} {wanted[0]}"
    else:
        kept = Path("~/.cache/clip").expanduser() / os.path.basename(tag.get("url", ""))
        if kept.is_file():
            return kept
        bring = f"curl -L --create-dirs -o {kept} {tag.get('url')}"
    raise TextError(
        f"the checkpoint of {model} {name!r} is not on this machine; run once with a network: {bring}; "
        "or give the path of a checkpoint as pretrained="
    )


def _check_tokenizer(model: str, text_cfg: dict[str, Any]) -> None:
    from huggingface_hub import try_to_load_from_cache

    repository = text_cfg.get("hf_tokenizer_name")
    if repository and not isinstance(try_to_load_from_cache(repository, "tokenizer_config.json"), str):
        raise TextError(
            f"the tokenizer of {model} is not on this machine; run once with a network: hf download {repository}"
        )


def _load_openclip(model: str, path: Path, quick_gelu: bool) -> Embed:
    import open_clip
    import torch

    try:
        with torch.random.fork_rng(devices=[]):
            network = open_clip.create_model(
                model, pretrained=str(path), force_quick_gelu=quick_gelu, require_pretrained=True
            )
    except (RuntimeError, KeyError, ValueError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise TextError(f"{path} does not fit the architecture {model}: {first}") from error
    network.eval().requires_grad_(False)
    tokenizer = open_clip.get_tokenizer(model)
    limit = int(tokenizer.context_length)
    pad = getattr(getattr(tokenizer, "tokenizer", None), "pad_token_id", None) or 0

    def embed(prompt: str) -> np.ndarray:
        # open_clip cuts long prompts in silence, so count in a longer row: its last filled place.
        row = tokenizer([prompt], context_length=4 * limit)[0]
        check_length(prompt, int((row != pad).nonzero().max()) + 1, limit, model)
        with one_thread(), torch.inference_mode():
            return network.encode_text(tokenizer([prompt]))[0].float().numpy()  # (dim,)

    return embed
