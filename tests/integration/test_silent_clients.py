"""A real gateway whose clients send no frames: their utterances end, and what comes later has its place."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
import websockets

from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import Redis
from tests.support.sounds import speech
from wire import names
from wire.audio import SAMPLE_RATE

TIMEOUT_S = 2.0
"""Silence and jitter of the default settings."""


@pytest.fixture
def gateway(processes: Processes) -> Gateway:
    started = Gateway(processes)
    eventually(started.answers, START_S)
    return started


def admitted(redis: Redis, person: Person, segment: int) -> bool:
    """True if an utterance is in the ledger."""
    return redis.zscore(names.PENDING, names.ledger_member(person.session_id, segment)) is not None


async def test_a_client_that_sends_speech_only_gets_its_utterances_one_by_one(gateway: Gateway, redis: Redis) -> None:
    """Between them it answers and sends pings, and nothing else."""
    clock = asyncio.get_running_loop()
    async with websockets.connect(gateway.ws) as line:
        person = await Person.enter(line)
        for segment in range(2):
            for _ in range(10):
                await person.talk(speech(SAMPLE_RATE // 10))
            stopped = clock.time()
            pinging = asyncio.create_task(_ping_for(line, 3 * TIMEOUT_S))
            ended = await person.until("speech_ended", segment=segment)
            assert TIMEOUT_S - 0.2 < clock.time() - stopped < TIMEOUT_S + 1
            assert (ended["reason"], ended["end_ms"]) == ("silence", 1_000 * (segment + 1))
            await person.until("ack", samples=SAMPLE_RATE * (segment + 1))
            assert admitted(redis, person, segment)
            await pinging


async def _ping_for(line: websockets.ClientConnection, seconds: float) -> None:
    for _ in range(round(10 * seconds)):
        await line.send('{"type":"ping"}')
        await asyncio.sleep(0.1)


async def test_the_utterance_of_a_broken_line_ends_and_the_session_is_resumed_behind_it(
    gateway: Gateway, redis: Redis
) -> None:
    """A client that comes back later than its audio may be late goes on where the utterance ended."""
    async with websockets.connect(gateway.ws) as line:
        first = await Person.enter(line)
        await first.talk(speech(SAMPLE_RATE))
        await first.until("speech_started")
        first.break_line()
    await soon(lambda: admitted(redis, first, 0), TIMEOUT_S + 3)
    async with websockets.connect(gateway.ws) as line:
        second = await Person.enter(line, session_id=first.session_id, token=first.token)
        assert (second.ready["resumed"], second.ready["samples"]) == (True, SAMPLE_RATE)
        await second.talk(speech(SAMPLE_RATE))
        ended = await second.until("speech_ended", segment=1)
        assert ended["start_ms"] == pytest.approx(1_000, abs=35)
        assert ended["end_ms"] == 2_000


async def test_a_client_that_comes_back_at_once_sends_its_utterance_again(gateway: Gateway, redis: Redis) -> None:
    """It is one utterance: the broken connection's part of it is refused by the ledger."""
    async with websockets.connect(gateway.ws) as line:
        first = await Person.enter(line)
        await first.talk(speech(SAMPLE_RATE))
        await first.until("speech_started")
        first.break_line()
    async with websockets.connect(gateway.ws) as line:
        second = await Person.enter(line, session_id=first.session_id, token=first.token)
        assert second.ready["samples"] == 0
        for _ in range(30):
            await second.talk(speech(SAMPLE_RATE // 10))
            await asyncio.sleep(0.1)
        ended = await second.until("speech_ended")
        assert (ended["segment"], ended["start_ms"], ended["end_ms"]) == (0, 0, 3_000)
        await second.until("ack", samples=3 * SAMPLE_RATE)
    assert not admitted(redis, first, 1)


async def test_idle_sockets_do_not_keep_the_places(processes: Processes) -> None:
    """They are closed after a while, pings or not, and a person who comes then has a place."""
    gateway = Gateway(processes, GATEWAY_MAX_SESSIONS="3", GATEWAY_START_TIMEOUT_S="1.5")
    eventually(gateway.answers, START_S)
    async with AsyncExitStack() as lines:
        idle = [await lines.enter_async_context(websockets.connect(gateway.ws)) for _ in range(3)]
        async with websockets.connect(gateway.ws) as line:
            assert json.loads(await line.recv())["code"] == "service_full"
        await idle[0].send('{"type":"ping"}')
        assert json.loads(await idle[0].recv())["type"] == "pong"
        async with asyncio.timeout(4):
            for socket in idle:
                assert json.loads(await socket.recv())["code"] == "start_timeout"
                await socket.wait_closed()
                assert socket.close_code == 1013
    async with websockets.connect(gateway.ws) as line:
        await (await Person.enter(line)).ping()
