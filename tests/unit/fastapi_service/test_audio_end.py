"""The arrival of an utterance's last sample, from which exports take the beginning of its session."""

import pytest

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, Utterance
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.export.entries import Speakers
from fastapi_service.recognition.jobs import utterance_job
from tests.support.session_setting import RECORD
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE, BOB, final
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, decode_pcm
from wire.messages.base import HOPS, Clock, hop_ms

OPTIONS = EndpointerOptions(pause_ms=200, silence_ms=500, unfinished_ms=800)
SAID, PAUSE, BEGAN = 34 * FRAME, 7 * FRAME, 1_000.0


class Stream:
    """Frames that arrive in real time; the session began at ``BEGAN``."""

    def __init__(self, options: EndpointerOptions = OPTIONS) -> None:
        self.endpointer = Endpointer(options)
        self.sent = 0

    @property
    def now(self) -> float:
        return BEGAN + self.sent / SAMPLE_RATE

    def feed(self, *audio: bytes) -> list[Event]:
        events: list[Event] = []
        for pcm in audio:
            for begin in range(0, len(pcm), FRAME * SAMPLE_BYTES):
                self.sent += FRAME
                events += self.endpointer.feed(decode_pcm(pcm[begin : begin + FRAME * SAMPLE_BYTES]), self.now)
        return events

    def paused(self) -> SpeculativeEndpoint:
        """Speech and a pause in which a text is begun."""
        pause = self.feed(quiet(20 * FRAME), speech(SAID), quiet(PAUSE))[-1]
        assert isinstance(pause, SpeculativeEndpoint)
        return pause


def by_silence() -> tuple[Utterance, float]:
    stream = Stream()
    stream.paused()
    return utterance(stream.feed(quiet(30 * FRAME))), 0.51


def by_a_longer_silence() -> tuple[Utterance, float]:
    stream = Stream()
    stream.endpointer.wait(stream.paused())
    return utterance(stream.feed(quiet(30 * FRAME))), 0.81


def by_a_silence_of_two_seconds() -> tuple[Utterance, float]:
    stream = Stream(EndpointerOptions(pause_ms=200, silence_ms=2_000))
    stream.paused()
    return utterance(stream.feed(quiet(80 * FRAME))), 2.01


def by_its_text(later: bytes) -> tuple[Utterance, float]:
    stream = Stream()
    pause = stream.paused()
    stream.feed(later)
    ended = stream.endpointer.end(pause, stream.now)
    assert ended is not None
    return ended[0], (PAUSE + len(later) / SAMPLE_BYTES) / SAMPLE_RATE


def inside_a_text() -> tuple[Utterance, float]:
    stream = Stream()
    stream.paused()
    stream.feed(speech(SAID))
    assert stream.endpointer.active is not None
    start, at = stream.endpointer.active.start, 20 * FRAME + SAID
    ended = stream.endpointer.end_between(start, (at, at + PAUSE), stream.sent, stream.now)
    assert ended is not None
    return ended[0], (PAUSE + SAID) / SAMPLE_RATE


def by_the_time_out() -> tuple[Utterance, float]:
    stream = Stream()
    stream.paused()
    return utterance(stream.endpointer.flush(stream.now + 2.0, "silence")), 2.21


def utterance(events: list[Event]) -> Utterance:
    (found,) = [event for event in events if isinstance(event, Utterance)]
    return found


ENDS = {
    "silence": by_silence,
    "longer silence": by_a_longer_silence,
    "two seconds": by_a_silence_of_two_seconds,
    "text": lambda: by_its_text(b""),
    "text 180 ms later": lambda: by_its_text(quiet(6 * FRAME)),
    "text in the next sentence": lambda: by_its_text(speech(50 * FRAME)),
    "inside": inside_a_text,
    "time-out": by_the_time_out,
}


@pytest.mark.parametrize("how", ENDS)
def test_a_session_begins_at_the_same_moment_however_its_utterance_ends(how: str) -> None:
    """To the millisecond. ``ended`` is when the end was found: latencies are true."""
    found, pause_s = ENDS[how]()
    assert found.audio_end - found.end / SAMPLE_RATE == pytest.approx(BEGAN, abs=0.001)
    assert found.ended - found.speech_end == pytest.approx(pause_s, abs=0.001)
    assert found.audio_end <= found.ended + 0.001
    clock = utterance_job(RECORD, 0, found, None).clock
    assert (clock.speech_end, clock.endpointed, clock.audio_end) == (found.speech_end, found.ended, found.audio_end)


def test_a_forced_cut_has_the_arrival_of_its_place() -> None:
    """The quietest point lies seconds before the newest sample."""
    stream = Stream()
    first = stream.feed(quiet(20 * FRAME), speech(550 * FRAME), quiet(2 * FRAME), speech(120 * FRAME))
    found = utterance(first)
    assert found.reason == "too_long"
    assert found.audio_end - found.end / SAMPLE_RATE == pytest.approx(BEGAN, abs=0.001)
    assert found.ended - found.audio_end > 1


def test_no_hop_is_negative_when_a_text_is_there_before_the_end_is_found() -> None:
    clock = Clock(speech_end=10.0, endpointed=10.8, audio_end=10.1, queued=10.81, stt_start=10.2, stt_end=10.4)
    found = {hop: hop_ms(clock, hop) for hop in HOPS}
    assert found["endpointing"] == pytest.approx(800)
    assert found["stt_wait"] == 0
    assert all(ms is None or ms >= 0 for ms in found.values())


def test_an_export_aligns_its_sessions_by_the_arrival_of_the_last_sample() -> None:
    """Where it is missing, by the time at which the end was found."""
    late, old = final(0, ALICE), final(0, BOB)
    late = late.model_copy(update={"clock": late.clock.at(endpointed=1_009.0, audio_end=1_000.5)})
    speakers = Speakers()
    for result in (late, old):
        speakers.note(result)
    assert [speaker.offset_ms for speaker in speakers.by_session().values()] == [0, 0]
