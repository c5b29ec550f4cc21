"""The sweeper: an utterance that cannot be finished fails, and those after it are released."""

from functools import partial

import pytest

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import AHEAD, queue_key
from infra.ledger.admission import Admission
from infra.ledger.entry import OUTSTANDING_S
from infra.ledger.ledger import Ledger
from infra.results import FIELD, publish_result
from listener_service.consumer import Consumer
from listener_service.release import STREAM_KEEP_S, Releaser
from listener_service.retry_policy import GRACE_S
from listener_service.settings import Settings
from listener_service.sweeper import MAX_PER_SWEEP, Sweeper
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.speakers import audio_job, no_speech
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import segment_end

TTL_S = 600
SECRET = "a transcript"


class Hall:
    """One session in a room, with a sweeper and a consumer that run on request."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, record: SessionRecord) -> None:
        self.redis, self.record = redis, record
        self.sent: list[TranscribeAudio | AnalyzeText] = []
        self.unsendable: set[int] = set()
        self._admission = Admission(aredis)
        self._consumer = Consumer(redis, "test", Releaser(redis, Settings()))
        self._consumer.join()

    async def admit(self, segment: int, *, age_s: float = 0) -> None:
        job = audio_job(segment, self.record.session_id, room=self.record.room)
        assert await self._admission.admit(self.record.owner, job, b"", segment, TTL_S) == "admitted"
        self.redis.zincrby(names.PENDING, -age_s, self.member(segment))

    def member(self, segment: int) -> str:
        return names.ledger_member(self.record.session_id, segment)

    def entry(self, segment: int) -> str:
        return names.ledger_entry(self.member(segment))

    def claim(self, segment: int, worker: str) -> bool:
        """Claim as a worker without a heartbeat: it is dead when the sweeper looks."""
        job = audio_job(segment, self.record.session_id, room=self.record.room)
        return Ledger(self.redis).claim(job, "stt", worker).verdict == "claimed"

    def end(self, segment: int) -> None:
        publish_result(self.redis, no_speech(segment, self.record.session_id, room=self.record.room))

    def sweeper(self, max_entries: int = MAX_PER_SWEEP) -> Sweeper:
        return Sweeper(self.redis, "test", self._send, depth=partial(queue_depth, self.redis), max_entries=max_entries)

    def sweep(self, max_entries: int = MAX_PER_SWEEP) -> None:
        """Sweep once, then release everything in the stream."""
        self.sweeper(max_entries).sweep()
        self._listen()

    def _send(self, job: TranscribeAudio | AnalyzeText) -> None:
        if job.segment in self.unsendable:
            raise ValueError("cannot be sent")
        self.sent.append(job)

    def _listen(self) -> None:
        while self.redis.xlen(names.stream(names.RESULT_CHANNEL)):
            self._consumer.consume()

    def released(self) -> list[tuple[int, str]]:
        entries = self.redis.xrange(names.log(self.record.audience))
        ends = [segment_end.validate_json(fields[FIELD]) for _, fields in entries]
        return [(end.segment, end.type) for end in ends]


@pytest.fixture
async def hall(redis: Redis, aredis: AsyncRedis) -> Hall:
    record, _ = await SessionStore(aredis, TTL_S).create(Start(room="hall"))
    return Hall(redis, aredis, record)


@pytest.mark.parametrize("damage", ["unreadable", "gone"])
async def test_unreadable_entry_fails_and_blocks_no_other(
    hall: Hall, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its failure is released, so is the next result, and other jobs are still re-sent."""
    for segment in range(3):
        await hall.admit(segment)
    if damage == "gone":
        hall.redis.delete(hall.entry(0))
    else:
        hall.redis.hset(hall.entry(0), mapping={"job": SECRET, "sent_at": "0"})
    hall.redis.hset(hall.entry(2), "sent_at", "0")
    hall.end(1)
    hall.sweep()
    assert hall.released() == [(0, "segment_failed"), (1, "no_speech")]
    assert [job.segment for job in hall.sent] == [2]
    assert hall.redis.zrange(names.PENDING, 0, -1) == [hall.member(2)]
    assert SECRET not in capsys.readouterr().out


async def test_unreadable_entry_with_a_living_worker_is_left_alone(hall: Hall) -> None:
    """In an upgrade, a worker of the new version can process what this listener cannot read."""
    await hall.admit(0)
    hall.redis.hset(hall.entry(0), mapping={"job": "{}", "claimed_by": "worker", "claimed_at": hall.redis.time()[0]})
    hall.redis.set("worker", "alive")
    hall.sweep()
    assert hall.released() == []
    assert hall.redis.zcard(names.PENDING) == 1


async def test_unreadable_entry_behind_an_outstanding_one_fails_once(hall: Hall) -> None:
    """Later sweeps do not fail it again while its result waits."""
    for segment in range(2):
        await hall.admit(segment)
    hall.redis.delete(hall.entry(1))
    for _ in range(3):
        hall.sweep()
    hall.end(0)
    hall.sweep()
    assert hall.released() == [(0, "no_speech"), (1, "segment_failed")]
    assert hall.redis.zcard(names.PENDING) == 0
    assert not hall.redis.exists(hall.entry(1))


async def test_result_behind_a_lost_utterance_is_released(hall: Hall) -> None:
    """The lost utterance fails visibly; each utterance still has exactly one result."""
    for segment in range(4):
        await hall.admit(segment, age_s=OUTSTANDING_S + 10 if segment < 3 else 0)
    hall.end(0)
    hall.end(2)
    hall.end(3)
    hall.redis.delete(hall.entry(1))
    hall.redis.zrem(names.PENDING, hall.member(1))
    for _ in range(2):
        hall.sweep()
    assert hall.released() == [(0, "no_speech"), (1, "segment_failed"), (2, "no_speech"), (3, "no_speech")]
    assert hall.redis.zcard(names.PENDING) == 0


async def test_waiting_result_that_was_lost_fails(hall: Hall) -> None:
    """The order and the result in it are lost; the ledger still has the utterance."""
    await hall.admit(0)
    await hall.admit(1, age_s=OUTSTANDING_S + 10)
    hall.end(1)
    hall.sweep()
    hall.redis.delete(names.order(hall.record.session_id))
    hall.end(0)
    for _ in range(2):
        hall.sweep()
    assert hall.released() == [(0, "no_speech"), (1, "segment_failed")]
    assert hall.redis.zcard(names.PENDING) == 0


async def test_lost_job_behind_waiting_results_is_resent(hall: Hall) -> None:
    """It is found behind more waiting results than one sweep reads."""
    for segment in range(6):
        await hall.admit(segment)
        if 0 < segment < 5:
            hall.end(segment)
    hall.sweep(max_entries=2)
    for segment in (0, 5):
        hall.redis.hset(hall.entry(segment), "sent_at", hall.redis.time()[0] - GRACE_S - 1)
    hall.sweep(max_entries=2)
    assert [job.segment for job in hall.sent] == [0, 5]


async def test_streams_beside_the_channels_are_trimmed(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold transcripts; only older gateways need them, to fill a gap. Without any they become empty."""
    streams = [names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)]
    now_ms = hall.redis.time()[0] * 1_000
    for stream in streams:
        for age_s in (2 * STREAM_KEEP_S, STREAM_KEEP_S + 5, STREAM_KEEP_S - 5, 0):
            hall.redis.xadd(stream, {FIELD: SECRET}, id=f"{now_ms - 1_000 * age_s}-0")
    hall.sweep()
    for stream in streams:
        kept = [now_ms - int(source.partition("-")[0]) for source, _ in hall.redis.xrange(stream)]
        assert kept == [1_000 * (STREAM_KEEP_S - 5), 0]
    monkeypatch.setattr("listener_service.sweeper.STREAM_KEEP_S", -10)  # as if five minutes had passed
    hall.sweep()
    assert [hall.redis.xlen(stream) for stream in streams] == [0, 0]


async def test_failure_with_one_utterance_does_not_stop_the_sweep(hall: Hall) -> None:
    """The first job cannot be sent; the second is."""
    hall.unsendable = {0}
    for segment in range(2):
        await hall.admit(segment)
        hall.redis.hset(hall.entry(segment), "sent_at", "0")
    hall.sweep()
    assert [job.segment for job in hall.sent] == [1]


async def test_an_utterance_that_ends_every_worker_fails_alone(hall: Hall) -> None:
    """A worker claims 16 at once; one of them ends the process as soon as the model takes it."""
    poison = 5
    for segment in range(16):
        await hall.admit(segment)
    queue = list(range(16))
    for worker in range(30):
        claimed = [segment for segment in queue if hall.claim(segment, f"worker {worker}")]
        if poison in claimed:
            claimed.remove(poison)  # and its process dies with all of them
        else:
            for segment in claimed:
                hall.end(segment)
        hall.sent.clear()
        hall.sweep()
        queue = [job.segment for job in hall.sent]
    assert hall.released() == [
        (segment, "segment_failed" if segment == poison else "no_speech") for segment in range(16)
    ]


@pytest.mark.parametrize(("before", "behind"), [(600, 0), (600, 700), (1_700, 300)])
async def test_live_job_of_a_dead_worker_is_resent_however_many_wait(hall: Hall, before: int, behind: int) -> None:
    """Before and behind it are utterances of files, which wait for hours."""
    now = hall.redis.time()[0]
    waiting = audio_job(0, ahead=True).model_dump_json()
    pipeline = hall.redis.pipeline()
    for number in range(before + behind):
        entry = names.ledger_entry(names.ledger_member(f"file-{number}", 0))
        pipeline.hset(entry, mapping={"stage": "stt", "job": waiting, "attempts": 0, "sent_at": now})
    pipeline.execute()
    for number in range(before + behind):
        age_s = 300 if number < before else -10
        hall.redis.zadd(names.PENDING, {names.ledger_member(f"file-{number}", 0): now - age_s + number / 1_000})
    hall.redis.lpush(queue_key(names.STT_QUEUE, AHEAD), *["a job"] * (before + behind))
    await hall.admit(0)
    assert hall.claim(0, "dead")
    sweeper = hall.sweeper()
    sweeps = (before + behind) // MAX_PER_SWEEP + 1
    for _ in range(sweeps):
        sweeper.sweep()
    assert [(job.session_id, job.segment) for job in hall.sent] == [(hall.record.session_id, 0)]
    assert hall.claim(0, "dead again")
    for _ in range(2 * sweeps):  # and round again
        sweeper.sweep()
    assert len(hall.sent) == 2
