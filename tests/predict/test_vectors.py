"""Vectors of single pixels are those of the map, stage by stage."""

import numpy as np
import pytest
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.predict import predict_map
from hsikit.predict.vectors import pixel_vectors

QUICK = hsikit.TrainConfig(epochs=2, threads=1)


@pytest.fixture(scope="module")
def scene():
    return tiny_scene()


def test_stages_of_a_network_with_exits(scene):
    model = hsikit.fit(hsikit.SDHSINet(13, 3, 9), scene, tiny_split(scene), QUICK, progress=False).model
    pixels = np.array([3, 40, 200, 5])
    found = pixel_vectors(model, scene, pixels)
    assert list(found) == ["input", *(f"exit {k + 1}" for k in range(len(found) - 2)), "final"]
    assert len(found) > 2
    maps = predict_map(model, scene, embeddings=True).embeddings
    assert np.allclose(found["final"], maps.reshape(-1, maps.shape[-1])[pixels], atol=1e-5)
    rows, cols = np.divmod(pixels, scene.shape[1])
    assert np.allclose(found["input"], model.normalizer.hsi(scene.hsi[rows, cols][None])[0], atol=1e-5)


def test_lidar_is_part_of_the_input(scene):
    network = hsikit.TrunkClassifier(scene.bands, 1, 3, 5)
    model = hsikit.fit(network, scene, tiny_split(scene), QUICK, progress=False).model
    found = pixel_vectors(model, scene, np.array([7]))
    assert found["input"].shape == (1, scene.bands + 1)
    assert list(found) == ["input", "final"]


@pytest.mark.parametrize("pixels", [np.array([10**6]), np.zeros((2, 2), int), np.array([0.5]), np.array([], int)])
def test_pixels_that_do_not_fit_are_named(scene, pixels):
    model = hsikit.fit(hsikit.TrunkClassifier(16, 1, 3, 5), scene, tiny_split(scene), QUICK, progress=False).model
    with pytest.raises(ValueError, match="flat indices"):
        pixel_vectors(model, scene, pixels)
