"""The whole system with an append-only file: what is forgotten is gone from Redis and from its folder."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import websockets

from tests.support.eventually import eventually, soon
from tests.support.everything import keys_with
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import Processes, RedisServer
from tests.support.redis import Redis, connect
from wire import names

REWRITE_S = 2
SAID = "samples of speech"
"""In each text of the engine without a model."""
WITHIN_S = 40.0
"""Seconds for the listener to look, and for a rewrite on a busy machine."""


@dataclass
class System:
    """Two gateways, workers and a listener, and the folder of their Redis."""

    gateways: list[Gateway]
    redis: Redis
    folder: Path

    def on_disk(self, *needles: bytes) -> list[str]:
        """The files with one of these bytes."""
        files = {file.name: file.read_bytes() for file in self.folder.rglob("*.[ra][do][bf]") if file.is_file()}
        assert files
        return [name for name, content in files.items() if any(needle in content for needle in needles)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("system")
    server = RedisServer(folder, "--rdbcompression", "no")  # so that a search finds what is there
    server.start()
    processes = Processes(server.url, folder)
    gateways = [Gateway(processes), Gateway(processes)]
    processes.worker("tests.integration.slow_worker", names.STT_QUEUE)
    processes.worker("analyzer_worker", names.ANALYZER_QUEUE, pool="threads", concurrency=4)
    processes.python("-m", "listener_service.listener_service", LISTENER_REWRITE_S=str(REWRITE_S))
    with connect(server.url) as redis:
        for gateway in gateways:
            eventually(partial(is_ready, gateway), START_S * 2)
        yield System(gateways, redis, folder)
    processes.end()
    server.kill()


def is_ready(gateway: Gateway) -> bool:
    return gateway.answers() and httpx.get(f"{gateway.http}/readyz", timeout=2).is_success


def noise(seed: int) -> bytes:
    """A second of voice by its level, unlike any other."""
    return np.random.default_rng(seed).integers(-9_000, 9_000, 16_000, dtype=np.int16).tobytes()


async def say(person: Person, pcm: bytes) -> None:
    """An utterance and the silence behind it."""
    for message in (pcm, bytes(32_000)):
        await person.talk(message)


async def delete(gateway: Gateway, person: Person, token: str | None = None) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": f"Bearer {token or person.token}"}
        return await client.delete(f"{gateway.http}/sessions/{person.session_id}", headers=headers)


async def closing(person: Person, line: websockets.ClientConnection) -> tuple[dict[str, Any], int | None]:
    """The last message, and the code of the close frame."""
    async with asyncio.timeout(10):
        async for data in line:
            person.received.append(json.loads(data))
    return person.received[-1], line.close_code


@pytest.mark.timeout(180)
async def test_a_room_that_is_deleted_while_people_talk_is_gone_everywhere(system: System) -> None:
    """Its people see it, what workers finish later brings nothing back, and nothing of it is on the disk."""
    first, second = system.gateways
    pcm = [noise(seed) for seed in range(8)]
    async with websockets.connect(first.ws) as line, websockets.connect(second.ws) as other:
        alice, bob = await Person.enter(line, room="kitchen"), await Person.enter(other, room="kitchen")
        await say(alice, pcm[0])
        text = (await bob.until("final", session_id=alice.session_id))["text"]
        assert SAID in text
        for utterance in pcm[1:]:
            await say(alice, utterance)
            await say(bob, utterance[::-1])
        await soon(lambda: system.redis.zcard(names.PENDING) > 3)  # with the workers, or in the queue
        needles = [text.encode(), *(utterance[16_000:16_064] for utterance in pcm)]
        assert system.on_disk(*needles)
        refused = await delete(first, bob)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_owner")
        assert (await delete(second, alice)).status_code == 204
        for person, its_line in ((alice, line), (bob, other)):
            last, code = await closing(person, its_line)
            assert (last, code) == ({"type": "deleted", "session_id": person.session_id}, 1000)
    marks = {names.DELETING, *(names.deleted(person.session_id) for person in (alice, bob))}
    ids = (alice.session_id, bob.session_id)

    def left() -> set[str]:
        return keys_with(system.redis, SAID, *ids) - marks

    await soon(lambda: not left(), WITHIN_S)
    await soon(lambda: not system.on_disk(*needles), WITHIN_S)
    assert left() == set()
    assert system.redis.zcard(names.PENDING) == 0
    for gateway in system.gateways:
        assert (await delete(gateway, alice)).status_code == 204
        assert (await delete(gateway, alice, "another")).status_code == 404
    async with websockets.connect(first.ws) as line:
        await line.send(json.dumps({"type": "start", "session_id": bob.session_id, "token": bob.token}))
        assert await closing(bob, line) == ({"type": "deleted", "session_id": bob.session_id}, 1000)


@pytest.mark.timeout(180)
async def test_a_conversation_that_expires_is_gone_from_the_disk(system: System) -> None:
    """Its audio after the release, its text with the session."""
    pcm = noise(99)
    sound = pcm[16_000:16_064]
    async with websockets.connect(system.gateways[0].ws) as line:
        carol = await Person.enter(line)
        await say(carol, pcm)
        text = (await carol.until("final"))["text"].encode()
    assert SAID.encode() in text
    assert system.on_disk(text)
    await soon(lambda: not system.on_disk(sound), WITHIN_S)
    assert system.on_disk(text)
    redis = system.redis
    for key in keys_with(redis, carol.session_id):
        if redis.ttl(key) > 0:  # as if an hour had passed
            redis.expire(key, 1)
    assert not redis.exists(*(names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)))
    await soon(lambda: not system.on_disk(text, carol.session_id.encode()), WITHIN_S)
    assert not keys_with(redis, SAID, carol.session_id)
