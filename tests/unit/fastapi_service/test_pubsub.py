"""The subscribe loop goes on through outages of Redis, and past messages that cannot be handled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
import redis.exceptions
from structlog.testing import capture_logs

from fastapi_service.pubsub import follow
from infra.redis_client import AsyncRedis
from tests.support.eventually import soon


class FakeRedis:
    """Channels on which a test publishes; a published exception breaks the connection."""

    def __init__(self) -> None:
        self.published: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.subscriptions: list[tuple[str, ...]] = []

    @asynccontextmanager
    async def pubsub(self) -> AsyncIterator["FakeRedis"]:
        yield self

    async def subscribe(self, *channels: str) -> None:
        self.subscriptions.append(channels)

    async def get_message(self, **_: Any) -> dict[str, str]:
        published = await self.published.get()
        if isinstance(published, Exception):
            raise published
        return {"channel": self.subscriptions[-1][0], "data": published}


class Follower:
    """Keeps what comes; raises an error for the data that has one."""

    def __init__(self, **errors: Exception) -> None:
        self.redis = FakeRedis()
        self.received: list[str] = []
        self._errors = errors

    async def on_subscribed(self) -> None:
        await self.on_message("", "subscribed")

    async def on_message(self, _channel: str, data: str) -> None:
        self.received.append(data)
        if data in self._errors:
            raise self._errors[data]

    async def run(self, *published: str | Exception, until: int) -> list[str]:
        """Follow until a number of calls has come; returns the log's events."""
        for each in published:
            self.redis.published.put_nowait(each)
        with capture_logs() as lines:
            following = asyncio.create_task(
                follow(cast(AsyncRedis, self.redis), ["channel"], self.on_subscribed, self.on_message, name="test")
            )
            await soon(lambda: len(self.received) == until)
            await asyncio.sleep(0.01)
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        return [line["event"] for line in lines if not line["event"].startswith("stamina.")]


async def test_a_message_that_cannot_be_handled_is_logged_and_left_out() -> None:
    """The subscription stays, and the next message is handled."""
    sut = Follower(two=KeyError("mistake"))
    lines = await sut.run("one", "two", "three", until=4)
    assert sut.received == ["subscribed", "one", "two", "three"]
    assert sut.redis.subscriptions == [("channel",)]
    assert lines == ["message not handled"]


async def test_an_error_after_the_subscription_is_logged_once() -> None:
    """It does not become an endless loop of subscriptions."""
    sut = Follower(subscribed=KeyError("mistake"))
    lines = await sut.run("one", until=2)
    assert sut.received == ["subscribed", "one"]
    assert lines == ["message not handled"]


@pytest.mark.parametrize("error", [redis.exceptions.ConnectionError("refused"), OSError("reset")])
async def test_a_lost_connection_is_subscribed_again(error: Exception) -> None:
    """What is published meanwhile is lost; the follower is called, so that it can read it elsewhere."""
    sut = Follower()
    lines = await sut.run("one", error, "two", until=4)
    assert sut.received == ["subscribed", "one", "subscribed", "two"]
    assert lines == ["test subscription failed", "test subscription recovered"]


async def test_a_store_error_in_a_callback_subscribes_again() -> None:
    """The follower could not read what it lacks; it is called once more."""
    sut = Follower(two=redis.exceptions.TimeoutError("late"))
    await sut.run("two", "three", until=4)
    assert sut.received == ["subscribed", "two", "subscribed", "three"]
