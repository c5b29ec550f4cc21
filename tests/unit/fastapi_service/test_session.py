"""From samples to the ledger: what is acknowledged is safe, and what is said is written down once and in order."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis.exceptions
import stamina

from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.recognition.ports import LedgerJob
from fastapi_service.recognition.session import Session, SessionOptions, SessionPorts, SessionTakenOver
from fastapi_service.storage.sessions import SessionRecord
from infra.ledger.ledger import Admitted
from tests.support.eventually import soon
from tests.support.partial_requests import FakePartials, FakeRequest
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE
from wire.audio import SAMPLE_RATE, decode_pcm
from wire.errors import StoreError, WireError
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.server import Ack, AnyServerMessage, Interim, SpeechEnded, SpeechStarted

RECORD = SessionRecord(
    session_id=ALICE,
    owner="owner",
    room=None,
    language=None,
    sample_rate=SAMPLE_RATE,
    next_segment=0,
    samples=0,
)


class Store:
    """Redis's record of how far a session is safe."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.asked = 0
        self.owned = True
        self.failures = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def acknowledge(self, record: SessionRecord, samples: int) -> bool:
        assert record.owner == "owner"
        self.asked += 1
        await self.answers.wait()
        if self.failures:
            self.failures -= 1
            raise redis.exceptions.ConnectionError("away")
        self.acknowledged.append(samples)
        return self.owned


class Admission:
    """A ledger that first gives the ``answers``, then takes everything, while it is ``open``."""

    def __init__(self) -> None:
        self.answers: deque[Admitted | Exception] = deque()
        self.written: list[tuple[LedgerJob, bytes, int]] = []
        self.kept: list[str | None] = []
        self.open = asyncio.Event()
        self.open.set()

    async def admit(
        self,
        owner: str,
        job: LedgerJob,
        pcm: bytes,
        samples: int,
        session_ttl_s: int,
        keep_language: str | None,
    ) -> Admitted:
        assert (owner, session_ttl_s) == ("owner", 600)
        await self.open.wait()
        answer = self.answers.popleft() if self.answers else "enrolled"
        if isinstance(answer, Exception):
            raise answer
        if answer == "enrolled":
            self.written.append((job, pcm, samples))
            self.kept.append(keep_language)
        return answer


class Queue:
    """Where jobs go after the ledger."""

    def __init__(self) -> None:
        self.jobs: list[LedgerJob] = []

    async def dispatch(self, job: LedgerJob) -> None:
        self.jobs.append(job)


class Setting:
    """A session with hand-made surroundings."""

    def __init__(self, record: SessionRecord = RECORD, *, pause_ms: int = 0, **options: float) -> None:
        self.store, self.admission, self.queue, self.partials = Store(), Admission(), Queue(), FakePartials()
        self.told: list[AnyServerMessage] = []
        self.complaints: list[WireError] = []
        self.session = Session(
            record,
            SessionOptions(EndpointerOptions(pause_ms=pause_ms), 600, **options),
            SessionPorts(self.store, self.admission, self.queue, self.partials),
            self.told.append,
            self.complaints.append,
        )

    def acks(self) -> list[int]:
        return [message.samples for message in self.told if isinstance(message, Ack)]

    async def say(self, samples: int, *, pause: int = 20 * FRAME) -> None:
        """Speech and a pause that ends it, as one message."""
        await self.session.audio(speech(samples) + quiet(pause))


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    """Repeat at once instead of after a pause."""
    with stamina.set_testing(True, attempts=20):
        yield


async def test_an_utterance_is_written_down_then_acknowledged_then_sent() -> None:
    """The ledger has its samples and place; the client may forget it; the queue gets the same job."""
    setting = Setting(replace(RECORD, room="kitchen", language="ko", next_segment=4, samples=32_000))
    await setting.say(50 * FRAME)
    await setting.session.finish()
    ((job, pcm, samples),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert (job.session_id, job.room, job.language, job.segment) == (ALICE, "kitchen", "ko", 4)
    assert (job.start_ms, job.end_ms) == (2_000, 2_000 + 67 * 30)
    assert len(decode_pcm(pcm)) == 67 * FRAME
    assert samples == 32_000 + 67 * FRAME
    assert setting.acks() == [samples]
    assert setting.queue.jobs == [job]
    assert job.clock.queued is not None
    assert job.clock.speech_end <= job.clock.endpointed <= job.clock.queued


async def test_client_hears_of_begin_and_end() -> None:
    """Both name the segment under which the result will come."""
    setting = Setting()
    await setting.say(50 * FRAME)
    await setting.say(50 * FRAME)
    begun = [message.segment for message in setting.told if isinstance(message, SpeechStarted)]
    ended = [(message.segment, message.reason) for message in setting.told if isinstance(message, SpeechEnded)]
    assert begun == [0, 1]
    assert ended == [(0, "silence"), (1, "silence")]
    await setting.session.finish()


async def test_nothing_is_acknowledged_before_the_ledger_has_it() -> None:
    """While Redis does not answer, the client keeps its audio, also the silence after it."""
    setting = Setting()
    setting.admission.open.clear()
    await setting.say(50 * FRAME, pause=5 * SAMPLE_RATE)
    await setting.session.audio(quiet(SAMPLE_RATE))
    assert setting.acks() == []
    assert setting.store.acknowledged == []
    setting.admission.open.set()
    await soon(setting.acks)
    await setting.session.finish()


async def test_silence_is_acknowledged_every_two_seconds() -> None:
    """A client that is silent for minutes does not collect audio: all but the possible pre-roll is safe."""
    setting = Setting()
    for _ in range(100):
        await setting.session.audio(quiet(SAMPLE_RATE // 10))
        await asyncio.sleep(0)
    assert setting.acks() == setting.store.acknowledged
    assert 3 <= len(setting.acks()) <= 5
    assert 7.5 * SAMPLE_RATE < setting.acks()[-1] <= 10 * SAMPLE_RATE - 10 * FRAME


async def test_open_speech_is_not_acknowledged() -> None:
    """As long as somebody talks, the client must be able to send it again."""
    setting = Setting()
    for _ in range(15):
        await setting.session.audio(speech(SAMPLE_RATE))
    assert setting.acks() == []
    await setting.session.finish()


async def test_silence_is_acknowledged_later_when_redis_is_away() -> None:
    """A failed acknowledgement costs nothing: it is repeated."""
    setting = Setting()
    setting.store.failures = 3
    await setting.session.audio(quiet(4 * SAMPLE_RATE))
    await soon(setting.acks)
    assert setting.acks() == [4 * SAMPLE_RATE - 10 * FRAME - 4 * SAMPLE_RATE % FRAME]


async def test_a_frozen_redis_does_not_hold_up_audio() -> None:
    """One acknowledgement of silence is under way at a time, and the microphone does not wait for it."""
    setting = Setting()
    setting.store.answers.clear()
    async with asyncio.timeout(5):
        for _ in range(100):
            await setting.session.audio(quiet(SAMPLE_RATE // 10))
            await asyncio.sleep(0)
        await setting.say(20 * FRAME)
        await setting.session.finish()
    assert setting.store.asked == 1
    assert [job.segment for job, _, _ in setting.admission.written] == [0]


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
async def test_samples_are_counted_at_the_clients_rate(rate: int) -> None:
    """What is acknowledged is in the client's own count: a second of speech at 44.1 kHz ends at 44,100."""
    setting = Setting(replace(RECORD, sample_rate=rate))
    await setting.session.audio(quiet(rate))
    await setting.session.audio(speech(rate))
    await setting.session.audio(quiet(rate))
    await setting.session.finish()
    ((job, pcm, samples),) = setting.admission.written
    assert job.start_ms == pytest.approx(700, abs=35)
    assert job.end_ms == pytest.approx(2_510, abs=35)
    assert len(pcm) / 2 / SAMPLE_RATE == pytest.approx((job.end_ms - job.start_ms) / 1000, abs=0.002)
    assert samples / rate == pytest.approx(job.end_ms / 1000, abs=0.002)
    assert setting.acks() == [samples]


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
async def test_no_more_is_acknowledged_than_was_sent(rate: int) -> None:
    """Rounding never makes the client skip samples that it has not sent yet."""
    for extra in range(30):
        setting = Setting(replace(RECORD, sample_rate=rate))
        await setting.session.audio(speech(rate // 2 + extra))
        await setting.session.finish()
        assert max(setting.acks()) <= rate // 2 + extra


async def test_a_resumed_session_goes_on_where_it_was_acknowledged() -> None:
    """Segments and positions continue, at a rate that 16 kHz is no multiple of."""
    before = Setting(replace(RECORD, sample_rate=44_100))
    await before.session.audio(speech(44_100) + quiet(44_100))
    await before.session.finish()
    ((first, _, samples),) = before.admission.written
    after = Setting(replace(RECORD, sample_rate=44_100, next_segment=1, samples=samples))
    await after.session.audio(speech(44_100) + quiet(44_100))
    await after.session.finish()
    ((second, _, _),) = after.admission.written
    assert second.segment == 1
    assert second.start_ms == pytest.approx(first.end_ms, abs=2)


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100])
async def test_a_gap_keeps_positions_exact(rate: int) -> None:
    """After many gaps of odd lengths, speech is still where the client says it is."""
    setting = Setting(replace(RECORD, sample_rate=rate))
    sent = 0
    for turn in range(20):
        await setting.session.audio(speech(rate // 2 + turn))
        await setting.session.gap(3 * rate + 7 * turn)
        sent += rate // 2 + turn + 3 * rate + 7 * turn
    await setting.session.audio(speech(rate))
    await setting.session.finish()
    last, _, samples = setting.admission.written[-1]
    assert len(setting.admission.written) == 21
    assert last.end_ms == pytest.approx((sent + rate) * 1000 / rate, abs=2)
    assert samples / rate == pytest.approx((sent + rate) / rate, abs=0.001)
    assert setting.session.seconds == pytest.approx((sent + rate) / rate)


async def test_finish_flushes_the_open_utterance() -> None:
    """The last words need no pause after them."""
    setting = Setting()
    await setting.session.audio(speech(10 * FRAME + 5))
    await setting.session.finish()
    ((_, pcm, samples),) = setting.admission.written
    assert len(pcm) == 2 * samples == 2 * (10 * FRAME + 5)


async def test_finish_of_a_silent_session_writes_nothing() -> None:
    """Nobody spoke: nothing to wait for."""
    setting = Setting()
    await setting.session.audio(quiet(SAMPLE_RATE))
    await setting.session.finish()
    await setting.session.finish()
    assert setting.admission.written == []


async def test_redis_errors_are_outlasted_in_order() -> None:
    """Enrolment is repeated until it works; nothing is skipped, doubled or swapped."""
    setting = Setting()
    away = redis.exceptions.ConnectionError("away")
    setting.admission.answers.extend([away, redis.exceptions.TimeoutError("frozen"), OSError("no route"), "enrolled"])
    for _ in range(3):
        await setting.say(20 * FRAME)
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == [0, 1, 2]
    assert setting.acks() == sorted(setting.acks())


async def test_a_full_ledger_is_asked_again() -> None:
    """When too much is outstanding, the utterance is offered until there is room."""
    setting = Setting()
    setting.admission.answers.extend(["full", "full"])
    await setting.say(20 * FRAME)
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == [0]


async def test_an_enrolment_whose_answer_was_lost_counts() -> None:
    """``duplicate`` means that it is written already: acknowledged, and sent, since nobody knows whether it was."""
    setting = Setting()
    setting.admission.answers.append("duplicate")
    await setting.say(20 * FRAME)
    await setting.session.finish()
    assert len(setting.acks()) == 1
    assert [job.segment for job in setting.queue.jobs] == [0]


async def test_a_session_that_was_taken_over_writes_nothing_more() -> None:
    """The ledger knows a newer owner: the old connection hears of it, and acknowledges nothing."""
    setting = Setting()
    setting.admission.answers.append("fenced")
    await setting.say(20 * FRAME)
    with pytest.raises(SessionTakenOver):
        await setting.session.finish()
    with pytest.raises(SessionTakenOver):
        await setting.say(20 * FRAME)
    assert setting.acks() == []
    assert setting.queue.jobs == []


async def test_a_silent_session_notices_that_it_was_taken_over() -> None:
    """Also the acknowledgement of silence is refused to an old owner."""
    setting = Setting()
    setting.store.owned = False
    await setting.session.audio(quiet(4 * SAMPLE_RATE))
    await soon(lambda: setting.store.acknowledged)
    with pytest.raises(SessionTakenOver):
        await setting.session.audio(quiet(FRAME))
    assert setting.acks() == []


async def test_a_session_that_expired_says_so() -> None:
    """What the ledger refuses for good ends the connection with its reason."""
    setting = Setting()
    setting.admission.answers.append(StoreError("session_unknown", "Expired.", "Start a new one."))
    await setting.say(20 * FRAME)
    with pytest.raises(StoreError):
        await setting.session.finish()
    with pytest.raises(StoreError):
        await setting.say(20 * FRAME)


async def test_an_outage_is_told_once() -> None:
    """However many writes wait, the client hears once that its results come late; again only in the next outage."""
    setting = Setting(warn_after_s=0.05)
    for outage in (1, 2):
        setting.admission.open.clear()
        setting.store.answers.clear()
        await setting.session.audio(quiet(4 * SAMPLE_RATE))
        await setting.say(20 * FRAME)
        await setting.say(20 * FRAME)
        await asyncio.sleep(0.2)
        assert [error.code for error in setting.complaints] == ["redis_unreachable"] * outage
        setting.admission.open.set()
        setting.store.answers.set()
        await soon(lambda: not setting.session.waiting)
        await setting.say(20 * FRAME)
        await soon(lambda: not setting.session.waiting)
    assert "Nothing is lost" in setting.complaints[0].remedy
    await setting.session.finish()
    assert len(setting.admission.written) == 6


@pytest.mark.parametrize("full", ["full", redis.exceptions.OutOfMemoryError("used memory > 'maxmemory'")])
async def test_a_service_that_is_full_is_called_busy(full: Admitted | Exception) -> None:
    """A full ledger and a full Redis are another trouble than one that is away."""
    setting = Setting(warn_after_s=0.01, max_retry_pause_s=0.01)
    setting.admission.answers.extend([full] * 10_000)
    with stamina.set_testing(False):
        await setting.say(20 * FRAME)
        await soon(lambda: setting.complaints)
        setting.admission.answers.clear()
        await setting.session.finish()
    assert [error.code for error in setting.complaints] == ["busy"]


async def test_a_quick_redis_is_no_news() -> None:
    """Nobody hears of writes that work."""
    setting = Setting()
    await setting.say(20 * FRAME)
    await setting.session.finish()
    assert setting.complaints == []


async def test_finish_may_be_cut_short_and_called_again() -> None:
    """Who waited too long goes; the flush is finished later, and nothing is missing or doubled."""
    setting = Setting()
    setting.admission.open.clear()
    await setting.session.audio(speech(40 * FRAME))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(setting.session.finish(), 0.02)
    assert setting.session.waiting == 1
    setting.admission.open.set()
    await setting.session.finish()
    assert setting.session.waiting == 0
    assert [job.segment for job, _, _ in setting.admission.written] == [0]


async def test_a_talker_is_not_read_faster_than_the_ledger_writes() -> None:
    """With Redis away, a session holds so many seconds of speech and then stops reading its socket."""
    setting = Setting(max_unwritten_s=4)
    setting.admission.open.clear()
    utterances = 8
    heard = 0

    async def talk() -> None:
        nonlocal heard
        for _ in range(utterances):
            await setting.say(20 * FRAME)
            heard += 1

    talking = asyncio.create_task(talk())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(talking), 0.2)
    assert heard == 3, "the fourth utterance of 1.1 s is one too many"
    setting.admission.open.set()
    await asyncio.wait_for(talking, 5)
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == list(range(utterances))


async def test_seconds_count_gaps() -> None:
    """The limit on a session's length cannot be evaded with gaps."""
    setting = Setting()
    await setting.session.audio(quiet(SAMPLE_RATE))
    await setting.session.gap(59 * SAMPLE_RATE)
    assert setting.session.seconds == 60.0


PAUSE = 8 * FRAME
"""Silence of 240 ms: a pause, and not yet the end."""


async def spoken(setting: Setting, *, pause: int = PAUSE) -> FakeRequest:
    """A second of speech and a pause; what was asked for in it."""
    await setting.say(34 * FRAME, pause=pause)
    return setting.partials.asked[-1]


async def test_a_text_begun_in_the_last_pause_is_committed() -> None:
    """It enters the ledger as text, no audio job is sent, and its language stays with the session."""
    setting = Setting(pause_ms=200)
    asked = await spoken(setting)
    asked.begun = True
    asked.write("good morning")
    assert not setting.admission.written, "nothing is promised before the silence is long enough"
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, AnalyzeText)
    assert (job.transcript.text, job.segment, job.revision) == ("good morning", 0, 0)
    assert (job.clock.stt_start, job.clock.stt_end) == (10.0, 10.1)
    assert setting.admission.kept == ["en"]
    assert setting.queue.jobs == [job]


async def test_the_draft_has_the_audio_of_the_utterance_so_far() -> None:
    setting = Setting(replace(RECORD, task="translate", prompt="Siobhán", language="ga"), pause_ms=200)
    asked = await spoken(setting)
    await setting.session.finish()
    ((_, pcm, _),) = setting.admission.written
    assert pcm.startswith(asked.pcm)
    job = asked.job
    assert (job.purpose, job.segment, job.start_ms, job.prefix) == ("final", 0, 0, "")
    assert (job.language, job.task, job.prompt, job.reply_to) == ("ga", "translate", "Siobhán", "wta:drafts:test")


async def test_drafts_of_two_connections_are_told_apart() -> None:
    """After a quick resume the same segment is asked for again, while the first connection's draft is on its way."""
    keys = set()
    for _ in range(3):
        setting = Setting(pause_ms=200)
        asked = await spoken(setting)
        keys.add(asked.job.audio_key)
        assert asked.job.revision < 2**53, "a browser reads it exactly"
        await setting.session.finish()
    assert len(keys) == 3


async def test_a_text_is_discarded_when_the_person_goes_on() -> None:
    """Also when it is there already: the utterance is transcribed as a whole, in the ordinary way."""
    setting = Setting(pause_ms=200)
    first = await spoken(setting)
    first.begun = True
    first.write("good")
    await setting.say(34 * FRAME, pause=20 * FRAME)
    await setting.session.finish()
    await asyncio.sleep(0)
    assert first.withdrawn
    second = setting.partials.asked[-1]
    assert second is not first
    ((job, pcm, _),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert len(decode_pcm(pcm)) > 68 * FRAME
    assert setting.queue.jobs == [job]


async def test_a_text_that_nobody_has_begun_is_not_waited_for() -> None:
    setting = Setting(pause_ms=200)
    asked = await spoken(setting, pause=20 * FRAME)
    await setting.session.finish()
    assert asked.withdrawn
    assert [type(job) for job in setting.queue.jobs] == [TranscribeAudio]


async def test_a_text_that_a_worker_is_writing_is_waited_for() -> None:
    setting = Setting(pause_ms=200)
    asked = await spoken(setting, pause=PAUSE)
    asked.begun = True
    await setting.session.audio(quiet(20 * FRAME))
    await asyncio.sleep(0.01)
    assert not setting.admission.written
    asked.write("good morning")
    await setting.session.finish()
    assert [type(job) for job in setting.queue.jobs] == [AnalyzeText]


async def test_a_text_that_takes_long_is_not_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow model would transcribe every utterance twice."""
    loop = asyncio.get_running_loop()
    setting = Setting(pause_ms=200)
    asked = await spoken(setting, pause=20 * FRAME)
    asked.begun = True
    finishing = asyncio.create_task(setting.session.finish())
    await asyncio.sleep(0.01)
    late = loop.time() + 15.0
    monkeypatch.setattr(loop, "time", lambda: late)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.write("good morning")
    await finishing
    assert [type(job) for job in setting.queue.jobs] == [AnalyzeText]


async def test_no_text_means_the_ordinary_way() -> None:
    """The worker failed, or its answer was lost: the ledger gets the audio."""
    setting = Setting(pause_ms=200)
    asked = await spoken(setting, pause=20 * FRAME)
    asked.begun = True
    asked.give_way()
    await setting.session.finish()
    (job,) = setting.queue.jobs
    assert isinstance(job, TranscribeAudio)
    assert (job.no_speech_prob, job.clock.stt_end) == (None, None)


async def test_that_nobody_spoke_is_promised_too() -> None:
    """It enters the ledger like any utterance, with what the draft found: the worker only has to say so."""
    setting = Setting(pause_ms=200)
    asked = await spoken(setting)
    asked.begun = True
    asked.hear_nothing()
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    ((job, pcm, _),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert pcm
    assert (job.no_speech_prob, job.clock.stt_start, job.clock.stt_end) == (0.9, 10.0, 10.1)


@pytest.mark.parametrize("then", [speech(20 * FRAME), quiet(3 * FRAME)], ids=["speech", "silence"])
async def test_a_forced_cut_in_a_pause_is_not_what_was_asked_for(then: bytes) -> None:
    """The text of the pause would hold what belongs to the next utterance, or lack what belongs to this one.

    It is there before the cut, and both come in one message.
    """
    setting = Setting(pause_ms=200)
    setting.partials.at_once = "half a sentence"
    await setting.session.audio(speech(19_700 * 16) + quiet(PAUSE) + then)
    assert setting.partials.asked[0].done
    assert [message.reason for message in setting.told if isinstance(message, SpeechEnded)] == ["too_long"]
    await soon(lambda: setting.queue.jobs)
    assert isinstance(setting.queue.jobs[0], TranscribeAudio)
    await setting.session.finish()


def interims(setting: Setting) -> list[tuple[str, str]]:
    return [(message.stable, message.unstable) for message in setting.told if isinstance(message, Interim)]


async def test_interim_texts_come_while_somebody_speaks_and_settle() -> None:
    """Words that two hypotheses share are stable, and the next one is told to begin with them."""
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    (first,) = setting.partials.asked
    assert (first.job.purpose, first.job.prefix) == ("interim", "")
    await setting.session.audio(speech(SAMPLE_RATE))
    assert len(setting.partials.asked) == 1, "one at a time"
    first.write("when is a lobby")
    await soon(lambda: bool(interims(setting)))
    await setting.session.audio(speech(FRAME))
    setting.partials.asked[1].write("When is a lobster not")
    await soon(lambda: len(interims(setting)) == 2)
    await setting.session.audio(speech(SAMPLE_RATE))
    assert setting.partials.asked[2].job.prefix == " When is a"
    assert interims(setting) == [("", "when is a lobby"), ("When is a", "lobster not")]
    await setting.session.finish()


async def test_interim_texts_leave_room_for_others() -> None:
    """The next one begins after twice the time that the last one took."""
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    setting.partials.asked[0].write("when is", cost_s=2.0)
    await soon(lambda: bool(interims(setting)))
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    assert len(setting.partials.asked) == 1
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    assert len(setting.partials.asked) == 2
    await setting.session.finish()


async def test_no_interim_text_begins_in_silence_or_is_shown_after_the_end() -> None:
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(SAMPLE_RATE // 2))
    await setting.session.audio(speech(SAMPLE_RATE // 4) + quiet(2 * FRAME))
    assert not setting.partials.asked
    await setting.session.audio(speech(SAMPLE_RATE))
    setting.partials.asked[0].begun = True
    await setting.session.audio(quiet(20 * FRAME))
    setting.partials.asked[0].write("too late")
    await setting.session.finish()
    assert not interims(setting)


async def test_an_interim_text_hears_the_newest_eight_seconds() -> None:
    """From an agreed word on, which it is told; what lies before stays as it was shown."""
    setting = Setting(interim_every_s=1.0)
    words = " ".join(f"word{number}" for number in range(30))  # six seconds
    for _ in range(2):
        await setting.session.audio(speech(3 * SAMPLE_RATE))
        setting.partials.asked[-1].write(words)
        await soon(lambda: bool(interims(setting)))
        await asyncio.sleep(0)
    await setting.session.audio(speech(6 * SAMPLE_RATE))
    job, pcm = setting.partials.asked[-1].job, setting.partials.asked[-1].pcm
    assert 7.5 * SAMPLE_RATE < len(decode_pcm(pcm)) <= 8.1 * SAMPLE_RATE
    assert job.start_ms == pytest.approx(4_000, abs=100)
    assert job.prefix.startswith(" word2")
    assert job.prefix.endswith("word29")
    await setting.session.finish()
