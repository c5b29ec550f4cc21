"""A client gets each result once and in order, whatever pub/sub loses, and only the newest statistics."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError
from structlog.testing import capture_logs

from fastapi_service.api.native import NativeSerializer
from fastapi_service.delivery import feed as module
from fastapi_service.delivery.feed import Feed
from fastapi_service.delivery.send_queue import MAX_UNSENT, SendQueue
from fastapi_service.monitoring import metrics
from tests.support.connections import FakeLog, FakeSocket
from tests.support.eventually import soon
from tests.support.speakers import ALICE, final
from wire import names
from wire.messages.server import People, Pong
from wire.messages.statistics import Statistics

AUDIENCE = names.audience(ALICE, None)


@pytest.fixture
def socket() -> FakeSocket:
    return FakeSocket()


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
async def send_queue(socket: FakeSocket) -> AsyncIterator[SendQueue]:
    queue = SendQueue(socket, NativeSerializer())
    yield queue
    queue.close(1000)
    await queue.closed()


@pytest.fixture
async def feed(send_queue: SendQueue, log: FakeLog) -> AsyncIterator[Feed]:
    made = Feed(send_queue, log)
    yield made
    log.answers.set()
    made.stop()


async def test_live_results_arrive_in_order_and_once(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """Each is sent with its seq; repeated and older ones are not."""
    feed.follow(AUDIENCE, 0)
    await soon(lambda: log.read_of)
    for seq in (1, 2, 2, 1, 3):
        feed.on_result(seq, final(seq))
        log.add(*({seq} - set(socket.seqs())))
    await soon(lambda: len(socket.received) >= 3)
    feed.on_result(4, final(4))
    await soon(lambda: 4 in socket.seqs())
    assert socket.seqs() == [1, 2, 3, 4]


async def test_people_are_sent_when_they_change(feed: Feed, send_queue: SendQueue, socket: FakeSocket) -> None:
    """The gateway reads the occupancy repeatedly; its clients get changes only."""
    for count in (1, 1, 2, 2, 1):
        feed.on_people(People(room="kitchen", people=count, talking=0))
    await soon(lambda: len(socket.received) >= 3)
    send_queue.send(Pong())
    await soon(lambda: socket.received[-1]["type"] == "pong")
    assert [message["people"] for message in socket.received[:-1]] == [1, 2, 1]


async def test_missed_results_are_read_from_the_log(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """A client that has seen 2 gets everything after it, from its own audience's log."""
    log.add(1, 2, 3, 4)
    feed.follow(AUDIENCE, 2)
    await soon(lambda: len(socket.received) == 2)
    assert socket.seqs() == [3, 4]
    assert set(log.read_of) == {AUDIENCE}


async def test_a_gap_in_live_results_is_filled_first(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """If 4 follows 1, then 2 and 3 are read before 4 is sent."""
    feed.follow(AUDIENCE, 0)
    await soon(lambda: log.read_of)
    await asyncio.sleep(0)
    log.add(1, 2, 3, 4)
    feed.on_result(1, final(1))
    feed.on_result(4, final(4))
    await soon(lambda: len(socket.received) == 4)
    assert socket.seqs() == [1, 2, 3, 4]


async def test_results_that_come_during_a_replay_are_neither_lost_nor_doubled(
    feed: Feed, socket: FakeSocket, log: FakeLog
) -> None:
    """While the log is being read, 3 is published: it arrives once, after 2."""
    log.add(1, 2)
    log.answers.clear()
    feed.follow(AUDIENCE, 0)
    await soon(lambda: log.read_of)
    log.add(3)
    feed.on_result(3, final(3))
    log.answers.set()
    await soon(lambda: len(socket.received) == 3)
    feed.on_result(3, final(3))
    feed.on_result(4, final(4))
    await soon(lambda: len(socket.received) == 4)
    assert socket.seqs() == [1, 2, 3, 4]


async def test_a_replay_survives_an_outage(
    feed: Feed, socket: FakeSocket, log: FakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the log is tried again until Redis is back. The outage is two lines in the service's own log."""
    monkeypatch.setattr(module, "REPLAY_RETRY_S", 0.01)
    log.add(1)
    log.failures = [ConnectionError("refused")] * 3
    with capture_logs() as lines:
        feed.follow(AUDIENCE, 0)
        await soon(lambda: socket.seqs() == [1])
        await feed.caught_up()
    assert [line["event"] for line in lines] == ["replay failed", "replay recovered"]


async def test_caught_up_queues_all_of_the_log(
    feed: Feed, send_queue: SendQueue, socket: FakeSocket, log: FakeLog
) -> None:
    """Results that are in the log at the call come before messages that are sent after it."""
    feed.follow(AUDIENCE, 0)
    await soon(lambda: log.read_of)
    log.add(1, 2)
    await feed.caught_up()
    send_queue.send(Pong())
    await soon(lambda: len(socket.received) == 3)
    assert [message["type"] for message in socket.received] == ["final", "final", "pong"]


async def test_results_carry_when_they_were_delivered(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """Those that are released while the client follows, also if pub/sub lost them. Earlier ones are sent without."""
    log.add(1, 2)
    feed.follow(AUDIENCE, 0)
    await feed.caught_up()
    log.add(3)
    feed.on_missed()
    await feed.caught_up()
    feed.on_result(4, final(4))
    await soon(lambda: socket.seqs() == [1, 2, 3, 4])
    delivered = [message["clock"]["delivered"] for message in socket.received]
    assert delivered[:2] == [None, None]
    assert min(delivered[2:]) > 1e9


async def test_statistics_never_go_back(feed: Feed, socket: FakeSocket) -> None:
    """Older or repeated figures of a scope are not sent; scopes do not disturb each other."""
    for version in (1, 3, 2, 3, 4):
        feed.on_statistics(Statistics(scope="session", version=version, trend_window=20))
    feed.on_statistics(Statistics(scope="room", version=2, trend_window=20))
    await soon(lambda: len(socket.received) == 3, timeout=15)
    feed.on_statistics(Statistics(scope="session", version=4, trend_window=20))
    feed.flush_statistics()
    assert [(s["scope"], s["version"]) for s in socket.received] == [("session", 1), ("room", 2), ("session", 4)]


async def test_statistics_that_wait_end_with_the_feed(feed: Feed, socket: FakeSocket, send_queue: SendQueue) -> None:
    """No timer keeps a connection that is gone."""
    for version in (1, 2):
        feed.on_statistics(Statistics(scope="session", version=version, trend_window=20))
    feed.stop()
    feed.flush_statistics()
    send_queue.send(Pong())
    await soon(lambda: len(socket.received) == 2)
    assert [message["type"] for message in socket.received] == ["stats", "pong"]


async def test_a_long_log_does_not_cut_off_a_reading_client(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """A client that joins late gets more results than the queue holds."""
    count = MAX_UNSENT + 500
    log.add(*range(1, count + 1))
    feed.follow(AUDIENCE, 0)
    await soon(lambda: len(socket.received) == count)
    assert socket.seqs() == list(range(1, count + 1))
    assert socket.closed is None


async def test_a_result_of_a_newer_version_is_left_out(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """The results after it are delivered, and it is not read again."""
    log.add(1)
    log.results.append((2, None))
    log.add(3)
    feed.follow(AUDIENCE, 0)
    await feed.caught_up()
    feed.on_result(4, final(4))
    await soon(lambda: socket.seqs() == [1, 3, 4])
    assert len(log.read_of) == 2


async def test_results_before_the_audience_are_left_to_the_log(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """The client is subscribed before its feed reads the log: what is published in between comes once, in order."""
    feed.on_result(1, final(1))
    feed.on_missed()
    assert not feed.on_newest(0)
    log.add(1, 2)
    feed.follow(AUDIENCE, 0)
    await soon(lambda: len(socket.received) == 2)
    assert socket.seqs() == [1, 2]
    assert set(log.read_of) == {AUDIENCE}


async def test_a_longer_log_shows_that_results_are_missing(feed: Feed, socket: FakeSocket, log: FakeLog) -> None:
    """Whatever was published, and lost without a sign. With all results queued nothing is read."""
    log.add(1)
    feed.follow(AUDIENCE, 0)
    await feed.caught_up()
    reads = len(log.read_of)
    assert not feed.on_newest(1)
    assert not feed.on_newest(0)
    await asyncio.sleep(0)
    assert len(log.read_of) == reads
    log.add(2, 3)
    before = metrics.MISSED.labels(names.RESULT_MESSAGES)._value.get()
    assert feed.on_newest(3)
    await soon(lambda: socket.seqs() == [1, 2, 3])
    await feed.caught_up()
    assert metrics.MISSED.labels(names.RESULT_MESSAGES)._value.get() == before + 2


async def test_each_result_is_noted_once(send_queue: SendQueue, log: FakeLog) -> None:
    """Also one that is read from the log."""
    noted: list[int] = []
    feed = Feed(send_queue, log, lambda result: noted.append(result.segment))
    log.add(1, 2)
    feed.follow(AUDIENCE, 0)
    await soon(lambda: len(noted) == 2)
    for seq in (2, 3, 3):
        feed.on_result(seq, final(seq))
    await soon(lambda: len(noted) == 3)
    assert noted == [1, 2, 3]
    feed.stop()
