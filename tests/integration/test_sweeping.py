"""Nothing stays in the ledger for ever: what nobody can finish ends, and what follows it is released."""

import pytest

from fastapi_service.storage.sessions import SessionRecord, SessionStore
from infra.ledger.ledger import OUTSTANDING_S, Admission
from infra.redis_client import AsyncRedis, Redis
from infra.results import FIELD, publish_result
from listener_service import sweeper as module
from listener_service.consumer import Consumer
from listener_service.release import STREAM_KEEP_S, Releaser
from listener_service.settings import Settings
from listener_service.sweeper import GRACE_S, Sweeper
from tests.support.speakers import audio_job, no_speech
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import segment_end

TTL_S = 600
SECRET = "what somebody said"


class Hall:
    """One person in a room, with a sweeper and a listener that act when they are told to."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, record: SessionRecord) -> None:
        self.redis, self.record = redis, record
        self.sent: list[TranscribeAudio | AnalyzeText] = []
        self._admission = Admission(aredis)
        self._sweeper = Sweeper(redis, "test", self.sent.append)
        self._consumer = Consumer(redis, "test", Releaser(redis, Settings()))
        self._consumer.join()

    async def admit(self, segment: int, *, age_s: float = 0) -> None:
        job = audio_job(segment, self.record.session_id, room=self.record.room)
        assert await self._admission.admit(self.record.owner, job, b"", segment, TTL_S) == "enrolled"
        self.redis.zincrby(names.PENDING, -age_s, self.member(segment))

    def member(self, segment: int) -> str:
        return names.ledger_member(self.record.session_id, segment)

    def entry(self, segment: int) -> str:
        return names.ledger_entry(self.member(segment))

    def end(self, segment: int) -> None:
        publish_result(self.redis, no_speech(segment, self.record.session_id, room=self.record.room))

    def work(self) -> None:
        """One sweep, and then everything that is in the stream."""
        self._sweeper.sweep()
        self._listen()

    def _listen(self) -> None:
        while self.redis.xlen(names.stream(names.RESULT_CHANNEL)):
            self._consumer.consume()

    def heard(self) -> list[tuple[int, str]]:
        entries = self.redis.xrange(names.log(self.record.audience))
        ends = [segment_end.validate_json(fields[FIELD]) for _, fields in entries]
        return [(end.segment, end.type) for end in ends]


@pytest.fixture
async def hall(redis: Redis, aredis: AsyncRedis) -> Hall:
    record, _ = await SessionStore(aredis, TTL_S).create(Start(room="hall"))
    return Hall(redis, aredis, record)


@pytest.mark.parametrize("damage", ["unreadable", "gone"])
async def test_what_cannot_be_read_fails_and_holds_nobody_up(
    hall: Hall, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its people hear of it, what follows is released, and others are still sent again."""
    for segment in range(3):
        await hall.admit(segment)
    if damage == "gone":
        hall.redis.delete(hall.entry(0))
    else:
        hall.redis.hset(hall.entry(0), mapping={"job": SECRET, "sent_at": "0"})
    hall.redis.hset(hall.entry(2), "sent_at", "0")
    hall.end(1)
    hall.work()
    assert hall.heard() == [(0, "segment_failed"), (1, "no_speech")]
    assert [job.segment for job in hall.sent] == [2]
    assert hall.redis.zrange(names.PENDING, 0, -1) == [hall.member(2)]
    assert SECRET not in capsys.readouterr().out


async def test_what_cannot_be_read_may_be_read_by_a_worker(hall: Hall) -> None:
    """While a newer listener is not there yet, workers of the new version do what it cannot read."""
    await hall.admit(0)
    hall.redis.hset(hall.entry(0), mapping={"job": "{}", "claimed_by": "worker", "claimed_at": hall.redis.time()[0]})
    hall.redis.set("worker", "alive")
    hall.work()
    assert hall.heard() == []
    assert hall.redis.zcard(names.PENDING) == 1


async def test_it_fails_once_when_it_waits_itself(hall: Hall) -> None:
    """An unreadable entry behind an outstanding one is given up, and not again with every sweep."""
    for segment in range(2):
        await hall.admit(segment)
    hall.redis.delete(hall.entry(1))
    for _ in range(3):
        hall.work()
    hall.end(0)
    hall.work()
    assert hall.heard() == [(0, "no_speech"), (1, "segment_failed")]
    assert hall.redis.zcard(names.PENDING) == 0
    assert not hall.redis.exists(hall.entry(1))


async def test_a_result_that_waits_in_vain_is_released(hall: Hall) -> None:
    """When an earlier utterance is nowhere any more, it fails visibly; each still ends exactly once."""
    for segment in range(4):
        await hall.admit(segment, age_s=OUTSTANDING_S + 10 if segment < 3 else 0)
    hall.end(0)
    hall.end(2)
    hall.end(3)
    hall.redis.delete(hall.entry(1))
    hall.redis.zrem(names.PENDING, hall.member(1))
    for _ in range(2):
        hall.work()
    assert hall.heard() == [(0, "no_speech"), (1, "segment_failed"), (2, "no_speech"), (3, "no_speech")]
    assert hall.redis.zcard(names.PENDING) == 0


async def test_a_waiting_result_that_was_lost_ends(hall: Hall) -> None:
    """The order, and the result in it, are gone; the ledger still knows the utterance."""
    await hall.admit(0)
    await hall.admit(1, age_s=OUTSTANDING_S + 10)
    hall.end(1)
    hall.work()
    hall.redis.delete(names.order(hall.record.session_id))
    hall.end(0)
    for _ in range(2):
        hall.work()
    assert hall.heard() == [(0, "no_speech"), (1, "segment_failed")]
    assert hall.redis.zcard(names.PENDING) == 0


async def test_results_that_wait_do_not_blind_the_sweeper(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost job behind more of them than one sweep looks at is found."""
    monkeypatch.setattr(module, "MOST_PER_SWEEP", 2)
    for segment in range(6):
        await hall.admit(segment)
        if 0 < segment < 5:
            hall.end(segment)
    hall.work()
    for segment in (0, 5):
        hall.redis.hset(hall.entry(segment), "sent_at", hall.redis.time()[0] - GRACE_S - 1)
    hall.work()
    assert [job.segment for job in hall.sent] == [0, 5]


async def test_what_was_published_is_forgotten_after_a_while(hall: Hall) -> None:
    """The streams beside the channels hold what people said; gateways need them for a gap only."""
    streams = [names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)]
    now_ms = hall.redis.time()[0] * 1_000
    for stream in streams:
        for age_s in (2 * STREAM_KEEP_S, STREAM_KEEP_S + 5, STREAM_KEEP_S - 5, 0):
            hall.redis.xadd(stream, {FIELD: SECRET}, id=f"{now_ms - 1_000 * age_s}-0")
    hall.work()
    for stream in streams:
        kept = [now_ms - int(source.partition("-")[0]) for source, _ in hall.redis.xrange(stream)]
        assert kept == [1_000 * (STREAM_KEEP_S - 5), 0]


async def test_trouble_with_one_utterance_is_not_that_of_others(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong with the first, the second is sent."""

    def send(job: TranscribeAudio | AnalyzeText) -> None:
        if job.segment == 0:
            raise ValueError("cannot be sent")
        hall.sent.append(job)

    monkeypatch.setattr(hall._sweeper, "_send", send)
    for segment in range(2):
        await hall.admit(segment)
        hall.redis.hset(hall.entry(segment), "sent_at", "0")
    hall.work()
    assert [job.segment for job in hall.sent] == [1]
