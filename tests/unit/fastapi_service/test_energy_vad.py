"""What is loud depends on the room, but never on more than the ceiling."""

import pytest

from fastapi_service.endpointing.energy_vad import DIGITAL_SILENCE, FLOOR_WINDOW, LOWEST_FLOOR, EnergyVad

CEILING, FACTOR = 0.0005, 6.0


def gate_in(noise: float, frames: int = FLOOR_WINDOW) -> EnergyVad:
    """A gate that has heard a room."""
    gate = EnergyVad(CEILING, FACTOR)
    for _ in range(frames):
        gate.update(noise)
    return gate


def test_the_ceiling_holds_before_anything_is_known() -> None:
    """The first frame of a session is judged by the fixed threshold."""
    assert EnergyVad(CEILING, FACTOR).threshold() == CEILING
    assert EnergyVad(CEILING, FACTOR).update(CEILING * 1.01)
    assert not EnergyVad(CEILING, FACTOR).update(CEILING)


def test_quiet_speech_in_a_quiet_room_is_voiced() -> None:
    """Speech far under the ceiling counts when it is six times over the noise floor."""
    gate = gate_in(1e-5)
    assert gate.threshold() == pytest.approx(6e-5)
    assert not gate.update(5e-5)
    assert gate.update(7e-5)


def test_a_noisy_room_raises_the_gate_to_the_ceiling_at_most() -> None:
    """With a noise over the ceiling, normal speech is still loud."""
    gate = gate_in(0.01)
    assert gate.threshold() == CEILING
    assert gate.update(0.001)


def test_the_floor_forgets_after_ten_seconds() -> None:
    """When the fan stops, the gate comes down as soon as the window is over."""
    gate = gate_in(5e-5)
    for _ in range(FLOOR_WINDOW):
        gate.update(1e-6)
    assert gate.threshold() == pytest.approx(6e-6)


def test_speech_does_not_lift_the_floor() -> None:
    """Somebody who talks most of the time does not hide behind the own voice: a tenth of pauses keeps the floor."""
    gate = EnergyVad(CEILING, FACTOR)
    for frame in range(FLOOR_WINDOW):
        gate.update(1e-5 if frame % 8 == 0 else 0.01)
    assert gate.threshold() == pytest.approx(6e-5)


def test_digital_silence_says_nothing_about_the_room() -> None:
    """Frames of zeros are silent and leave the floor as it was."""
    gate = gate_in(1e-5)
    for _ in range(2 * FLOOR_WINDOW):
        assert not gate.update(0.0)
    assert not gate.update(DIGITAL_SILENCE)
    assert gate.threshold() == pytest.approx(6e-5)


def test_the_gate_never_falls_to_the_noise_of_a_converter() -> None:
    """In a perfectly quiet room the threshold stays above the lowest floor."""
    gate = gate_in(2e-9)
    assert gate.threshold() == pytest.approx(FACTOR * LOWEST_FLOOR)
    assert not gate.update(LOWEST_FLOOR)
