"""A session that moves from one gateway to another."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import websockets

from local.testing import Stack
from tests.e2e.speech import Clip, check_order, check_statistics, clip, say, wer
from tests.e2e.test_speech import socket_url
from tests.support.eventually import eventually
from tests.support.machines import Processes
from wire.messages.client import Start
from wire.messages.results import Final
from wire.messages.server import Ack, AnyServerMessage, Ready
from wta.client.client import Client
from wta.client.options import Hooks

CLOSED_S = 15
"""A socket whose session goes on elsewhere is closed well within this."""


@pytest.fixture
def second(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """The address of another gateway beside the stack's own, on the same Redis."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = Processes(stack.redis_url, tmp_path)
    processes.python("-m", "fastapi_service.fastapi_service", GATEWAY_PORT=str(port))
    try:
        eventually(lambda: _answers(port), timeout=30)
        yield f"ws://127.0.0.1:{port}/ws"
    finally:
        processes.end()


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def resumption(client: Client) -> Start:
    """What resumes a client's session, anywhere."""
    return Start(session_id=client.session_id, token=client.token, last_seq=client.transcript.last_seq)


async def until_closed(line: websockets.ClientConnection) -> list[Any]:
    """What a client still hears."""
    heard: list[Any] = []
    with suppress(websockets.ConnectionClosed):
        while True:
            heard.append(json.loads(await line.recv()))
    return heard


@pytest.mark.timeout(240)
async def test_a_session_goes_on_at_another_gateway_when_its_own_is_killed(stack: Stack, second: str) -> None:
    """One sentence is on its way and another half said: everything comes, once and in order."""
    spoken = clip("conversation.wav")
    safe: list[Ack] = []

    def note_ack(message: AnyServerMessage) -> None:
        if isinstance(message, Ack):
            safe.append(message)

    async with Client(socket_url(stack), hooks=Hooks(on_message=note_ack)) as first:
        speaking = asyncio.create_task(say(first, spoken))
        await first.until(lambda: first.transcript.segments > 0 and bool(safe))  # announced, and in Redis
        await asyncio.sleep(1)  # into the next sentence
        pid = stack.kill("fastapi_service")
        speaking.cancel()
        await asyncio.wait({speaking})
    positions: list[int] = []

    def note(message: AnyServerMessage) -> None:
        if isinstance(message, Ready):
            positions.append(message.samples)

    async with Client(second, resumption(first), hooks=Hooks(on_message=note)) as then:
        (position,) = positions
        await say(then, Clip(spoken.pcm[2 * position :], spoken.rate, spoken.texts))
        stopped = await then.stop()
    results = first.results + then.results
    assert stopped.pending == 0
    assert 0 < position < len(spoken.pcm) // 2
    assert all(isinstance(result, Final) for result in results)
    assert wer(spoken.text, results) <= 0.2
    check_order(results)
    check_statistics(then.statistics, results)
    await asyncio.to_thread(stack.wait_restarted, "fastapi_service", pid)
    await asyncio.to_thread(stack.wait_ready)


async def test_a_silent_socket_is_closed_when_its_session_goes_on_elsewhere(stack: Stack, second: str) -> None:
    """The older one, at a gateway that knows nothing of the newer, says nothing and hears nothing more."""
    spoken = clip("silly.wav")
    async with websockets.connect(socket_url(stack)) as older:
        await older.send(Start().model_dump_json())
        ready = json.loads(await older.recv())
        start = Start(session_id=ready["session_id"], token=ready["token"])
        async with Client(second, start) as newer:
            taken_over = time.monotonic()
            heard = await until_closed(older)
            assert time.monotonic() - taken_over < CLOSED_S
            await say(newer, spoken)
            await newer.stop()
    assert older.close_code == 4409
    assert [message["code"] for message in heard] == ["taken_over"]
    assert wer(spoken.text, newer.results) <= 0.34
    check_order(newer.results)
