"""A config looked at whole before anything runs: every key's name, type and range; the list of all that is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Any

from hsikit._util import allowed, nearest
from hsikit.experiments.methods import GIVEN, INPUTS, LOSSES, METHODS, arguments_of, options_of
from hsikit.scenes.registry import SCENES, unknown
from hsikit.splits.spec import split_name

MOST_RUNS = 100_000  # of one config; a few crossed lists can ask for more than there are seconds
Fits = Callable[[Any], bool]


def _number(least: float = -math.inf, below: float = math.inf, above: float = -math.inf) -> Fits:
    plain = lambda v: isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)  # noqa: E731
    return lambda v: plain(v) and least <= v < below and v > above


def _whole(least: int = 0) -> Fits:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= least


def _one_of(*names: str) -> Fits:
    return lambda v: isinstance(v, str) and v in names


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _list_of(fits: Fits) -> Fits:
    return lambda v: isinstance(v, list | tuple) and len(v) > 0 and all(map(fits, v))


def _plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return _mapping(value) and all(map(_plain, value.values()))
    return all(map(_plain, value)) if isinstance(value, list | tuple) else isinstance(value, int | float | str | None)


# What a key must hold, and how that is said.
RUN: dict[str, tuple[Fits, str]] = {
    "method": (_text, "the name of a method, or my_module.MyNetwork"), "scene": (_text, "a scene's name or file"),
    "split": (_mapping, "a mapping such as {kind: random, train: 0.10}"), "name": (_text, "a text"),
    **{key: (_mapping, "a mapping of options") for key in ("model", "train", "loss", "text", "inputs")},
    "trials": (_whole(1), "a whole number from 1"), "prompts": (_text, "the path of a file"),
}  # fmt: skip
FILE: dict[str, tuple[Fits, str]] = RUN | {
    "seeds": (_list_of(_whole()), "a list of whole numbers from 0, such as [0, 1, 2]"),
    "sweep": (lambda v: v is None or (_mapping(v) and all(map(_list_of(_plain), v.values()))),
              "key paths with a list of values each, such as {train.lr: [0.001, 0.01]}"),
    "arms": (lambda v: v is None or _list_of(_mapping)(v), "a list of mappings, laid over the rest one by one"),
    "reference": (lambda v: v is None or _text(v), "the name of an arm"), "about": (_text, "a text"),
    "comparisons": (_mapping, "a mapping of names to [arm, arm]"), "version": (_whole(1), "a whole number"),
}  # fmt: skip
TRAIN: dict[str, tuple[Fits, str]] = {
    **{key: (_whole(1), "a whole number from 1") for key in ("epochs", "batch", "threads")},
    **{key: (_whole(), "a whole number from 0") for key in ("steps", "unlabelled")},
    **{key: (_number(above=0), "a number above 0") for key in ("lr", "clip")},
    **{key: (_number(0), "a number from 0") for key in ("weight_decay", "noise", "lidar_offset")},
    **{key: (_flag, "true or false") for key in ("augment", "balanced", "channels_last", "mixed")},
    "wrong_labels": (_number(0, 1), "a share from 0 to below 1"), "keep": (_one_of("best", "last"), "best or last"),
    "schedule": (_one_of("onecycle", "cosine"), "onecycle or cosine"),
    "pool": (_one_of("scene", "background"), "scene or background"),
}  # fmt: skip


def file_problems(config: Mapping[Any, Any]) -> list[str]:
    """What is wrong with a config's own keys, a line each."""
    found = []
    for key, value in config.items():
        if key not in FILE:
            found.append(f"unknown key {short(key)} in the config; did you mean {nearest(key, FILE)!r}?")
        elif not FILE[key][0](value) and not (value is None and key in RUN):
            found.append(f"{key} is {short(value)}, expected {FILE[key][1]}")
    if found:
        return found
    sizes = [config.get(key) for key in ("arms", "seeds")] + list((config.get("sweep") or {}).values())
    if math.prod(len(values) for values in sizes if values) > MOST_RUNS:
        found.append(f"the config asks for more than {MOST_RUNS:,} runs; leave some of its crossed values out")
    return found


def run_problems(plain: Mapping[str, Any], trust: Sequence[str] | None) -> list[str]:
    """What is wrong with the keys of one run (arms and swept values laid over the rest), a line each."""
    found = []
    for key, value in plain.items():
        if key not in RUN:
            found.append(f"unknown key {short(key)}; did you mean {nearest(key, RUN)!r}?")
        elif value is not None and not RUN[key][0](value):
            found.append(f"{key} is {short(value)}, expected {RUN[key][1]}")
    if "method" not in plain:
        found.append("the config names no 'method'")
    if found:
        return found  # what follows reads these
    return [problem for look in (_scene, _split, _code, _options) for problem in look(plain, trust)]


def _scene(plain: Mapping[str, Any], trust: Any) -> Iterable[str]:
    name = Path(plain.get("scene") or "simulated")
    if str(name) not in SCENES and not name.suffix and len(name.parts) == 1 and not name.exists():
        yield unknown(str(name))


def _split(plain: Mapping[str, Any], trust: Any) -> Iterable[str]:
    try:
        split_name(plain["split"])
    except Exception as error:  # a share that is no number, a name that is none
        yield str(error) if isinstance(error, ValueError) else f"split is {short(plain['split'])}: {error}"
    for key, value in plain["split"].items():
        share = key in ("train", "val", "train_share")
        if share and not _number(0)(value):
            yield f"split.{key} is {short(value)}, expected a number from 0"
        elif not share and not _plain(value):
            yield f"split.{key} is {short(value)}, expected a number or a text"


def _code(plain: Mapping[str, Any], trust: Sequence[str] | None) -> Iterable[str]:
    """Classes that are no part of hsikit must be trusted, and are not imported here."""
    named = [("method", plain["method"])] if "." in plain["method"] else []
    named += [("loss.kind", kind) for kind in [(plain.get("loss") or {}).get("kind")] if kind not in (None, *LOSSES)]
    if plain["method"] not in METHODS and not named:
        yield f"unknown method {plain['method']!r}; did you mean {nearest(plain['method'], METHODS)!r}?"
    for key, path in named:
        try:
            allowed(path, trust, f"the config's {key}")
        except ValueError as error:
            yield str(error)


def _options(plain: Mapping[str, Any], trust: Any) -> Iterable[str]:
    row = METHODS.get(plain["method"])
    train = {**arguments_of("hsikit.train.TrainConfig")}
    del train["seed"]
    sections: dict[str, Mapping[str, Any]] = {"train": train}
    if row and row.network:
        sections["model"] = options_of(plain["method"])
    elif row:
        sections = {"train": {"threads": 1}, "model": row.options}
    sections["inputs"] = INPUTS
    loss = plain.get("loss") or {}
    if (kind := loss.get("kind", row.loss if row and row.network else None)) in LOSSES:
        sections["loss"] = {"kind": "", **{k: v for k, v in arguments_of(str(kind)).items() if k not in GIVEN}}
    for section, known in sections.items():
        for key, value in (plain.get(section) or {}).items():
            fits, words = (TRAIN if section == "train" else {}).get(key) or _like(known.get(key), key)
            if key not in known:
                yield f"unknown key {section}.{key}; did you mean {section}.{nearest(key, known)}?"
            elif not fits(value):
                yield f"{section}.{key} is {short(value)}, expected {words}"


def _like(default: Any, key: str) -> tuple[Fits, str]:
    """What an option must hold whose default is this."""
    if isinstance(default, bool):
        return lambda v: _flag(v) or _number(0)(v), "true, false or a weight from 0"
    if key in ("bands", "lidar_channels"):
        return lambda v: v is None or _whole()(v), "a whole number, or null for all"
    if isinstance(default, int):
        return _whole(), "a whole number from 0"
    if isinstance(default, float):
        return _number(), "a number"
    if isinstance(default, str):
        return _text, "a text"
    return _plain, "a number, a text, or a list of them"
