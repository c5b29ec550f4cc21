"""The gateway's way back: what pub/sub loses is read from the stream, at once and in order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from fastapi_service.delivery.hub import Hub
from fastapi_service.delivery.subscriber import Subscriber
from infra.results import FIELD
from tests.support.eventually import soon
from tests.support.machines import RedisServer
from tests.support.redis import Redis, connect, connect_async
from tests.support.speakers import ALICE, final
from wire import names
from wire.messages.channels import Envelope, FinalStats, ResultMessage
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import People
from wire.messages.statistics import AnyStatistics, Statistics

AUDIENCE = names.audience(ALICE, None)


class Receiver:
    """A connection that remembers what it got."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.versions: list[int] = []
        self.missed = 0

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        assert message.session_id == ALICE
        self.seqs.append(seq)

    def on_statistics(self, statistics: AnyStatistics) -> None:
        self.versions.append(statistics.version)

    def on_people(self, people: People) -> None: ...

    def on_missed(self) -> None:
        self.missed += 1


class Listener:
    """Appends to a channel's stream and publishes, as ``release.lua`` does; each step can be left out or stop short."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def say(self, seq: int, *, published: bool = True, cut_first: bool = False) -> None:
        self._send(
            names.RESULT_MESSAGES, ResultMessage(audience=AUDIENCE, seq=seq, message=final(seq)), published, cut_first
        )

    def count(self, version: int, *, published: bool = True) -> None:
        figures = Statistics(scope="session", session_id=ALICE, version=version, trend_window=20)
        self._send(names.FINAL_STATS, FinalStats(audience=AUDIENCE, message=figures), published, False)

    def _send(self, channel: str, envelope: Envelope, published: bool, cut_first: bool) -> None:
        stream = names.stream(channel)
        newest = self.redis.xrevrange(stream, count=1)
        source = self._next_id(stream)
        pipeline = self.redis.pipeline()
        if cut_first:  # in one transaction: no resubscription in between
            pipeline.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        pipeline.xadd(stream, {FIELD: envelope.model_dump_json(exclude={"id", "previous"})}, id=source)
        if published:
            ids = {"id": source, "previous": newest[0][0] if newest else "0-0"}
            pipeline.publish(channel, envelope.model_copy(update=ids).model_dump_json())
        pipeline.execute()

    def _next_id(self, stream: str) -> str:
        newest = self.redis.xrevrange(stream, count=1)
        seconds, microseconds = self.redis.time()
        milliseconds = seconds * 1000 + microseconds // 1000
        last = int(newest[0][0].partition("-")[0]) if newest else 0
        return f"{max(milliseconds, last + 1)}-0"


@pytest.fixture
def listener(mortal_redis: RedisServer) -> Iterator[Listener]:
    with connect(mortal_redis.url) as client:
        yield Listener(client)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@asynccontextmanager
async def following(url: str, receiver: Receiver) -> AsyncIterator[None]:
    """A subscriber that has caught up with both channels."""
    redis = connect_async(url, retries=0)
    hub = Hub()
    hub.join(AUDIENCE, receiver)
    subscriber = Subscriber(redis, hub)
    task = asyncio.create_task(subscriber.run())
    await soon(lambda: len(subscriber._last) == 2)  # from here on it tells new results from old ones
    yield
    task.cancel()
    await asyncio.wait({task})
    await redis.aclose()
    await redis.connection_pool.disconnect()


@pytest.fixture
async def subscribed(mortal_redis: RedisServer, receiver: Receiver) -> AsyncIterator[None]:
    async with following(mortal_redis.url, receiver):
        yield


def listens(redis: Redis) -> bool:
    """Whether both channels have their subscriber."""
    return all(count == 1 for _, count in redis.pubsub_numsub(names.RESULT_MESSAGES, names.FINAL_STATS))


@pytest.mark.usefixtures("subscribed")
async def test_results_and_statistics_reach_the_hub(listener: Listener, receiver: Receiver) -> None:
    """In order, once, to their audience."""
    for number in range(1, 6):
        listener.say(number)
        listener.count(number)
    await soon(lambda: len(receiver.seqs) == len(receiver.versions) == 5)
    assert receiver.seqs == receiver.versions == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("subscribed")
async def test_lost_messages_are_read_before_the_next(listener: Listener, receiver: Receiver) -> None:
    """The next message names a predecessor that never came: it is read from the stream, on both channels."""
    listener.say(1)
    await soon(lambda: receiver.seqs == [1])
    listener.say(2, published=False)
    listener.say(3, published=False)
    listener.say(4)
    listener.count(1, published=False)
    listener.count(2)
    await soon(lambda: len(receiver.seqs) == 4 and len(receiver.versions) == 2)
    listener.say(5)
    await soon(lambda: len(receiver.seqs) == 5)
    assert receiver.seqs == [1, 2, 3, 4, 5]
    assert receiver.versions == [1, 2]


@pytest.mark.usefixtures("subscribed")
async def test_a_cut_subscription_misses_nothing_even_if_nothing_follows(
    listener: Listener, receiver: Receiver
) -> None:
    """The line breaks and the last result of a conversation is published in the same instant: it still arrives."""
    listener.say(1)
    await soon(lambda: receiver.seqs == [1])
    listener.say(2, cut_first=True)
    await soon(lambda: receiver.seqs == [1, 2])
    assert receiver.seqs == [1, 2]
    await soon(lambda: listens(listener.redis))
    listener.say(3)
    await soon(lambda: receiver.seqs == [1, 2, 3])


@pytest.mark.usefixtures("subscribed")
async def test_a_restart_of_redis_is_survived(
    listener: Listener, receiver: Receiver, mortal_redis: RedisServer
) -> None:
    """Killed and started again: what was published during the outage is read, what follows is received."""
    listener.say(1)
    await soon(lambda: receiver.seqs == [1])
    mortal_redis.kill()
    mortal_redis.start()
    listener.say(2)
    await soon(lambda: receiver.seqs == [1, 2], timeout=15)
    await soon(lambda: listens(listener.redis), timeout=15)
    listener.say(3)
    listener.count(1)
    await soon(lambda: receiver.seqs == [1, 2, 3] and receiver.versions == [1])


@pytest.mark.usefixtures("subscribed")
async def test_unreadable_message_is_skipped(listener: Listener, receiver: Receiver) -> None:
    """Neither one without an envelope on the channel, nor a broken one in the stream."""
    listener.redis.publish(names.RESULT_MESSAGES, "no json")
    listener.redis.publish(names.RESULT_MESSAGES, "{}")
    listener.redis.xadd(names.stream(names.RESULT_MESSAGES), {FIELD: "no json"})
    listener.say(1)
    await soon(lambda: receiver.seqs == [1])
    listener.say(2)
    await soon(lambda: receiver.seqs == [1, 2], timeout=15)


async def test_start_skips_what_was_published_before(
    mortal_redis: RedisServer, listener: Listener, receiver: Receiver
) -> None:
    """A gateway that starts begins with what comes; its clients read the past from their logs."""
    listener.say(1)
    listener.count(1)
    async with following(mortal_redis.url, receiver):
        listener.say(2)
        await soon(lambda: receiver.seqs)
    assert (receiver.seqs, receiver.versions) == ([2], [])
