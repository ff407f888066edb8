"""SSRN, SSFTT and SpectralFormer against hand counts and slow references."""

import math

import pytest
import torch
from tiny import tiny_scene, tiny_split
from torch.nn import functional as F

from hsikit.experiments.methods import make
from hsikit.models import SSFTT, SSRN, SpectralFormer, build, count_parameters, describe
from hsikit.predict import predict_map
from hsikit.train import TrainConfig, fit

SMALL = {
    "ssrn": lambda: SSRN(16, 3, 5),
    "ssftt": lambda: SSFTT(15, 3, 7),
    "spectralformer": lambda: SpectralFormer(16, 3, 3),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_window_gives_one_answer_and_every_weight_learns(name):
    network = SMALL[name]().train()
    torch.manual_seed(0)
    out = network(torch.randn(6, network.bands, network.window, network.window))
    assert out.logits.shape == (6, 3, 1, 1)
    assert out.embedding.shape[2:] == (1, 1)
    F.cross_entropy(out.centre().logits, torch.tensor([0, 1, 2, 0, 1, 2])).backward()
    still = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A bias before a batch norm is taken away by it again.
    assert [key for key in still if not key.endswith("bias")] == []


@pytest.mark.parametrize("name", SMALL)
def test_described_and_built_again_it_is_the_same_and_seeds_differ(name):
    network = SMALL[name]().eval()
    twin = build(describe(network))
    assert all(torch.equal(a, b) for a, b in zip(network.state_dict().values(), twin.state_dict().values()))
    x = torch.randn(2, network.bands, network.window, network.window)
    assert torch.equal(network(x).logits, twin.eval()(x).logits)
    other = type(network)(**{**network.built_with, "bands": network.bands, "seed": 1})
    assert not torch.equal(other.classify.weight, network.classify.weight)


@pytest.mark.parametrize("name", SMALL)
def test_it_learns_stripes_and_maps_them_window_by_window(name):
    scene = tiny_scene(lidar=0)
    split = tiny_split(scene)
    run = fit(SMALL[name](), scene, split, TrainConfig(epochs=25, batch=16, threads=1), progress=False)
    labels = predict_map(run.model, scene).labels.ravel()
    assert (labels[split.test] == split.y("test")).mean() > 0.9
    with pytest.raises(ValueError, match="cannot be evaluated densely"):
        predict_map(run.model, scene, mode="dense")


def test_parameters_by_hand():
    bands, left = 200, 97
    norms = 2 * (24 + 4 * 24 + 128 + 24 + 4 * 24)
    spectral = (24 * 7 + 24) + 4 * (24 * 24 * 7 + 24) + (128 * 24 * left + 128)
    spatial = (24 * 128 * 9 + 24) + 4 * (24 * 24 * 9 + 24)
    assert count_parameters(SSRN(bands, 16, 7)) == spectral + spatial + norms + 24 * 16 + 16
    convolutions = (8 * 27 + 8 + 16) + (64 * 8 * 28 * 9 + 64 + 128)
    tokens = 64 * 4 + 64 * 64 + 64 + 5 * 64
    block = (3 * 64 * 64 + 3 * 64) + (64 * 64 + 64) + (64 * 8 + 8) + (8 * 64 + 64) + 4 * 64
    assert count_parameters(SSFTT(30, 16, 13)) == convolutions + tokens + block + 64 * 16 + 16
    embedding = (3 * 49 * 64 + 64) + 64 + 201 * 64
    fusion = 3 * (201 * 201 * 2 + 201)
    head = 2 * 64 + 64 * 16 + 16
    assert count_parameters(SpectralFormer(200, 16, 7)) == embedding + 5 * block + fusion + head


def test_ssrn_keeps_what_came_in_beside_its_blocks():
    block = SSRN(16, 3, 5).eval().spectral[0]
    with torch.no_grad():
        for layer in (block.second, block.last):
            layer.weight.zero_()
            layer.bias.zero_()
    x = torch.rand(2, 24, 5, 3, 3)
    assert torch.equal(block(x), x)


def test_a_token_is_a_weighted_mean_of_projected_pixels():
    tokens = SSFTT(15, 3, 7).tokens
    pixels = torch.randn(2, 9, 64)
    found = tokens(pixels)
    for image in range(2):
        for token in range(4):
            scores = [float((tokens.weigh.weight[token] @ pixels[image, k]).detach()) for k in range(9)]
            shares = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
            want = sum(s * (tokens.project.weight @ pixels[image, k]) for k, s in enumerate(shares))
            torch.testing.assert_close(found[image, token], want, atol=1e-5, rtol=1e-4)


def test_a_group_holds_a_band_and_its_neighbours_around_the_ends():
    network = SpectralFormer(6, 3, 1, neighbours=3).eval()
    network.embed = torch.nn.Identity()
    seen = []
    network.blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.answer.data, network.places.data = torch.zeros(1, 1, 3), torch.zeros(1, 7, 3)
    with pytest.raises(RuntimeError):  # the groups, three wide here, do not fit the blocks behind them
        network(torch.arange(6.0).view(1, 6, 1, 1))
    assert seen[0][0, 1:].tolist() == [[5, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 0]]


def test_a_block_is_fused_with_the_one_two_before_it():
    network = SpectralFormer(16, 3, 3).eval()
    with torch.no_grad():
        for fuse in network.fuse:  # take the older one alone
            fuse.weight.zero_()
            fuse.bias.zero_()
            fuse.weight[torch.arange(17), torch.arange(17), 0, 1] = 1
    given, made = [], []
    for block in network.blocks:
        block.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
        block.register_forward_hook(lambda _, inputs, output: made.append(output))
    network(torch.randn(2, 16, 3, 3))
    assert torch.equal(given[2], given[0])
    assert torch.equal(given[3], given[1])
    assert torch.equal(given[4], made[1])  # what came to block 2, before it was fused
    assert not torch.equal(made[1], made[0])


def test_networks_that_read_the_spectrum_take_all_bands_unless_told():
    assert make("ssrn", 63, 0, 3, 0, {"bands": None, "window": 5}).bands == 63
    assert make("ssrn", 63, 0, 3, 0, {"bands": 20, "window": 5}).bands == 20
    assert make("ssftt", 63, 0, 3, 0, {"window": 5}).bands == 30


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: SSRN(7, 3), "bands=7: .* at least 8"),
        (lambda: SSFTT(2, 3), "bands=2, window=13: need at least 3 bands"),
        (lambda: SSFTT(30, 3, 4), "an odd window from 5"),
        (lambda: SpectralFormer(16, 3, neighbours=4), "neighbours=4 of 16 bands: need an odd number"),
        (lambda: SpectralFormer(3, 3, neighbours=5), "at most the bands"),
    ],
)
def test_bad_input_is_one_clear_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
