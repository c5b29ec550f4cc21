"""A client is told each result once and in order, whatever pub/sub does, and is never waited for without end."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.exceptions
from starlette.websockets import WebSocketDisconnect
from structlog.testing import capture_logs

from fastapi_service.delivery import send_queue as module
from fastapi_service.delivery.send_queue import MOST_UNSENT, SendQueue
from fastapi_service.errors import redis_away
from infra.results import FIELD
from tests.support.eventually import soon
from tests.support.speakers import ALICE, final
from wire import names
from wire.close_codes import CloseCode
from wire.messages.server import Ack, People, Pong
from wire.messages.statistics import Statistics

AUDIENCE = names.audience(ALICE, None)


class Socket:
    """A client; ``reads`` decides whether it does."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = False

    async def send_text(self, text: str) -> None:
        await self.reads.wait()
        if self.gone:
            raise WebSocketDisconnect(1006)
        self.received.append(json.loads(text))

    async def close(self, code: int) -> None:
        await self.reads.wait()
        self.closed = code

    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.received if message["type"] == "final"]


class Log:
    """Redis as far as an outbox knows it: one stream per audience."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, str]]] = []
        self.asked: list[str] = []
        self.failures = 0
        self.answers = asyncio.Event()
        self.answers.set()

    def add(self, *seqs: int) -> None:
        self.entries += [(f"{seq}-0", {FIELD: final(seq).model_dump_json(exclude={"seq"})}) for seq in seqs]

    async def xrange(self, key: str, after: str, count: int) -> list[tuple[str, dict[str, str]]]:
        assert after.startswith("(")
        self.asked.append(key)
        after_seq = int(after[1:].partition("-")[0])
        answer = [entry for entry in self.entries if int(entry[0].partition("-")[0]) > after_seq][:count]
        await self.answers.wait()
        if self.failures:
            self.failures -= 1
            raise redis.exceptions.ConnectionError("away")
        return answer


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def send_queue(socket: Socket, log: Log) -> AsyncIterator[SendQueue]:
    box = SendQueue(socket, log)  # type: ignore[arg-type]
    yield box
    socket.reads.set()
    log.answers.set()
    box.close(1000)
    await box.closed()


async def test_live_results_arrive_in_order_and_once(send_queue: SendQueue, socket: Socket, log: Log) -> None:
    """Each is sent with its seq; repeated and older ones are not."""
    send_queue.follow(AUDIENCE, 0)
    await soon(lambda: log.asked)
    for seq in (1, 2, 2, 1, 3):
        send_queue.on_result(seq, final(seq))
        log.add(*({seq} - set(socket.seqs())))
    await soon(lambda: len(socket.received) >= 3)
    send_queue.on_result(4, final(4))
    await soon(lambda: 4 in socket.seqs())
    assert socket.seqs() == [1, 2, 3, 4]


async def test_people_are_told_when_they_change(send_queue: SendQueue, socket: Socket) -> None:
    """A gateway looks again and again; its clients hear only what is new."""
    for count in (1, 1, 2, 2, 1):
        send_queue.on_people(People(room="kitchen", people=count, talking=0))
    await soon(lambda: len(socket.received) >= 3)
    send_queue.send(Pong())
    await soon(lambda: socket.received[-1]["type"] == "pong")
    assert [message["people"] for message in socket.received[:-1]] == [1, 2, 1]


async def test_what_was_missed_is_read_from_the_log(send_queue: SendQueue, socket: Socket, log: Log) -> None:
    """A client that has seen 2 gets everything after it, from its own audience's log."""
    log.add(1, 2, 3, 4)
    send_queue.follow(AUDIENCE, 2)
    await soon(lambda: len(socket.received) == 2)
    assert socket.seqs() == [3, 4]
    assert set(log.asked) == {names.log(AUDIENCE)}


async def test_a_gap_in_live_results_is_filled_first(send_queue: SendQueue, socket: Socket, log: Log) -> None:
    """When 4 follows 1, then 2 and 3 are read before 4 is sent."""
    send_queue.follow(AUDIENCE, 0)
    await soon(lambda: log.asked)
    await asyncio.sleep(0)
    log.add(1, 2, 3, 4)
    send_queue.on_result(1, final(1))
    send_queue.on_result(4, final(4))
    await soon(lambda: len(socket.received) == 4)
    assert socket.seqs() == [1, 2, 3, 4]


async def test_results_that_come_during_a_replay_are_neither_lost_nor_doubled(
    send_queue: SendQueue, socket: Socket, log: Log
) -> None:
    """While the log is being read, 3 is published: it arrives once, after 2."""
    log.add(1, 2)
    log.answers.clear()
    send_queue.follow(AUDIENCE, 0)
    await soon(lambda: log.asked)
    log.add(3)
    send_queue.on_result(3, final(3))
    log.answers.set()
    await soon(lambda: len(socket.received) == 3)
    send_queue.on_result(3, final(3))
    send_queue.on_result(4, final(4))
    await soon(lambda: len(socket.received) == 4)
    assert socket.seqs() == [1, 2, 3, 4]


async def test_a_replay_survives_an_outage(
    send_queue: SendQueue, socket: Socket, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the log is tried again until Redis is back, and worth one line in the service's own."""
    monkeypatch.setattr(module, "REPLAY_RETRY_S", 0.01)
    log.add(1)
    log.failures = 3
    with capture_logs() as lines:
        send_queue.follow(AUDIENCE, 0)
        await soon(lambda: socket.seqs() == [1])
    assert [line["event"] for line in lines] == ["replay failed"]


async def test_caught_up_queues_all_of_the_log(send_queue: SendQueue, socket: Socket, log: Log) -> None:
    """What is in the log when it is called, stands before what is sent after it."""
    send_queue.follow(AUDIENCE, 0)
    await soon(lambda: log.asked)
    log.add(1, 2)
    await send_queue.caught_up()
    send_queue.send(Pong())
    await soon(lambda: len(socket.received) == 3)
    assert [message["type"] for message in socket.received] == ["final", "final", "pong"]


async def test_results_carry_when_they_were_delivered(send_queue: SendQueue, socket: Socket, log: Log) -> None:
    """The clock's last reading is the gateway's."""
    log.add(1)
    send_queue.follow(AUDIENCE, 0)
    await soon(lambda: socket.received)
    assert socket.received[0]["clock"]["delivered"] > 1e9


async def test_statistics_never_go_back(send_queue: SendQueue, socket: Socket) -> None:
    """Older or repeated figures of a scope are not sent; scopes do not disturb each other."""
    for version in (1, 3, 2, 3, 4):
        send_queue.on_statistics(Statistics(scope="session", version=version, trend_window=20))
    send_queue.on_statistics(Statistics(scope="room", version=2, trend_window=20))
    await soon(lambda: len(socket.received) == 4)
    assert [(s["scope"], s["version"]) for s in socket.received] == [
        ("session", 1),
        ("session", 3),
        ("session", 4),
        ("room", 2),
    ]


async def test_a_client_that_does_not_read_is_cut_off(send_queue: SendQueue, socket: Socket) -> None:
    """It is told why, the queue stays bounded, and what comes later is not kept."""
    socket.reads.clear()
    for number in range(MOST_UNSENT * 3):
        send_queue.send(Ack(samples=number))
    assert send_queue._unsent.qsize() <= MOST_UNSENT + 2
    socket.reads.set()
    await soon(lambda: socket.closed is not None)
    assert socket.closed == CloseCode.TRY_LATER
    assert socket.received[-1]["code"] == "too_slow"
    assert socket.received[-1]["fatal"] is True
    assert "Resume" in socket.received[-1]["remedy"]


async def test_a_long_log_does_not_cut_off_a_reading_client(send_queue: SendQueue, socket: Socket, log: Log) -> None:
    """Somebody who joins late gets more results than the queue holds."""
    count = MOST_UNSENT + 500
    log.add(*range(1, count + 1))
    send_queue.follow(AUDIENCE, 0)
    await soon(lambda: len(socket.received) == count)
    assert socket.seqs() == list(range(1, count + 1))
    assert socket.closed is None


async def test_close_comes_after_what_was_sent_before(send_queue: SendQueue, socket: Socket) -> None:
    """The last words reach the client; what is sent after closing does not."""
    send_queue.send_error(redis_away(), fatal=True)
    send_queue.close(1013)
    send_queue.close(1000)
    send_queue.send(Pong())
    await send_queue.closed()
    assert [message["code"] for message in socket.received] == ["redis_unreachable"]
    assert socket.closed == 1013


async def test_nobody_waits_for_a_client_that_is_stuck(
    send_queue: SendQueue, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``closed`` gives up on a client that never reads."""
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    socket.reads.clear()
    send_queue.send(Pong())
    send_queue.close(1000)
    await asyncio.wait_for(send_queue.closed(), 2)
    assert socket.received == []


async def test_a_client_that_is_gone_needs_nothing_more(send_queue: SendQueue, socket: Socket) -> None:
    """After a failed write nothing is queued for it."""
    socket.gone = True
    send_queue.send(Pong())
    await soon(lambda: send_queue._writer.done())
    for _ in range(10):
        send_queue.send(Pong())
    assert send_queue._unsent.qsize() == 0
