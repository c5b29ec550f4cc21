"""A gateway's way back without its sockets: its subscriber, slow poll and the feeds of its clients, on a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi_service.delivery.feed import Feed
from fastapi_service.delivery.hub import Hub
from fastapi_service.delivery.result_log import Result, ResultLog
from fastapi_service.delivery.slow_poll import SlowPoll
from fastapi_service.delivery.subscriber import Subscriber
from fastapi_service.storage.sessions import SessionStore
from tests.support.eventually import soon
from tests.support.redis import connect_async
from wire import names
from wire.errors import WireError
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage
from wire.messages.statistics import PersonStatistics, Statistics

WITHIN_S = 15.0


class Follower:
    """A client's queue: keeps what its feed puts there."""

    closing = False

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.statistics: list[Statistics] = []
        self.persons: list[PersonStatistics] = []

    @property
    def seqs(self) -> list[int | None]:
        return [result.seq for result in self.results]

    @property
    def versions(self) -> list[int]:
        return [statistics.version for statistics in self.statistics]

    def send(self, message: AnyServerMessage) -> None:
        if isinstance(message, Final | NoSpeech | SegmentFailed):
            self.results.append(message)
        elif isinstance(message, Statistics):
            self.statistics.append(message)
        elif isinstance(message, PersonStatistics):
            self.persons.append(message)

    def send_live(self, result: Result) -> None:
        self.send(result)

    def send_error(self, error: WireError) -> None:
        raise AssertionError(error)

    async def drain(self) -> None: ...


class Gateway:
    """The parts of one gateway."""

    def __init__(self, url: str, poll_s: float) -> None:
        self.redis, self.channels = connect_async(url), connect_async(url, retries=0)
        self.log = ResultLog(self.redis)
        self.hub = Hub()
        self.poll = SlowPoll(self.hub, self.log, SessionStore(self.redis, 600), every_s=poll_s)
        self.subscriber = Subscriber(self.channels, self.hub, self.poll)

    async def enter(self, session_id: str, room: str | None = None, last_seq: int = 0) -> tuple[Follower, Feed]:
        """Let a client in, as the registry does."""
        follower = Follower()
        feed = Feed(follower, self.log)
        await self.subscriber.join(audiences(session_id, room), feed)
        feed.follow(names.audience(session_id, room), last_seq)
        return follower, feed

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.subscriber.run())
            tasks.create_task(self.poll.run())

    async def close(self) -> None:
        for client in (self.redis, self.channels):
            await client.aclose()
            await client.connection_pool.disconnect()


def audiences(session_id: str, room: str | None) -> set[str]:
    return {names.audience(session_id, None), names.audience(session_id, room)}


@asynccontextmanager
async def gateway(url: str, poll_s: float = 3_600.0) -> AsyncIterator[Gateway]:
    """A gateway that is connected to Redis."""
    started = Gateway(url, poll_s)
    task = asyncio.create_task(started.run())
    await soon(lambda: not started.subscriber._subscription._is_due, WITHIN_S)
    yield started
    task.cancel()
    await asyncio.wait({task})
    await started.close()
