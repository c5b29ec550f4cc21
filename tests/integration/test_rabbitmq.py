"""RabbitMQ as the broker: quorum queues have the jobs that must arrive, whichever process is killed."""

import asyncio
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from celery import Celery
from kombu.entity import Queue

from infra.celery_app import make_celery, queue_depth, send_job
from listener_service.queued_jobs import JobsAtRabbitMq
from tests.integration.test_three_addresses import FRAME, FRAME_S, SENTENCE, until
from tests.support.eventually import eventually
from tests.support.gateways import Gateway, Person
from tests.support.heartbeats import ready
from tests.support.ledgers import Ledgers
from tests.support.machines import Processes
from tests.support.rabbit import RabbitServer
from tests.support.redis import AsyncRedis, Redis
from tests.support.speakers import ALICE, BOB, audio_job, text_job
from wire import names
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import segment_end

pytestmark = pytest.mark.slow
PCM = bytes(32_000)
WAIT_S = 60


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    server = RabbitServer(tmp_path_factory.mktemp("rabbit"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def celery(rabbit: RabbitServer) -> Iterator[Celery]:
    """A sender of jobs, to empty queues."""
    with make_celery("test", rabbit.url) as celery:
        for queue in celery.conf.task_queues:
            with celery.connection_for_write() as connection:
                queue(connection.default_channel).declare()
                queue(connection.default_channel).purge()
        yield celery


@pytest.fixture
def ledgers(redis: Redis, aredis: AsyncRedis, celery: Celery) -> Ledgers:
    return Ledgers(redis, aredis, celery)


class Stack:
    """Workers and a listener."""

    def __init__(self, processes: Processes, redis: Redis, rabbit: RabbitServer) -> None:
        self.processes, self.redis = processes, redis
        self.env: Any = {"BROKER_URL": rabbit.url}
        processes.python("-m", "listener_service.listener_service", **self.env)
        processes.worker("analyzer_worker", names.ANALYZER_QUEUE, pool="threads", concurrency=4, **self.env)
        for service in (names.LISTENER, names.ANALYZER_WORKER):
            eventually(partial(ready, redis, service), WAIT_S)

    def worker(self, app: str = "stt_worker") -> Any:
        return self.processes.worker(app, names.STT_QUEUE, **self.env)

    def results(self, audience: str) -> list[str]:
        entries = self.redis.xrange(names.log(audience))
        return [segment_end.validate_json(fields["data"]).type for _, fields in entries]


@pytest.fixture
def stack(processes: Processes, redis: Redis, rabbit: RabbitServer) -> Stack:
    return Stack(processes, redis, rabbit)


def test_queues_are_quorum_queues_whose_depth_is_known(celery: Celery, redis: Redis) -> None:
    """Of each message one copy, in its own queue; Redis has none of Celery's keys."""
    for job in (audio_job(), text_job(), audio_job(ahead=True)):
        send_job(celery, job)
    eventually(lambda: queue_depth(celery, names.STT_QUEUE) == 2, WAIT_S)
    eventually(lambda: queue_depth(celery, names.ANALYZER_QUEUE) == 1, WAIT_S)
    assert queue_depth(celery, "no_such_queue") == 0
    arguments = [queue.queue_arguments for queue in celery.conf.task_queues]
    assert arguments == [{"x-queue-type": "quorum"}] * 2
    assert redis.keys("*") == []


def test_live_jobs_have_the_high_priority(celery: Celery) -> None:
    """From RabbitMQ 4.0 on quorum queues have two: high from 5 on."""
    for job in (audio_job(ahead=True), audio_job()):
        send_job(celery, job)
    with celery.connection_for_read() as connection, connection.channel() as channel:
        queue = Queue(names.STT_QUEUE, channel=channel)
        messages = [eventually(lambda: queue.get(no_ack=True), WAIT_S) for _ in range(2)]
    assert [message.properties["priority"] for message in messages] == [0, 9]


async def test_an_utterance_outlives_its_worker(stack: Stack, ledgers: Ledgers) -> None:
    """Killed with the task; another worker gets it, and it ends once."""
    record = await ledgers.session()
    await ledgers.admit(record, 0, ahead=False, pcm=PCM)
    doomed = stack.worker("tests.integration.held_worker")
    eventually(lambda: ledgers.entry(record, 0).claimed_by, WAIT_S)
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    stack.worker()
    eventually(lambda: stack.results(record.audience), WAIT_S)
    await ledgers.admit(record, 1, ahead=False, pcm=PCM)
    eventually(lambda: len(stack.results(record.audience)) == 2, WAIT_S)
    assert stack.results(record.audience) == ["final", "final"]
    eventually(lambda: queue_depth(ledgers.celery, names.STT_QUEUE) == 0, WAIT_S)


async def test_a_sentence_of_a_client_comes_out(stack: Stack, celery: Celery) -> None:
    """The gateway reaches the broker, says so, and counts what waits there."""
    gateway = Gateway(stack.processes, **stack.env)
    stack.worker()
    eventually(gateway.answers, WAIT_S)
    async with websockets.connect(gateway.ws) as line, httpx.AsyncClient(timeout=10) as client:
        talker = await Person.enter(line)
        for start in range(0, len(SENTENCE), FRAME):
            await talker.talk(SENTENCE[start : start + FRAME])
            await asyncio.sleep(FRAME_S)
        await until(talker, "final", segment=0)
        checks = (await client.get(f"{gateway.http}/readyz")).json()["checks"]
        assert checks["broker"] == {"ready": True, "reason": None, "instances": []}
        send_job(celery, audio_job(7, ahead=True))
        metrics = (await client.get(f"{gateway.http}/metrics")).text
        assert 'wta_queue_depth{queue="stt_queue"}' in metrics


async def test_a_job_that_the_queue_lost_is_sent_again(stack: Stack, ledgers: Ledgers) -> None:
    """The sweeper finds that fewer tasks wait there than utterances."""
    record = await ledgers.session()
    await ledgers.admit(record, 0, ahead=False, pcm=PCM)
    with ledgers.celery.connection_for_write() as connection:
        eventually(lambda: Queue(names.STT_QUEUE)(connection.default_channel).purge() == 1, WAIT_S)
    eventually(lambda: queue_depth(ledgers.celery, names.STT_QUEUE) == 1, WAIT_S)
    stack.worker()
    eventually(lambda: stack.results(record.audience) == ["final"], WAIT_S)


async def test_jobs_of_deleted_sessions_are_removed(celery: Celery) -> None:
    """The others stay, in their order."""
    jobs: list[TranscribeAudio | AnalyzeText] = [
        text_job(segment, of, text="secret") for segment in range(3) for of in (ALICE, BOB)
    ]
    for job in jobs:
        send_job(celery, job)
    eventually(lambda: queue_depth(celery, names.ANALYZER_QUEUE) == 6, WAIT_S)
    JobsAtRabbitMq(celery).remove({ALICE})
    eventually(lambda: queue_depth(celery, names.ANALYZER_QUEUE) == 3, WAIT_S)
    with celery.connection_for_read() as connection, connection.channel() as channel:
        queue = Queue(names.ANALYZER_QUEUE, channel=channel)
        left = [eventually(lambda: queue.get(no_ack=True), WAIT_S).headers["kwargsrepr"] for _ in range(3)]
    assert left == [f"<{BOB}:{segment}>" for segment in range(3)]


def test_jobs_are_removed_later_while_rabbitmq_is_away(tmp_path: Path) -> None:
    """Nothing else of a deletion waits for that."""
    with make_celery("test", f"amqp://127.0.0.1:1/{tmp_path.name}") as celery:
        began = time.monotonic()
        JobsAtRabbitMq(celery).remove({ALICE})
        assert time.monotonic() - began < 30


async def test_nothing_is_lost_when_rabbitmq_is_killed(stack: Stack, ledgers: Ledgers, rabbit: RabbitServer) -> None:
    """What was in the queue is there again; what comes meanwhile waits in the ledger."""
    record = await ledgers.session()
    await ledgers.admit(record, 0, ahead=False, pcm=PCM)
    eventually(lambda: queue_depth(ledgers.celery, names.STT_QUEUE) == 1, WAIT_S)
    rabbit.kill()
    assert await ledgers.admission.admit(record.owner, audio_job(1, record.session_id), PCM, 1, 600) == "admitted"
    rabbit.start()
    stack.worker()
    eventually(lambda: stack.results(record.audience) == ["final", "final"], WAIT_S)
