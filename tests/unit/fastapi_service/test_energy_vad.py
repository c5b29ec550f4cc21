"""The threshold of voiced frames follows the noise of the room, up to the ceiling."""

import pytest

from fastapi_service.endpointing.energy_vad import DIGITAL_SILENCE, FLOOR_WINDOW, LOWEST_FLOOR, EnergyVad

CEILING, FACTOR = 0.0005, 6.0


def vad_in(noise: float, frames: int = FLOOR_WINDOW) -> EnergyVad:
    """A VAD after frames of room noise."""
    vad = EnergyVad(CEILING, FACTOR)
    for _ in range(frames):
        vad.update(noise)
    return vad


def test_threshold_is_the_ceiling_before_the_first_frame() -> None:
    """The first frame of a session is judged by the fixed threshold."""
    assert EnergyVad(CEILING, FACTOR).threshold() == CEILING
    assert EnergyVad(CEILING, FACTOR).update(CEILING * 1.01)
    assert not EnergyVad(CEILING, FACTOR).update(CEILING)


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
