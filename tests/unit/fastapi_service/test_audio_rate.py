"""Audio of a client without the right to send files."""

import pytest

from fastapi_service.access.audio_rate import BUFFERED_S, AudioRate


def test_audio_in_real_time_is_in_time_for_hours() -> None:
    """Also by a sound card that is a fifth too fast."""
    rate = AudioRate(0.0)
    assert not any(rate.take(0.1 * piece, 0.12) for piece in range(1, 100_000))


def test_what_was_kept_during_an_outage_is_in_time() -> None:
    """Two minutes at once, and speech goes on."""
    rate = AudioRate(0.0)
    assert rate.take(1.0, 120.0) == 0
    assert not any(rate.take(1.0 + second, 1.0) for second in range(1, 600))


@pytest.mark.parametrize("speed", [1.5, 2.0, 20.0])
def test_a_file_is_too_fast_and_the_time_to_wait_is_said(speed: float) -> None:
    """From the moment on at which what a client may have kept is used up."""
    rate, at = AudioRate(0.0), 0.0
    while not (again_s := rate.take(at, 1.0)):
        at += 1 / speed
        assert at < 1_000
    assert at == pytest.approx(BUFFERED_S / (speed - 1.2), rel=0.05, abs=1.5)
    assert again_s >= 1
    assert rate.take(at + again_s + 1, 0.1) == 0
