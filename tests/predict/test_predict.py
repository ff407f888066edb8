import numpy as np
import pytest
from tiny import NAMES, tiny_scene, tiny_split

from hsikit.metrics import score
from hsikit.models import MMLGNet, SDHSINet
from hsikit.predict import predict_map
from hsikit.text import random_vectors
from hsikit.train import TrainConfig, fit


@pytest.fixture(scope="module")
def scene():
    return tiny_scene(rows=70, holes=True)


@pytest.fixture(scope="module", params=["mmlgnet", "sdhsi"])
def fitted(request, scene):
    config = TrainConfig(epochs=2, batch=64, threads=1)
    if request.param == "sdhsi":
        return fit(SDHSINet(15, 3, 9), scene, tiny_split(scene), config, progress=False).model
    words = random_vectors(NAMES, 12, seed=0)
    network = MMLGNet(16, 1, 12, window=11)
    return fit(network, scene, tiny_split(scene), config, text=words, progress=False).model


def test_dense_and_windowed_maps_agree_over_strips_holes_and_borders(fitted, scene):
    dense = predict_map(fitted, scene, "dense", embeddings=True, exits=bool(getattr(fitted.network, "exits", ())))
    slow = predict_map(fitted, scene, "window", embeddings=True, exits=dense.exits is not None)
    np.testing.assert_allclose(dense.scores, slow.scores, atol=1e-4)
    np.testing.assert_allclose(dense.embeddings, slow.embeddings, atol=1e-4)
    assert (dense.labels == slow.labels).mean() > 0.999
    if dense.exits is not None:
        assert dense.exits.shape == (4, *scene.shape)
        assert (dense.exits == slow.exits).mean() > 0.999


def test_maps_cover_valid_pixels_and_only_them(fitted, scene):
    pred = predict_map(fitted, scene)
    assert pred.labels.shape == scene.shape
    assert (pred.labels[~scene.valid] == 0).all()
    assert (pred.labels[scene.valid] > 0).all()
    assert np.isnan(pred.scores[~scene.valid]).all()
    np.testing.assert_allclose(pred.scores[scene.valid].sum(-1), 1.0, atol=1e-5)


def test_candidates_are_the_trained_classes():
    scene = tiny_scene(lidar=0)
    split = tiny_split(scene)
    keep = lambda pixels: pixels[split.labels.ravel()[pixels] != 2]  # noqa: E731
    part = type(split)(**{**vars(split), "train": keep(split.train), "val": keep(split.val), "test": keep(split.test),
                          "labels": np.where(split.labels == 2, 0, split.labels)})  # fmt: skip
    fitted = fit(SDHSINet(15, 3, 9), scene, part, TrainConfig(epochs=2, threads=1), progress=False).model
    pred = predict_map(fitted, scene)
    assert set(np.unique(pred.labels)) <= {1, 3}
    assert list(pred.classes) == [1, 3]
    assert pred.scores.shape[2] == 2


def test_score_reads_only_test_pixels(fitted, scene):
    split = tiny_split(scene)
    pred = predict_map(fitted, scene)
    scores = score(pred, split)
    want = (pred.labels.ravel()[split.test] == split.y("test")).mean()
    assert scores.oa == pytest.approx(want)
    assert scores.confusion.sum() == len(split.test)


def test_bad_input_is_one_clear_line(fitted, scene):
    with pytest.raises(ValueError, match="choose 'auto'"):
        predict_map(fitted, scene, "fast")
    bare = tiny_scene(bands=18)
    bare = type(bare)("bare", bare.hsi, bare.labels, bare.class_names, lidar=bare.lidar)
    with pytest.raises(ValueError, match="trained on 16 bands of tiny, bare has 18"):
        predict_map(fitted, bare)
    fitted.network.dense = False
    try:
        with pytest.raises(ValueError, match="cannot be evaluated densely"):
            predict_map(fitted, scene, "dense")
    finally:
        fitted.network.dense = True


def test_a_scene_with_other_bands_is_resampled_when_the_ranges_allow(fitted, scene):
    fine = tiny_scene(rows=70, bands=46)  # the same 450-900 nm in finer steps
    assert (predict_map(fitted, fine).labels > 0).all()
    far = type(fine)("far", fine.hsi, fine.labels, fine.class_names, wavelengths_nm=np.linspace(1500, 2400, 46),
                     lidar=fine.lidar)  # fmt: skip
    with pytest.raises(ValueError, match=r"(?s)far.*1500.*450|450.*1500"):
        predict_map(fitted, far)
