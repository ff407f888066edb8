"""Saved splits: a small npz that knows which scene it was made for."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit.splits.split import Split, SplitError

if TYPE_CHECKING:
    from hsikit.scenes.base import Scene

ARRAYS = ("train", "val", "test", "labels", "groups")
TUPLES = ("shape", "class_names", "dropped_classes", "unseen_classes")
STORED = ("name", "seed", "patch", "scene_hash", *TUPLES, *ARRAYS)


def save_split(split: Split, path: str | Path) -> Path:
    """See `Split.save`."""
    arrays = {key: np.asarray(getattr(split, key)) for key in STORED if getattr(split, key) is not None}
    return save_arrays(path, arrays)


def save_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays to a compressed npz next to its place, then move it there; returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def load_split(path: str | Path, scene: Scene) -> Split:
    """See `Split.load`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except FileNotFoundError:
        raise SplitError(f"no split at {path}; save one there first") from None
    except Exception as problem:  # zip, zlib and header errors come in many types
        raise SplitError(f"{path} is not a saved split ({problem}); make and save it again") from None
    missing = [key for key in STORED if key not in arrays and key != "groups"]
    if missing:
        raise SplitError(f"{path} is not a saved split: it lacks {', '.join(missing)}; save it again")
    if str(arrays["scene_hash"]) != scene.content_hash:
        raise SplitError(
            f"{path} was made for a scene with hash {arrays['scene_hash']}, {scene.name} has "
            f"{scene.content_hash}; load that scene or make the split again"
        )
    return Split(**{key: _plain(key, arrays[key]) for key in STORED if key in arrays})


def _plain(key: str, array: np.ndarray) -> Any:
    if key in ARRAYS:
        return array
    return tuple(array.tolist()) if key in TUPLES else array.item()
