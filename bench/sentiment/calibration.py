"""Calibration: the expected calibration error, and temperatures fitted to labelled sentences (arXiv:1706.04599)."""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

BINS = 15
COOLEST, HOTTEST = 0.1, 10.0
"""Range of temperatures."""
GOLDEN = (math.sqrt(5) - 1) / 2
PRECISION = 1e-4
"""Width of the last interval, in the logarithm of the temperature."""


def expected_calibration_error(probabilities: Tensor, targets: Tensor, bins: int = BINS) -> float:
    """Return the mean difference between the probability of the chosen label and the share of right ones, 0–1.

    Sentences are put in ``bins`` of equal width by that probability; each bin counts by its number of sentences.

    Args:
        probabilities: (sentences, labels), each row's sum is 1.
        targets: (sentences,) int64.
        bins: of the width 1 / bins, open at their lower end.
    """
    confidence, chosen = probabilities.double().max(1)
    right = (chosen == targets).double()
    numbers = ((confidence * bins).ceil().long() - 1).clamp(0, bins - 1)
    gaps = torch.zeros(bins, dtype=torch.float64).index_add(0, numbers, right - confidence)
    return float(gaps.abs().sum() / len(targets))


def negative_log_likelihood(logits: Tensor, targets: Tensor, temperature: float) -> float:
    """Return the mean over sentences of −log p(target)."""
    return float(cross_entropy(logits.double() / temperature, targets))


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    """Return the temperature with the least negative log-likelihood.

    The likelihood has one maximum, as it is concave in 1 / temperature; a golden-section search finds it.
    """
    low, high = math.log(COOLEST), math.log(HOTTEST)
    while high - low > PRECISION:
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        losses = (negative_log_likelihood(logits, targets, math.exp(each)) for each in (left, right))
        if next(losses) < next(losses):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def cross_validated_error(logits: Tensor, targets: Tensor, seed: int = 0) -> float:
    """Return the expected calibration error if each half of the sentences has the temperature of the other half."""
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    probabilities = torch.empty_like(logits)
    for fitted, measured in (halves, halves[::-1]):
        temperature = fit_temperature(logits[fitted], targets[fitted])
        probabilities[measured] = (logits[measured] / temperature).softmax(1)
    return expected_calibration_error(probabilities, targets)
