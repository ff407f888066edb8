"""Every method, a row each: its network and loss, what it reads, and what its rows say beside the scores.

A new network is its file in `hsikit/models/` and a row of `METHODS`. What a config may set are the arguments that the
class is built with, less those that scene, seed and row decide.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsikit._util import class_at

if TYPE_CHECKING:
    from torch import nn

PACKAGE = Path(__file__).parents[1]
GIVEN = ("self", "bands", "hsi_bands", "classes", "seed", "text_dim")  # by scene, seed and words
INPUTS = {"hsi": ["spectra"], "lidar": [], "joined": False, "transductive": False}  # `hsikit.Inputs.fit`
COMPONENTS = 30  # principal components read by a network of one sensor, unless a config says otherwise


@dataclass(frozen=True)
class Method:
    """What a method is.

    Attributes:
        network: Dotted path of its class; "" for a shallow method (`hsikit.shallow`), or one that words alone answer
            (`hsikit.experiments.worded`).
        loss: Dotted path of the loss it is trained with.
        bands: "components", or "all": it reads the spectrum in its order, where components have none.
        sensors: 2 where it takes LiDAR beside the cube.
        lidar: How many LiDAR channels it takes unless a config says otherwise; None for all.
        words: Whether it answers to class vectors.
        fixed: Arguments of the network that the row decides.
        extras: What its rows say beside the scores: "words", "exits" (`hsikit.experiments.extras`).
        options: What a config may set of a method without a network, with the defaults.
        younger: Arguments younger than the ledger's first rows: at this value they stay out of a run's hash.
    """

    network: str = ""
    loss: str = "hsikit.losses.CrossEntropy"
    bands: str = "components"
    sensors: int = 1
    lidar: int | None = 1
    words: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    younger: Mapping[str, Any] = field(default_factory=dict)


# What a config may name without anyone's word for it.
LOSSES = tuple(f"hsikit.losses.{name}" for name in ("CrossEntropy", "SymmetricContrastive", "SelfDistillation",
                                                    "Consistency"))  # fmt: skip
_LATER = {"depth": 3, "dropout": 0.0, "fusion": "concat", "sensors": "both", "sensor_dropout": 0.0}
_SCALES = {
    "mmlgnet": Method("hsikit.models.scales.MMLGNetScales", "hsikit.losses.SymmetricContrastive", sensors=2, lidar=None,
                      words=True, extras=("words",)),
    "trunk": Method("hsikit.models.scales.TrunkScales", sensors=2, lidar=None, extras=("words",)),
}  # fmt: skip
_ONE: dict[str, dict[str, Any]] = {"scales": {}, "w11": {"scales": (11,)}, "p": {"scales": (1,)}}
METHODS: dict[str, Method] = {
    **{name: Method(options={"features": "spectra", "window": 1, "most": 0}, younger={"most": 0})
       for name in ("majority", "coordinates", "nearest_mean", "lda", "svm", "rf")},
    "text_head": Method(words=True, options={"penalty": 2.0, "share": 0.25, "map_share": 0.0, "left_out": True,
                                             "quantities": "land_cover"}),
    "zero_shot": Method(words=True, options={"table": "", "filled_by_words": False, "expert": "",
                                             "quantities": "land_cover"}),
    "mmlgnet": Method("hsikit.models.mmlgnet.MMLGNet", "hsikit.losses.SymmetricContrastive", sensors=2, words=True,
                      extras=("words",), younger=_LATER),
    "trunk_ce": Method("hsikit.models.mmlgnet.TrunkClassifier", sensors=2, extras=("words",), younger=_LATER),
    **{f"{kind}_{name}": replace(row, fixed=fixed) for kind, row in _SCALES.items() for name, fixed in _ONE.items()},
    "sdhsi": Method("hsikit.models.sdhsi.SDHSINet", "hsikit.losses.SelfDistillation", fixed={"exits": True},
                    extras=("exits",), younger={"answer": "final"}),
    "sdhsi_ce": Method("hsikit.models.sdhsi.SDHSINet", fixed={"exits": False}, extras=("exits",),
                       younger={"answer": "final"}),
    "cnn2d": Method("hsikit.models.networks.CNN2D"),
    "cnn3d": Method("hsikit.models.networks.CNN3D"),
    "hybridsn": Method("hsikit.models.networks.HybridSN"),
    "ssrn": Method("hsikit.models.ssrn.SSRN", bands="all"),
    "ssftt": Method("hsikit.models.ssftt.SSFTT"),
    "spectralformer": Method("hsikit.models.spectralformer.SpectralFormer", bands="all"),
}  # fmt: skip


def method_named(name: str) -> Method | None:
    """The row of a method; None for the dotted path of a user's own network.

    Raises:
        ValueError: For a name that is neither.
    """
    if name not in METHODS and "." not in name:
        raise ValueError(f"method {name!r} is neither one of {', '.join(METHODS)} nor a dotted path to a class")
    return METHODS.get(name)


def options_of(name: str) -> dict[str, Any]:
    """What a config may set of a method's network, with the defaults; {} for a user's own, which says so itself."""
    row = method_named(name)
    if row is None or not row.network:
        return {}
    known = {k: v for k, v in arguments_of(row.network).items() if k not in (*GIVEN, *row.fixed)}
    if row.sensors == 2:
        return known | {"lidar_channels": row.lidar}
    return known | {"bands": None if row.bands == "all" else COMPONENTS}


def make(name: str, bands: int, lidar_channels: int, classes: int, seed: int, options: Mapping[str, Any]) -> nn.Module:
    """Build the network of a method for a scene of so many bands, LiDAR channels and classes.

    Args:
        name: Of a row of `METHODS`, or the dotted path of a user's own class, which is called with `bands`,
            `lidar_channels`, `classes`, `seed` and the options.
        options: Of the network; `bands` of None takes all bands of the scene, and more LiDAR channels than the scene
            has are not asked for.

    Raises:
        ValueError: For an unknown name, a class that cannot be imported, or what the network itself refuses.
    """
    row, options = method_named(name), dict(options)
    if row is None:
        return _own(name, {"bands": bands, "lidar_channels": lidar_channels, "classes": classes, "seed": seed}, options)
    given: dict[str, Any] = {"seed": seed, **row.fixed}
    if row.sensors == 2:
        wanted = options.pop("lidar_channels", row.lidar)
        given |= {
            "hsi_bands": bands,
            "lidar_channels": lidar_channels if wanted is None else min(wanted, lidar_channels),
        }
        given |= {} if row.words else {"classes": classes}
    else:
        wanted = options.pop("bands", COMPONENTS)
        given |= {"bands": bands if wanted is None else min(wanted, bands), "classes": classes}
    return class_at(row.network)(**given, **options)


def _own(path: str, given: dict[str, Any], options: dict[str, Any]) -> nn.Module:
    from hsikit.models import module_at  # loads torch
    from hsikit.models.output import seeded

    cls: Any = module_at(path, None, "the config")  # asked for by `expand`
    with seeded(given["seed"]):  # the same first weights whatever was drawn before, also where it ignores its seed
        network = cls(**given, **options)
    network.built_with = given | options
    return network


@lru_cache
def arguments_of(path: str) -> Mapping[str, Any]:
    """Names and defaults (None without one) that a class is built with.

    Those of hsikit's own classes are read from the source, since importing a network loads torch: a config is expanded
    and a table listed without it.

    Raises:
        ValueError: When there is no such class.
    """
    module, _, name = path.rpartition(".")
    if not path.startswith("hsikit."):
        parameters = inspect.signature(class_at(path).__init__).parameters
        return {n: None if p.default is p.empty else p.default for n, p in parameters.items()
                if p.kind is p.POSITIONAL_OR_KEYWORD}  # fmt: skip
    file = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    nodes = ast.parse(file.read_text()).body if file.exists() else []
    found = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name]
    if not found:
        raise ValueError(f"cannot import {path!r}: {module} has no class {name}")
    for node in found[0].body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            names = [argument.arg for argument in node.args.args]
            values = [None] * (len(names) - len(node.args.defaults)) + [ast.literal_eval(d) for d in node.args.defaults]
            return dict(zip(names, values))
    fields = [node for node in found[0].body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {node.target.id: None if node.value is None else ast.literal_eval(node.value)  # type: ignore[union-attr]
            for node in fields}  # fmt: skip
