"""Input that does not fit: a message where one looks, never a traceback."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.explore import (
    CompareMaps,
    FeatureSpaceExplorer,
    LabelPainter,
    LeakageExplorer,
    PromptExplorer,
    SpectraExplorer,
    Why,
)
from hsikit.explore.panel import Unfit

SCENE = tiny_scene()
LACKING = {
    "wavelengths": replace(SCENE, wavelengths_nm=None),
    "LiDAR": replace(SCENE, lidar=None),
    "labels": replace(SCENE, labels=np.zeros(SCENE.shape, int)),
    "classes": replace(SCENE, labels=np.zeros(SCENE.shape, int), class_names=(), colors=()),
}


@pytest.fixture(scope="module")
def model():
    network = hsikit.SDHSINet(13, 3, 9)
    config = hsikit.TrainConfig(epochs=1, threads=1)
    return hsikit.fit(network, SCENE, tiny_split(SCENE), config, progress=False).model


@pytest.fixture(scope="module")
def speaking():
    text = hsikit.text.random_vectors(SCENE.class_names, 384, 0)
    network = hsikit.MMLGNet(SCENE.bands, 0, 384, window=5)
    config = hsikit.TrainConfig(epochs=1, threads=1)
    return hsikit.fit(network, SCENE, tiny_split(SCENE), config, text=text, progress=False).model


NAMES = ("spectra", "cloud", "painter", "why", "compare", "prompts")


@pytest.mark.parametrize(("name", "lacking"), [c for c in product(NAMES, LACKING) if c != ("prompts", "classes")])
def test_scenes_that_lack_something_are_shown_all_the_same(name, lacking, model, speaking):
    scene = LACKING[lacking]
    maps = np.where(SCENE.valid, 1, 0)
    made = {
        "spectra": lambda: SpectraExplorer(scene),
        "cloud": lambda: FeatureSpaceExplorer(scene.hsi, scene.labels, scene, np.arange(0, scene.labels.size, 3)),
        "painter": lambda: LabelPainter(scene),
        "why": lambda: Why(model, scene),
        "compare": lambda: CompareMaps(maps, maps, None if lacking == "classes" else scene),
        "prompts": lambda: PromptExplorer(speaking, scene),
    }[name]()
    png = made._repr_mimebundle_()["image/png"]
    assert min(Image.open(io.BytesIO(base64.b64decode(png))).size) > 300
    assert made.message
    assert made.failures == []


def test_class_prompts_need_names_for_the_classes_of_the_model(speaking):
    with pytest.raises(Unfit, match="names 0"):
        PromptExplorer(speaking, LACKING["classes"])


def unfit():
    flat, few = SCENE.hsi.reshape(-1, SCENE.bands), np.arange(50)
    holed = flat[:50].copy()
    holed[3, 2] = np.nan
    yield "another length", lambda: FeatureSpaceExplorer(flat[:49], np.ones(50, int), SCENE, few), "for 50 pixels"
    yield "NaN", lambda: FeatureSpaceExplorer(holed, np.ones(50, int), SCENE, few), "NaN"
    yield "two points", lambda: FeatureSpaceExplorer(flat[:2], np.ones(2, int), SCENE, few[:2]), "at least 3"
    yield "no labels", lambda: LeakageExplorer(LACKING["labels"]), "label"
    yield "no words", lambda: PromptExplorer(None, SCENE), "does not answer to words"
    yield "other maps", lambda: CompareMaps(np.ones((2, 2), int), np.ones((3, 3), int)), "one size"
    yield "no model", lambda: Why(None, SCENE), "Fitted"


@pytest.mark.parametrize(("make", "said"), [c[1:] for c in unfit()], ids=[c[0] for c in unfit()])
def test_what_cannot_be_shown_is_a_message_without_a_traceback(make, said, capsys):
    with pytest.raises(ValueError, match=said):
        make()
    shell = InteractiveShell.instance()
    shell.user_ns["_make"] = make
    try:
        result = shell.run_cell("_make()")
    finally:
        InteractiveShell.clear_instance()  # other tests run without IPython
    shown = "".join(capsys.readouterr())
    assert isinstance(result.error_in_exec, Unfit)
    assert said in shown
    assert "Traceback" not in shown
    assert len(shown.strip().splitlines()) == 1


def test_fewer_points_than_the_perplexity_allows():
    pixels = np.arange(12)
    explorer = FeatureSpaceExplorer(SCENE.hsi.reshape(-1, SCENE.bands)[pixels], np.ones(12, int), SCENE, pixels)
    explorer.widget()
    explorer._panel.method.set_state({"index": 1})
    assert "perplexity 30 with 12 points" in explorer._line.value
    assert explorer.method == "pca"
    assert explorer.failures == []
