"""`Why`: scores, exits, nearest pixels and occlusion, against slow references."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.analysis.occlusion import Occlusion
from hsikit.explore import Why
from hsikit.predict import predict_map

QUICK = hsikit.TrainConfig(epochs=2, threads=1)


@pytest.fixture(scope="module")
def scene():
    return tiny_scene(rows=36, cols=30, holes=True)


@pytest.fixture(scope="module")
def split(scene):
    return tiny_split(scene)


@pytest.fixture(scope="module")
def exits_model(scene, split):
    return hsikit.fit(hsikit.SDHSINet(13, 3, 9), scene, split, QUICK, progress=False).model


@pytest.fixture(scope="module")
def lidar_model(scene, split):
    return hsikit.fit(hsikit.TrunkClassifier(16, 1, 3, 5), scene, split, QUICK, progress=False).model


@pytest.fixture
def why(exits_model, scene, split):
    return Why(exits_model, scene, split)


def test_scores_and_exits_are_those_of_the_map(why, exits_model, scene):
    whole = predict_map(exits_model, scene, exits=True)
    for row, col in ((0, 0), (7, 12), (35, 29), (20, 4)):
        answer = why.pick(row, col).answer
        assert np.allclose(answer.scores, whole.scores[row, col], atol=1e-5)
        assert answer.label == whole.labels[row, col]
        assert len(answer.exits) == len(why.exit_names()) == 5
        told = answer.classes[answer.exits[:-1].argmax(1)]
        assert np.array_equal(told, whole.exits[:, row, col])
    assert np.allclose(answer.exits.sum(1), 1)


def test_nearest_are_training_pixels_a_window_away(why, scene, split):
    features = why.prediction.embeddings.reshape(-1, why.prediction.embeddings.shape[-1]).astype(float)
    row, col = 17, 14
    mine = features[row * scene.shape[1] + col]
    rank = []
    for pixel in split.train:
        r, c = divmod(int(pixel), scene.shape[1])
        if max(abs(r - row), abs(c - col)) >= 9:
            other = features[pixel]
            rank.append((-(mine @ other) / np.linalg.norm(mine) / np.linalg.norm(other), r, c))
    near = why.pick(row, col).near
    want = sorted(rank)[:5]
    assert np.allclose(near.similarity, [-w[0] for w in want], atol=1e-6)
    assert {tuple(p) for p in near.pixels.tolist()} == {w[1:] for w in want}
    assert np.array_equal(near.labels, split.labels[near.pixels[:, 0], near.pixels[:, 1]])


def test_occlusion_equals_a_scene_whose_bands_hold_the_training_mean(why, exits_model, scene):
    row, col = 18, 15
    reason = why.pick(row, col)
    best = reason.answer.scores.argmax()
    for place in (0, 5, 11):
        first, last = reason.answer.groups[place]
        hsi = scene.hsi.astype(float)
        hsi[..., first : last + 1] = exits_model.normalizer.mean[first : last + 1]
        without = predict_map(exits_model, replace(scene, hsi=hsi)).scores[row, col]
        drop = reason.answer.scores[best] - without[best]
        assert reason.answer.band_drop[place] == pytest.approx(drop, abs=1e-4)
    flat = np.broadcast_to(exits_model.normalizer.mean, scene.hsi.shape)
    nothing = predict_map(exits_model, replace(scene, hsi=flat)).scores[row, col]
    assert reason.answer.sensor_drop == {"HSI": pytest.approx(reason.answer.scores[best] - nothing[best], abs=1e-4)}
    covered = np.concatenate([np.arange(a, b + 1) for a, b in reason.answer.groups])
    assert np.array_equal(covered, np.arange(scene.bands))


def test_lidar_is_taken_away_as_a_sensor_of_its_own(lidar_model, scene, split):
    why = Why(lidar_model, scene, split)
    answer = why.pick(30, 10).answer
    assert list(answer.sensor_drop) == ["HSI", "LiDAR"]
    flat = np.full_like(scene.lidar, lidar_model.normalizer.lidar_mean[0])
    without = predict_map(lidar_model, replace(scene, lidar=flat)).scores[30, 10]
    best = answer.scores.argmax()
    assert answer.sensor_drop["LiDAR"] == pytest.approx(answer.scores[best] - without[best], abs=1e-4)
    assert why.exit_names() == ["final"]
    assert "without LiDAR" in why.message
    why.static()


def test_bands_out_of_order_are_grouped_by_wavelength(lidar_model, scene):
    swapped = scene.wavelengths_nm.copy()
    swapped[[2, 9]] = swapped[[9, 2]]
    model = replace(lidar_model, scene_facts=lidar_model.scene_facts | {"wavelengths_nm": swapped.tolist()})
    occlusion = Occlusion(model, replace(scene, wavelengths_nm=swapped), groups=4)
    assert np.array_equal(occlusion.order, np.argsort(swapped))
    assert [b - a + 1 for a, b in occlusion.groups] == [4, 4, 4, 4]
    taken = occlusion._without(torch.ones(1, 16, 3, 3), *occlusion.groups[0])
    assert np.array_equal(np.flatnonzero(taken[0, :, 0, 0] == 0), np.sort(np.argsort(swapped)[:4]))


def test_scenes_without_wavelengths_or_labels(exits_model, scene, split):
    bare = replace(scene, wavelengths_nm=None)
    why = Why(exits_model, bare, split)
    why.pick(20, 20)
    assert "bands" in why.message
    why.static()
    none = Why(exits_model, replace(scene, labels=np.zeros(scene.shape, int)))
    reason = none.pick(20, 20)
    assert len(reason.near.pixels) == 0
    assert "No labelled pixel" in none.message
    none.static()
    labelled = Why(exits_model, scene)
    labelled.pick(20, 20)
    assert "nearest labelled pixels" in labelled.message


def test_bad_input_is_said(why, exits_model, lidar_model, scene, split):
    bare = predict_map(exits_model, scene)
    for wrong, said in (
        (lambda: why.pick(99, 0), "outside the scene"),
        (lambda: why.pick(4, 5), "no measurement"),
        (lambda: Why("model", scene), "run.model"),
        (lambda: Why(lidar_model, replace(scene, lidar=None, lidar_names=())), "LiDAR channel"),
        (lambda: Why(exits_model, replace(tiny_scene(bands=20), wavelengths_nm=None)), "trained on 16 bands"),
        (lambda: Why(exits_model, scene, tiny_split(tiny_scene(rows=12))), "split was made for"),
        (lambda: Why(exits_model, scene, prediction=bare), "embeddings"),
        (lambda: Why(exits_model, scene, groups=0), "at least 1"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()


def test_widget_answers_a_click_and_the_keyboard(why, hand):
    live = hand(why)
    live.click("map", 12, 7)
    assert (why.now.row, why.now.col) == (7, 12)
    rings = live.view["map"].marks["rings"]
    assert [(r["y"], r["x"]) for r in rings] == [*map(tuple, why.now.near.pixels.tolist()), (7, 12)]
    assert [r["text"] for r in rings] == ["1", "2", "3", "4", "5", ""]
    live.click("map", 5, 4)
    assert "no measurement" in why.message
    why.go_to.set_state({"value": "30, 12"})
    assert (why.now.row, why.now.col) == (30, 12)
    live.click("map", 3, 3)
    live.send("map", "double")
    assert (why.now.row, why.now.col) == (30, 12)
    assert why.failures == []


def test_two_sensors_are_two_bars(lidar_model, scene, split, hand):
    why = Why(lidar_model, scene, split)
    live = hand(why)
    drop = why.pick(7, 12).answer.sensor_drop
    assert [box["x1"] for box in live.view["sensors"].marks["boxes"]] == list(drop.values())
    assert len(drop) == 2


def test_charts_show_the_reason(why, scene, hand):
    live = hand(why)
    reason = why.pick(7, 12)
    answer = reason.answer
    bars = [box["x1"] for box in live.view["scores"].marks["boxes"]]
    assert bars == pytest.approx(np.sort(answer.scores)[::-1][:6])
    assert [box["x1"] for box in live.view["exits"].marks["boxes"]] == pytest.approx(answer.exits.max(1))
    groups = live.view["bands"].marks["boxes"]
    assert [box["y1"] for box in groups] == pytest.approx(answer.band_drop)
    half = np.diff(scene.wavelengths_nm)[0] / 2
    assert [box["x0"] + half for box in groups] == pytest.approx([scene.wavelengths_nm[a] for a, _ in answer.groups])
    assert list(answer.sensor_drop) == ["HSI"]
    assert live.view["sensors"].layout.display == "none"  # one sensor tells nothing that the bands do not
    picked = np.frombuffer(live.view["spectra"].lines[-1]["mean"], np.float32)
    assert np.array_equal(picked, scene.hsi[7, 12].astype(np.float32))
    assert len(live.view["spectra"].lines) == 1 + len(reason.near.labels)
    assert live.view["spectra"].legend[-1]["label"] == "picked"


def test_a_later_pick_overtakes_an_earlier_one(why):
    why.widget()

    async def use() -> None:
        why.request(10, 10)
        why.request(30, 20)
        assert why.now is None  # nothing is answered before the loop turns
        for _ in range(200):
            await asyncio.sleep(0.02)
            if why.now is not None:
                break
        await asyncio.sleep(0.2)

    asyncio.run(use())
    assert (why.now.row, why.now.col) == (30, 20)
    assert why.failures == []
