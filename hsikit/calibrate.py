"""Probabilities that mean what they say: one temperature, chosen on validation pixels (Guo et al. 2017).

Source: doi 10.48550/arXiv.1706.04599, temperature scaling. Beyond both papers.
"""

from __future__ import annotations

import numpy as np

FLOOR = 1e-12  # of a probability before its logarithm


def fit_temperature(true_index: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature under which the true classes are likeliest; above 1 for a model too sure of itself.

    Args:
        true_index: Column of the true class (n,).
        probabilities: Rows (n, k) that sum to 1, of pixels that were not trained on.

    Raises:
        ValueError: Without pixels.
    """
    from scipy.optimize import minimize_scalar

    if not len(true_index):
        raise ValueError("no validation pixels to fit a temperature on; use a split with val > 0")
    rows = np.arange(len(true_index))

    def loss(log_t: float) -> float:
        likely = tempered(probabilities, float(np.exp(log_t)))[rows, true_index]
        return -float(np.log(np.maximum(likely, FLOOR)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, k) whose logits were divided by a temperature; the answers stay the same.

    Raises:
        ValueError: For a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature} is not above 0")
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), FLOOR)) / temperature
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)
