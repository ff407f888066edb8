"""A site of sixteen bands and a model trained on it, which every test may spoil."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import hsikit
from hsikit.experiments import ledger

YAML = "name: site\nhsi: cube.npy\nlabels: labels.npy\nclasses: [a, b, c]\n"
CONFIG = "method: cnn2d\nscene: site.yaml\nsplit: {kind: random, train: 0.3}\nmodel: {bands: 8, window: 7}\n"


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Path:
    """A folder with cube.npy, labels.npy, site.yaml, c.yaml and model/."""
    folder = tmp_path_factory.mktemp("whole")
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(24) // 8 + 1, 20).reshape(24, 20)
    cube = draw.normal(size=(3, 16))[labels - 1] + 0.4 * draw.normal(size=(24, 20, 16))
    np.save(folder / "cube.npy", cube.astype(np.float32))
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    (folder / "site.yaml").write_text(YAML)
    (folder / "c.yaml").write_text(CONFIG + "train: {epochs: 3}\n")
    scene = hsikit.load_scene(folder / "site.yaml")
    network, once = hsikit.CNN2D(bands=8, classes=3, window=7), hsikit.TrainConfig(epochs=1, threads=1)
    run = hsikit.fit(network, scene, hsikit.random_split(scene, train=0.3), once, progress=False)
    run.model.save(folder / "model")
    return folder


@pytest.fixture
def site(whole, tmp_path, monkeypatch) -> Path:
    """A copy of `whole`, which is the current folder; runs and ledger are beside it."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSIKIT_RUNS", "runs")
    monkeypatch.setenv("HSIKIT_LEDGER", "ledger.jsonl")
    monkeypatch.delenv("HSIKIT_DEBUG", raising=False)
    ledger._content.cache_clear()
    return tmp_path
