import numpy as np
import pytest
from tiny import tiny_scene, tiny_split

from hsikit.patches import Normalizer, mean_rows, reduce_bands
from hsikit.train import TrainConfig, fit

SCENE = tiny_scene()
TRAIN = tiny_split(SCENE).train
SPECTRA = SCENE.hsi.reshape(-1, SCENE.bands)


def test_band_means_equal_the_slow_reference():
    got = reduce_bands(SCENE, TRAIN, 5, reduction="band_means").hsi(SPECTRA)
    own = SPECTRA[TRAIN].astype(float)
    plain = (SPECTRA - own.mean(0)) / own.std(0)
    runs = [(0, 4), (4, 7), (7, 10), (10, 13), (13, 16)]  # 16 bands: one run of 4, four of 3
    means = np.stack([plain[:, a:b].mean(1) for a, b in runs], 1)
    want = means / means[TRAIN].std(0)
    assert np.allclose(got, want, atol=1e-4)


def test_mean_rows_take_every_band_once():
    rows = mean_rows(17, 5)
    assert np.allclose(rows.sum(1), 1)
    assert ((rows > 0).sum(0) == 1).all()
    lengths = (rows > 0).sum(1)
    assert lengths.max() - lengths.min() <= 1


def test_pca_is_the_usual_one_and_transductive_pca_sees_all_pixels():
    usual = reduce_bands(SCENE, TRAIN, 5)
    assert np.array_equal(usual.components, Normalizer.fit(SCENE, TRAIN, 5).components)
    every = reduce_bands(SCENE, TRAIN, 5, reduction="pca_transductive")
    whole = every.hsi(SPECTRA)
    assert np.cov(whole.T) == pytest.approx(np.eye(5), abs=1e-3)  # white over the scene, not over the training pixels
    assert not np.allclose(every.components, usual.components)
    other = reduce_bands(SCENE, TRAIN[:20], 5, reduction="pca_transductive")
    assert np.allclose(other.components, every.components)


def test_a_network_trains_on_band_means_and_on_wrong_labels():
    from hsikit.models import SDHSINet

    config = TrainConfig(epochs=2, batch=32, threads=1, reduction="band_means", wrong_labels=0.2)
    run = fit(SDHSINet(15, 3, 9), SCENE, tiny_split(SCENE), config, progress=False)
    assert run.model.normalizer.components.shape == (15, 16)
    config = TrainConfig(epochs=2, batch=32, threads=1, reduction="band_means")
    plain = fit(SDHSINet(15, 3, 9), SCENE, tiny_split(SCENE), config, progress=False)
    assert run.history["loss"].iloc[0] > plain.history["loss"].iloc[0]


def test_discriminants_are_those_of_scikit_learn():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    many = np.flatnonzero(SCENE.labels.ravel())
    y = SCENE.labels.ravel()[many]
    normalizer = reduce_bands(SCENE, many, 2, reduction="discriminants", labels=y)
    got = normalizer.hsi(SPECTRA[many]).astype(float)
    plain = (SPECTRA[many] - SPECTRA[many].mean(0)) / SPECTRA[many].std(0)
    want = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(plain, y).transform(plain)[:, :2]
    for mine, theirs in zip(got.T, want.T):  # the same axes up to sign and scale: shrinkage differs a little
        assert abs(np.corrcoef(mine, theirs)[0, 1]) > 0.99
    spread = np.concatenate([got[y == c] - got[y == c].mean(0) for c in (1, 2, 3)])
    assert np.allclose(spread.std(0), 1, atol=0.1)


def test_discriminants_look_at_training_pixels_alone():
    y = SCENE.labels.ravel()[TRAIN]
    first = reduce_bands(SCENE, TRAIN, 2, reduction="discriminants", labels=y)
    other = SCENE.hsi.copy().reshape(-1, SCENE.bands)
    other[np.setdiff1d(np.arange(len(other)), TRAIN)] += 9
    from dataclasses import replace

    far = replace(SCENE, hsi=other.reshape(SCENE.hsi.shape))
    assert np.array_equal(first.components, reduce_bands(far, TRAIN, 2, 0, "discriminants", y).components)
    with pytest.raises(ValueError, match="3 trained classes give 2 discriminants, the model takes 5"):
        reduce_bands(SCENE, TRAIN, 5, reduction="discriminants", labels=y)


@pytest.mark.parametrize(("reduction", "bands", "message"), [("nmf", 5, "choose one of pca"),
                                                             ("band_means", 17, "has 16 bands")])  # fmt: skip
def test_bad_input_is_one_clear_line(reduction, bands, message):
    with pytest.raises(ValueError, match=message):
        reduce_bands(SCENE, TRAIN, bands, reduction=reduction)
