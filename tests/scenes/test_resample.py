import numpy as np
import pytest

from hsikit.scenes import Scene, SceneError
from hsikit.scenes.resample import resample_bands, resampling_matrix


def scene(waves, spectrum=lambda w: w, dtype=np.float32):
    hsi = np.broadcast_to(spectrum(np.asarray(waves)), (3, 4, len(waves))).astype(dtype)
    return Scene("there", hsi, np.zeros((3, 4), int), [], wavelengths_nm=waves)


def test_a_line_stays_a_line_and_a_constant_a_constant():
    here = scene(np.arange(400.0, 1001, 5))
    wanted = np.arange(450.0, 951, 10)
    out = resample_bands(here, wanted)
    assert out.hsi.dtype == np.float32
    assert out.hsi.shape == (3, 4, 51)
    np.testing.assert_allclose(out.hsi[1, 2], wanted, atol=0.2)
    np.testing.assert_array_equal(out.wavelengths_nm, wanted)
    flat = resample_bands(scene(np.arange(400.0, 1001, 5), lambda w: 7 + 0 * w, np.uint16), wanted)
    np.testing.assert_allclose(flat.hsi, 7, rtol=1e-5)


def test_weights_sum_to_one_and_are_not_negative():
    matrix = resampling_matrix(np.linspace(400, 1000, 60), np.linspace(420, 980, 25))
    np.testing.assert_allclose(matrix.sum(1), 1)
    assert (matrix >= 0).all()


def test_bands_out_of_order_keep_their_place():
    waves = np.arange(400.0, 1001, 5)
    order = np.random.default_rng(0).permutation(waves.size)
    wanted = np.arange(450.0, 951, 10)
    straight = resample_bands(scene(waves), wanted).hsi
    np.testing.assert_allclose(resample_bands(scene(waves[order]), wanted).hsi, straight, rtol=1e-6)
    np.testing.assert_allclose(resample_bands(scene(waves), wanted[::-1].copy()).hsi[..., ::-1], straight, rtol=1e-6)


def test_the_same_wavelengths_give_the_same_scene():
    here = scene(np.arange(400.0, 500, 10))
    assert resample_bands(here, here.wavelengths_nm) is here


def test_ranges_that_do_not_allow_are_both_named():
    here = scene(np.arange(400.0, 901, 10))
    with pytest.raises(
        SceneError, match=r"there covers 400-900 nm \(51 bands\), Trento needs 500-1000 nm \(11 bands\)"
    ):
        resample_bands(here, np.arange(500.0, 1001, 50), "Trento")


def test_a_gap_is_named():
    here = scene(np.r_[np.arange(400.0, 601, 10), np.arange(800.0, 1001, 10)])
    with pytest.raises(SceneError, match="nothing is measured at 660, 700, 740 nm"):
        resample_bands(here, np.arange(420.0, 981, 40))


def test_without_wavelengths_or_bands_to_speak_of():
    bare = Scene("bare", np.ones((2, 2, 3)), np.zeros((2, 2), int), [])
    with pytest.raises(SceneError, match="bare has no wavelengths"):
        resample_bands(bare, np.arange(400.0, 500, 10))
    with pytest.raises(SceneError, match="at least two bands"):
        resample_bands(scene(np.arange(400.0, 500, 10)), np.array([450.0]))


def test_indian_pines_to_the_visible_range():
    from hsikit.scenes import load_scene

    pines = load_scene("indian_pines")
    out = resample_bands(pines, np.linspace(430, 860, 103), "Pavia University")
    assert out.hsi.shape == (145, 145, 103)
    assert np.isfinite(out.hsi).all()
    nearest = pines.hsi[..., [pines.band_at(w) for w in out.wavelengths_nm]].astype(float)
    assert np.abs(out.hsi / nearest - 1).mean() < 0.03


def test_widths_of_the_old_bands_do_not_outlive_them():
    waves = np.linspace(450, 900, 10)
    here = Scene("s", np.ones((2, 2, 10)), np.ones((2, 2), int), ["a"], wavelengths_nm=waves, fwhm_nm=np.full(10, 9.0))
    assert resample_bands(here, np.linspace(500, 800, 4)).fwhm_nm is None
