"""Networks of several scales: apart as if alone, dense as in windows, and the same trunk with and without words."""

import numpy as np
import pytest
import torch

from hsikit.losses import CrossEntropy, SymmetricContrastive
from hsikit.models import MMLGNetScales, Output, TrunkScales, build, describe
from hsikit.predict import predict_map
from hsikit.text import random_vectors
from hsikit.train import TrainConfig, fit
from tests.tiny import NAMES, tiny_scene, tiny_split

TEXT = random_vectors(NAMES, 16, seed=0)


def network(scales, **options):
    made = MMLGNetScales(16, 1, 16, scales=scales, width=8, **options)
    made.read_text(TEXT.vectors)
    return made


@pytest.mark.parametrize("loss", [SymmetricContrastive, CrossEntropy])
def test_a_scale_among_others_is_trained_to_the_weights_that_it_gets_alone(loss):
    scene = tiny_scene()
    split, config = tiny_split(scene), TrainConfig(epochs=3, threads=1, balanced=True, keep="last")
    state = {}
    for scales in ((1, 3), (1,), (3,)):
        made = network(scales, channel_dropout=0.0)
        fit(made, scene, split, config, loss=loss(), text=TEXT, progress=False)
        state[scales] = [part.state_dict() for part in made.parts]
    for joint, alone in zip(state[1, 3], (state[1,][0], state[3,][0])):
        for name, weight in alone.items():
            torch.testing.assert_close(joint[name], weight, atol=2e-4, rtol=1e-3)


def test_trained_together_a_scale_gets_other_weights():
    scene = tiny_scene()
    split, config = tiny_split(scene), TrainConfig(epochs=2, threads=1, keep="last")
    heads = []
    for together in (False, True):
        made = network((1, 3), channel_dropout=0.0)
        fit(made, scene, split, config, loss=SymmetricContrastive(together=together), text=TEXT, progress=False)
        heads.append(made.parts[0].head.weight)
    assert not torch.allclose(*heads)


def test_the_sum_of_scores_gives_the_class_of_the_summed_log_softmax():
    made = network((1, 3, 5)).eval()
    output = made(torch.randn(40, 16, 5, 5), torch.randn(40, 1, 5, 5)).centre()
    summed = torch.stack([scores.log_softmax(1) for scores in output.scales]).sum(0)
    torch.testing.assert_close(output.logits.softmax(1), summed.softmax(1))
    assert len(output.scales) == 3
    assert network((3,)).eval()(torch.randn(2, 16, 3, 3), torch.randn(2, 1, 3, 3)).scales == ()


@pytest.mark.parametrize("scales", [(1,), (3,), (11,), (1, 3, 7)])
def test_a_dense_pass_equals_its_windows(scales):
    scene = tiny_scene(holes=True)
    run = fit(network(scales), scene, tiny_split(scene), TrainConfig(epochs=1, threads=1), text=TEXT, progress=False)
    dense, window = (predict_map(run.model, scene, mode=mode).scores for mode in ("dense", "window"))
    np.testing.assert_allclose(dense, window, atol=1e-5)


def test_the_twin_has_the_same_first_trunk():
    words, twin = network((1, 3), seed=4), TrunkScales(16, 1, 3, scales=(1, 3), width=8, seed=4)
    trunks = [{k: v for k, v in made.state_dict().items() if ".hsi." in k or ".lidar." in k} for made in (words, twin)]
    assert trunks[0].keys() == trunks[1].keys()
    assert len(trunks[0]) > 20
    assert all(torch.equal(trunks[0][key], trunks[1][key]) for key in trunks[0])


def test_each_scale_reads_as_many_lidar_channels_as_it_is_given():
    made = MMLGNetScales(4, 5, 16, scales=(1, 3), lidar_each=[2, 5], width=8)
    assert [part.lidar_channels for part in made.parts] == [2, 5]
    with pytest.raises(ValueError, match="a number for each"):
        MMLGNetScales(4, 5, 16, scales=(1, 3), lidar_each=[2])
    with pytest.raises(ValueError, match="different odd windows"):
        MMLGNetScales(4, 5, 16, scales=(3, 3))
    with pytest.raises(ValueError, match="odd number of pixels"):
        MMLGNetScales(4, 5, 16, scales=(4,))


def test_channels_are_dropped_whole_in_training_alone():
    made = network((1,), channel_dropout=0.5)
    seen = []
    made.parts[0].hsi.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    windows = torch.ones(64, 16, 1, 1), torch.ones(64, 1, 1, 1)
    made.train()(*windows)
    made.eval()(*windows)
    assert 0.3 < (seen[0] == 0).float().mean() < 0.7
    assert (seen[1] == 1).all()


def test_it_is_built_again_from_its_description():
    made = network((1, 3), lidar_each=(1, 1))
    again = build(describe(made))
    assert again.windows == (1, 3)
    assert again.parts.state_dict().keys() == made.parts.state_dict().keys()


def test_losses_take_scales_apart_or_their_sum():
    scores = torch.randn(6, 3), torch.randn(6, 3)
    output = Output(scores[0] + scores[1], torch.zeros(6, 2), scales=scores)
    target, index = torch.tensor([0, 1, 2, 0, 1, 2]), torch.arange(6)
    for loss in (CrossEntropy, SymmetricContrastive):
        apart = loss()(output, target, index)
        alone = [loss()(Output(s, s), target, index) for s in scores]
        joint = loss()(Output(output.logits, output.logits), target, index)
        for name, value in apart.items():
            torch.testing.assert_close(value, alone[0][name] + alone[1][name])
            torch.testing.assert_close(loss(together=True)(output, target, index)[name], joint[name])
