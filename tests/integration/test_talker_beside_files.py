"""A talker whose network stalls, beside files that wait for minutes: real gateway, queue, workers and listener."""

import asyncio
import re
from collections.abc import Iterator
from functools import partial

import httpx
import pytest
import websockets
from celery import Celery

from infra.celery_app import AHEAD, make_celery, queue_key
from infra.ledger.admission import MAX_AHEAD
from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S, Gateway, Person
from tests.support.heartbeats import ready
from tests.support.ledgers import Ledgers
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis
from tests.support.sounds import quiet, speech
from wire import names
from wire.audio import SAMPLE_RATE

FILES = 25
"""Sessions, each with ``MAX_AHEAD`` utterances: 200 jobs, which take the worker 50 s."""
SENTENCE = speech(SAMPLE_RATE) + quiet(SAMPLE_RATE)
FRAME_S = 0.1
FRAME = 2 * round(FRAME_S * SAMPLE_RATE)
LIVE_S = 20.0


@pytest.fixture
def celery(redis_url: str) -> Iterator[Celery]:
    with make_celery("test", redis_url) as celery:
        yield celery


@pytest.fixture
def gateway(processes: Processes, redis: Redis) -> Gateway:
    gateway = Gateway(processes)
    processes.python("-m", "listener_service.listener_service")
    processes.worker("analyzer_worker", names.ANALYZER_QUEUE, pool="threads", concurrency=16)
    processes.worker("tests.integration.slow_worker", names.STT_QUEUE)
    for service in (names.LISTENER, names.ANALYZER_WORKER, names.STT_WORKER):
        eventually(partial(ready, redis, service), START_S)
    eventually(gateway.answers, START_S)
    return gateway


@pytest.mark.parametrize("burst_s", [4.0, 12.0, 30.0], ids=["first chunk", "stall", "long stall"])
async def test_finals_of_a_talker_do_not_wait_for_files(
    gateway: Gateway, redis: Redis, aredis: AsyncRedis, celery: Celery, burst_s: float
) -> None:
    """What came in a burst was ahead; soon after, it and all that follows is live, and each counts once."""
    ledgers = Ledgers(redis, aredis, celery)
    for _ in range(FILES):
        file = await ledgers.session()
        for segment in range(MAX_AHEAD):
            assert await ledgers.admit(file, segment, ahead=True, pcm=bytes(FRAME)) == "admitted"
    async with websockets.connect(gateway.ws) as line:
        talker = await Person.enter(line)
        receiving = asyncio.create_task(_receive(talker))
        try:
            await _talk(talker, burst_s, pause_s=0)
            await _talk(talker, LIVE_S, pause_s=FRAME_S)
            segments = int(redis.hget(names.session(talker.session_id), "next_segment") or 0)
            await soon(lambda: len(_finals(talker)) == segments, 15)  # beside other tests
        finally:
            receiving.cancel()
        waiting = redis.llen(queue_key(names.STT_QUEUE, AHEAD))
    finals = _finals(talker)
    assert finals == list(range(len(finals)))
    assert len(finals) >= (burst_s + LIVE_S) / 2 - 1
    assert waiting > 2 * FILES  # the finals did not wait for it
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{gateway.http}/metrics")).text
    counted = re.findall(r"^wta_utterances_total\{.*\} (\S+)$", metrics, re.MULTILINE)
    assert sum(map(float, counted)) == len(finals)


async def _talk(talker: Person, seconds: float, *, pause_s: float) -> None:
    pcm = SENTENCE * round(seconds / 2)
    for start in range(0, len(pcm), FRAME):
        await asyncio.sleep(pause_s)
        await talker.talk(pcm[start : start + FRAME])


def _finals(talker: Person) -> list[int]:
    return [message["segment"] for message in talker.received if message["type"] == "final"]


async def _receive(talker: Person) -> None:
    while True:
        await talker.receive()
