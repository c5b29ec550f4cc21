"""A talker on each channel: real gateways, queue, workers and listener, open and closed."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import numpy as np
import pytest
import websockets

from fastapi_service.storage.keys import KeyStore
from tests.support.eventually import soon
from tests.support.gateways import RECEIVE_S, Gateway
from tests.support.redis import AsyncRedis
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE, decode_pcm, encode_pcm
from wire.messages.client import Start
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Ready
from wta.client.client import Client
from wta.client.options import Hooks, Limits

RIGHT_BEGINS_S = 30
PRE_ROLL_MS = 300
"""There is nothing before the left one."""
SENTENCE = speech(SAMPLE_RATE) + quiet(2 * SAMPLE_RATE)
STEREO = {"type": "start", "channels": 2}


def interleaved(left: bytes, right: bytes) -> bytes:
    return encode_pcm(np.stack([decode_pcm(left), decode_pcm(right)], axis=1))


@pytest.mark.usefixtures("workers")
async def test_a_call_in_a_file_keeps_its_times_however_fast_it_comes(start_gateway: Callable[..., Gateway]) -> None:
    """The right one begins half a minute later, in the export and in the statistics; nobody else shares the room."""
    gateway = start_gateway()
    silence = quiet(RIGHT_BEGINS_S * SAMPLE_RATE)
    pcm = interleaved(SENTENCE + silence, silence + SENTENCE)
    start = Start.model_validate(STEREO | {"speakers": [{"name": "Ann"}, {"name": "Bob", "role": "customer"}]})
    ready_ones: list[Ready] = []

    def note(message: AnyServerMessage) -> None:
        if isinstance(message, Ready):
            ready_ones.append(message)

    async with Client(gateway.ws, start, hooks=Hooks(on_message=note)) as client:
        for offset in range(0, len(pcm), 64_000):
            await client.send(pcm[offset : offset + 64_000])
        assert (await client.stop()).pending == 0
    assert [result.seq for result in client.results] == [1, 2]
    (room,) = {ready.room for ready in ready_ones}
    assert room is not None
    token = {"Authorization": f"Bearer {client.token}"}
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{gateway.http}/sessions/{client.session_id}/export?format=json", headers=token)
    entries = sorted(answer.json()["entries"], key=lambda entry: entry["start_ms"])  # texts come in any order
    assert [(entry["speaker"], entry["role"]) for entry in entries] == [("Ann", None), ("Bob", "customer")]
    assert entries[1]["start_ms"] - entries[0]["start_ms"] == RIGHT_BEGINS_S * 1000 - PRE_ROLL_MS
    talk = client.transcript.statistics["room"].conversation
    assert talk is not None
    assert (len(talk.people), talk.overlap_ms) == (2, 0)
    assert talk.silence_ms == entries[1]["start_ms"] - entries[0]["end_ms"]


@pytest.mark.usefixtures("workers")
async def test_both_channels_go_on_at_another_gateway(start_gateway: Callable[..., Gateway]) -> None:
    """The left one has an utterance that is safe when the line breaks, and the right one is in the middle of one."""
    one, two = start_gateway(), start_gateway()
    left = SENTENCE + quiet(2 * SAMPLE_RATE) + SENTENCE
    right = quiet(2 * SAMPLE_RATE) + speech(3 * SAMPLE_RATE) + quiet(3 * SAMPLE_RATE)
    right = (right + quiet(len(left)))[: len(left)]
    pcm = interleaved(left, right)
    middle = 4 * SAMPLE_RATE * 4
    async with Client(one.ws, Start(channels=2), limits=Limits(timeout_s=0)) as first:
        for offset in range(0, middle, 6_400):
            await first.send(pcm[offset : offset + 6_400])
            await asyncio.sleep(0.1)
        await soon(lambda: first.results, RECEIVE_S)
        one.end(signal.SIGKILL)
    known = first.transcript
    again = Start(channels=2, resume=known.begin_again()["resume"], last_seq=known.last_seq)
    positions: list[int] = []

    def note(message: AnyServerMessage) -> None:
        if isinstance(message, Ready):
            positions.append(message.samples)

    async with Client(two.ws, again, hooks=Hooks(on_message=note)) as then:
        await then.send(pcm[min(positions) * 4 :])
        assert (await then.stop()).pending == 0
    assert positions[0] > positions[1]
    finals = [result for result in first.results + then.results if isinstance(result, Final)]
    assert [final.seq for final in finals] == [1, 2, 3]
    of_left, of_right = ([each for each in finals if each.session_id == one_id] for one_id in known.session_ids)
    assert [each.segment for each in of_left] == [0, 1]
    assert [each.segment for each in of_right] == [0]
    assert of_left[1].start_ms == pytest.approx(5_000, abs=350)
    assert of_right[0].start_ms == pytest.approx(2_000, abs=350)


class Line:
    """A WebSocket with two channels."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    async def until(self, kind: str, **fields: object) -> dict[str, Any]:
        async with asyncio.timeout(RECEIVE_S):
            while True:
                message: dict[str, Any] = json.loads(await self._socket.recv())
                if message.items() >= ({"type": kind} | fields).items():
                    return message


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Any]]:
    """Returns a function that connects with a key, and sends a message."""
    async with AsyncExitStack() as lines:

        async def one(gateway: Gateway, key: str, **start: object) -> Line:
            headers = {"Authorization": f"Bearer {key}"}
            socket = await lines.enter_async_context(websockets.connect(gateway.ws, additional_headers=headers))
            await socket.send(json.dumps(STEREO | start))
            return Line(socket)

        yield one


async def test_one_grant_decides_about_both_channels(
    start_gateway: Callable[..., Gateway], connect: Callable[..., Any], aredis: AsyncRedis
) -> None:
    """They count as one connection of a key; a key that only reads has none; revoked, both end, and resume no more."""
    gateway = start_gateway(GATEWAY_ACCESS="closed")
    keys = KeyStore(aredis)
    record, key = await keys.create("one", ["talk"], sessions=1)
    _, reader = await keys.create("reader", ["read"])
    assert (await (await connect(gateway, reader)).until("error"))["code"] == "not_allowed"
    call = await connect(gateway, key)
    both = [await call.until("ready", channel=number) for number in (0, 1)]
    assert [each["rights"] for each in both] == [["read", "talk"]] * 2
    assert (await (await connect(gateway, key)).until("error"))["code"] == "too_many_connections"
    await keys.revoke(record.key_id)
    assert (await call.until("error", fatal=True))["code"] == "grant_ended"
    _, other = await keys.create("other", ["talk"])
    sessions = [{"session_id": each["session_id"], "token": each["token"]} for each in both]
    refused = await connect(gateway, other, resume=sessions)
    assert (await refused.until("error"))["code"] == "grant_ended"


@pytest.mark.parametrize("channel", [0, 1])
async def test_a_call_ends_when_one_of_its_people_is_removed(
    start_gateway: Callable[..., Gateway], connect: Callable[..., Any], aredis: AsyncRedis, channel: int
) -> None:
    """Whichever it is: they came with one grant, and do not come back with it."""
    gateway = start_gateway(GATEWAY_ACCESS="closed")
    keys = KeyStore(aredis)
    _, owner = await keys.create("owner", ["talk"])
    _, guest = await keys.create("guest", ["talk"])
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {owner}"}) as http:
        made = (await http.post(f"{gateway.http}/rooms", json={"room": "call"})).json()
        line = await connect(gateway, guest, room="call", invite=made["talk"])
        both = [await line.until("ready", channel=number) for number in (0, 1)]
        removal = await http.delete(f"{gateway.http}/rooms/call/people/{both[channel]['person']}")
    assert removal.is_success
    assert (await line.until("error", fatal=True))["code"] == "removed"
    sessions = [{"session_id": each["session_id"], "token": each["token"]} for each in both]
    back = await connect(gateway, guest, resume=sessions)
    assert (await back.until("error"))["code"] == "removed"
