"""Calibration errors and temperatures on made-up models whose right values are certain."""

import math

import pytest
import torch
from torch import Tensor

from bench.sentiment.calibration import (
    HOTTEST,
    cross_validated_error,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
)


def honest(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits, and targets that are drawn by their probabilities."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, 3, generator=generator) * 1.5
    targets = torch.multinomial(logits.softmax(1), 1, generator=generator).squeeze(1)
    return logits, targets


def test_the_error_is_the_weighted_gap_of_the_bins() -> None:
    """Three sentences at 0.9, of which two are right, and one at 0.5 that is wrong."""
    probabilities = torch.tensor([[0.9, 0.1, 0.0]] * 3 + [[0.2, 0.3, 0.5]])
    targets = torch.tensor([0, 0, 1, 0])
    gaps = 3 * (0.9 - 2 / 3) + 1 * (0.5 - 0)
    assert expected_calibration_error(probabilities, targets) == pytest.approx(gaps / 4, abs=1e-6)


def test_gaps_in_one_bin_cancel_out() -> None:
    """Probabilities of 0.81 and 0.85 are in one of 15 bins; one of two is right."""
    probabilities = torch.tensor([[0.81, 0.19, 0.0], [0.85, 0.15, 0.0]])
    assert expected_calibration_error(probabilities, torch.tensor([0, 1])) == pytest.approx(0.83 - 0.5, abs=1e-6)


def test_certain_and_right_has_no_error() -> None:
    assert expected_calibration_error(torch.eye(3), torch.arange(3)) == 0


def test_honest_probabilities_have_nearly_no_error() -> None:
    logits, targets = honest(20_000)
    assert expected_calibration_error(logits.softmax(1), targets) < 0.015


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_the_temperature_undoes_a_factor(factor: float) -> None:
    """Logits that are too large by a factor need it as their temperature."""
    logits, targets = honest(20_000)
    assert fit_temperature(factor * logits, targets) == pytest.approx(factor, rel=0.04)


def test_the_temperature_has_the_least_loss() -> None:
    """Also among few sentences."""
    logits, targets = honest(200, seed=3)
    best = fit_temperature(3 * logits, targets)
    least = negative_log_likelihood(3 * logits, targets, best)
    for other in (0.2, 0.9 * best, 1.1 * best, 9.0):
        assert least < negative_log_likelihood(3 * logits, targets, other)


def test_the_temperature_stays_in_its_range() -> None:
    """Where chance alone would be better than the model, it is as hot as may be."""
    logits = torch.tensor([[5.0, 0.0, 0.0]] * 4)
    assert fit_temperature(logits, torch.tensor([1, 1, 2, 2])) == pytest.approx(HOTTEST, rel=1e-3)


def test_each_half_gets_the_temperature_of_the_other() -> None:
    """The error of logits that are too large nearly goes."""
    logits, targets = honest(8_000)
    before = expected_calibration_error((3 * logits).softmax(1), targets)
    after = cross_validated_error(3 * logits, targets)
    assert before > 0.1
    assert after < 0.025
    assert math.isclose(after, cross_validated_error(3 * logits, targets))
