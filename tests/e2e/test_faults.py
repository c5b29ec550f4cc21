"""Killing any one process during speech, or restarting Redis, loses nothing and doubles nothing."""

import asyncio

import pytest

from local.testing import Stack
from tests.e2e.speech import check_order, check_statistics, clip, say, wer
from tests.e2e.test_speech import socket_url
from tests.support.recorders import unacknowledged
from wire.messages.client import Start
from wire.messages.results import Final
from wta.client.client import Client

PROGRAMS = ("stt_worker:0", "analyzer_worker", "listener_service", "fastapi_service", "redis")


async def killed_during_speech(stack: Stack, client: Client, program: str) -> None:
    """SIGKILL as soon as the first sentence is over: its result is under way, the second is about to be spoken."""
    await client.until(lambda: client.transcript.segments > 0)
    pid = stack.kill(program)
    await asyncio.to_thread(stack.wait_restarted, program, pid)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_kill_during_speech_loses_and_doubles_nothing(stack: Stack, program: str) -> None:
    """Every sentence of the conversation has exactly one final, in order, and is counted once."""
    spoken = clip("conversation.wav")
    async with Client(socket_url(stack)) as client:
        killing = asyncio.create_task(killed_during_speech(stack, client, program))
        await say(client, spoken)
        await client.stop()
        await killing
    finals = [result for result in client.results if isinstance(result, Final)]
    assert len(finals) == len(client.results) >= len(spoken.texts)
    assert wer(spoken.text, client.results) <= 0.2
    assert all(final.sentiment is not None for final in finals)
    check_order(client.results)
    check_statistics(client.statistics, client.results)
    await asyncio.to_thread(stack.wait_ready)


@pytest.mark.timeout(240)
async def test_a_resumed_session_gets_what_it_missed(stack: Stack) -> None:
    """A client that vanishes with results outstanding gets them, once, when it comes back with its token."""
    spoken = clip("jfk.wav")
    async with Client(socket_url(stack)) as first:
        await say(first, spoken)
        await first.send(bytes(32_000))
        await first.until(lambda: unacknowledged(first) < 32_000 and first.transcript.segments > 0)
        before = list(first.results)
    start = Start(session_id=first.session_id, token=first.token, last_seq=first.transcript.last_seq)
    async with Client(socket_url(stack), start) as second:
        await second.stop()
    results = before + second.results
    assert wer(spoken.text, results) <= 0.2
    check_order(results)
    check_statistics(second.statistics, results)
