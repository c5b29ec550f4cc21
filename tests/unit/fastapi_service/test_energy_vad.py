"""The threshold of voiced frames follows the noise of the room, up to the ceiling."""

import pytest

from fastapi_service.endpointing.energy_vad import DIGITAL_SILENCE, FIRST_FLOOR, FLOOR_WINDOW, LOWEST_FLOOR, EnergyVad

CEILING, FACTOR = 0.0005, 6.0


def vad_in(noise: float, frames: int = FLOOR_WINDOW) -> EnergyVad:
    """A VAD after frames of room noise."""
    vad = EnergyVad(CEILING, FACTOR)
    for _ in range(frames):
        vad.update(noise)
    return vad


def test_a_stream_begins_in_a_quiet_room() -> None:
    """The first frame of a session is judged by the floor of a quiet room, and by the ceiling if that is lower."""
    threshold = FACTOR * FIRST_FLOOR
    assert EnergyVad(CEILING, FACTOR).threshold() == threshold
    assert EnergyVad(CEILING, FACTOR).update(threshold * 1.01)
    assert not EnergyVad(CEILING, FACTOR).update(threshold)
    assert EnergyVad(threshold / 2, FACTOR).threshold() == threshold / 2


@pytest.mark.parametrize("level", [3e-5, 1e-4, 1e-3], ids=["-45 dBFS", "-40 dBFS", "-30 dBFS"])
@pytest.mark.parametrize("frames", [5, 20, 33])
def test_a_word_that_a_stream_begins_with_is_not_taken_for_the_room(level: float, frames: int) -> None:
    """Each frame of a first word is voiced, up to a second, and the quiet behind it is not."""
    vad = EnergyVad(CEILING, FACTOR)
    assert all(vad.update(level) for _ in range(frames))
    assert not any(vad.update(1e-7) for _ in range(FLOOR_WINDOW))


@pytest.mark.parametrize("noise", [5e-5, 2e-4], ids=["-43 dBFS", "-37 dBFS"])
def test_a_noisy_room_is_known_after_little_more_than_a_second(noise: float) -> None:
    """Noise over the first threshold is voiced until then."""
    vad = EnergyVad(CEILING, FACTOR)
    assert [vad.update(noise) for _ in range(60)] == [True] * 36 + [False] * 24


def test_quiet_speech_in_a_quiet_room_is_voiced() -> None:
    """Speech far under the ceiling counts when it is six times over the noise floor."""
    vad = vad_in(1e-5)
    assert vad.threshold() == pytest.approx(6e-5)
    assert not vad.update(5e-5)
    assert vad.update(7e-5)


def test_noise_raises_the_threshold_to_the_ceiling_at_most() -> None:
    """With a noise over the ceiling, normal speech is still voiced."""
    vad = vad_in(0.01)
    assert vad.threshold() == CEILING
    assert vad.update(0.001)


def test_the_floor_forgets_after_ten_seconds() -> None:
    """The threshold falls as soon as the window no longer holds the noise."""
    vad = vad_in(5e-5)
    for _ in range(FLOOR_WINDOW):
        vad.update(1e-6)
    assert vad.threshold() == pytest.approx(6e-6)


def test_speech_does_not_lift_the_floor() -> None:
    """A person who talks most of the time stays voiced: a tenth of pauses keeps the floor."""
    vad = EnergyVad(CEILING, FACTOR)
    for frame in range(FLOOR_WINDOW):
        vad.update(1e-5 if frame % 8 == 0 else 0.01)
    assert vad.threshold() == pytest.approx(6e-5)


def test_digital_silence_leaves_the_floor_as_it_is() -> None:
    """Frames of zeros are silent and leave the floor as it was."""
    vad = vad_in(1e-5)
    for _ in range(2 * FLOOR_WINDOW):
        assert not vad.update(0.0)
    assert not vad.update(DIGITAL_SILENCE)
    assert vad.threshold() == pytest.approx(6e-5)


def test_threshold_stays_above_the_noise_of_a_converter() -> None:
    """In a perfectly quiet room the threshold stays above the lowest floor."""
    vad = vad_in(2e-9)
    assert vad.threshold() == pytest.approx(FACTOR * LOWEST_FLOOR)
    assert not vad.update(LOWEST_FLOOR)
