"""Make one run: load, split, train, map, score, write the folder, append the row."""

from __future__ import annotations

import json
import logging
import os
import platform
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
import pandas as pd

from hsikit import __version__
from hsikit._util import arrays_of, class_at, remove, saved, write_text
from hsikit._util.errors import door
from hsikit.analysis.unseen import unseen_facts
from hsikit.experiments.config import ConfigError, Experiment
from hsikit.experiments.extras import exit_facts, ground_facts, word_facts
from hsikit.experiments.ledger import LedgerError, Store, same_scene
from hsikit.experiments.methods import LOSSES, METHODS, Method, make
from hsikit.experiments.worded import class_vectors, closed_form, inputs_of, without_labels
from hsikit.fitted import Fitted
from hsikit.inputs import Inputs
from hsikit.metrics import Scores, score
from hsikit.models import count_parameters, module_at
from hsikit.predict import Prediction, predict_map
from hsikit.scenes import Scene, load_scene
from hsikit.scenes.scene import readable
from hsikit.shallow import fit_shallow
from hsikit.splits import Split, make_split
from hsikit.train import TrainConfig, fit

log = logging.getLogger(__name__)
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run read back: its row, its map, its model where the method has one, its history."""

    row: dict[str, Any]
    labels: np.ndarray
    model: Fitted | None
    history: pd.DataFrame


@door
def run_experiment(experiment: Experiment, store: Store | None = None, *, files: bool = False,
                   progress: bool = True) -> dict[str, Any]:  # fmt: skip
    """Make a run unless the ledger or its folder holds it, and return its row.

    Args:
        files: Also insist on the run's folder (weights, map), making it again when only the row is there.

    Raises:
        ConfigError: When the scene changed since the ledger's row was made.

    Example:
        >>> config = {"method": "lda", "scene": "simulated", "split": {"kind": "few_shot", "shots": 5}, "seeds": [0]}
        >>> row = hsikit.run_experiment(hsikit.expand(config)[0])
        >>> row["method"], row["split"], row["oa"] > 0.5
        ('lda', 'shot_5', True)
    """
    store = store or Store.of_environment()
    known = store.rows().get(experiment.hash)
    folder = store.folder(experiment.hash)
    if known and (folder.exists() or not files):
        return same_scene(known, experiment)
    with store.lock(experiment.hash):
        if not (folder / "result.json").is_file():
            if folder.is_symlink() or folder.is_file():  # refused before the work, not after it
                raise ConfigError(f"{folder} is no folder of its own; remove it, the run is kept there")
            scene = load_scene(experiment.scene)
            store.admit(scene)
            if known:
                same_scene(known, experiment)
            _make(experiment, scene, store, progress)
        for left in (CHECKPOINT, f"{CHECKPOINT}.damaged"):  # not before: what is made of the weights takes its time too
            (folder / left).unlink(missing_ok=True)
        row = _result(folder / "result.json", experiment)
        store.append(row)
    return row


def _result(file: Path, experiment: Experiment) -> dict[str, Any]:
    with readable(file, "row of a run", f"delete {file.parent} and run it again", LedgerError):
        row = json.loads(file.read_bytes())
        if row["hash"] != experiment.hash:
            raise ValueError(f"of run {short(row['hash'])}")
        return row


@door
def load_run(experiment: Experiment, store: Store | None = None, progress: bool = True) -> Finished:
    """The run of an experiment with its map and model, trained now if it is not there.

    Example:
        >>> config = {"method": "lda", "scene": "simulated", "split": {"kind": "few_shot", "shots": 5}, "seeds": [0]}
        >>> hsikit.load_run(hsikit.expand(config)[0]).labels.shape
        (166, 600)
    """
    store = store or Store.of_environment()
    row = run_experiment(experiment, store, files=True, progress=progress)
    folder = store.folder(experiment.hash)
    with (readable(folder / "prediction.npz", "map", f"delete {folder} and run it again", LedgerError),
          arrays_of(folder / "prediction.npz") as file):  # fmt: skip
        labels = file["labels"]
    own = [] if experiment.method in METHODS else [experiment.method]
    model = Fitted.load(folder / "model", trust=own) if (folder / "model").exists() else None
    history = pd.read_csv(folder / "history.csv") if (folder / "history.csv").is_file() else pd.DataFrame()
    return Finished(row, labels, model, history)


def _make(experiment: Experiment, scene: Scene, store: Store, progress: bool) -> None:
    part = store.part(experiment.hash)
    part.mkdir(parents=True, exist_ok=True)
    for left in part.glob("*.part"):  # of a process that was killed while it wrote
        remove(left)
    write_text(part / "config.json", experiment.canonical())
    split = make_split(scene, experiment.split, experiment.seed)
    start = time.perf_counter()
    row = METHODS.get(experiment.method, Method("a user's own"))
    work = _learned if row.network else _worded if row.words else _shallow
    prediction, facts = work(experiment, scene, split, part, progress)
    scores = score(prediction, split)
    seconds = facts.pop("seconds", time.perf_counter() - start)
    saved(part / "prediction.npz", lambda file: np.savez_compressed(
        file, labels=prediction.labels, classes=prediction.classes, test_scores=_at_test(prediction, split)
    ))  # fmt: skip
    row = _row(experiment, scene, split, scores, seconds) | ground_facts(prediction.labels, split, scores) | facts
    write_text(part / "result.json", json.dumps(row, indent=1, sort_keys=True))
    folder = store.folder(experiment.hash)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(part, folder)


def _learned(experiment: Experiment, scene: Scene, split: Split, part: Path, progress: bool):
    text = class_vectors(experiment, scene)
    network, inputs = network_of(experiment, scene, split, 0 if text is None else text.vectors.shape[1])
    loss_options = dict(experiment.loss)
    kind = loss_options.pop("kind")
    made: Any = class_at(kind) if kind in LOSSES else module_at(kind, None, "the config")
    loss = made(**loss_options)
    config = TrainConfig(**experiment.train, seed=experiment.seed)
    run = fit(network, scene, split, config, loss=loss, text=text, inputs=inputs, checkpoint=part / CHECKPOINT,
              keep_checkpoint=True, progress=progress)  # fmt: skip
    run.model.save(part / "model")
    write_text(part / "history.csv", run.history.to_csv(index=False))
    facts: dict[str, Any] = {
        "parameters": count_parameters(network), "seconds": run.seconds, "val_oa": _val_oa(run.history, config.keep),
        "encoder": text.encoder if text is not None else "",
    }  # fmt: skip
    prediction = predict_map(run.model, scene)
    if split.unseen_classes and text is not None:
        facts["unseen"] = unseen_facts(run.model, scene, split)
    extras = METHODS.get(experiment.method, Method()).extras
    if "words" in extras:
        facts |= word_facts(run.model, scene, split, prediction, dict(experiment.text), experiment.prompts)
    if "exits" in extras:
        facts |= exit_facts(run.model, scene, split, run.history)
    return prediction, facts


def network_of(experiment: Experiment, scene: Scene, split: Split, text_dim: int = 0) -> tuple[Any, Inputs | None]:
    """The network of a run with its first weights, and the inputs that it reads in the place of bands and LiDAR.

    Args:
        text_dim: Length of the class vectors of a method that answers to words, else 0.
    """
    inputs = inputs_of(experiment, scene, split)
    seen = scene if inputs is None else inputs.of(scene)
    discriminants = experiment.train["reduction"] == "discriminants"
    bands = len(split.classes) - 1 if discriminants else seen.bands
    options = dict(experiment.model) | ({"text_dim": text_dim} if text_dim else {})
    network = make(experiment.method, bands, seen.lidar_channels, scene.n_classes, experiment.seed, options)
    return network, inputs


def _shallow(experiment: Experiment, scene: Scene, split: Split, part: Path, progress: bool):
    inputs = inputs_of(experiment, scene, split)
    scene = scene if inputs is None else inputs.of(scene)
    fitted = fit_shallow(experiment.method, scene, split, seed=experiment.seed, **experiment.model)
    return fitted.predict(scene), {"parameters": fitted.parameters, "val_oa": fitted.val_oa, "trials": fitted.trials,
                                   "chosen": fitted.chosen}  # fmt: skip


def _worded(experiment: Experiment, scene: Scene, split: Split, part: Path, progress: bool):
    text = class_vectors(experiment, scene)
    assert text is not None
    return {"zero_shot": without_labels, "text_head": closed_form}[experiment.method](
        experiment, scene, split, text, inputs_of(experiment, scene, split)
    )


def _val_oa(history: pd.DataFrame, keep: str) -> float | None:
    """Validation accuracy of the epoch kept."""
    if "val_oa" not in history:
        return None
    return float(history["val_oa"].max() if keep == "best" else history["val_oa"].iloc[-1])


def _at_test(prediction: Prediction, split: Split) -> np.ndarray:
    rows, cols = np.divmod(split.test, split.shape[1])
    return prediction.scores[rows, cols].astype(np.float16)  # (test pixel, class)


def _row(experiment: Experiment, scene: Scene, split: Split, scores: Scores, seconds: float) -> dict[str, Any]:
    return {
        "hash": experiment.hash, "name": experiment.label, "method": experiment.method, "scene": scene.name,
        "simulated": scene.simulated, "split": experiment.split_name, "seed": experiment.seed,
        "oa": scores.oa, "aa": scores.aa, "kappa": scores.kappa,
        "per_class": {n: None if np.isnan(r) else float(r) for n, r in zip(scores.class_names, scores.recall)},
        "tested_classes": scores.tested, "n_train": len(split.train), "n_val": len(split.val),
        "n_test": len(split.test), "seconds": round(seconds, 2), "threads": experiment.train["threads"],
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "scene_hash": scene.content_hash, "config": json.loads(experiment.canonical()), "trials": experiment.trials,
        "chosen": {}, "encoder": "", **_machine(),
    }  # fmt: skip


@lru_cache
def _machine() -> dict[str, Any]:
    versions = {"hsikit": __version__, **{name: version(name) for name in ("torch", "numpy", "scikit-learn")}}
    return {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version(),
            "commit": commit(), "versions": versions}  # fmt: skip


def commit() -> str:
    """The commit of the working tree that hsikit is imported from, "-dirty" where its code differs, or "unknown"."""
    where = Path(__file__).parents[1]  # the package
    git = lambda *what: subprocess.run(["git", *what], cwd=where, capture_output=True, text=True).stdout.strip()  # noqa: E731
    try:
        head = git("rev-parse", "--short", "HEAD")
        return head + ("-dirty" if git("status", "--porcelain", "--", ".") else "") if head else "unknown"
    except OSError:
        return "unknown"


__all__ = ["Finished", "commit", "load_run", "run_experiment"]
