import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import NAMES, tiny_scene, tiny_split

from hsikit.analysis.exits import exit_answers, map_at_exit
from hsikit.fitted import Fitted
from hsikit.losses import Consistency, CrossEntropy, SelfDistillation
from hsikit.models import (
    CNN2D,
    CNN3D,
    SSFTT,
    SSRN,
    HybridSN,
    MMLGNet,
    SDHSINet,
    SpectralFormer,
    TrunkClassifier,
    recorded,
)
from hsikit.models.output import Output
from hsikit.predict import predict_map
from hsikit.scenes import Scene
from hsikit.text import random_vectors
from hsikit.train import TrainConfig, fit, gradient_shares

SHORT = TrainConfig(epochs=3, batch=32, threads=1)
WORDS = random_vectors(NAMES, 12, seed=0)
NETWORKS = {
    "mmlgnet": lambda: MMLGNet(16, 1, 12, window=5),
    "trunk_ce": lambda: TrunkClassifier(16, 1, 3, window=5),
    "sdhsi": lambda: SDHSINet(15, 3, 9),
    "sdhsi_ce": lambda: SDHSINet(15, 3, 9, exits=False),
    "cnn2d": lambda: CNN2D(15, 3, 7),
    "cnn3d": lambda: CNN3D(15, 3, 7),
    "hybridsn": lambda: HybridSN(15, 3, 9),
    "ssrn": lambda: SSRN(16, 3, 5),
    "ssftt": lambda: SSFTT(15, 3, 7),
    "spectralformer": lambda: SpectralFormer(16, 3, 3),
}


def train(name, scene, split, config=SHORT, **more):
    return fit(
        NETWORKS[name](),
        scene,
        split,
        config,
        text=WORDS if name == "mmlgnet" else None,
        progress=False,
        **more,
    )


def weights(run):
    return {name: value.clone() for name, value in run.model.network.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", NETWORKS)
def test_test_labels_cannot_reach_training(name):
    scene = tiny_scene()
    split = tiny_split(scene)
    first = weights(train(name, scene, split))
    labels = scene.labels.copy().ravel()
    labels[split.test] = np.random.default_rng(1).permutation(labels[split.test])
    other = Scene("tiny", scene.hsi, labels.reshape(scene.shape), NAMES, lidar=scene.lidar,
                  wavelengths_nm=scene.wavelengths_nm)  # fmt: skip
    changed = {"labels": np.where(split.labels > 0, other.labels, 0), "scene_hash": other.content_hash}
    permuted = type(split)(**{**vars(split), **changed})
    assert (permuted.y("test") != split.y("test")).any()
    assert same(first, weights(train(name, other, permuted)))


@pytest.mark.parametrize("name", ["mmlgnet", "sdhsi", "ssftt"])
def test_half_precision_learns_as_well_and_leaves_weights_in_float32(name):
    scene = tiny_scene()
    split = tiny_split(scene)
    config = TrainConfig(epochs=12, batch=32, threads=1)
    plain, mixed = train(name, scene, split, config), train(name, scene, split, replace(config, mixed=True))
    assert not same(weights(plain), weights(mixed))
    assert all(value.dtype == torch.float32 for value in weights(mixed).values() if value.is_floating_point())
    assert mixed.history["val_oa"].max() > plain.history["val_oa"].max() - 0.1 > 0.7


@pytest.mark.parametrize("name", ["mmlgnet", "sdhsi"])
def test_the_same_config_twice_is_the_same_bit_for_bit_and_another_seed_is_not(name):
    scene = tiny_scene(holes=True)
    split = tiny_split(scene)
    first, again = train(name, scene, split), train(name, scene, split)
    assert same(weights(first), weights(again))
    assert first.history.equals(again.history)
    other = train(name, scene, split, TrainConfig(epochs=3, batch=32, threads=1, seed=1))
    assert not same(weights(first), weights(other))


def test_channels_last_is_another_order_in_memory_and_the_same_training_but_for_last_bits():
    scene = tiny_scene()
    split = tiny_split(scene)
    plain = train("mmlgnet", scene, split)
    other = train("mmlgnet", scene, split, TrainConfig(epochs=3, batch=32, threads=1, channels_last=True))
    assert np.allclose(plain.history["loss"], other.history["loss"], rtol=1e-3)


@pytest.mark.parametrize("name", ["mmlgnet", "sdhsi", "cnn2d"])
def test_it_learns_what_can_be_learned(name):
    scene = tiny_scene()
    run = train(name, scene, tiny_split(scene), TrainConfig(epochs=25, batch=32, threads=1, lr=3e-3))
    assert run.history["val_oa"].max() > 0.9
    assert run.history["loss"].iloc[-1] < 0.6 * run.history["loss"].iloc[0]


class Stop(Exception):
    pass


@pytest.mark.parametrize(("direction", "more"), [
    ("deep_to_shallow", {}), ("temporal", {}), ("mean_to_all", {"steps": 14, "unlabelled": 8, "noise": 0.5}),
])  # fmt: skip
def test_cut_and_resumed_it_gives_the_same_numbers(direction, more, tmp_path, monkeypatch):
    import hsikit.train as module

    scene = tiny_scene()
    split = tiny_split(scene)
    config = TrainConfig(epochs=5, batch=32, threads=1, **more)
    loss = lambda: SelfDistillation(direction=direction, kl=0.5)  # noqa: E731
    whole = train("sdhsi", scene, split, config, loss=loss())
    saves = []

    def save_then_stop(path, parts, state, real=module._save):
        real(path, parts, state)
        saves.append(state.epoch)
        if state.epoch == 2:
            raise Stop

    monkeypatch.setattr(module, "_save", save_then_stop)
    with pytest.raises(Stop):
        train("sdhsi", scene, split, config, loss=loss(), checkpoint=tmp_path / "c.pt")
    monkeypatch.undo()
    resumed = train("sdhsi", scene, split, config, loss=loss(), checkpoint=tmp_path / "c.pt")
    assert saves == [1, 2]
    assert same(weights(whole), weights(resumed))
    assert whole.history.equals(resumed.history)
    assert list(tmp_path.iterdir()) == []


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_train import *
scene = tiny_scene()
config = TrainConfig(epochs=120, batch=16, threads=1)
train("cnn2d", scene, tiny_split(scene), config, checkpoint=Path({checkpoint!r}))
"""


def test_killed_without_warning_and_rerun_it_gives_the_same_numbers(tmp_path):
    checkpoint = tmp_path / "c.pt"
    code = CHILD.format(tests=str(Path(__file__).parent), checkpoint=str(checkpoint))
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.returncode == -signal.SIGKILL
    done = torch.load(checkpoint, weights_only=True)
    assert '"epoch": ' in done["progress"]
    scene = tiny_scene()
    config = TrainConfig(epochs=120, batch=16, threads=1)
    resumed = train("cnn2d", scene, tiny_split(scene), config, checkpoint=checkpoint)
    whole = train("cnn2d", scene, tiny_split(scene), config)
    assert same(weights(whole), weights(resumed))


@pytest.mark.parametrize("name", ["mmlgnet", "sdhsi"])
def test_saved_and_loaded_it_is_the_same(name, tmp_path):
    scene = tiny_scene()
    run = train(name, scene, tiny_split(scene))
    run.model.save(tmp_path / "model")
    loaded = Fitted.load(tmp_path / "model")
    assert same(weights(run), {k: v for k, v in loaded.network.state_dict().items()})
    assert list(loaded.class_ids) == [1, 2, 3]
    assert tuple(loaded.class_names) == NAMES
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    with pytest.raises(FileNotFoundError, match=r"model\.json.*missing"):
        Fitted.load(tmp_path)


def test_gradient_shares_add_up_to_one():
    scene = tiny_scene()
    history = train("sdhsi", scene, tiny_split(scene)).history
    shares = history.filter(like="grad_share_").iloc[0]
    assert set(shares.index) == {f"grad_share_{t}" for t in ("ce_final", "ce_exits", "kl", "hint")}
    assert shares.sum() == pytest.approx(1.0)
    network = torch.nn.Linear(3, 1, bias=False)
    x = network(torch.ones(1, 3)).sum()
    assert gradient_shares({"a": 3 * x, "b": x}, network) == pytest.approx({"grad_share_a": 0.75, "grad_share_b": 0.25})


def test_validation_picks_the_epoch():
    scene = tiny_scene()
    run = train("cnn2d", scene, tiny_split(scene), TrainConfig(epochs=8, batch=32, threads=1))
    history = run.history
    best = history.sort_values(["val_oa", "val_loss"], ascending=[False, True]).iloc[0]["epoch"]
    again = train("cnn2d", scene, tiny_split(scene), TrainConfig(epochs=8, batch=32, threads=1))
    assert history["val_oa"].max() >= history["val_oa"].iloc[-1]
    assert 1 <= best <= 8
    assert same(weights(run), weights(again))


@recorded
class Mine(torch.nn.Module):
    """A user's own network: ten lines, joined to everything."""

    dense, lidar_channels, window = True, 0, 1

    def __init__(self, bands=16, classes=3):
        super().__init__()
        self.bands = bands
        self.head = torch.nn.Conv2d(bands, classes, 1)

    def forward(self, hsi, lidar=None):
        return Output(self.head(hsi), hsi)


def test_a_users_own_module_trains():
    scene = tiny_scene()
    run = fit(Mine(), scene, tiny_split(scene), TrainConfig(epochs=10, batch=16, threads=1, lr=1e-2), progress=False)
    assert run.history["val_oa"].max() > 0.8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda s, p: fit(MMLGNet(16, 1, 12, window=5), s, p, SHORT), "pass text="),
        (
            lambda s, p: fit(MMLGNet(16, 1, 12, window=5), s, p, SHORT, text=random_vectors("abc", 12, 0)),
            "write prompts",
        ),
        (lambda s, p: fit(MMLGNet(16, 1, 10, window=5), s, p, SHORT, text=WORDS), "set text_dim"),
        (lambda s, p: fit(MMLGNet(16, 2, 12, window=5), s, p, SHORT, text=WORDS), "lidar_channels=1"),
        (lambda s, p: TrainConfig(epochs=0), "epochs=0"),
        (lambda s, p: TrainConfig(schedule="up"), "'onecycle' or 'cosine'"),
    ],
)
def test_bad_input_is_one_clear_line(wrong, message):
    scene = tiny_scene()
    with pytest.raises(ValueError, match=message):
        wrong(scene, tiny_split(scene))


def test_steps_end_in_the_middle_of_an_epoch(monkeypatch):
    import hsikit.train as module

    scene, taken, real = tiny_scene(), [], torch.optim.AdamW.step
    split = tiny_split(scene)
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: (taken.append(1), real(self)))
    run = train("cnn2d", scene, split, TrainConfig(steps=7, batch=len(split.train) // 3, threads=1))
    assert (len(taken), len(run.history)) == (7, 3)  # three batches an epoch
    assert module.TrainConfig(steps=7).epochs == 60


SOFT = {"kl": 0.5, "temperature": 2.0, "hint": 0.0, "direction": "mean_to_all", "rampup": 0.3}


@pytest.mark.parametrize("loss", [lambda: SelfDistillation(**SOFT), CrossEntropy, Consistency])
def test_windows_without_label_reach_training_and_test_labels_do_not(loss):
    scene = tiny_scene()
    split = tiny_split(scene)
    labels = scene.labels.copy()
    labels.ravel()[split.test] = np.random.default_rng(0).permutation(labels.ravel()[split.test])
    moved = replace(scene, labels=labels)
    config = replace(SHORT, unlabelled=8)
    runs = [train("sdhsi", s, replace(split, labels=s.labels), config, loss=loss()) for s in (scene, moved)]
    assert same(*map(weights, runs))
    if loss is not Consistency:
        assert not same(weights(runs[0]), weights(train("sdhsi", scene, split, SHORT, loss=loss())))


def test_the_background_pool_holds_no_window_with_a_test_pixel():
    import hsikit.train as module

    scene = tiny_scene()
    labels = scene.labels.copy()
    labels[:, : labels.shape[1] // 2] = 0
    scene = replace(scene, labels=labels)
    split = tiny_split(scene)
    cube = module.Cube.of(scene, module.reduce_bands(scene, split.train, 15), 9)
    sampler = module._unlabelled(cube, scene, split, replace(SHORT, unlabelled=4, pool="background"))
    tested = np.stack(np.divmod(split.test, scene.shape[1]), 1)
    for row, col in zip(sampler.rows.tolist(), sampler.cols.tolist()):
        assert scene.labels[row, col] == 0
        assert np.abs(tested - (row, col)).max(1).min() > 4  # half of the window
    everywhere = module._unlabelled(cube, scene, split, replace(SHORT, unlabelled=4))
    assert len(everywhere.rows) == scene.valid.sum() - len(split.train) > len(sampler.rows) > 0


def test_an_answer_by_the_mean_of_all_outputs_is_their_mean_probability():
    scene = tiny_scene()
    split = tiny_split(scene)
    run = fit(SDHSINet(15, 3, 9, "few_labels", answer="mean"), scene, split, SHORT, progress=False)
    answers = exit_answers(run.model, scene, split.test)
    rows, cols = np.divmod(split.test, scene.shape[1])
    for mode in ("dense", "window"):
        scores = predict_map(run.model, scene, mode=mode).scores[rows, cols]
        np.testing.assert_allclose(scores, np.mean(answers.probabilities, 0), atol=1e-4)
    assert (map_at_exit(run.model, scene, None)[rows, cols] == answers.mean_labels()).mean() > 0.999
