"""Speech is cut into utterances: nothing twice, nothing lost, whatever the pieces it arrives in."""

import tracemalloc
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.endpointing.active_utterance import State
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, SpeechStart, Utterance
from fastapi_service.endpointing.frames import FRAME, ceil_to_frames
from wire.audio import SAMPLE_RATE, Pcm, decode_pcm, encode_pcm, ms_to_samples

DATA = Path(__file__).parents[2] / "data"
OPTIONS = EndpointerOptions()
BRISK = EndpointerOptions(max_utterance_ms=3_000)
"""Cuts so early that short streams have forced cuts too."""
PATIENT = EndpointerOptions(silence_ms=3_000)
"""Lets people think: most of the silence that ends an utterance does not belong to it."""
MS = SAMPLE_RATE // 1000
LOUD, ROOM, NOTHING = 3_000, 20, 0
"""Amplitudes: speech, the noise of a room, digital silence."""
COUNTED = ms_to_samples(OPTIONS.min_speech_ms) + FRAME
"""A loud stretch of this many samples has enough whole loud frames, wherever it begins."""

stretches = st.lists(
    st.tuples(st.sampled_from([LOUD, ROOM, NOTHING]), st.integers(1, 900 * MS)), min_size=1, max_size=12
)
"""Amplitude and length of what follows each other in a stream."""


def tone(amplitude: int, samples: int) -> Pcm:
    """A square wave: the same energy in each frame."""
    return np.where(np.arange(samples) // 20 % 2, amplitude, -amplitude).astype(np.int16)


def stream_of(parts: list[tuple[int, int]]) -> Pcm:
    return np.concatenate([tone(amplitude, samples) for amplitude, samples in parts])


def utterances_in(events: list[Event]) -> list[Utterance]:
    return [event for event in events if isinstance(event, Utterance)]


def listen(pcm: Pcm, options: EndpointerOptions = OPTIONS, position: int = 0) -> list[Utterance]:
    """Everything said in a stream that ends with ``flush``."""
    endpointer = Endpointer(options, position)
    return utterances_in(endpointer.feed(pcm, 0.0) + endpointer.flush(0.0))


def loud_stretches(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Begin and end of what is long enough to be speech."""
    ends = np.cumsum([samples for _, samples in parts])
    return [
        (int(end) - samples, int(end))
        for end, (amplitude, samples) in zip(ends, parts, strict=True)
        if amplitude == LOUD and samples >= COUNTED
    ]


@settings(max_examples=60, deadline=None)
@given(stretches, st.sampled_from([OPTIONS, BRISK, PATIENT]), st.integers(0, 10**9))
def test_utterances_are_ordered_and_share_no_sample(
    parts: list[tuple[int, int]], options: EndpointerOptions, position: int
) -> None:
    """Each utterance begins where the one before ended or later, and holds exactly the samples it names."""
    pcm = stream_of(parts)
    before = position
    for utterance in listen(pcm, options, position):
        assert before <= utterance.start < utterance.end <= position + len(pcm)
        assert utterance.pcm == encode_pcm(pcm[utterance.start - position : utterance.end - position])
        before = utterance.end


@settings(max_examples=60, deadline=None)
@given(stretches, st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from([OPTIONS, BRISK, PATIENT]))
def test_events_do_not_depend_on_chunks(
    parts: list[tuple[int, int]], splits: list[int], options: EndpointerOptions
) -> None:
    """Any way to cut a stream into chunks gives the same events, byte for byte."""
    pcm = stream_of(parts)
    at_once, in_pieces = Endpointer(options), Endpointer(options)
    expected = at_once.feed(pcm, 1.0) + at_once.flush(1.0)
    places = sorted({split % (len(pcm) + 1) for split in splits})
    events = [event for piece in np.split(pcm, places) for event in in_pieces.feed(piece, 1.0)]
    assert events + in_pieces.flush(1.0) == expected


@settings(max_examples=60, deadline=None)
@given(stretches, st.sampled_from([OPTIONS, PATIENT]))
def test_speech_lies_in_utterances_with_its_pre_roll(parts: list[tuple[int, int]], options: EndpointerOptions) -> None:
    """Each voiced stretch that is long enough is in an utterance, with the 300 ms before it that no other has."""
    found = listen(stream_of(parts), options)
    for begin, end in loud_stretches(parts):
        holding = [(n, utterance) for n, utterance in enumerate(found) if utterance.start <= begin < utterance.end]
        assert len(holding) == 1, "speech is lost"
        index, utterance = holding[0]
        assert end <= utterance.end
        free_from = found[index - 1].end if index else 0
        assert utterance.start <= max(free_from, begin + FRAME - ms_to_samples(OPTIONS.pre_roll_ms))


def test_trailing_silence_is_limited() -> None:
    """With a trailing silence of 3 s utterances still end half a second after the last word."""
    pcm = np.concatenate([tone(LOUD, 30 * FRAME), tone(0, 120 * FRAME)])
    for pause_ms, kept in ((200, 17 * FRAME), (0, 17 * FRAME), (1_000, 34 * FRAME), (3_000, 17 * FRAME)):
        options = EndpointerOptions(silence_ms=3_000, pause_ms=pause_ms)
        endpointer = Endpointer(options)
        *pauses, utterance = [event for event in endpointer.feed(pcm, 0.0) if not isinstance(event, SpeechStart)]
        assert isinstance(utterance, Utterance)
        assert (utterance.end, utterance.silence) == (30 * FRAME + kept, kept)
        assert [utterance.ends_in(pause) for pause in pauses if isinstance(pause, SpeculativeEndpoint)] == [
            True for _ in pauses
        ]
        assert len(pauses) == (0 < pause_ms < 3_000)


@settings(max_examples=60, deadline=None)
@given(stretches, st.sampled_from([OPTIONS, BRISK, PATIENT]))
def test_gap_is_like_silence_that_was_sent(parts: list[tuple[int, int]], options: EndpointerOptions) -> None:
    """A client that leaves digital silence out gets the same utterances as one that sends it."""
    sent, spared = Endpointer(options), Endpointer(options)
    expected, found = [], []
    for amplitude, samples in parts:
        pcm = tone(amplitude, samples)
        expected += sent.feed(pcm, 0.0)
        found += spared.feed(pcm, 0.0) if amplitude else spared.gap(samples, 0.0)
    expected, found = expected + sent.flush(0.0), found + spared.flush(0.0)
    assert [(u.start, u.end) for u in utterances_in(found)] == [(u.start, u.end) for u in utterances_in(expected)]
    assert spared.position == sent.position


@settings(max_examples=60, deadline=None)
@given(stretches, st.sampled_from([OPTIONS, BRISK, PATIENT]))
def test_audio_after_a_gap_keeps_its_place(parts: list[tuple[int, int]], options: EndpointerOptions) -> None:
    """With gaps in a stream, each utterance still holds the samples that its positions name, zeros for the gap."""
    pcm = stream_of(parts)
    endpointer, found = Endpointer(options), []
    for amplitude, samples in parts:
        found += endpointer.feed(tone(amplitude, samples), 0.0) if amplitude else endpointer.gap(samples, 0.0)
    for utterance in utterances_in(found + endpointer.flush(0.0)):
        assert utterance.pcm == encode_pcm(pcm[utterance.start : utterance.end])


@settings(max_examples=60, deadline=None)
@given(stretches, st.sampled_from([OPTIONS, BRISK, PATIENT]), st.integers(1, 5_000), st.integers(0, 10**6))
def test_safe_only_grows_and_passes_nothing_needed(
    parts: list[tuple[int, int]], options: EndpointerOptions, piece: int, position: int
) -> None:
    """No later utterance begins before a position that was called safe."""
    pcm = stream_of(parts)
    endpointer = Endpointer(options, position)
    safe = position
    for offset in range(0, len(pcm), piece):
        for utterance in utterances_in(endpointer.feed(pcm[offset : offset + piece], 0.0)):
            assert utterance.start >= safe
        assert safe <= endpointer.safe <= endpointer.position
        safe = endpointer.safe
    assert all(utterance.start >= safe for utterance in utterances_in(endpointer.flush(0.0)))
    assert endpointer.safe == endpointer.position == position + len(pcm)


def test_half_a_second_of_silence_ends_an_utterance() -> None:
    """It ends with the frame that completes 500 ms, and not a frame earlier."""
    endpointer = Endpointer(OPTIONS)
    assert utterances_in(endpointer.feed(tone(LOUD, 20 * FRAME), 5.0)) == []
    assert endpointer.feed(tone(ROOM, 16 * FRAME), 6.0) == []
    states = [endpointer.state]
    (utterance,) = utterances_in(endpointer.feed(tone(ROOM, FRAME), 7.0))
    assert [*states, endpointer.state] == [State.STOPPING, State.QUIET]
    assert (utterance.start, utterance.end, utterance.reason) == (0, 37 * FRAME, "silence")
    assert (utterance.speech_end, utterance.ended) == (5.0, 7.0)


def test_states_follow_the_voice() -> None:
    """A click goes back to QUIET; speech is STOPPING in each pause until one ends it."""
    endpointer = Endpointer(OPTIONS)
    stream = [(ROOM, 1), (LOUD, 1), (ROOM, 17), (LOUD, 2), (LOUD, 1), (ROOM, 16), (LOUD, 1), (ROOM, 1), (ROOM, 16)]
    states = []
    for amplitude, frames in stream:
        endpointer.feed(tone(amplitude, frames * FRAME), 0.0)
        states.append(endpointer.state)
    click = [State.QUIET, State.STARTING, State.QUIET]
    speech = [State.STARTING, State.SPEAKING, State.STOPPING, State.SPEAKING, State.STOPPING, State.QUIET]
    assert states == click + speech


def test_a_shorter_pause_does_not_end_an_utterance() -> None:
    """Two words with 450 ms between them are one utterance."""
    pause = tone(ROOM, 15 * FRAME)
    (utterance,) = listen(np.concatenate([tone(LOUD, 5 * FRAME), pause, tone(LOUD, 5 * FRAME), tone(ROOM, 40 * FRAME)]))
    assert utterance.end == 42 * FRAME


def test_speech_is_announced_once_and_before_it_ends() -> None:
    """The start is known as soon as 90 ms were loud, long before the end; it names the start of the utterance."""
    endpointer = Endpointer(OPTIONS)
    endpointer.feed(tone(ROOM, 30 * FRAME), 0.0)
    assert endpointer.feed(tone(LOUD, 2 * FRAME), 0.0) == []
    assert endpointer.feed(tone(LOUD, FRAME), 0.0) == [SpeechStart(20 * FRAME)]
    assert endpointer.feed(tone(LOUD, 50 * FRAME), 0.0) == []
    (utterance,) = endpointer.feed(tone(ROOM, 20 * FRAME), 0.0)
    assert isinstance(utterance, Utterance)
    assert utterance.start == 20 * FRAME


def test_a_click_is_no_utterance() -> None:
    """60 ms of noise gives no event at all, however long one waits."""
    endpointer = Endpointer(OPTIONS)
    clicks = [tone(ROOM, 30 * FRAME), tone(LOUD, 2 * FRAME), tone(ROOM, 60 * FRAME)]
    assert endpointer.feed(np.concatenate(clicks), 0.0) == []
    assert endpointer.flush(0.0) == []


def test_speech_after_a_click_has_its_pre_roll() -> None:
    """Audio after a dropped click becomes the pre-roll of the speech that follows."""
    parts = [(LOUD, FRAME), (ROOM, 17 * FRAME), (LOUD, 10 * FRAME)]
    (utterance,) = listen(stream_of(parts))
    assert (utterance.start, utterance.end) == (8 * FRAME, 28 * FRAME)


def test_flush_ends_the_utterance_with_the_last_sample() -> None:
    """Also the samples that do not fill a frame yet belong to it; then the stream goes on."""
    endpointer = Endpointer(OPTIONS)
    endpointer.feed(tone(LOUD, 10 * FRAME + 7), 1.0)
    (utterance,) = utterances_in(endpointer.flush(2.0))
    assert (utterance.end, utterance.reason, utterance.ended) == (10 * FRAME + 7, "flush", 2.0)
    assert endpointer.flush(3.0) == []
    (later,) = utterances_in(endpointer.feed(stream_of([(LOUD, 10 * FRAME), (ROOM, 20 * FRAME)]), 4.0))
    assert later.start == 10 * FRAME + 7


def test_a_gap_of_a_day_costs_nothing() -> None:
    """A long gap ends the utterance, moves the position and stores no silence."""
    endpointer = Endpointer(OPTIONS)
    endpointer.feed(tone(LOUD, 10 * FRAME), 1.0)
    day = 86_400 * SAMPLE_RATE
    (utterance,) = utterances_in(endpointer.gap(day, 2.0))
    assert utterance.end - utterance.start < SAMPLE_RATE
    assert utterance.reason == "silence"
    assert endpointer.position == 10 * FRAME + day


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    """Every part is shorter than 20 s and ends in the deepest dip of its last 6 s; together they are everything."""
    dips = [17.0, 30.0, 34.5]  # seconds; the one at 15 s is shallower and the one at 10 s too early
    pcm = tone(LOUD, 50 * SAMPLE_RATE)
    for second, divisor in ((10.0, 10), (15.0, 2), *((dip, 5) for dip in dips)):
        begin = round(second * SAMPLE_RATE)
        pcm[begin : begin + 8 * FRAME] //= divisor
    found = listen(pcm)
    assert [utterance.reason for utterance in found] == ["too_long", "too_long", "flush"]
    assert found[0].end / SAMPLE_RATE == pytest.approx(17.12, abs=0.1)
    assert found[1].end / SAMPLE_RATE == pytest.approx(34.62, abs=0.1)
    assert b"".join(utterance.pcm for utterance in found) == encode_pcm(pcm)
    assert all(utterance.end - utterance.start < 20 * SAMPLE_RATE for utterance in found)


@pytest.mark.parametrize("longest_ms", [2_000, 6_000, 20_000, 29_000])
def test_a_monotonous_sound_is_cut_into_few_long_parts(longest_ms: int) -> None:
    """A part is at least a third of the longest one, even if no point is quieter than another."""
    found = listen(tone(LOUD, 70 * SAMPLE_RATE), EndpointerOptions(max_utterance_ms=longest_ms))
    lengths = [len(utterance.pcm) // 2 for utterance in found]
    assert sum(lengths) == 70 * SAMPLE_RATE
    assert max(lengths) < ms_to_samples(longest_ms) + FRAME
    assert min(lengths[:-1]) >= ms_to_samples(longest_ms) // 3


def test_speech_that_ends_right_after_a_cut_is_not_lost() -> None:
    """A last syllable of 60 ms, cut off from its sentence by force, is still part of an utterance."""
    pcm = stream_of([(LOUD, 664 * FRAME - 10 * FRAME), (ROOM, 8 * FRAME), (LOUD, 2 * FRAME), (ROOM, 60 * FRAME)])
    found = listen(pcm)
    loud = np.flatnonzero(np.abs(pcm) == LOUD)
    assert found[-1].end > loud[-1]


def test_a_cut_at_a_pause_leaves_later_positions_exact() -> None:
    """After the rest of a forced cut was dropped as a click, the next utterance holds what its positions say."""
    pcm = stream_of([(LOUD, 660 * FRAME), (ROOM, 20 * FRAME), (LOUD, 20 * FRAME)])
    pcm += np.arange(len(pcm), dtype=np.int16) % 7  # so that no two places look the same
    found = listen(pcm)
    assert len(found) == 2
    for utterance in found:
        assert utterance.pcm == encode_pcm(pcm[utterance.start : utterance.end])


def test_an_hour_of_noise_needs_little_memory() -> None:
    """However long speech or silence lasts, what is kept stays under a few megabytes."""
    endpointer = Endpointer(OPTIONS)
    minute = stream_of([(LOUD, 30 * SAMPLE_RATE), (ROOM, 30 * SAMPLE_RATE)])
    endpointer.feed(minute, 0.0)
    tracemalloc.start()
    try:
        for _ in range(10):
            endpointer.feed(minute, 0.0)
            endpointer.feed(tone(LOUD, 10 * SAMPLE_RATE), 0.0)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3_000_000


@dataclass(frozen=True)
class Clip:
    name: str
    words: list[tuple[float, float]]
    """Beginnings and ends of speech, in seconds."""


CLIPS = [
    Clip("silly.wav", [(0.0, 2.8)]),
    Clip("conversation.wav", [(1.5, 4.335), (5.835, 11.41), (12.91, 17.385), (18.885, 22.015)]),
]


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_real_speech_is_one_utterance_per_sentence(clip: Clip) -> None:
    """In real recordings each sentence is found: about the words, all of its sound, and nothing between sentences."""
    with wave.open(str(DATA / clip.name)) as file:
        pcm = decode_pcm(file.readframes(file.getnframes()))
    found = listen(pcm)
    assert found
    energy = np.add.reduceat(np.square(pcm.astype(np.float64)), np.arange(0, len(pcm), FRAME))
    covered = np.zeros(len(energy), dtype=bool)
    for utterance in found:
        assert any(
            begin - 0.4 < utterance.start / SAMPLE_RATE and utterance.end / SAMPLE_RATE < end + 0.7
            for begin, end in clip.words
        )
        covered[utterance.start // FRAME : ceil_to_frames(utterance.end) // FRAME] = True
    assert energy[covered].sum() / energy.sum() > 0.99


def test_each_pause_gives_one_speculative_endpoint_with_the_audio_so_far() -> None:
    """Also the one that turns out to be the end; only that one says the same as the utterance."""
    pcm = stream_of([(LOUD, 60 * FRAME), (ROOM, 10 * FRAME), (LOUD, 60 * FRAME), (ROOM, 30 * FRAME)])
    events = Endpointer(EndpointerOptions(pause_ms=200)).feed(pcm, 0.0)
    pauses = [event for event in events if isinstance(event, SpeculativeEndpoint)]
    (utterance,) = utterances_in(events)
    assert [pause.end for pause in pauses] == [67 * FRAME, 137 * FRAME]
    assert all(utterance.pcm.startswith(pause.pcm) for pause in pauses)
    assert [utterance.ends_in(pause) for pause in pauses] == [False, True]


def test_active_utterance_can_be_read_from_a_position_on() -> None:
    endpointer = Endpointer(OPTIONS)
    pcm = stream_of([(ROOM, 20 * FRAME), (LOUD, 60 * FRAME)])
    endpointer.feed(pcm, 0.0)
    assert endpointer.state is State.SPEAKING
    assert endpointer.active is not None
    start, pcm_since = endpointer.active.since(50 * FRAME)
    assert (start, pcm_since) == (50 * FRAME, encode_pcm(pcm[50 * FRAME :]))
    start, pcm_since = endpointer.active.since(0)
    assert (start, pcm_since) == (10 * FRAME, encode_pcm(pcm[10 * FRAME :]))
