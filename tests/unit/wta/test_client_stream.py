"""Messages to iterate over, with and without audio."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.unit.wta.fake_gateway import FakeGateway
from wire.errors import AudioError
from wire.messages.results import Final
from wire.messages.server import Error, Ready, Stopped
from wta import Client, GatewayError, Limits, Start

FRAME = 3_200
QUICK = Limits(timeout_s=0, first_pause_s=0.01)
REFUSED = (Error(code="not_allowed", message="No.", remedy="Take another key.", fatal=True), 1008)


async def spoken(seconds: int) -> AsyncIterator[bytes]:
    """Frames of audio, as a microphone yields them."""
    for _ in range(seconds * 10):
        yield bytes(FRAME)
        await asyncio.sleep(0)


async def test_stream_yields_every_message_until_the_last_result() -> None:
    """From the first one, which begins the session, to the answer to the end of the audio."""
    async with FakeGateway().running() as gateway, Client(gateway.url) as client:
        messages = [message async for message in client.stream(spoken(3))]
    assert isinstance(messages[0], Ready)
    assert isinstance(messages[-1], Stopped)
    assert [message.text for message in messages if isinstance(message, Final)] == [f"utterance {n}" for n in range(3)]
    assert len(gateway.safe) == 96_000


async def test_stream_over_a_broken_connection_yields_each_result_once() -> None:
    """Audio is sent again, results are not shown again."""
    gateway = FakeGateway(break_after=(40_000, 50_000))
    async with gateway.running(), Client(gateway.url, limits=Limits(first_pause_s=0.01)) as client:
        messages = [message async for message in client.stream([bytes(FRAME)] * 40)]
    assert [message.segment for message in messages if isinstance(message, Final)] == [0, 1, 2, 3]
    assert gateway.connections == 3


async def test_stream_of_a_source_that_fails_raises_its_error() -> None:
    """The microphone is gone: whoever iterates learns it."""

    async def unplugged() -> AsyncIterator[bytes]:
        yield bytes(FRAME)
        raise AudioError("microphone_lost", "It has stopped.", "Plug it in.")

    async with FakeGateway().running() as gateway, Client(gateway.url) as client:
        with pytest.raises(AudioError):
            async for _ in client.stream(unplugged()):
                pass


async def test_stream_of_a_session_that_ends_raises_its_error_while_the_source_waits() -> None:
    """Also when no audio comes that could not be sent."""

    async def silent() -> AsyncIterator[bytes]:
        yield bytes(FRAME)
        await asyncio.Event().wait()

    gateway = FakeGateway(break_after=(FRAME,), send_error=(None, REFUSED))
    async with gateway.running(), Client(gateway.url, limits=Limits(first_pause_s=0.01)) as client:
        with pytest.raises(GatewayError) as refused:
            async for _ in client.stream(silent()):
                pass
    assert refused.value.code == "not_allowed"


async def test_messages_without_audio_are_those_of_a_reader() -> None:
    """What was said before comes first, and nothing is sent."""
    gateway = FakeGateway()
    async with gateway.running():
        async with Client(gateway.url) as first:
            await first.send(bytes(64_000))
            await first.until(lambda: len(first.results) == 2)
        start = Start(session_id=first.session_id, token=first.token)
        found: list[Final] = []
        async with Client(gateway.url, start, limits=QUICK) as reader:
            async for message in reader.messages():
                if isinstance(message, Final):
                    found.append(message)
                if len(found) == 2:
                    break
    assert [final.seq for final in found] == [1, 2]


async def test_messages_are_not_kept_for_one_who_sends_and_iterates_over_none() -> None:
    """Results are, in the transcript."""
    async with FakeGateway().running() as gateway, Client(gateway.url) as client:
        await client.send(bytes(64_000))
        await client.stop()
        assert [message async for message in client._inbox] == []
    assert len(client.results) == 2


async def test_a_client_that_has_left_raises_an_error_and_cancels_nobody() -> None:
    """A CancelledError would end the task of whoever calls it, without a word."""
    async with FakeGateway().running() as gateway:
        async with Client(gateway.url) as client:
            await client.send(bytes(FRAME))
        for late in (client.send(bytes(FRAME)), client.stop(), client.until(lambda: False)):
            with pytest.raises(GatewayError) as over:
                await late
            assert over.value.code == "session_over"
        with pytest.raises(GatewayError):
            async for _ in client.stream(spoken(1)):
                pass
        with pytest.raises(RuntimeError, match="one session"):
            await client.__aenter__()


async def test_a_client_outside_of_its_block_is_a_mistake_that_is_named() -> None:
    with pytest.raises(RuntimeError, match="context manager"):
        await Client("127.0.0.1:9").send(bytes(FRAME))


async def test_stream_that_is_left_early_leaves_no_task() -> None:
    """Nor does one whose piece ends inside of a sample."""
    async with FakeGateway().running() as gateway:
        before = asyncio.all_tasks()
        async with Client(gateway.url) as client, aclosing(client.stream(spoken(60))) as messages:
            async for _ in messages:
                break
        async with Client(gateway.url, Start(session_id=client.session_id, token=client.token)) as client:
            with pytest.raises(ValueError, match="whole Int16 samples"):
                async for _ in client.stream([bytes(3)]):
                    pass
        mine = {task for task in asyncio.all_tasks() - before if task.get_name() in {"audio", "session"}}
    assert mine == set()
