"""From a YAML file to experiments: one frozen `Experiment` a run, named by the hash of its canonical JSON."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from hsikit._util import load_mapping, nearest
from hsikit._util.errors import HsikitError, door
from hsikit.experiments.check import file_problems, run_problems
from hsikit.experiments.methods import GIVEN, INPUTS, METHODS, Method, arguments_of, method_named, options_of
from hsikit.scenes.envi import decoded
from hsikit.splits.spec import split_name
from hsikit.text.prompts import load_prompts
from hsikit.text.quantities import content_hash

VERSION = 1  # of the meaning of a config: raise it when the same YAML would train something else
RUN_KEYS = ("method", "scene", "split", "model", "train", "loss", "text", "inputs")
# Options younger than the ledger's first rows: at this value, which is what older runs did, they stay out of the hash.
# Those of networks stand in `methods.METHODS`; a younger key of the config itself stands under "".
ADDED_LATER: dict[str, dict[str, Any]] = {
    "": {"inputs": {}},
    "loss": {"rampup": 0.0, "together": False},
    "train": {
        "reduction": "pca",
        "wrong_labels": 0.0,
        "noise": 0.0,
        "lidar_offset": 0.0,
        "keep": "best",
        "channels_last": False,
        "mixed": False,
        "steps": 0,
        "unlabelled": 0,
        "pool": "scene",
    },
    "text": {"model": "ViT-B-32"},
}
TEXT = {
    "backend": "minilm",
    "prompts": "descriptive",
    "control": "none",
    "draw": None,
    "path": "",
    "model": "ViT-B-32",
}  # draw None: the run's seed; model: of open_clip, whose checkpoint `path` then names
BESIDE = ("name", "trials", "prompts")  # they do not enter the hash themselves


class ConfigError(HsikitError, ValueError):
    """A config that cannot be run. The message names the key and what would do."""


@dataclass(frozen=True)
class Experiment:
    """One training and its scoring.

    Attributes:
        method: Name of a network or a shallow method, or the dotted path of a user's own module.
        scene: Name of a scene, or path of a site file.
        split: Kind and its options, as `hsikit.splits.make_split` takes them.
        model, train, loss, text: Options of the network, of `TrainConfig`, of the loss, and of the class vectors.
        seed: Of the split where it is drawn at random, the first weights and the batch order.
        name: Label in tables; does not enter the hash.
        prompts: File with the words of the classes; "" for those of the scene. Its content enters the hash.
        trials: Settings looked at on validation pixels before these were taken; does not enter the hash.
        inputs: What is read in the place of bands and LiDAR, as `hsikit.Inputs.fit` takes it; {} for those themselves.

    Example:
        >>> ten = hsikit.Experiment("lda", "simulated", {"kind": "random", "train": 0.1})
        >>> ten.split_name, ten.hash == hsikit.Experiment("lda", "simulated", ten.split, seed=1).hash
        ('random_10', False)
    """

    method: str
    scene: str
    split: Mapping[str, Any]
    model: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    version: int = VERSION
    name: str = ""
    trials: int = 1
    prompts: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What tables call it."""
        return self.name or self.method

    @property
    def split_name(self) -> str:
        """Short name of the split, such as random_10 or fields; wider buffers than 11 and partitions are named."""
        patch, partition = self.split.get("patch", 11), self.split.get("partition", 0)
        return split_name(self.split) + (f"_w{patch}" if patch != 11 else "") + (f"_p{partition}" if partition else "")

    def canonical(self) -> str:
        """JSON with sorted keys of everything that decides the result."""
        facts = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("name", "trials", "prompts")}
        row = METHODS.get(self.method)
        younger = {**ADDED_LATER, "model": row.younger if row else {}}
        facts = _without(facts, younger.pop(""))
        facts |= {section: _without(facts[section], options) for section, options in younger.items()}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits naming the run."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:12]


def _without(facts: Mapping[str, Any], younger: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key not in younger or value != younger[key]}


@door
def load_config(config: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Read a config: the name of a file shipped in `hsikit/configs/`, a path, or a mapping.

    Raises:
        ConfigError: For an unknown name or key (the nearest is named), or a config of a later version.
    """
    source = dict(config) if isinstance(config, Mapping) else _read(str(config))
    _refuse(file_problems(source))
    version = source.get("version", VERSION)
    if version > VERSION:
        raise ConfigError(f"the config has version {version}, this hsikit knows {VERSION}; update hsikit")
    lacking = []
    for key in ("scene", "split"):
        swept = any(s == key or s.startswith(f"{key}.") for s in source.get("sweep") or {})
        in_arms = bool(source.get("arms")) and all(key in arm for arm in source["arms"])
        if key not in source and not swept and not in_arms:
            lacking.append(f"the config names no {key!r}")
    _refuse(lacking)
    return source


def _refuse(problems: Iterable[str]) -> None:
    """Raises `ConfigError` with all of the problems, each once."""
    if lines := list(dict.fromkeys(problems)):
        count = f"{len(lines)} things are wrong with the config: " if len(lines) > 1 else ""
        more = f"; and {len(lines) - 20} more" if len(lines) > 20 else ""
        raise ConfigError(count + "; ".join(lines[:20]) + more)


@door
def expand(config: str | Path | Mapping[str, Any], seeds: int | None = None,
           trust: Sequence[str] = ()) -> list[Experiment]:  # fmt: skip
    """All experiments of a config: arms x swept values x seeds, in that order.

    `arms` is a list of partial configs laid over the rest; `sweep` maps key paths to lists of values, crossed.
    `seeds` as a number replaces the config's own by 0..seeds-1. A split with ``partition: seed`` takes the partition
    of each run's seed.

    Args:
        trust: Modules beside hsikit's whose networks and losses a file may name. Those of a mapping are the caller's.

    Raises:
        ConfigError: With all that is wrong; nothing is run, and no code that a file names is imported, before that.

    Example:
        >>> config = {"method": "lda", "scene": "simulated", "split": {"kind": "few_shot", "shots": 5}, "seeds": [0, 1]}
        >>> [(e.method, e.seed) for e in hsikit.expand(config)]
        [('lda', 0), ('lda', 1)]
    """
    source = load_config(config)
    wanted = list(range(seeds)) if seeds is not None else list(source.get("seeds", [0]))
    base = {key: source[key] for key in (*RUN_KEYS, *BESIDE) if key in source}
    crossed = source.get("sweep") or {}
    trusted = None if isinstance(config, Mapping) else trust
    plains = []
    for arm in source.get("arms") or [{}]:
        for values in itertools.product(*crossed.values()):
            plain = _merge(base, arm)
            for path, value in zip(crossed, values):
                plain = _merge(plain, _nested(path, value))
            plains.append(plain)
    _refuse(problem for plain in plains for problem in run_problems(plain, trusted))
    found = [run for plain in plains for run in _over_seeds(plain, wanted)]
    hashes = [e.hash for e in found]
    if len(set(hashes)) < len(hashes):
        twice = next(e for e in found if hashes.count(e.hash) > 1)
        raise ConfigError(
            f"the config asks twice for the same run: {twice.label}, {twice.split_name}, seed {twice.seed}"
        )
    return found


def _over_seeds(plain: dict[str, Any], seeds: Sequence[int]) -> list[Experiment]:
    """The runs of an arm; its defaults, and what the files that it names say, are looked up once for all seeds."""
    split = plain["split"]
    given = {key: value for key, value in plain.items() if value is not None} | {"split": _partition_of(split, 0)}
    filled = with_defaults(Experiment(**given))
    return [replace(filled, split=_partition_of(split, seed), seed=seed) for seed in seeds]


def _partition_of(split: Any, seed: int) -> Any:
    """The split with ``partition: seed`` made the seed's own; 0 is the default, which older runs do not spell out."""
    if not isinstance(split, Mapping) or split.get("partition") != "seed":
        return split
    given = {key: value for key, value in split.items() if key != "partition"}
    return given | ({"partition": seed} if seed else {})


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        nested = isinstance(value, Mapping) and isinstance(out.get(key), Mapping) and "kind" not in value
        out[key] = _merge(out[key], value) if nested else value
    return out


def _nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def configs() -> list[dict[str, Any]]:
    """The studies that come along, a line each: config, scenes, runs, about. Those of the archive are left out."""
    found = []
    for name in sorted(name for name in _shipped() if "/" not in name):
        runs, about = expand(name), " ".join(_read(name).get("about", "").split())
        found.append({"config": name, "scenes": ", ".join(dict.fromkeys(e.scene for e in runs)), "runs": len(runs),
                      "about": about.partition(". ")[0].rstrip(".")})  # fmt: skip
    return found


def _shipped() -> dict[str, Any]:
    root = resources.files("hsikit.configs")
    folders = {"": root, "archive/": root / "archive"}
    return {f"{folder}{f.name.removesuffix('.yaml')}": f for folder, place in folders.items()
            for f in place.iterdir() if f.name.endswith(".yaml")}  # fmt: skip


def _read(name: str) -> dict[str, Any]:
    path, shipped = Path(name), _shipped()
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise ConfigError(f"no config file at {path}")
        text = decoded(path.read_bytes())
    elif name in shipped:
        text = shipped[name].read_text()
    else:
        raise ConfigError(f"no config called {name!r}; did you mean {nearest(name, shipped)!r}? "
                          f"Shipped: {', '.join(sorted(shipped))}")  # fmt: skip
    return load_mapping(text, name, "method, scene, split", ConfigError)


# --- defaults ------------------------------------------------------------------------------------


def with_defaults(experiment: Experiment) -> Experiment:
    """The same experiment with all defaults written out: a hash must change when a default changes.

    Raises:
        ValueError: For an unknown method, or an option that its method does not have.
    """
    row = method_named(experiment.method)
    if experiment.inputs:
        experiment = replace(experiment, inputs=_filled("inputs", experiment.inputs, INPUTS))
    if row and not row.network:
        model = _filled("model", experiment.model, row.options)
        train = _filled("train", experiment.train, {"threads": 1})
        files = [model[key] for key in ("quantities", "table", "expert") if model.get(key)]
        text = _text(experiment) | {"quantities": content_hash(*files)} if row.words else {}
        return replace(experiment, model=model, train=train, loss={}, text=text)
    model = _filled("model", experiment.model, options_of(experiment.method)) if row else dict(experiment.model)
    train = dict(arguments_of("hsikit.train.TrainConfig")) | {"threads": 1}
    del train["seed"]  # the experiment's own
    text = _text(experiment) if row and row.words else {}
    return replace(experiment, model=model, train=_filled("train", experiment.train, train),
                   loss=_loss(experiment, row), text=text)  # fmt: skip


def _loss(experiment: Experiment, row: Method | None) -> dict[str, Any]:
    given = dict(experiment.loss)
    kind = given.pop("kind", (row or Method()).loss)
    try:
        known = {name: value for name, value in arguments_of(kind).items() if name not in GIVEN}
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return {"kind": kind, **_filled("loss", given, known)}


def _text(experiment: Experiment) -> dict[str, Any]:
    filled = _filled("text", {k: v for k, v in experiment.text.items() if k not in ("hash", "quantities")}, TEXT)
    return {**filled, "hash": load_prompts(experiment.prompts or experiment.scene).hash}


def _filled(section: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    for key in given:
        if key not in known:
            raise ConfigError(f"unknown key {section}.{key}; did you mean {section}.{nearest(key, known)}?")
    return {**known, **given}


__all__ = ["VERSION", "ConfigError", "Experiment", "expand", "load_config", "replace"]
