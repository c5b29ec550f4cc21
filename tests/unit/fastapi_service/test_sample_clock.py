"""Positions at a client's rate and at 16 kHz."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_service.endpointing.sample_clock import SampleClock
from wire.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SAMPLE_RATE

RATES = st.integers(MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)


def test_sample_clock_continues_where_a_session_was() -> None:
    clock = SampleClock(48_000, received=96_000)
    clock.advance(24_000)
    assert (clock.seconds, clock.position) == (2.5, 2.5 * SAMPLE_RATE)
    assert clock.to_client(2 * SAMPLE_RATE) == 96_000


@given(RATES, st.integers(0, 10**9), st.integers(0, 10**9))
def test_sample_clock_never_passes_what_was_received(rate: int, received: int, position: int) -> None:
    """Rounding, and what a resampler's filter adds, make no client forget audio that it has not sent."""
    clock = SampleClock(rate, received)
    assert clock.to_client(position) <= received


@given(RATES, st.integers(0, 10**9))
def test_sample_clock_is_exact_to_one_sample(rate: int, received: int) -> None:
    """There and back loses less than one sample of the coarser rate."""
    clock = SampleClock(rate, received)
    back = clock.to_client(clock.position)
    assert back == pytest.approx(received, abs=1 + rate / SAMPLE_RATE)
