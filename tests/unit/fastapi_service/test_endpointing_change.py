"""A session may end its utterances otherwise than the gateway does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_service.endpointing.change import LEAST_NOISE_FACTOR, EndpointingChange
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import SpeechStart, Utterance
from fastapi_service.endpointing.frames import FRAME
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE, Pcm, decode_pcm, ms_to_samples

USUAL = EndpointerOptions(pause_ms=200, unfinished_ms=800)
MANUAL = EndpointingChange(manual=True).applied_to(USUAL)


def voice(frames: int) -> Pcm:
    return decode_pcm(speech(frames * FRAME))


def silence(frames: int) -> Pcm:
    return decode_pcm(quiet(frames * FRAME))


def ends(endpointer: Endpointer, *pieces: Pcm) -> list[int]:
    """Return the frames of the stream at which an utterance has ended."""
    events = [event for piece in pieces for event in endpointer.feed(piece, 0.0)]
    return [event.end // FRAME for event in events if isinstance(event, Utterance)]


def test_what_is_left_out_is_as_the_gateway_has_it() -> None:
    """Nothing changed changes nothing; a threshold of 0.5 is the gateway's own."""
    assert EndpointingChange().applied_to(USUAL) == USUAL
    assert EndpointingChange(threshold=0.5).applied_to(USUAL) == USUAL
    changed = EndpointingChange(silence_ms=300, unfinished_ms=0, pre_roll_ms=0).applied_to(USUAL)
    assert changed == replace(USUAL, silence_ms=300, unfinished_ms=0, pre_roll_ms=0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_needs_a_louder_voice(one: float, other: float) -> None:
    """By 6 dB at most, and never so low that the noise of the room is a voice."""
    lower, higher = (EndpointingChange(threshold=each).applied_to(USUAL) for each in sorted((one, other)))
    assert lower.silence_ceiling <= higher.silence_ceiling <= 4 * USUAL.silence_ceiling
    assert LEAST_NOISE_FACTOR <= lower.noise_factor <= higher.noise_factor <= 4 * USUAL.noise_factor


def test_a_changed_silence_holds_for_the_open_utterance() -> None:
    """Both ways: a longer one in a pause that lasts, and a shorter one in a pause that is over it already."""
    endpointer = Endpointer(USUAL)
    assert ends(endpointer, voice(10), silence(10)) == []
    endpointer.tune(replace(USUAL, silence_ms=900))
    assert ends(endpointer, silence(19)) == []
    endpointer.tune(USUAL)
    assert ends(endpointer, silence(1)) == [27]


def test_a_changed_pre_roll_and_threshold_hold_from_the_next_frame_on() -> None:
    """What is known of the room stays."""
    endpointer = Endpointer(USUAL)
    endpointer.feed(silence(40), 0.0)
    endpointer.tune(EndpointingChange(pre_roll_ms=60).applied_to(USUAL))
    found = endpointer.feed(np.concatenate([silence(10), voice(5)]), 0.0)
    assert found == [SpeechStart(48 * FRAME)]
    endpointer.clear()
    soft = voice(10) // 60
    assert endpointer.feed(soft, 0.0) != []
    endpointer.clear()
    endpointer.tune(EndpointingChange(threshold=1.0).applied_to(USUAL))
    assert endpointer.feed(soft, 0.0) == []


def test_a_manual_utterance_ends_with_the_flush_only() -> None:
    """However long its pauses are; of the silence before the flush it keeps half a second."""
    endpointer = Endpointer(MANUAL)
    assert ends(endpointer, voice(10), silence(100), voice(10), silence(100)) == []
    (utterance,) = endpointer.flush(0.0)
    assert isinstance(utterance, Utterance)
    assert (utterance.start, utterance.end, utterance.reason) == (0, 137 * FRAME, "flush")
    assert endpointer.flush(0.0) == []


def test_a_manual_utterance_has_a_longest_duration() -> None:
    """Silence of minutes behind it costs no memory, and is no utterance."""
    endpointer = Endpointer(MANUAL)
    found = ends(endpointer, voice(10), *[silence(100)] * 60)
    assert len(found) == 1
    assert endpointer.active is None
    assert endpointer.flush(0.0) == []


@pytest.mark.parametrize("frames", [1, 100, 100_000])
def test_a_gap_in_a_manual_utterance_is_silence(frames: int) -> None:
    """As if it had been sent."""
    sent, spared = Endpointer(MANUAL), Endpointer(MANUAL)
    for endpointer in (sent, spared):
        endpointer.feed(voice(10), 0.0)
    expected = sent.feed(np.zeros(frames * FRAME, np.int16), 0.0) + sent.feed(voice(10), 0.0) + sent.flush(0.0)
    found = spared.gap(frames * FRAME, 0.0) + spared.feed(voice(10), 0.0) + spared.flush(0.0)
    assert found == expected
    assert spared.position == sent.position == (frames + 20) * FRAME


def test_a_click_is_no_manual_utterance() -> None:
    """It is forgotten after the usual silence, and by the flush."""
    endpointer = Endpointer(MANUAL)
    assert endpointer.feed(np.concatenate([voice(2), silence(17)]), 0.0) == []
    assert endpointer.active is None
    endpointer.feed(voice(2), 0.0)
    assert endpointer.flush(0.0) == []


@pytest.mark.parametrize("options", [USUAL, MANUAL], ids=["usual", "manual"])
def test_cleared_audio_is_in_no_utterance(options: EndpointerOptions) -> None:
    """Neither the voice, nor the silence before it as a pre-roll; positions go on."""
    endpointer = Endpointer(options)
    endpointer.feed(np.concatenate([silence(20), voice(20)])[: 40 * FRAME - 7], 0.0)
    endpointer.clear()
    assert (endpointer.active, endpointer.safe) == (None, 40 * FRAME - 7)
    endpointer.feed(voice(10), 0.0)
    (utterance,) = endpointer.flush(0.0)
    assert isinstance(utterance, Utterance)
    assert (utterance.start, utterance.end) == (40 * FRAME - 7, 50 * FRAME - 7)
    assert ms_to_samples(1000) == SAMPLE_RATE
