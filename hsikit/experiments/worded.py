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
from hsikit.experiments.config import Experiment
from hsikit.inputs import Inputs
from hsikit.predict import Prediction
from hsikit.scenes import Scene
from hsikit.splits import Split
from hsikit.text import TextEncoder, TextVectors, load_text_encoder
from hsikit.text.quantities import load_quantities, signatures, table_of


def encoder_of(text: Mapping[str, Any]) -> TextEncoder:
    """The text encoder that an experiment's text options name."""
    path = os.path.expandvars(text["path"])  # such as $HSIKIT_DATA/clip_text/vectors.npz
    if text["backend"] == "openclip":
        return load_text_encoder("openclip", model=text["model"], pretrained=path or "openai")
    return load_text_encoder(text["backend"], **({"path": path} if path else {}))


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
    quantities = load_quantities(options["quantities"])
    kept = np.array(split.classes) - 1
    spoken = np.zeros((scene.n_classes, len(quantities)))
    spoken[kept] = signatures(text.vectors[kept], quantities, encoder_of(experiment.text))
    measured = measure(scene, quantities).reshape(scene.valid.size, -1)
    head = TextHead.of(scene if inputs is None else inputs.of(scene), split, text.vectors, options["penalty"])
    facts: dict[str, Any] = {"encoder": text.encoder, "val_oa": None, "parameters": head.inputs.shape[1] * len(kept)}
    if options["left_out"]:
        facts["unseen"] = left_out_facts(head, spoken, measured, options["share"], scene.class_names)
        found = pair_facts(head, spoken, measured, options["share"], scene.class_names)
        facts |= {"pairs": found["pairs"], "pairs_p": found["p"]}
    return head.predict(scene, nearness(measured, spoken), options["map_share"]), facts
