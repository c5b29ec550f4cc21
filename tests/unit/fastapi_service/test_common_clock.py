"""Two sessions of one input on one clock."""

from fastapi_service.endpointing.events import Utterance
from fastapi_service.recognition.common_clock import CommonClock


def utterance(end_s: float, audio_end: float) -> Utterance:
    end = round(end_s * 16_000)
    return Utterance(end - 16_000, end, bytes(32_000), "silence", audio_end, audio_end, audio_end, 0)


def test_utterances_of_a_file_lie_on_the_common_clock_as_in_the_file() -> None:
    """A minute of audio came within a second; the first utterance says when the clock began."""
    clock = CommonClock()
    placed = [clock.place(utterance(*each)).audio_end for each in ((4.0, 1_000.0), (64.0, 1_001.0), (2.0, 1_001.5))]
    assert placed == [1_000.0, 1_060.0, 998.0]
