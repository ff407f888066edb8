"""Absolute times behind the ratios of `hsikit bench`, repeated by pytest-benchmark: `make bench`.

The name keeps it out of the ordinary suite, which times nothing.
"""

from __future__ import annotations

import pytest

from bench.batches import Slices as SlicedDataset
from bench.batches import list_through, loader, peer_dataset, sampler_epoch, scene_of_batches
from bench.maps import fitted_for, two_sensor_scene, windows, word_network
from hsikit.models import SDHSINet
from hsikit.patches import Cube
from hsikit.predict import Mapper, predict_map
from hsikit.scenes import load_scene


@pytest.fixture(scope="module", params=["sdhsi paper", "mmlgnet"])
def mapped(request):
    """A fitted network and its scene."""
    if request.param == "mmlgnet":
        scene = two_sensor_scene()
        return fitted_for(word_network(scene), scene), scene
    scene = load_scene("indian_pines")
    return fitted_for(SDHSINet(30, scene.n_classes, 25, variant="paper"), scene), scene


@pytest.mark.benchmark(group="a map")
def test_dense_map(benchmark, mapped):
    pred = benchmark.pedantic(predict_map, (*mapped, "dense"), rounds=3, warmup_rounds=1)
    assert (pred.labels[mapped[1].valid] > 0).all()


@pytest.mark.benchmark(group="64 windows")
def test_windows(benchmark, mapped):
    fitted, scene = mapped
    cube = Cube.of(scene, fitted.normalizer, fitted.window)
    network = Mapper.of(fitted, "window").network
    benchmark.pedantic(windows, (network, cube, 64, 64), rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="2,048 windows of 11 x 11 x 64 and LiDAR")
@pytest.mark.parametrize("way", ["sampler", "sampler, contiguous", "Dataset", "rs-fusion-datasets"])
def test_batches(benchmark, way):
    scene, pixels = scene_of_batches()
    if way.startswith("sampler"):
        start = sampler_epoch(scene, pixels, channels_last=way == "sampler")
    else:
        data = SlicedDataset(scene, pixels) if way == "Dataset" else peer_dataset(scene, pixels)
        if isinstance(data, str):
            pytest.skip(data)
        start = lambda: loader(data, 0)  # noqa: E731
    assert benchmark.pedantic(lambda: list_through(start()), rounds=5, warmup_rounds=1) == len(pixels)
