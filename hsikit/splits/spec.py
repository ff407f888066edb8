"""Splits from configuration mappings such as ``{"kind": "fields", "patch": 11}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hsikit._util import nearest
from hsikit._util.errors import door
from hsikit.splits.blocks import block_split
from hsikit.splits.fields import field_split, fields_label
from hsikit.splits.pixels import few_shot_split, official_split, random_split, split_label
from hsikit.splits.split import Split, SplitError
from hsikit.splits.west_east import PER_CLASS, across_label, east_west_split, west_east_split

if TYPE_CHECKING:
    from hsikit.scenes.scene import Scene

# kind: the function, and the keys a mapping may hold beside "kind". With "partition" (default 0) the pixels
# belong to the partition and do not follow the seed of a run.
KINDS: dict[str, tuple[Callable[..., Split], tuple[str, ...]]] = {
    "random": (random_split, ("train", "val", "on_impossible")),
    "block": (block_split, ("train", "patch", "val", "block", "on_impossible")),
    "fields": (field_split, ("patch", "train_share", "shots", "partition", "on_impossible")),
    "few_shot": (few_shot_split, ("shots", "on_impossible")),
    "official": (official_split, ("name", "val")),
    "west_east": (west_east_split, ("train_cols_below", "test_cols_from", "per_class", "val", "partition")),
    "east_west": (east_west_split, ("train_cols_from", "test_cols_below", "per_class", "val", "partition")),
}

FOLDED = ("random", "few_shot", "official")  # test windows overlap training windows, as those of a fold do
UNSEEN = ("unseen", "window")  # of every kind: names of classes not to train on, and the side of the windows kept clear


@door
def make_split(scene: Scene, spec: Mapping[str, Any], seed: int = 0) -> Split:
    """The split that a configuration describes.

    Args:
        scene: Where to split.
        spec: ``kind`` and the arguments of its function, such as ``{"kind": "random", "train": 0.10}``.
            ``fields``, ``west_east`` and ``east_west`` take their seed from ``partition`` (default 0). Every kind takes
            ``unseen``, names of classes that are tested but not trained on, and ``window`` (default 11): training
            windows of that side that hold a pixel of such a class are left out. ``random``, ``few_shot`` and
            ``official`` take ``fold``, 0 to 3: a quarter of the label budget is tested, the rest trains (`Split.fold`).
        seed: Seed of the run. It moves random, block and few-shot splits, and the validation draw of an
            official one; the test pixels of fields, official, west_east and east_west stay the same.

    Raises:
        SplitError: When kind or a key is unknown (the nearest known one is named) or a value is out of range.

    Example:
        >>> hsikit.make_split(hsikit.load_scene("simulated"), {"kind": "few_shot", "shots": 5}, seed=3).name
        'shot_5'
    """
    kind, keys = _checked(spec)
    function, allowed = KINDS[kind]
    if "partition" in allowed:
        seed = keys.pop("partition", 0)
    unseen, window, fold = keys.pop("unseen", ()), keys.pop("window", 11), keys.pop("fold", None)
    split = function(scene, **keys, seed=seed)
    split = split if fold is None else split.fold(fold)
    if not unseen:
        return split
    for name in unseen:
        if name not in scene.class_names:
            near = nearest(name, scene.class_names)
            raise SplitError(f"{scene.name} has no class {name!r} to leave out; did you mean {near!r}?")
    ids = [scene.class_names.index(name) + 1 for name in unseen]
    return replace(split.without_training(ids, window), name=split_name(spec))


def split_name(spec: Mapping[str, Any]) -> str:
    """The short name that `make_split` gives, such as ``"random_10"``, without needing the scene."""
    kind, keys = _checked(spec)
    if keys.get("unseen"):
        return f"{split_name(seen_only(spec))} without {', '.join(keys['unseen'])}"
    if (fold := keys.pop("fold", None)) is not None:
        return f"{split_name({'kind': kind, **keys})}, fold {fold} of its budget"
    if kind in ("random", "block"):
        return split_label(kind, keys.get("train", 0.10))
    if kind == "fields":
        return fields_label(keys.get("train_share", 1.0), keys.get("shots", 0))
    if kind == "few_shot":
        return f"shot_{keys.get('shots', 20)}"
    if kind in ("west_east", "east_west"):
        return across_label(kind, keys.get("per_class", PER_CLASS))
    return keys.get("name") or "official"


def seen_only(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same configuration with no class left out."""
    return {key: value for key, value in spec.items() if key not in UNSEEN}


def _checked(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(spec, Mapping) or "kind" not in spec:
        raise SplitError(f"split is {spec!r}; expected a mapping with a kind: one of {', '.join(KINDS)}")
    keys = {str(key): value for key, value in spec.items() if key != "kind"}
    kind = spec["kind"]
    if kind not in KINDS:
        raise SplitError(f"split kind {kind!r} is unknown; did you mean {nearest(kind, KINDS)!r}?")
    allowed = (*KINDS[kind][1], *UNSEEN, *(["fold"] if kind in FOLDED else []))
    if "fold" in keys and kind not in FOLDED:
        raise SplitError(f"{kind} keeps its sides apart: no fold of one side foretells the other; leave fold out, and "
                         "declare settings beforehand")  # fmt: skip
    for key in keys:
        if key not in allowed:
            hint = f"did you mean {nearest(key, allowed)!r}? Known: {', '.join(allowed)}"
            raise SplitError(f"split kind {kind!r} has no key {key!r}; {hint}")
    return kind, keys
