"""Broker, scratch and the Redis of the sessions on servers of their own: what the outage of each costs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from infra.context import Context, Contexts
from infra.scratch import Scratch
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway, Person
from tests.support.heartbeats import ready
from tests.support.machines import Processes, RedisServer
from tests.support.redis import Redis, connect, connect_async
from tests.support.sounds import quiet, speech
from wire import names
from wire.audio import SAMPLE_RATE

SENTENCE = speech(2 * SAMPLE_RATE) + quiet(2 * SAMPLE_RATE)
FRAME_S = 0.1
WAIT_S = 60
FRAME = 2 * round(FRAME_S * SAMPLE_RATE)


class Stack:
    """A gateway with all services, and a server for each address."""

    def __init__(self, redis: Redis, processes: Processes, broker: RedisServer, scratch: RedisServer) -> None:
        self.redis, self.broker, self.scratch, self.processes = redis, broker, scratch, processes
        self.env: Any = {"BROKER_URL": broker.url, "SCRATCH_REDIS_URL": scratch.url}
        self.gateway = Gateway(processes, **self.env)
        processes.python("-m", "listener_service.listener_service", **self.env)
        processes.worker("analyzer_worker", names.ANALYZER_QUEUE, pool="threads", concurrency=4, **self.env)
        processes.worker("stt_worker", names.STT_QUEUE, **self.env)
        for service in (names.LISTENER, names.ANALYZER_WORKER, names.STT_WORKER):
            eventually(partial(ready, redis, service), START_S)
        eventually(self.gateway.answers, START_S)

    def readiness(self) -> httpx.Response:
        return httpx.get(f"{self.gateway.http}/readyz", timeout=10)

    @asynccontextmanager
    async def talker(self) -> AsyncIterator[Person]:
        async with websockets.connect(self.gateway.ws) as line:
            yield await Person.enter(line)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    started = []
    for name in ("broker", "scratch"):
        (tmp_path / name).mkdir()
        started.append(RedisServer(tmp_path / name))
        started[-1].start()
    yield started[0], started[1]
    for server in started:
        server.kill()


@pytest.fixture
def stack(redis: Redis, processes: Processes, servers: tuple[RedisServer, RedisServer]) -> Stack:
    return Stack(redis, processes, *servers)


async def say(talker: Person) -> None:
    """One sentence in real time."""
    for start in range(0, len(SENTENCE), FRAME):
        await talker.talk(SENTENCE[start : start + FRAME])
        await asyncio.sleep(FRAME_S)


async def until(talker: Person, kind: str, **fields: object) -> None:
    """Wait for a message of this kind, also on a busy machine."""
    async with asyncio.timeout(WAIT_S):
        while not (await talker.receive()).items() >= ({"type": kind} | fields).items():
            pass


async def test_each_address_has_what_belongs_there(stack: Stack) -> None:
    """Tasks at the broker, audio of drafts in scratch, all else in the third; a sentence comes out."""
    assert stack.readiness().json()["checks"]["broker"]["ready"]
    async with stack.talker() as talker:
        await say(talker)
        await until(talker, "final", segment=0)
    with connect(stack.broker.url) as broker, connect(stack.scratch.url) as scratch:
        assert broker.keys("wta:*") == []
        assert any("stt_queue" in key for key in broker.keys("*"))
        assert set(scratch.keys("*")) <= {*scratch.keys("wta:context:*"), *scratch.keys("wta:audio:*")}
    assert not [key for key in stack.redis.keys("*") if "kombu" in key or key.startswith("wta:context:")]


async def test_finals_go_on_without_the_scratch_redis(stack: Stack) -> None:
    """People are told which address is away, the log has it once, and all is well again when it is back."""
    stack.scratch.kill()
    async with stack.talker() as talker:
        await say(talker)
        await until(talker, "final", segment=0)
        eventually(lambda: stack.readiness().json()["warnings"], WAIT_S)
        answer = stack.readiness()
        assert answer.status_code == 200
        assert "SCRATCH_REDIS_URL" in answer.json()["warnings"][0]
        stack.scratch.start()
        eventually(lambda: stack.readiness().json()["warnings"] == [], WAIT_S)
        await say(talker)
        await until(talker, "final", segment=1)


async def test_nothing_is_lost_while_the_broker_is_away(stack: Stack) -> None:
    """Its outage has a reason of its own in ``/readyz``; what was said meanwhile comes out after it."""
    stack.broker.kill()
    async with stack.talker() as talker:
        await say(talker)
        await until(talker, "ack")
        eventually(lambda: stack.readiness().status_code == 503, WAIT_S)
        checks = stack.readiness().json()["checks"]
        assert "BROKER_URL" in checks["broker"]["reason"]
        assert checks["redis"]["ready"]
        stack.broker.start()
        await until(talker, "final")


async def test_a_deletion_reaches_the_scratch_redis(stack: Stack) -> None:
    """Nothing of the session is left there, and nothing more is written."""
    async with stack.talker() as talker:
        scratch = connect_async(stack.scratch.url)
        context = Context(b"\1\0", "secret", "en")
        await Contexts(scratch).put(talker.session_id, 0, context)
        await Scratch(scratch).put(names.partial_audio(talker.session_id, 0, 1), talker.session_id, b"\1\0", 10)
        headers = {"Authorization": f"Bearer {talker.token}"}
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.delete(f"{stack.gateway.http}/sessions/{talker.session_id}", headers=headers)
        assert answer.is_success
        with connect(stack.scratch.url) as redis:
            mark = names.deleted(talker.session_id)
            eventually(lambda: [key for key in redis.keys("*") if talker.session_id in key] == [mark], WAIT_S)
            await Contexts(scratch).put(talker.session_id, 0, context)
            assert [key for key in redis.keys("*") if talker.session_id in key] == [mark]
        await scratch.aclose()
        await scratch.connection_pool.disconnect()
