"""Fill a config with every default that decides its result, and refuse keys nobody reads.

A hash must change when a default changes, so defaults are written into the experiment, not left to the code.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from hsikit.experiments.config import ConfigError, Experiment, _nearest

SHALLOW = ("majority", "coordinates", "nearest_mean", "lda", "svm", "rf")
LEARNED = ("mmlgnet", "trunk_ce", "sdhsi", "sdhsi_ce", "cnn2d", "cnn3d", "hybridsn", "ssrn", "ssftt", "spectralformer")
ALL_BANDS = ("ssrn", "spectralformer")  # they read the spectrum in its order, where components have none
METHODS = (*SHALLOW, *LEARNED)
SHALLOW_MODEL = {"features": "spectra", "window": 1}
TEXT = {
    "backend": "minilm",
    "prompts": "descriptive",
    "control": "none",
    "draw": None,
    "path": "",
    "model": "ViT-B-32",
}  # draw None: the run's seed; model: of open_clip, whose checkpoint `path` then names
CLASS_OF = {"mmlgnet": "hsikit.models.mmlgnet.MMLGNet", "trunk_ce": "hsikit.models.mmlgnet.TrunkClassifier",
            "sdhsi": "hsikit.models.sdhsi.SDHSINet", "sdhsi_ce": "hsikit.models.sdhsi.SDHSINet",
            "cnn2d": "hsikit.models.networks.CNN2D", "cnn3d": "hsikit.models.networks.CNN3D",
            "hybridsn": "hsikit.models.networks.HybridSN", "ssrn": "hsikit.models.ssrn.SSRN",
            "ssftt": "hsikit.models.ssftt.SSFTT",
            "spectralformer": "hsikit.models.spectralformer.SpectralFormer"}  # fmt: skip
LOSS_OF = {"mmlgnet": "hsikit.losses.SymmetricContrastive", "sdhsi": "hsikit.losses.SelfDistillation"}
GIVEN = ("self", "bands", "hsi_bands", "classes", "seed", "text_dim", "exits")  # filled from scene and seed


def with_defaults(experiment: Experiment) -> Experiment:
    """The same experiment with all defaults written out.

    Raises:
        ConfigError: For an unknown method, or an option that its method does not have.
    """
    method = experiment.method
    if method in SHALLOW:
        model = _filled("model", experiment.model, SHALLOW_MODEL)
        train = _filled("train", experiment.train, {"threads": 1})
        return replace(experiment, model=model, train=train, loss={}, text={})
    if method not in LEARNED and "." not in method:
        raise ConfigError(f"unknown method {method!r}; did you mean {_nearest(method, METHODS)!r}?")
    text = _text(experiment) if method == "mmlgnet" else {}
    return replace(experiment, model=_model(experiment), train=_train(experiment), loss=_loss(experiment), text=text)


def _train(experiment: Experiment) -> dict[str, Any]:
    from hsikit.train import TrainConfig

    known = asdict(TrainConfig(threads=1))
    del known["seed"]  # the experiment's own
    return _filled("train", experiment.train, known)


def _model(experiment: Experiment) -> dict[str, Any]:
    if experiment.method not in LEARNED:
        return dict(experiment.model)  # a user's module says itself what it takes
    known = _arguments(CLASS_OF[experiment.method])
    if experiment.method not in ("mmlgnet", "trunk_ce"):
        known["bands"] = None if experiment.method in ALL_BANDS else 30
    elif known.get("lidar_channels") is None:
        known["lidar_channels"] = 1
    return _filled("model", experiment.model, known)


def _loss(experiment: Experiment) -> dict[str, Any]:
    given = dict(experiment.loss)
    kind = given.pop("kind", LOSS_OF.get(experiment.method, "hsikit.losses.CrossEntropy"))
    return {"kind": kind, **_filled("loss", given, _arguments(kind))}


def _text(experiment: Experiment) -> dict[str, Any]:
    from hsikit.text import load_prompts

    filled = _filled("text", {k: v for k, v in experiment.text.items() if k != "hash"}, TEXT)
    return {**filled, "hash": load_prompts(experiment.scene).hash}


def _arguments(path: str) -> dict[str, Any]:
    """Names and defaults of what a class is built with, less what scene and seed decide."""
    parameters = inspect.signature(class_at(path).__init__).parameters
    return {name: None if p.default is p.empty else p.default for name, p in parameters.items()
            if name not in GIVEN and p.kind is p.POSITIONAL_OR_KEYWORD}  # fmt: skip


def class_at(path: str) -> Any:
    """The class at a dotted path, such as `my_module.MyLoss`."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"cannot import {path!r}: {error}") from None


def _filled(section: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    for key in given:
        if key not in known:
            raise ConfigError(f"unknown key {section}.{key}; did you mean {section}.{_nearest(key, known)}?")
    return {**known, **given}
