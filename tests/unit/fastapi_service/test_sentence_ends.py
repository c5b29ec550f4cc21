"""The text of a pause ends its utterance, also a little later, or lets it wait for more."""

import pytest

from fastapi_service.endpointing.active_utterance import State
from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, SpeechStart, Utterance
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.recognition.verdict import CERTAINLY_OVER, OVER, judge
from tests.support.sounds import quiet, speech
from wire.audio import decode_pcm

OPTIONS = EndpointerOptions(pause_ms=200, silence_ms=500, unfinished_ms=800)
SAID, PAUSE = 34 * FRAME, 7 * FRAME
"""A second of speech; the silence after which its text is begun."""


class Stream:
    """An endpointer that has got a second of speech, and a pause in which its text is begun."""

    def __init__(self, options: EndpointerOptions = OPTIONS) -> None:
        self.endpointer = Endpointer(options)
        self.sent = b""
        self.feed(quiet(20 * FRAME))
        (self.pause,) = [
            event for event in self.feed(speech(SAID), quiet(PAUSE)) if isinstance(event, SpeculativeEndpoint)
        ]

    def feed(self, *audio: bytes) -> list[Event]:
        events = []
        for each in audio:
            self.sent += each
            events += self.endpointer.feed(decode_pcm(each), len(self.sent) / 32_000)
        return events

    def end(self) -> tuple[Utterance, list[Event]]:
        ended = self.endpointer.end(self.pause, 9.0)
        assert ended is not None
        return ended

    def audio(self, utterance: Utterance) -> bytes:
        return self.sent[2 * utterance.start : 2 * utterance.end]


@pytest.mark.parametrize("more", [0, 1, 5], ids=lambda frames: f"{frames} frames later")
def test_an_utterance_ends_in_a_pause_that_lasts(more: int) -> None:
    """The silence behind it is the pre-roll of the next one."""
    stream = Stream()
    stream.feed(quiet(more * FRAME))
    utterance, rest = stream.end()
    assert rest == []
    assert stream.endpointer.state is State.QUIET
    assert utterance.pcm == stream.audio(utterance)
    assert (utterance.start, utterance.reason, utterance.ended) == (stream.pause.start, "silence", 9.0)
    assert utterance.end - utterance.silence == stream.pause.end - PAUSE
    assert utterance.speech_end == stream.pause.speech_end
    events = stream.feed(speech(SAID), quiet(17 * FRAME))
    (following,) = [event for event in events if isinstance(event, Utterance)]
    assert following.start >= utterance.end
    assert following.pcm == stream.audio(following)
    assert decode_pcm(following.pcm)[:FRAME].max() < 100, "its pre-roll"


@pytest.mark.parametrize("more", [3, 20, 34], ids=lambda frames: f"{frames} frames of speech later")
def test_an_utterance_ends_in_a_pause_after_which_speech_has_gone_on(more: int) -> None:
    """No sample is lost, and the rest goes on as an utterance of its own."""
    stream = Stream()
    stream.feed(speech(more * FRAME))
    utterance, rest = stream.end()
    assert utterance.end - utterance.silence == stream.pause.end - PAUSE
    assert utterance.speech_end == stream.pause.speech_end
    assert rest == [SpeechStart(utterance.end)]
    assert stream.endpointer.state is State.SPEAKING
    events = stream.feed(quiet(17 * FRAME))
    second, third = events
    assert isinstance(second, SpeculativeEndpoint)
    assert isinstance(third, Utterance)
    assert second.start == third.start == utterance.end
    assert second.speech_end == third.speech_end == (len(stream.sent) - 2 * 17 * FRAME) / 32_000
    assert third.pcm == stream.audio(third)


def test_a_click_behind_the_pause_is_no_utterance() -> None:
    stream = Stream()
    stream.feed(speech(FRAME))
    _, rest = stream.end()
    assert rest == []
    assert stream.endpointer.state is State.STARTING
    assert stream.feed(quiet(17 * FRAME)) == []


def test_a_click_behind_a_pause_in_the_rest_of_a_forced_cut_is_no_utterance() -> None:
    """One voiced frame makes that rest speech, but not what goes on behind its pause."""
    endpointer = Endpointer(OPTIONS)
    events = endpointer.feed(decode_pcm(quiet(20 * FRAME) + speech(690 * FRAME) + quiet(PAUSE)), 1.0)
    assert any(isinstance(event, Utterance) and event.reason == "too_long" for event in events)
    pause = events[-1]
    assert isinstance(pause, SpeculativeEndpoint)
    endpointer.feed(decode_pcm(speech(FRAME)), 1.0)
    ended = endpointer.end(pause, 9.0)
    assert ended is not None
    assert ended[1] == []
    assert endpointer.feed(decode_pcm(quiet(30 * FRAME)), 1.0) == []


def test_the_next_pause_begins_its_own_text() -> None:
    """Speech has gone on and stopped again before the first text came."""
    stream = Stream()
    stream.feed(speech(SAID), quiet(8 * FRAME))
    utterance, rest = stream.end()
    start, pause = rest
    assert start == SpeechStart(utterance.end)
    assert isinstance(pause, SpeculativeEndpoint)
    assert (pause.start, pause.silence) == (utterance.end, 8 * FRAME)
    assert pause.speech_end == (len(stream.sent) - 2 * 8 * FRAME) / 32_000
    assert pause.pcm == stream.sent[2 * pause.start : 2 * pause.end]


@pytest.mark.parametrize("how", ["ended by silence", "ended by its text"])
def test_what_is_over_does_not_end_again(how: str) -> None:
    stream = Stream()
    if how == "ended by silence":
        stream.feed(quiet(17 * FRAME), speech(SAID))
    else:
        stream.end()
    assert stream.endpointer.end(stream.pause, 9.0) is None
    assert not stream.endpointer.is_last(stream.pause)


def ended_after(stream: Stream) -> int:
    """Return the frames of silence until the utterance ends, those of the pause included."""
    for frames in range(1, 60):
        if any(isinstance(event, Utterance) for event in stream.feed(quiet(FRAME))):
            return PAUSE // FRAME + frames
    raise AssertionError("no end")


@pytest.mark.parametrize(("waits", "frames"), [(False, 17), (True, 27)])
def test_an_unfinished_sentence_may_have_a_longer_pause(waits: bool, frames: int) -> None:
    """27 frames are 0.8 s, 17 are half a second."""
    stream = Stream()
    if waits:
        stream.endpointer.wait(stream.pause)
    assert ended_after(stream) == frames


def test_a_longer_pause_is_for_that_pause_only() -> None:
    stream = Stream()
    stream.endpointer.wait(stream.pause)
    stream.feed(speech(SAID), quiet(PAUSE))
    assert ended_after(stream) == 17
    late = Stream()
    late.feed(speech(SAID), quiet(PAUSE))
    late.endpointer.wait(late.pause)
    assert ended_after(late) == 17


def test_a_gap_is_silence_there_too() -> None:
    """A client that sends no silence says how long it was."""
    for samples, ends in ((26 * FRAME - PAUSE, 0), (27 * FRAME - PAUSE, 1)):
        stream = Stream()
        stream.endpointer.wait(stream.pause)
        events = stream.endpointer.gap(samples, 1.0)
        assert sum(isinstance(event, Utterance) for event in events) == ends


@pytest.mark.parametrize("more", [0, 10])
def test_the_rest_waits_as_long_as_the_pause_was_let(more: int) -> None:
    """The text of an earlier pause comes after the one that lets the newest become longer; then a gap, or silence."""
    gone_on = Stream()
    (newest,) = [event for event in gone_on.feed(speech(SAID), quiet(PAUSE)) if isinstance(event, SpeculativeEndpoint)]
    gone_on.endpointer.wait(newest)
    gone_on.feed(quiet(more * FRAME))
    _, rest = gone_on.end()
    assert isinstance(rest[0], SpeechStart)
    position = gone_on.endpointer.position
    assert gone_on.endpointer.gap(FRAME, 1.0) == []
    assert [type(event) for event in gone_on.endpointer.gap(60 * FRAME, 1.0)] == [Utterance]
    assert gone_on.endpointer.position == position + 61 * FRAME


def test_the_rest_of_a_cut_waits_too() -> None:
    """The utterance becomes too long in the pause."""
    stream = Stream(EndpointerOptions(pause_ms=200, silence_ms=500, unfinished_ms=800, max_utterance_ms=2_550))
    stream.feed(speech(20 * FRAME))
    (newest,) = [event for event in stream.feed(quiet(PAUSE)) if isinstance(event, SpeculativeEndpoint)]
    stream.endpointer.wait(newest)
    assert any(isinstance(event, Utterance) and event.reason == "too_long" for event in stream.feed(quiet(12 * FRAME)))
    stream.feed(quiet(5 * FRAME))
    active = stream.endpointer.active
    assert active is not None
    assert active.silence == 24 * FRAME
    assert ended_after(stream) == PAUSE // FRAME + 3


def test_a_gap_behind_more_silence_than_ends_an_utterance_ends_it() -> None:
    """However it came about, no sample is counted twice or lost."""
    stream = Stream()
    active = stream.endpointer.active
    assert active is not None
    active.silence = 30 * FRAME
    position = stream.endpointer.position
    assert [type(event) for event in stream.endpointer.gap(60 * FRAME, 1.0)] == [Utterance]
    assert stream.endpointer.position == position + 60 * FRAME


def test_a_shorter_wait_than_the_silence_changes_nothing() -> None:
    stream = Stream(EndpointerOptions(pause_ms=200, silence_ms=500, unfinished_ms=0))
    stream.endpointer.wait(stream.pause)
    assert ended_after(stream) == 17


@pytest.mark.parametrize(
    ("sentence_end", "lasting", "gone_on"),
    [
        (None, "nothing", "nothing"),
        (OVER - 3, "wait", "nothing"),
        (OVER, "wait", "nothing"),
        (OVER + 0.1, "end", "nothing"),
        (CERTAINLY_OVER, "end", "nothing"),
        (CERTAINLY_OVER + 0.1, "end", "end"),
    ],
)
def test_less_evidence_is_needed_while_the_pause_lasts(sentence_end: float | None, lasting: str, gone_on: str) -> None:
    stream = Stream()
    assert judge(sentence_end, stream.endpointer, stream.pause) == lasting
    stream.feed(speech(FRAME))
    assert judge(sentence_end, stream.endpointer, stream.pause) == gone_on
