"""Messages reach a client in order, and a client that does not read is never waited for without end."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from fastapi_service.api.native import NativeSerializer
from fastapi_service.delivery import send_queue as module
from fastapi_service.delivery.frames import Close, Frame
from fastapi_service.delivery.send_queue import MAX_UNSENT, SendQueue
from fastapi_service.errors import redis_unavailable
from fastapi_service.monitoring import metrics
from tests.support.connections import FakeSocket
from tests.support.eventually import soon
from tests.support.speakers import ALICE, BOB, failed, final, no_speech
from wire.close_codes import CloseCode
from wire.messages.server import Ack, AnyServerMessage, Pong


@pytest.fixture
def socket() -> FakeSocket:
    return FakeSocket()


@pytest.fixture
async def send_queue(socket: FakeSocket) -> AsyncIterator[SendQueue]:
    queue = SendQueue(socket, NativeSerializer())
    yield queue
    socket.reads.set()
    queue.close(1000)
    await queue.closed()


async def test_a_client_that_does_not_read_is_disconnected(send_queue: SendQueue, socket: FakeSocket) -> None:
    """It gets the reason, the queue stays bounded, and later messages are dropped."""
    socket.reads.clear()
    for number in range(MAX_UNSENT * 3):
        send_queue.send(Ack(samples=number))
    assert send_queue._unsent.qsize() <= MAX_UNSENT + 2
    socket.reads.set()
    await soon(lambda: socket.closed is not None)
    assert socket.closed == CloseCode.TRY_LATER
    assert socket.received[-1]["code"] == "too_slow"
    assert socket.received[-1]["fatal"] is True
    assert "Resume" in socket.received[-1]["remedy"]


async def test_close_comes_after_what_was_sent_before(send_queue: SendQueue, socket: FakeSocket) -> None:
    """The last words reach the client; what is sent after closing does not."""
    send_queue.send_error(redis_unavailable(), fatal=True)
    send_queue.close(1013)
    send_queue.close(1000)
    send_queue.send(Pong())
    await send_queue.closed()
    assert [message["code"] for message in socket.received] == ["redis_unreachable"]
    assert socket.closed == 1013


async def test_closed_gives_up_on_a_client_that_never_reads(
    send_queue: SendQueue, socket: FakeSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last messages have ``CLOSE_S`` to reach it."""
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    socket.reads.clear()
    send_queue.send(Pong())
    send_queue.close(1000)
    await asyncio.wait_for(send_queue.closed(), 2)
    assert socket.received == []


async def test_a_client_that_is_gone_gets_no_more_messages(send_queue: SendQueue, socket: FakeSocket) -> None:
    """After a failed write nothing is queued for it."""
    socket.gone = True
    send_queue.send(Pong())
    await soon(send_queue._writer.done)
    for _ in range(10):
        send_queue.send(Pong())
    assert send_queue._unsent.qsize() == 0


class FailingSerializer(NativeSerializer):
    """A protocol with a mistake: its ``error`` is raised for a message, or for the close frame."""

    def __init__(self, error: Exception, *, on_close: bool = False) -> None:
        self._error = error
        self._on_close = on_close

    def encode(self, message: AnyServerMessage) -> tuple[Frame, ...]:
        if self._on_close:
            return super().encode(message)
        raise self._error

    def close(self, code: int) -> Close:
        if self._on_close:
            raise self._error
        return super().close(code)


@pytest.mark.parametrize("error", [KeyError("a secret"), RuntimeError("a secret")], ids=["KeyError", "RuntimeError"])
async def test_an_encoder_that_fails_closes_the_connection(socket: FakeSocket, error: Exception) -> None:
    """With 1011, and with a line in the log that names the message and does not quote it."""
    queue = SendQueue(socket, FailingSerializer(error))
    queue.session_id = "a" * 32
    with capture_logs() as lines:
        queue.send(Pong(id="a secret"))
        await soon(lambda: socket.closed is not None)
    assert (socket.closed, socket.frames, queue.closing) == (CloseCode.INTERNAL_ERROR, [], True)
    (line,) = lines
    assert (line["event"], line["session"]) == ("message encoding failed", "a" * 32)
    assert (line["message"], line["error"]) == ("pong", type(error).__name__)
    assert __file__ in line["at"]
    assert "secret" not in str(line)


async def test_a_close_frame_that_cannot_be_encoded_is_1011(socket: FakeSocket) -> None:
    """What was queued before it is sent."""
    queue = SendQueue(socket, FailingSerializer(KeyError("code"), on_close=True))
    queue.send(Pong())
    queue.close(CloseCode.NORMAL)
    await queue.closed()
    assert ([message["type"] for message in socket.received], socket.closed) == (["pong"], CloseCode.INTERNAL_ERROR)


async def test_a_long_reason_is_cut_off_at_a_whole_character(socket: FakeSocket) -> None:
    """A close frame has room for 123 bytes."""

    class Talkative(NativeSerializer):
        def close(self, code: int) -> Close:
            return Close(code, "ü" * 100)

    queue = SendQueue(socket, Talkative())
    queue.close(CloseCode.NORMAL)
    await queue.closed()
    assert socket.reason == "ü" * 61


def observations() -> float:
    """How often the latency of a whole utterance was observed in this process."""
    samples = [sample for metric in metrics.HOP_SECONDS.collect() for sample in metric.samples]
    return sum(s.value for s in samples if s.name.endswith("_count") and s.labels["hop"] == "total")


async def test_each_result_is_measured_once(send_queue: SendQueue, socket: FakeSocket) -> None:
    """For the client whose utterance it is: neither when it is sent again, nor for the others of a room."""
    send_queue.session_id = ALICE
    before = observations()
    for unpublished in (final(1), no_speech(2), failed(3)):
        clock = unpublished.clock.at(published=unpublished.clock.endpointed + 1)
        result = unpublished.model_copy(update={"clock": clock})
        send_queue.send(result)
        send_queue.send_live(result.model_copy(update={"session_id": BOB}))
        send_queue.send_live(result)
    await soon(lambda: len(socket.received) == 9)
    assert observations() - before == 3
    assert [message["clock"]["delivered"] is None for message in socket.received] == [True, False, False] * 3
