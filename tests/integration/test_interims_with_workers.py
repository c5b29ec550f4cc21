"""Interim texts by real workers, beside the tasks of their queue: kills, several workers, files, older gateways."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from celery import Celery

from fastapi_service.recognition.partials import Partials, PendingPartial
from fastapi_service.recognition.transports import InterimTransport, QueueTransport
from infra.celery_app import PARTIAL_AUDIO_TTL_S, send_job
from infra.scratch import Scratch
from tests.support.dispatch import FakeDispatcher
from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S
from tests.support.ledgers import Ledgers
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis, connect_async, queue_depth
from wire import names
from wire.messages.jobs import Partial, TranscribePartial

PCM = bytes(32_000)
SLOW = "tests.integration.slow_worker"
StartWorker = Callable[..., subprocess.Popen[bytes]]
HELD = "tests.integration.held_worker"


def session(number: int) -> str:
    return f"{number:032x}"


class Requests:
    """A gateway's requests, and the answers of the workers on its channel."""

    def __init__(self, partials: Partials, redis: Redis) -> None:
        self.partials, self._redis = partials, redis

    def job(self, number: int, revision: int = 1) -> TranscribePartial:
        return TranscribePartial(
            session_id=session(number),
            segment=0,
            revision=revision,
            purpose="interim",
            start_ms=0,
            audio_key=names.partial_audio(session(number), 0, revision),
            reply_to=self.partials.channel,
        )

    def request(self, number: int, revision: int = 1) -> PendingPartial:
        return self.partials.request(self.job(number, revision), PCM)

    def begun(self, number: int) -> bool:
        """True once a worker has taken the request."""
        return not self._redis.exists(names.interim(session(number)))

    async def until_answered(self, number: int) -> Partial:
        """Request until a worker is quick enough: what waits for a second is not begun."""
        for revision in range(1, 60):
            pending = self.request(number, revision)
            with suppress(TimeoutError):
                async with asyncio.timeout(1.5):
                    answer = await pending.result()
                    if answer is not None:
                        return answer
            await pending.give_up()
        raise AssertionError("no worker has answered")


@pytest.fixture
async def requests(redis: Redis, aredis: AsyncRedis, redis_url: str) -> AsyncIterator[Requests]:
    channels = connect_async(redis_url, max_connections=4, retries=0)
    queue = QueueTransport(aredis, FakeDispatcher())
    partials = Partials(aredis, channels, {"interim": InterimTransport(aredis), "final": queue})
    running = asyncio.create_task(partials.run())
    await soon(lambda: bool(redis.pubsub_channels(partials.channel)))
    yield Requests(partials, redis)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await channels.aclose()
    await channels.connection_pool.disconnect()


@pytest.fixture
def start_worker(processes: Processes, redis: Redis) -> StartWorker:
    """Starts speech-to-text workers, and waits until they are ready."""
    pattern = f"{names.heartbeat_index(names.STT_WORKER)}:*"

    def start(app: str = "stt_worker") -> subprocess.Popen[bytes]:
        before = len(list(redis.scan_iter(pattern)))
        process = processes.worker(app, names.STT_QUEUE)
        eventually(lambda: len(list(redis.scan_iter(pattern))) > before, START_S)
        eventually(lambda: " ready." in processes.output(process), START_S)
        return process

    return start


async def test_each_request_is_answered_once_by_one_of_two_workers(
    requests: Requests, start_worker: StartWorker, redis: Redis
) -> None:
    """No task of the queue is needed for it, and nothing is left in Redis."""
    for _ in range(2):
        start_worker()
    answers = redis.pubsub(ignore_subscribe_messages=True)
    answers.subscribe(requests.partials.channel)
    answers.get_message(timeout=10)  # of the subscription
    for number in range(20):
        answer = await requests.until_answered(number)
        assert answer.transcript is not None
        assert answer.transcript.text == "16000 samples of speech"
    assert queue_depth(redis, names.STT_QUEUE) == 0
    assert redis.keys("wta:interim*") == []
    messages = iter(lambda: answers.get_message(timeout=1), None)
    received = [Partial.model_validate_json(each["data"]) for each in messages]
    found = [(each.session_id, each.revision) for each in received]
    assert len(found) == len(set(found)) >= 20
    answers.close()


async def test_a_worker_that_is_killed_costs_its_own_interim_text_only(
    requests: Requests, start_worker: StartWorker, redis: Redis, aredis: AsyncRedis, celery: Celery
) -> None:
    """Its gateway waits for that no longer, and finals and other interims go on with another worker."""
    doomed = start_worker(HELD)
    lost = requests.request(0)
    await soon(lambda: lost.done or requests.begun(0), 20)
    assert not lost.done
    await asyncio.sleep(1.5)  # the gateway sees the worker while it lives
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    async with asyncio.timeout(30):
        assert await lost.result() is None
    start_worker()
    assert (await requests.until_answered(1)).transcript is not None
    ledgers = Ledgers(redis, aredis, celery)
    record = await ledgers.session()
    await ledgers.admit(record, 0, ahead=False, pcm=PCM)
    await soon(lambda: ledgers.entry(record, 0).stage == "analysis", 20)


async def test_a_worker_with_a_final_leaves_interim_texts_to_others(
    requests: Requests, start_worker: StartWorker, redis: Redis, aredis: AsyncRedis, celery: Celery
) -> None:
    """It may have been waiting for one when the final came."""
    start_worker(HELD)
    ledgers = Ledgers(redis, aredis, celery)
    record = await ledgers.session()
    await ledgers.admit(record, 0, ahead=False, pcm=PCM)
    await soon(lambda: ledgers.entry(record, 0).claimed_by is not None, 20)
    start_worker()
    for number in range(5):
        assert (await requests.until_answered(number)).transcript is not None


async def test_interim_texts_get_their_turn_beside_files(
    requests: Requests, start_worker: StartWorker, redis: Redis, aredis: AsyncRedis, celery: Celery
) -> None:
    """Between two utterances of a file, however many wait."""
    ledgers = Ledgers(redis, aredis, celery)
    for _ in range(25):
        file = await ledgers.session()
        for segment in range(8):
            await ledgers.admit(file, segment, ahead=True, pcm=PCM)
    start_worker(SLOW)
    for number in range(3):
        assert (await requests.until_answered(number)).transcript is not None
    assert queue_depth(redis, names.STT_QUEUE) > 0


async def test_an_interim_task_of_an_older_gateway_is_answered(
    requests: Requests, start_worker: StartWorker, redis: Redis, aredis: AsyncRedis, celery: Celery
) -> None:
    """While versions run side by side."""
    start_worker()
    answers = redis.pubsub(ignore_subscribe_messages=True)
    answers.subscribe(requests.partials.channel)
    answers.get_message(timeout=10)  # of the subscription
    for revision in range(1, 60):  # what waits for a second is not begun
        job = requests.job(7, revision)
        await Scratch(aredis).put(job.audio_key, job.session_id, PCM, PARTIAL_AUDIO_TTL_S)
        await asyncio.to_thread(send_job, celery, job)
        if message := await asyncio.to_thread(answers.get_message, timeout=1.5):
            break
    assert Partial.model_validate_json(message["data"]).session_id == session(7)
    answers.close()


async def test_a_request_that_only_older_workers_could_take_ends(requests: Requests) -> None:
    """They do not look for it: the gateway takes it back, and goes on."""
    pending = requests.request(0)
    await asyncio.sleep(0.3)
    assert await pending.withdraw()
    assert await pending.result() is None
