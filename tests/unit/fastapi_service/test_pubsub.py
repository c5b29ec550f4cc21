"""The subscribe loop goes on through outages of Redis, and past messages that cannot be handled."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
import redis.exceptions
from structlog.testing import capture_logs

from fastapi_service import pubsub as module
from fastapi_service.pubsub import Subscription, follow
from infra.redis_client import AsyncRedis
from tests.support.eventually import soon


class FakeRedis:
    """Channels on which a test publishes; a published exception breaks the connection.

    Commands are answered at once, and before anything that is published later is read.
    """

    def __init__(self) -> None:
        self._unread: asyncio.PriorityQueue[tuple[int, int, str | Exception | dict[str, str]]]
        self._unread = asyncio.PriorityQueue()
        self._count = itertools.count()
        self.subscriptions: list[tuple[str, ...]] = []
        self.unsubscriptions: list[tuple[str, ...]] = []
        self.answers = True

    @asynccontextmanager
    async def pubsub(self) -> AsyncIterator["FakeRedis"]:
        yield self

    async def connect(self) -> None: ...

    async def subscribe(self, *channels: str) -> None:
        self.subscriptions.append(channels)
        if self.answers:
            self.answer("subscribe", *channels)

    async def unsubscribe(self, *channels: str) -> None:
        self.unsubscriptions.append(channels)
        if self.answers:
            self.answer("unsubscribe", *channels)

    def answer(self, kind: str, *channels: str) -> None:
        for channel in channels:
            self._unread.put_nowait((0, next(self._count), {"type": kind, "channel": channel, "data": "1"}))

    def publish(self, data: str | Exception) -> None:
        self._unread.put_nowait((1, next(self._count), data))

    async def get_message(self, **_: Any) -> dict[str, str]:
        published = (await self._unread.get())[2]
        if isinstance(published, Exception):
            raise published
        if isinstance(published, dict):
            return published
        return {
            "type": "message",
            "channel": self.subscriptions[-1][0] if self.subscriptions else "",
            "data": published,
        }


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
            self.redis.publish(each)
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


class Dynamic(Follower):
    """A subscription whose channels change."""

    def __init__(self) -> None:
        super().__init__()
        self.subscription = Subscription(cast(AsyncRedis, self.redis), self.on_subscribed, self.on_message, name="test")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        following = asyncio.create_task(self.subscription.run())
        await soon(lambda: self.received == ["subscribed"])
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def test_an_added_channel_is_waited_for() -> None:
    """Who adds it goes on when Redis has confirmed it, and not before."""
    sut = Dynamic()
    async with sut.running():
        sut.redis.answers = False
        adding = asyncio.create_task(sut.subscription.add(["one", "two"]))
        await soon(lambda: sut.redis.subscriptions)
        also = asyncio.create_task(sut.subscription.add(["two"]))
        sut.redis.answer("subscribe", *sut.redis.subscriptions[0][:1])
        await asyncio.sleep(0.05)
        assert not adding.done()
        sut.redis.answer("subscribe", *sut.redis.subscriptions[0][1:])
        await asyncio.gather(adding, also)
        await sut.subscription.add(["one"])
    assert [sorted(channels) for channels in sut.redis.subscriptions] == [["one", "two"]]
    assert sut.received == ["subscribed"], "nothing can be missing"


async def test_channels_that_are_removed_are_unsubscribed() -> None:
    """Of several only these, and they can come back."""
    sut = Dynamic()
    async with sut.running():
        await sut.subscription.add(["one", "two"])
        sut.subscription.remove(["one"])
        await soon(lambda: sut.redis.unsubscriptions == [("one",)])
        await sut.subscription.add(["one"])
    assert sut.redis.subscriptions[1:] == [("one",)]


async def test_a_channel_that_is_left_while_it_is_subscribed_does_not_stay() -> None:
    """And one that is wanted again while it is unsubscribed does: one command at a time has no answer."""
    sut = Dynamic()
    async with sut.running():
        sut.redis.answers = False
        adding = asyncio.create_task(sut.subscription.add(["one"]))
        await soon(lambda: sut.redis.subscriptions == [("one",)])
        adding.cancel()
        sut.subscription.remove(["one"])
        await asyncio.sleep(0.05)
        assert sut.redis.unsubscriptions == []
        sut.redis.answer("subscribe", "one")
        await soon(lambda: sut.redis.unsubscriptions == [("one",)])
        again = asyncio.create_task(sut.subscription.add(["one"]))
        await asyncio.sleep(0.05)
        assert not again.done()
        assert sut.redis.subscriptions == [("one",)]
        sut.redis.answer("unsubscribe", "one")
        await soon(lambda: sut.redis.subscriptions == [("one",), ("one",)])
        sut.redis.answer("subscribe", "one")
        await again


async def test_after_an_outage_all_channels_are_subscribed_with_one_command() -> None:
    """Also those that came and went meanwhile; the follower is called once they are confirmed."""
    sut = Dynamic()
    async with sut.running():
        await sut.subscription.add(["one"])
        await sut.subscription.add(["two"])
        sut.subscription.remove(["two"])
        sut.subscription.want(["three"])
        sut.redis.publish(redis.exceptions.ConnectionError("refused"))
        await soon(lambda: len(sut.received) == 2)
    assert sorted(sut.redis.subscriptions[-1]) == ["one", "three"]
    assert sut.received == ["subscribed"] * 2


async def test_a_late_confirmation_is_like_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who added the channel has gone on without it: what was published before it is read elsewhere."""
    monkeypatch.setattr(module, "CONFIRM_S", 0.02)
    sut = Dynamic()
    async with sut.running():
        sut.redis.answers = False
        await sut.subscription.add(["one"])
        assert sut.received == ["subscribed"]
        sut.redis.answer("subscribe", "one")
        await soon(lambda: sut.received == ["subscribed"] * 2)


async def test_an_answer_without_a_command_is_like_a_new_connection() -> None:
    """The client library has made one by itself, and messages may be lost."""
    sut = Dynamic()
    async with sut.running():
        await sut.subscription.add(["one"])
        sut.redis.answer("subscribe", "one")
        await soon(lambda: sut.received == ["subscribed"] * 2)


async def test_a_command_that_fails_makes_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its channel is subscribed there."""
    sut = Dynamic()
    subscribe, failures = sut.redis.subscribe, [OSError("reset")]

    async def fail_once(*channels: str) -> None:
        if failures:
            raise failures.pop()
        await subscribe(*channels)

    monkeypatch.setattr(sut.redis, "subscribe", fail_once)
    async with sut.running():
        adding = asyncio.create_task(sut.subscription.add(["one"]))
        await adding
        await soon(lambda: sut.received == ["subscribed"] * 2)
    assert sut.redis.subscriptions == [("one",)]
