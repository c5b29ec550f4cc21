"""Telephone speech of the benchmark: what a call leaves of a recording."""

import numpy as np
import pytest

from bench.telephone import LEVELS, over_telephone
from wire.audio import SAMPLE_RATE, Samples


def tone(hertz: float) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)


@pytest.mark.parametrize("level", ["8 kHz", "µ-law", "A-law"])
def test_call_keeps_low_tones_in_place_and_loses_high_ones(level: str) -> None:
    """Of the same length, so that times stay; above 4 kHz nothing is left."""
    coding = LEVELS[level]
    assert coding is not None
    low, high = over_telephone(tone(1_000), coding), over_telephone(tone(6_000), coding)
    assert len(low) == SAMPLE_RATE
    middle = slice(4_000, 12_000)
    assert np.abs(low[middle] - tone(1_000)[middle]).max() < 0.02
    assert np.abs(high[middle]).max() < 0.001
