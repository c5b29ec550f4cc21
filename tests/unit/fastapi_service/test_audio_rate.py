"""Audio of a client without the right to send files."""

import pytest

from fastapi_service.access.audio_rate import BUFFERED_S, FASTEST, SILENT_S, AudioRate, is_early


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


def test_lead_that_was_left_goes_on() -> None:
    """And is over with the time: who begins with it has the rest of the allowance."""
    left = AudioRate(0.0)
    assert left.take(0.0, 120.0) == 0
    assert left.lead(50.0) == pytest.approx(60.0)
    assert left.lead(101.0) == 0.0
    taken = AudioRate(7.0)
    assert taken.take(7.0, left.lead(50.0)) == 0
    assert taken.take(7.0, 66.0) > 0


@pytest.mark.parametrize(
    ("clock_s", "passed_s", "again_s"),
    [
        (SILENT_S + BUFFERED_S, 0.0, 0),
        (SILENT_S + BUFFERED_S + 12.0, 0.0, 10),
        (FASTEST * 7_200 + SILENT_S + BUFFERED_S, 7_200.0, 0),
        (86_400.0, 86_400.0, 0),
        (86_400.0, 0.0, 68_896),
    ],
)
def test_audio_clock_is_not_far_before_the_time(clock_s: float, passed_s: float, again_s: int) -> None:
    """A day of silence takes a day."""
    assert is_early(clock_s, passed_s) == again_s
