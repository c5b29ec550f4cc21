"""Real workers and a real listener: each utterance ends exactly once, even if a process dies or a job is lost."""

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from celery import Celery

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import send_job
from infra.heartbeat import Heartbeat
from infra.ledger.admission import Admission
from infra.ledger.ledger import MAX_ATTEMPTS, Ledger
from infra.results import FIELD
from tests.support.eventually import eventually
from tests.support.heartbeats import ready
from tests.support.machines import Processes, RedisServer
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.speakers import audio_job
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import TranscribeAudio
from wire.messages.results import Final, NoSpeech, SegmentFailed, segment_end

START_S = 30
PCM = bytes(2 * 16_000)


class Conversation:
    """A session whose utterances are in the ledger, and in the queue if a test sends them."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, celery: Celery, record: SessionRecord) -> None:
        self.redis, self.celery, self.record = redis, celery, record
        self._admission = Admission(aredis)

    async def say(self, segment: int, pcm: bytes = PCM) -> TranscribeAudio:
        """Admit an utterance, as the gateway does before it acknowledges it."""
        job = audio_job(segment, self.record.session_id)
        assert await self._admission.admit(self.record.owner, job, pcm, segment, 600) == "admitted"
        return job

    def send(self, job: TranscribeAudio) -> None:
        send_job(self.celery, job)

    def released(self) -> list[Final | NoSpeech | SegmentFailed]:
        """Return all results released so far."""
        entries = self.redis.xrange(names.log(self.record.audience))
        return [segment_end.validate_json(fields[FIELD]) for _, fields in entries]

    def wait_for(self, count: int, timeout: float = 20) -> list[Final | NoSpeech | SegmentFailed]:
        """Wait for ``count`` results, and until nothing is left in the ledger, the queues and the stream."""
        self.wait_for_results(count, timeout)
        eventually(self.is_quiet, timeout)
        assert len(self.released()) == count
        return self.released()

    def wait_for_results(self, count: int, timeout: float) -> list[Final | NoSpeech | SegmentFailed]:
        """Wait for ``count`` results; a dead worker's copy of a task may still be unacknowledged."""
        return eventually(lambda: self.released() if len(self.released()) >= count else [], timeout)

    def is_quiet(self) -> bool:
        waiting: int = sum(queue_depth(self.redis, queue) for queue in (names.STT_QUEUE, names.ANALYZER_QUEUE))
        on_the_way: int = self.redis.xlen(names.stream(names.RESULT_CHANNEL)) + self.redis.hlen("unacked")
        outstanding: int = self.redis.zcard(names.PENDING)
        return waiting + on_the_way + outstanding == 0


@pytest.fixture(scope="module", autouse=True)
def _backstage(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start a listener and a sentiment worker for all tests here; they survive emptying Redis between tests."""
    started = Processes(redis_server.url, tmp_path_factory.mktemp("backstage"))
    started.python("-m", "listener_service.listener_service")
    started.worker("analyzer_worker", names.ANALYZER_QUEUE, pool="threads", concurrency=16)
    yield
    started.end()


@pytest.fixture
async def conversation(redis: Redis, aredis: AsyncRedis, celery: Celery) -> Conversation:
    for service in (names.LISTENER, names.ANALYZER_WORKER):
        eventually(partial(ready, redis, service), START_S)
    eventually(lambda: redis.exists(names.stream(names.RESULT_CHANNEL)), 10)
    record, _ = await SessionStore(aredis, 600).create(Start())
    return Conversation(redis, aredis, celery, record)


async def test_jobs_come_out_as_finals_in_the_order_of_speech(conversation: Conversation, processes: Processes) -> None:
    """Sent in any order and one of them twice, each becomes one final, in order, with readings of every hop."""
    jobs = [await conversation.say(segment, bytes(2 * (1_000 + segment))) for segment in range(5)]
    for segment in (3, 0, 4, 3, 2, 1):
        conversation.send(jobs[segment])
    processes.worker("stt_worker", names.STT_QUEUE)
    finals = conversation.wait_for(5, START_S)
    assert [end.segment for end in finals] == [0, 1, 2, 3, 4]
    for segment, end in enumerate(finals):
        assert isinstance(end, Final)
        assert end.text == f"{1_000 + segment} samples of speech"
        assert end.sentiment is not None
        readings = end.clock.model_dump(exclude={"delivered", "speech_end", "endpointed", "queued"})
        assert None not in readings.values()
        assert list(readings.values()) == sorted(readings.values())


async def test_a_worker_that_freezes_and_dies_loses_nothing(conversation: Conversation, processes: Processes) -> None:
    """Stopped in the middle of a task and then killed: another worker does it, and it ends exactly once."""
    doomed = processes.worker("tests.integration.held_worker", names.STT_QUEUE)
    conversation.send(await conversation.say(0))
    ledger = Ledger(conversation.redis)
    eventually(lambda: ledger.pending(1)[0].claimed_by, START_S)
    doomed.send_signal(signal.SIGSTOP)
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    processes.worker("stt_worker", names.STT_QUEUE)
    conversation.send(await conversation.say(1))
    finals = conversation.wait_for_results(2, START_S)
    assert [(end.type, end.segment) for end in finals] == [("final", 0), ("final", 1)]


async def test_a_job_that_the_queue_lost_is_sent_again(conversation: Conversation, processes: Processes) -> None:
    """Its list in Redis is deleted before any worker reads it; the ledger still has it."""
    conversation.send(await conversation.say(0))
    assert conversation.redis.delete(names.STT_QUEUE) == 1
    eventually(lambda: queue_depth(conversation.redis, names.STT_QUEUE) == 1, 15)
    processes.worker("stt_worker", names.STT_QUEUE)
    assert [end.type for end in conversation.wait_for(1, START_S)] == ["final"]


async def test_a_job_that_cannot_be_done_fails_and_delays_no_other(
    conversation: Conversation, processes: Processes
) -> None:
    """Its audio is gone: after all attempts it ends as ``segment_failed``, and what was said after it follows."""
    jobs = [await conversation.say(segment) for segment in range(2)]
    conversation.redis.delete(jobs[0].audio_key)
    for job in jobs:
        conversation.send(job)
    processes.worker("stt_worker", names.STT_QUEUE)
    lost, final = conversation.wait_for(2, START_S)
    assert isinstance(lost, SegmentFailed)
    assert (lost.segment, lost.code, lost.attempts) == (0, "transcription_failed", MAX_ATTEMPTS)
    assert "no longer stored" in lost.message
    assert isinstance(final, Final)


def break_first(redis: Redis, change: Callable[[str], str]) -> None:
    """Damage the message that was put into the queue last."""
    message = redis.lpop(names.STT_QUEUE)
    assert isinstance(message, str)
    assert change(message) != message
    redis.lpush(names.STT_QUEUE, change(message))


@pytest.mark.parametrize("poison", ["body", "job"])
async def test_a_poisonous_job_ends_no_worker(poison: str, conversation: Conversation, processes: Processes) -> None:
    """An unreadable job is dropped; the worker goes on with the next."""
    task, queue = names.TRANSCRIBE_AUDIO, names.STT_QUEUE
    conversation.celery.send_task(task, kwargs={"job": {"type": "nonsense"}}, queue=queue, priority=0)
    if poison == "body":
        break_first(conversation.redis, lambda message: message.replace('"body": "', '"body": "!!'))
    conversation.send(await conversation.say(0))
    worker = processes.worker("stt_worker", names.STT_QUEUE)
    assert [end.type for end in conversation.wait_for(1, START_S)] == ["final"]
    assert worker.poll() is None


async def test_a_torn_message_costs_one_restart(conversation: Conversation, processes: Processes) -> None:
    """Half of Celery's own envelope, which only Redis itself could write: the next process does not get it again."""
    conversation.celery.send_task(names.TRANSCRIBE_AUDIO, queue=names.STT_QUEUE, priority=0)
    break_first(conversation.redis, lambda message: message[:40])
    conversation.send(await conversation.say(0))
    assert processes.worker("stt_worker", names.STT_QUEUE).wait(START_S) == 1
    processes.worker("stt_worker", names.STT_QUEUE)
    assert [end.type for end in conversation.wait_for(1, START_S)] == ["final"]


async def test_a_worker_stops_in_order(conversation: Conversation, processes: Processes) -> None:
    """SIGTERM: it removes its heartbeat and exits with 0; jobs stay in the queue."""
    worker = processes.worker("stt_worker", names.STT_QUEUE)
    eventually(lambda: " ready." in processes.output(worker), START_S)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert not list(conversation.redis.scan_iter(f"{names.heartbeat_index(names.STT_WORKER)}:*"))
    conversation.send(await conversation.say(0))
    assert queue_depth(conversation.redis, names.STT_QUEUE) == 1


async def test_a_worker_without_a_model_takes_no_job(
    conversation: Conversation, processes: Processes, tmp_path: Path
) -> None:
    """It runs, reports why it is not ready and what helps, and leaves the queue to others."""
    processes.worker("stt_worker", names.STT_QUEUE, STT_MODEL=str(tmp_path / "missing.pt"))

    def reasons() -> list[str | None]:
        keys = list(conversation.redis.scan_iter(f"{names.heartbeat_index(names.STT_WORKER)}:*"))
        beats = conversation.redis.mget(keys) if keys else []
        return [Heartbeat.model_validate_json(beat).reason for beat in beats if beat]

    eventually(lambda: any("missing.pt" in (reason or "") for reason in reasons()), START_S)
    conversation.send(await conversation.say(0))
    assert not ready(conversation.redis, names.STT_WORKER)
    assert queue_depth(conversation.redis, names.STT_QUEUE) == 1
