"""In a loud room the voice begins and ends utterances, in a quiet one the level alone; the model is scripted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, SpeechStart, Utterance
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.endpointing.voice import CONTEXT, MODEL_FRAME, STATE_SHAPE, VoiceModel
from tests.support.recordings import recording
from wire.audio import SAMPLE_RATE, Pcm, Samples, encode_pcm, to_int16

OPTIONS = EndpointerOptions()
ROOM, NOISE, VOICE = 20, 1_000, 6_000
"""RMS of a quiet room, of a loud one (−30 dBFS), and of somebody who speaks there, 15 dB louder."""
END_S = 1.0
"""Longest time from the last word to the end of its utterance."""


@dataclass
class Scripted:
    """Finds voice by a rule of its own, given the RMS of a frame as Int16, and counts its calls."""

    rule: Callable[[float], float]
    calls: int = 0

    def __call__(self, frame: Samples, hidden: Samples, cell: Samples, /) -> tuple[float, Samples, Samples]:
        assert frame.shape == (CONTEXT + MODEL_FRAME,)
        assert hidden.shape == cell.shape == STATE_SHAPE
        self.calls += 1
        return self.rule(float(np.sqrt(np.mean(np.square(frame[CONTEXT:])))) * 32_768), hidden, cell


def voice_over_noise() -> Scripted:
    """A model that is right."""
    return Scripted(lambda rms: float(rms > 2 * NOISE))


def babble() -> Scripted:
    """A model in a room of people, where all sound is voice."""
    return Scripted(lambda _: 1.0)


def forgetful(frame: Samples, hidden: Samples, cell: Samples) -> tuple[float, Samples, Samples]:
    """A model whose answer depends on all frames since it began."""
    hidden = hidden * np.float32(0.9) + np.float32(0.1) * np.abs(frame).mean()
    return float(np.abs(frame).mean() > hidden.flat[0] * 1.02), hidden, cell


def unused(*_: Samples) -> tuple[float, Samples, Samples]:
    raise AssertionError("The model is called in a quiet room.")


def sound(*parts: tuple[int, float], seed: int = 0) -> Pcm:
    """White noise of the levels and seconds given, one after the other; 0 is digital silence."""
    random = np.random.default_rng(seed)
    noise = [random.normal(0, level, round(seconds * SAMPLE_RATE)) for level, seconds in parts]
    return np.concatenate(noise).clip(-32_768, 32_767).astype(np.int16)


def utterances(pcm: Pcm, model: VoiceModel | None, options: EndpointerOptions = OPTIONS) -> list[Utterance]:
    endpointer = Endpointer(options, voice=model)
    events = [
        event
        for begin in range(0, len(pcm), 3 * FRAME)
        for event in endpointer.feed(pcm[begin : begin + 3 * FRAME], min(len(pcm), begin + 3 * FRAME) / SAMPLE_RATE)
    ]
    events += endpointer.flush(len(pcm) / SAMPLE_RATE)
    return [event for event in events if isinstance(event, Utterance)]


def holding(found: list[Utterance], begin_s: float, end_s: float) -> Utterance:
    """The only utterance with a part of a sentence; it holds all of it, with what comes before."""
    (held,) = [each for each in found if each.start < end_s * SAMPLE_RATE and each.end > begin_s * SAMPLE_RATE]
    assert held.start <= (begin_s - 0.3) * SAMPLE_RATE
    assert held.end >= end_s * SAMPLE_RATE
    return held


quiet_talk = st.lists(st.tuples(st.integers(1, 40), st.integers(10, 40)), min_size=1, max_size=10)
"""Frames of speech, and frames of a quiet room behind it."""


@settings(max_examples=25, deadline=None)
@given(quiet_talk, st.sampled_from([60, 300, 6_000]))
def test_in_a_quiet_room_nothing_changes_and_no_model_is_called(talk: list[tuple[int, int]], level: int) -> None:
    """At any level of the voice, byte for byte."""
    frame_s = FRAME / SAMPLE_RATE
    parts = [part for loud, quiet in talk for part in ((level, loud * frame_s), (ROOM, quiet * frame_s))]
    pcm = sound((ROOM, 0.5), *parts)
    assert utterances(pcm, unused) == utterances(pcm, None)


@pytest.mark.parametrize("gain", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("name", ["conversation.wav", "korean.wav"])
def test_recordings_of_quiet_rooms_need_no_model(name: str, gain: float) -> None:
    """Also those of a distant microphone."""
    pcm = to_int16(gain * recording(name))
    assert utterances(pcm, unused) == utterances(pcm, None) != []


@pytest.mark.parametrize("noise", [1_000, 2_000, 800], ids=["-30 dBFS", "-24 dBFS", "-32 dBFS"])
def test_utterances_end_in_a_loud_room(noise: int) -> None:
    """Without a model, they end when they are too long."""
    voice = 5 * noise
    pcm = sound((noise, 4), (voice, 2), (noise, 3), (voice, 0.4), (noise, 3), (voice, 6), (noise, 3))
    found = utterances(pcm, Scripted(lambda rms: float(rms > 2 * noise)))
    for begin_s, end_s in ((4, 6), (9, 9.4), (12.4, 18.4)):
        utterance = holding(found, begin_s, end_s)
        assert utterance.reason == "silence"
        assert utterance.ended - end_s <= END_S
    assert [each.reason for each in utterances(pcm, None)] == ["too_long", "flush"]


def test_an_unfinished_sentence_ends_within_a_second_too() -> None:
    """It waits for more than others, but the end of the voice is found late."""
    endpointer = Endpointer(EndpointerOptions(pause_ms=200, unfinished_ms=800), voice=voice_over_noise())
    pcm, ended = sound((NOISE, 4), (VOICE, 2), (NOISE, 3)), list[float]()
    for end in range(FRAME, len(pcm), FRAME):
        for event in endpointer.feed(pcm[end - FRAME : end], end / SAMPLE_RATE):
            if isinstance(event, SpeculativeEndpoint):
                endpointer.wait(event)
            elif isinstance(event, Utterance):
                ended.append(event.ended)
    assert 0.7 < ended[-1] - 6 < 0.9


def test_a_stream_that_begins_in_a_loud_room_has_one_utterance_of_noise_at_most() -> None:
    """The first second belongs to a quiet room that begins with a word; then the room is known."""
    (noise,) = utterances(sound((NOISE, 20)), voice_over_noise())
    assert noise.ended <= 2.5


def test_a_sentence_that_a_stream_begins_with_is_whole() -> None:
    """The room is found out while the sentence lasts."""
    found = utterances(sound((VOICE, 3), (NOISE, 3)), voice_over_noise())
    assert (found[0].start, found[0].reason) == (0, "silence")
    assert found[0].end >= 3 * SAMPLE_RATE
    assert found[0].ended <= 3 + END_S


def test_near_voices_end_among_distant_ones() -> None:
    """To the model all of it is voice; the near one is 15 dB louder."""
    pcm = sound((NOISE, 4), (VOICE, 3), (NOISE, 3), (VOICE, 3), (NOISE, 3))
    found = utterances(pcm, babble())
    for end_s in (7, 13):
        assert any(0 < each.ended - end_s <= END_S for each in found)


def test_a_voice_as_quiet_as_the_noise_is_found() -> None:
    """With nobody louder beside, the level of a voice does not matter."""
    model = Scripted(lambda rms: float(rms > 1.3 * NOISE))
    found = utterances(sound((NOISE, 4), (3 * NOISE // 2, 3), (NOISE, 3)), model)
    assert holding(found, 4, 7).ended <= 7 + END_S


def test_a_room_that_becomes_loud_inside_an_utterance_ends_it() -> None:
    """As soon as the noise fills the window of the floor."""
    found = utterances(sound((ROOM, 3), (VOICE, 2), (NOISE, 14), (VOICE, 2), (NOISE, 3)), voice_over_noise())
    assert found[0].ended <= 3 + 2 + 10
    assert holding(found, 19, 21).ended <= 21 + END_S


def test_a_room_that_becomes_quiet_needs_no_model_any_longer() -> None:
    """Quiet words count again as soon as the floor has fallen."""
    model = voice_over_noise()
    pcm = sound((NOISE, 12), (ROOM, 3), (200, 1), (ROOM, 2))
    found = utterances(pcm, model)
    assert model.calls < 14 * SAMPLE_RATE / MODEL_FRAME
    assert holding(found, 15, 16).ended <= 16 + END_S


def test_a_monologue_in_a_loud_room_is_cut() -> None:
    """The parts are everything."""
    pcm = sound((NOISE, 4), (VOICE, 45), (NOISE, 3))
    found = utterances(pcm, voice_over_noise())
    first, *parts = [each for each in found if each.end > 3 * SAMPLE_RATE]
    assert first.start < 4 * SAMPLE_RATE
    assert [each.reason for each in (first, *parts)] == ["too_long", "too_long", "silence"]
    assert b"".join(each.pcm for each in (first, *parts)) == encode_pcm(pcm[first.start : parts[-1].end])
    assert parts[-1].ended <= 49 + END_S


stretches = st.lists(
    st.tuples(st.sampled_from([VOICE, NOISE, NOISE, ROOM, 0]), st.integers(1, 1_500)), min_size=1, max_size=12
)
"""Level and milliseconds of what follows each other."""


def loud_stream(parts: list[tuple[int, int]]) -> Pcm:
    return sound((NOISE, 2), *((level, ms / 1000) for level, ms in parts))


def events_of(endpointer: Endpointer, pieces: list[Pcm]) -> list[Event]:
    return [event for piece in pieces for event in endpointer.feed(piece, 1.0)] + endpointer.flush(1.0)


@settings(max_examples=25, deadline=None)
@given(stretches, st.lists(st.integers(0, 300_000), max_size=12))
def test_events_in_loud_rooms_do_not_depend_on_messages(parts: list[tuple[int, int]], splits: list[int]) -> None:
    """Any way to cut a stream gives the same, byte for byte."""
    pcm = loud_stream(parts)
    places = sorted({split % (len(pcm) + 1) for split in splits})
    expected = events_of(Endpointer(OPTIONS, voice=forgetful), [pcm])
    assert events_of(Endpointer(OPTIONS, voice=forgetful), np.split(pcm, places)) == expected


@settings(max_examples=25, deadline=None)
@given(stretches)
def test_a_gap_in_a_loud_room_is_like_silence_that_was_sent(parts: list[tuple[int, int]]) -> None:
    """A client that leaves digital silence out gets the same utterances."""
    sent, spared = Endpointer(OPTIONS, voice=forgetful), Endpointer(OPTIONS, voice=forgetful)
    expected, found = list[Event](), list[Event]()
    for level, ms in [(NOISE, 2_000), *parts]:
        pcm = sound((level, ms / 1000))
        expected += sent.feed(pcm, 0.0)
        found += spared.feed(pcm, 0.0) if level else spared.gap(len(pcm), 0.0)
    expected, found = expected + sent.flush(0.0), found + spared.flush(0.0)
    assert [each for each in found if isinstance(each, Utterance | SpeechStart)] == [
        each for each in expected if isinstance(each, Utterance | SpeechStart)
    ]
    assert spared.position == sent.position


@settings(max_examples=25, deadline=None)
@given(stretches, st.integers(1, 5_000))
def test_safe_only_grows_in_changing_rooms(parts: list[tuple[int, int]], piece: int) -> None:
    """The longer pre-roll of loud rooms needs no audio that was called safe."""
    pcm, endpointer, safe = loud_stream(parts), Endpointer(OPTIONS, voice=forgetful), 0
    for offset in range(0, len(pcm), piece):
        for event in endpointer.feed(pcm[offset : offset + piece], 0.0):
            assert not isinstance(event, Utterance) or event.start >= safe
        assert safe <= endpointer.safe <= endpointer.position
        safe = endpointer.safe


def test_the_model_begins_again_behind_digital_silence() -> None:
    """What it remembers is of before the silence."""
    states: list[float] = []

    def model(_: Samples, hidden: Samples, cell: Samples) -> tuple[float, Samples, Samples]:
        states.append(float(hidden.flat[0]))
        return 0.0, hidden + np.float32(1), cell

    endpointer = Endpointer(OPTIONS, voice=model)
    endpointer.feed(sound((NOISE, 3)), 0.0)
    assert len(states) > 30
    assert states == sorted(set(states))
    states.clear()
    endpointer.feed(sound((0, 1), (NOISE, 1)), 0.0)
    assert states == [float(number) for number in range(len(states))]
    assert len(states) == pytest.approx(SAMPLE_RATE / MODEL_FRAME, abs=2)
