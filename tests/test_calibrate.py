import numpy as np
import pytest

from hsikit.metrics import fit_temperature, tempered


def drawn(temperature, n=4000, seed=0):
    """Answers of a model whose logits are `temperature` times too large, and classes drawn from the honest ones."""
    draw = np.random.default_rng(seed)
    logits = draw.standard_normal((n, 4)) * 1.5
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    true = (honest.cumsum(1) > draw.random((n, 1))).argmax(1)
    loud = np.exp(logits * temperature)
    return true, loud / loud.sum(1, keepdims=True), honest


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_a_model_loud_is_found_again(temperature):
    true, loud, honest = drawn(temperature)
    found = fit_temperature(true, loud)
    assert found == pytest.approx(temperature, rel=0.1)
    assert np.allclose(tempered(loud, temperature), honest, atol=1e-6)


def test_answers_stay_and_rows_sum_to_one():
    _, loud, _ = drawn(2.0, n=50)
    cool = tempered(loud, 7.0)
    assert np.array_equal(cool.argmax(1), loud.argmax(1))
    assert np.allclose(cool.sum(1), 1)
    assert np.allclose(tempered(loud, 1e6), 0.25, atol=1e-4)


def test_certain_and_wrong_stays_finite():
    assert np.isfinite(tempered(np.array([[1.0, 0.0]]), 0.5)).all()
    assert fit_temperature(np.array([1, 0]), np.array([[1.0, 0.0], [1.0, 0.0]])) > 1


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no validation pixels"):
        fit_temperature(np.zeros(0, int), np.zeros((0, 3)))
    with pytest.raises(ValueError, match="not above 0"):
        tempered(np.ones((1, 2)) / 2, 0.0)
