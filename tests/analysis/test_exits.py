from functools import cache

import numpy as np
import pytest
import torch
from tiny import tiny_scene, tiny_split

from hsikit.analysis.damage import robustness
from hsikit.analysis.exits import (
    THRESHOLDS,
    choose_exit,
    choose_threshold,
    early_exit,
    early_exit_curve,
    exit_answers,
    exit_costs,
    exit_speeds,
    leaving_costs,
    map_at_exit,
)
from hsikit.models import CNN2D, SDHSINet
from hsikit.predict import predict_map
from hsikit.predict.fast import for_maps
from hsikit.train import TrainConfig, fit

SCENE = tiny_scene(rows=80)  # more than one strip
SPLIT = tiny_split(SCENE, 0.1)


@cache
def trained(exits=True):
    network = SDHSINet(15, 3, 9, exits=exits)
    return fit(network, SCENE, SPLIT, TrainConfig(epochs=3, batch=32, lr=3e-3, threads=1), progress=False).model


def test_costs_of_light_by_hand():
    costs = exit_costs(SDHSINet(30, 16, 11)).set_index("name")
    trunk = np.cumsum([8 * 63 + 8 + 16, 16 * 8 * 45 + 16 + 32, 32 * 16 * 27 + 32 + 64, 64 * 576 * 9 + 64 + 128])
    widths = np.array([8 * 24, 16 * 20, 32 * 18, 64])  # channels times bands left
    mlp = widths * 64 + 64 + 64 * 16 + 16
    assert list(costs["parameters"][:4]) == list(trunk + mlp)
    assert costs["parameters"]["final"] == trunk[-1] + (64 * 128 + 128) + (128 * 16 + 16)
    a_pixel = np.cumsum([8 * 63 * 24, 16 * 8 * 45 * 20, 32 * 16 * 27 * 18, 64 * 576 * 9])
    a_window = np.cumsum([8 * 63 * 24 * 81, 16 * 8 * 45 * 20 * 49, 32 * 16 * 27 * 18 * 25, 64 * 576 * 9 * 9])
    answer = widths * 64 + 64 * 16
    assert list(costs["macs"][:4]) == list(a_pixel + answer)
    assert list(costs["macs_window"][:4]) == list(a_window + answer)
    assert costs["macs"]["final"] == a_pixel[-1] + 64 * 128 + 128 * 16


def test_costs_of_paper_by_hand():
    costs = exit_costs(SDHSINet(30, 16, 25, variant="paper")).set_index("name")
    a_window = 8 * 63 * 24 * 23**2 + 16 * 8 * 45 * 20 * 21**2 + 32 * 16 * 27 * 18 * 19**2 + 64 * 576 * 9 * 17**2
    assert costs["macs_window"]["final"] == a_window + 64 * 256 * 17**2 + 256 * 128 + 128 * 16
    assert list(exit_costs(SDHSINet(30, 16, 11, exits=False))["name"]) == ["final"]


@pytest.mark.parametrize("variant", ["light", "paper"])
def test_arranged_for_maps_every_exit_answers_the_same(variant):
    torch.manual_seed(0)
    network = SDHSINet(15, 3, 9, variant=variant).train()
    for _ in range(3):  # move the batch statistics away from their start
        network(torch.randn(16, 15, 9, 9) * 2 + 1)
    quick, x = for_maps(network.eval()), torch.randn(1, 15, 13, 12)
    with torch.no_grad():
        for depth in (1, 2, 3, 4, None):
            torch.testing.assert_close(quick.answer(x, depth), network.answer(x, depth), atol=1e-4, rtol=0)
        whole = network(x)
        for depth, logits in enumerate([*whole.exits, whole.logits], 1):
            torch.testing.assert_close(network.answer(x, depth), logits, atol=1e-5, rtol=0)


def test_a_pass_that_ends_at_an_exit_gives_its_map():
    whole = predict_map(trained(), SCENE, exits=True)
    for depth, want in enumerate([*whole.exits, whole.labels], 1):
        assert (map_at_exit(trained(), SCENE, depth) == want).mean() > 0.999, depth
    assert (map_at_exit(trained(), SCENE, None) == whole.labels).mean() > 0.999
    with pytest.raises(ValueError, match="exits 1 to 4"):
        map_at_exit(trained(), SCENE, 6)


def test_answers_of_single_pixels_are_those_of_their_windows():
    answers = exit_answers(trained(), SCENE, SPLIT.test[::-1])
    whole = predict_map(trained(), SCENE, exits=True, embeddings=True)
    at = np.divmod(SPLIT.test[::-1], SCENE.shape[1])
    assert np.allclose(answers.probabilities[-1], whole.scores[at], atol=1e-4)
    assert np.allclose(answers.features[-1], whole.embeddings[at], atol=1e-4)
    for labels, raster in zip(answers.labels(), whole.exits):
        assert (labels == raster[at]).mean() > 0.99
    without = exit_answers(trained(exits=False), SCENE, SPLIT.test)
    assert len(without.probabilities) == 1
    assert [f.shape[1] for f in without.features] == [f.shape[1] for f in answers.features] == [72, 80, 96, 64, 128]


def test_windows_leave_at_the_first_exit_that_is_sure():
    costs = exit_costs(trained().network)
    answers = exit_answers(trained(), SCENE, SPLIT.test)
    sure = np.stack([p.max(1) for p in answers.probabilities])
    threshold = float(np.median(sure[1]))
    stopped = early_exit(trained(), SCENE, SPLIT.test, threshold)
    for n, labels, k, macs in zip(range(400), stopped.labels, stopped.exit, stopped.macs):
        if np.abs(sure[:, n] - threshold).min() < 1e-4:
            continue  # rounding decides
        want = next((e for e in range(4) if sure[e, n] >= threshold), 4)
        assert k == want + 1
        assert labels == answers.labels()[want][n]
        asked = costs["macs_own"][:want].sum()
        assert macs == costs["macs_window"][want] + asked
    assert len(set(stopped.exit)) > 2
    everything = early_exit(trained(), SCENE, SPLIT.test, 1.1)
    assert set(everything.exit) == {5}
    assert everything.macs.mean() == leaving_costs(costs)[-1]
    curve = early_exit_curve(answers, SPLIT.y("test"), costs, (threshold, 1.1))
    assert curve[0]["macs_window"] == pytest.approx(stopped.macs.mean(), rel=0.01)
    assert curve[0]["oa"] == pytest.approx((stopped.labels == SPLIT.y("test")).mean(), abs=0.005)
    assert curve[1]["oa"] == pytest.approx((answers.labels()[-1] == SPLIT.y("test")).mean())


def test_a_network_without_exits_has_one_answer():
    assert set(early_exit(trained(exits=False), SCENE, SPLIT.val, 0.0).exit) == {1}


def test_the_exit_is_chosen_on_validation_pixels():
    right = [(labels == SPLIT.y("val")).mean() for labels in exit_answers(trained(), SCENE, SPLIT.val).labels()]
    assert choose_exit(trained(), SCENE, SPLIT, 1.0) == 1
    chosen = choose_exit(trained(), SCENE, SPLIT, 0.01)
    assert right[chosen - 1] >= right[-1] - 0.01
    assert all(oa < right[-1] - 0.01 for oa in right[: chosen - 1])
    none = tiny_split(SCENE, 0.1).__class__(**{**vars(SPLIT), "val": SPLIT.val[:0],
                                               "labels": np.where(SPLIT.mask("val"), 0, SPLIT.labels)})  # fmt: skip
    with pytest.raises(ValueError, match="no validation pixels"):
        choose_exit(trained(), SCENE, none)


def test_the_threshold_is_chosen_on_validation_pixels():
    answers, truth = exit_answers(trained(), SCENE, SPLIT.val), SPLIT.y("val")
    full = (answers.labels()[-1] == truth).mean()
    curve = early_exit_curve(answers, truth, exit_costs(trained().network))
    good = [p["threshold"] for p in curve if p["oa"] >= full - 0.003]
    assert choose_threshold(trained(), SCENE, SPLIT) == (min(good) if good else 1.1)
    assert choose_threshold(trained(), SCENE, SPLIT, tolerance=1.0) == THRESHOLDS[0]


def test_speeds_have_a_row_an_exit():
    speeds = exit_speeds(trained(), SCENE, repeats=1)
    assert list(speeds["name"]) == ["exit 1", "exit 2", "exit 3", "exit 4", "final"]
    assert speeds["speedup"].iloc[-1] == 1.0
    assert (speeds["pixels_per_second"] > 0).all()


def test_damage_costs_accuracy():
    table = robustness(trained(), SCENE, SPLIT, {"noise": (0.0, 3.0), "dropped_bands": (1.0,)})
    whole = (predict_map(trained(), SCENE).labels.ravel()[SPLIT.test] == SPLIT.y("test")).mean()
    assert table["oa"][0] == pytest.approx(whole, abs=0.005)
    assert table["oa"][2] < table["oa"][0]
    assert list(table["kind"]) == ["noise", "noise", "dropped_bands"]


def test_only_sdhsi_has_exits():
    other = fit(CNN2D(15, 3, 7), SCENE, SPLIT, TrainConfig(epochs=1, threads=1), progress=False).model
    with pytest.raises(ValueError, match="CNN2D has no exits"):
        exit_answers(other, SCENE, SPLIT.test)


def test_costs_of_a_trunk_with_fewer_exits_than_stages_by_hand():
    costs = exit_costs(SDHSINet(8, 9, 11, variant="fields")).set_index("name")
    assert list(costs.index) == ["exit 1", "exit 2", "exit 3", "final"]
    stages = np.array([16 * 3 * 6, 16 * 16 * 27 * 4, 64 * 64 * 9, 64 * 64 * 9])  # no biases; bands left 6, then 4
    answer = np.array([96, 64, 64]) * 64 + 64 * 9
    assert list(costs["macs"][:3]) == list(stages.cumsum()[:3] + answer)
    assert costs["macs"]["final"] == stages.sum() + 64 * 128 + 128 * 9
    sides = np.array([11, 9, 7, 5]) ** 2
    assert costs["macs_window"]["final"] == (stages * sides).sum() + 64 * 128 + 128 * 9
