"""Runs that words or signs answer: with no label (`zero_shot`), or with a ridge in closed form (`text_head`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hsikit.analysis.quantities import measure, nearness
from hsikit.analysis.text_head import TextHead, left_out_facts, pair_facts, sign_pairs
from hsikit.analysis.zero_shot import zero_shot
from hsikit.experiments.config import ConfigError, Experiment
from hsikit.inputs import Inputs
from hsikit.predict import Prediction
from hsikit.scenes import Scene, load_scene
from hsikit.splits import Split, make_split
from hsikit.text import (
    TextEncoder,
    TextVectors,
    encode_classes,
    load_prompts,
    load_text_encoder,
    random_vectors,
)
from hsikit.text.quantities import load_quantities, signatures, table_of


def encoder_of(text: Mapping[str, Any]) -> TextEncoder:
    """The text encoder that an experiment's text options name."""
    path = os.path.expandvars(text["path"])  # such as $HSIKIT_DATA/clip_text/vectors.npz
    if text["backend"] == "openclip":
        return load_text_encoder("openclip", model=text["model"], pretrained=path or "openai")
    return load_text_encoder(text["backend"], **({"path": path} if path else {}))


def class_vectors(experiment: Experiment, scene: Scene) -> TextVectors | None:
    """The class vectors an experiment asks for: encoded prompts, or one of the two controls."""
    options = experiment.text
    if not options:
        return None
    encoder = encoder_of(options)
    draw = experiment.seed if options["draw"] is None else options["draw"]
    prompts = load_prompts(experiment.prompts or experiment.scene)
    if prompts.class_names != tuple(scene.class_names):
        prompts = prompts.only(scene.class_names)  # a site's own file may have them in another order
    text = encode_classes(encoder, prompts, options["prompts"])
    if options["control"] == "shuffled":
        return text.permuted(draw)
    if options["control"] == "random":
        return random_vectors(scene.class_names, text.vectors.shape[1], draw)
    if options["control"] != "none":
        raise ConfigError(f"text.control {options['control']!r} is unknown; choose none, shuffled or random")
    return text


def inputs_of(experiment: Experiment, scene: Scene, split: Split) -> Inputs | None:
    """The inputs that an experiment asks for, fitted on the split's training pixels; None for the scene's own."""
    return Inputs.fit(scene, split, **experiment.inputs) if experiment.inputs else None


def without_labels(experiment: Experiment, scene: Scene, split: Split, text: TextVectors,
                   inputs: Inputs | None) -> tuple[Prediction, dict[str, Any]]:  # fmt: skip
    """A map from words or a table over the classes that the split trains, whose labels are not looked at.

    Returns:
        The map, and `pairs` (`sign_pairs`). With an expert's table named and signs filled by words also `agreement`:
        share of signs that are equal.
    """
    options = experiment.model
    quantities = load_quantities(options["quantities"])
    names = tuple(scene.class_names[c - 1] for c in split.classes)
    known = [quantity.name for quantity in quantities]
    if options["table"]:
        signs = table_of(options["table"], names, quantities)
        answer = zero_shot(
            scene, table={n: dict(zip(known, row)) for n, row in zip(names, signs)}, quantities=quantities
        )
    else:
        kept = np.array(split.classes) - 1
        prompts = tuple(text.prompts[k] for k in kept) if text.prompts else ()
        words = replace(text, vectors=text.vectors[kept], class_names=names, prompts=prompts)
        answer = zero_shot(scene, words, filled_by_words=options["filled_by_words"], quantities=quantities,
                           encoder=encoder_of(experiment.text))  # fmt: skip
    pairs = sign_pairs(answer.scores, answer.class_ids.tolist(), split, scene.class_names)
    encoder = "" if options["table"] else text.encoder
    facts: dict[str, Any] = {"encoder": encoder, "val_oa": None, "parameters": 0, "pairs": pairs}
    if options["expert"]:
        there = [known.index(name) for name in answer.quantities]
        expert = table_of(options["expert"], names, quantities)[:, there]
        facts["agreement"] = float((expert == answer.expected).mean())
    return answer.prediction(), facts


def closed_form(experiment: Experiment, scene: Scene, split: Split, text: TextVectors,
                inputs: Inputs | None) -> tuple[Prediction, dict[str, Any]]:  # fmt: skip
    """A map by the ridge, and what it finds of classes left out, alone (`unseen`) and in pairs (`pairs`, `pairs_p`)."""
    options = experiment.model
    head, spoken, measured = _head(experiment, scene, split, text, inputs)
    facts: dict[str, Any] = {"encoder": text.encoder, "val_oa": None,
                             "parameters": head.inputs.shape[1] * len(split.classes)}  # fmt: skip
    if options["left_out"]:
        facts["unseen"] = left_out_facts(head, spoken, measured, options["share"], scene.class_names)
        found = pair_facts(head, spoken, measured, options["share"], scene.class_names)
        facts |= {"pairs": found["pairs"], "pairs_p": found["p"]}
    return head.predict(scene, nearness(measured, spoken), options["map_share"]), facts


def _head(experiment: Experiment, scene: Scene, split: Split, text: TextVectors,
          inputs: Inputs | None) -> tuple[TextHead, np.ndarray, np.ndarray]:  # fmt: skip
    """The ridge, what words say of each class (class, quantity), and what is measured (row * col, quantity)."""
    quantities = load_quantities(experiment.model["quantities"])
    kept = np.array(split.classes) - 1
    spoken = np.zeros((scene.n_classes, len(quantities)))
    spoken[kept] = signatures(text.vectors[kept], quantities, encoder_of(experiment.text))
    measured = measure(scene, quantities).reshape(scene.valid.size, -1)
    seen = scene if inputs is None else inputs.of(scene)
    return TextHead.of(seen, split, text.vectors, experiment.model["penalty"]), spoken, measured


def found_by_words(experiment: Experiment, name: str) -> np.ndarray:
    """How well each pixel fits the words of a class that is left out of training: ranks (row, col) float32, 0 to 1.

    By the ridge less the best trained class and quantities in words, as the run of this experiment ranks test pixels;
    here all valid pixels are ranked, others are NaN.

    Args:
        experiment: Of the method `text_head`, such as an arm of the config language_pairs.
        name: Of the class.

    Example:
        >>> from hsikit.experiments.worded import found_by_words
        >>> config = {"method": "text_head", "scene": "simulated", "split": {"kind": "few_shot", "shots": 20}}
        >>> found_by_words(hsikit.expand(config)[0], "vineyard").shape
        (166, 600)
    """
    scene = load_scene(experiment.scene)
    split = make_split(scene, experiment.split, experiment.seed)
    text = class_vectors(experiment, scene)
    assert text is not None
    head, spoken, measured = _head(experiment, scene, split, text, inputs_of(experiment, scene, split))
    pixels = np.flatnonzero(scene.valid)
    score = head.find(pixels, scene.class_names.index(name) + 1, spoken, measured, experiment.model["share"])["both"]
    ranks = np.full(scene.valid.size, np.nan, np.float32)
    ranks[pixels[np.argsort(score, kind="stable")]] = np.linspace(0, 1, pixels.size)
    return ranks.reshape(scene.shape)
