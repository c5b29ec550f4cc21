"""The one subscribe loop. Pub/sub keeps nothing: what is published during an outage is lost to its subscribers."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import stamina
import structlog
from redis.exceptions import RedisError

from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, checkpoint
from infra.redis_types import Message, PubSub

POLL_S = 1.0
CONFIRM_S = 1.0
"""Seconds that who adds channels waits for Redis to confirm them."""

log = structlog.get_logger()


async def follow(
    redis: AsyncRedis,
    channels: Collection[str],
    on_subscribed: Callable[[], Awaitable[None]],
    on_message: Callable[[str, str], Awaitable[None]],
    *,
    name: str,
) -> None:
    """Follow channels until cancelled, as :class:`Subscription` does."""
    subscription = Subscription(redis, on_subscribed, on_message, name=name)
    subscription.want(channels)
    await subscription.run()


class Subscription:
    """Channels that may change, on one connection that is made again after each outage of Redis.

    After a store error, also one in a callback, all channels are subscribed again. Any other error in a callback is
    logged, and the next message is handled: one message must not hold up all that come after it.

    There is never more than one command without an answer for a channel, so each answer is that of the latest one.
    """

    def __init__(
        self,
        redis: AsyncRedis,
        on_subscribed: Callable[[], Awaitable[None]],
        on_message: Callable[[str, str], Awaitable[None]],
        *,
        name: str,
    ) -> None:
        """Begin without channels.

        Args:
            redis: must not retry by itself (``connect_async(url, retries=0)``): a lost connection would go unnoticed.
            on_subscribed: called when messages may have been lost and all channels are subscribed: after each
                connection, and if Redis has confirmed one later than ``add`` waits.
            on_message: called with channel and data of each message, one at a time.
            name: what is followed, for the log.
        """
        self._redis = redis
        self._on_subscribed = on_subscribed
        self._on_message = on_message
        self._name = name
        self._wanted: set[str] = set()
        self._held: set[str] = set()
        """Channels that Redis has confirmed on this connection."""
        self._unanswered: set[str] = set()
        """Channels with a command that Redis has not answered."""
        self._changes: set[str] = set()
        """Channels that may need a command."""
        self._reading: asyncio.Timeout | None = None
        """Ends the wait for the next message when channels change."""
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        """Channels that callers of ``add`` wait for: done when they are held."""
        self._is_due = True
        """True if ``on_subscribed`` is to be called once there are no unanswered commands."""

    def want(self, channels: Collection[str]) -> None:
        """Subscribe channels as soon as possible."""
        self._wanted.update(channels)
        self._change(channels)

    async def add(self, channels: Collection[str]) -> None:
        """Subscribe channels, and wait until Redis has confirmed them: what is published from then on is received.

        Without an answer within ``CONFIRM_S`` it returns; then ``on_subscribed`` is called after the answer.
        """
        self.want(channels)
        loop = asyncio.get_running_loop()
        lacking = [channel for channel in channels if channel not in self._held or channel in self._unanswered]
        waiting = {self._confirmations.setdefault(channel, loop.create_future()) for channel in lacking}
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=CONFIRM_S)
            self._is_due = self._is_due or bool(late)

    def remove(self, channels: Collection[str]) -> None:
        """Unsubscribe channels as soon as possible."""
        self._wanted.difference_update(channels)
        for channel in channels:
            self._confirmations.pop(channel, None)
        self._change(channels)

    async def run(self) -> None:
        """Follow until cancelled, through outages of Redis."""
        outage = OutageLog(f"{self._name} subscription")

        def should_retry(error: Exception) -> bool:
            if not isinstance(error, RedisError | OSError):
                return False
            outage.failed(error)
            return True

        async for attempt in stamina.retry_context(
            on=should_retry, attempts=None, timeout=None, wait_initial=0.05, wait_max=1
        ):
            with attempt:
                async with self._redis.pubsub() as pubsub:
                    await self._follow(pubsub, outage)

    async def _follow(self, pubsub: PubSub, outage: OutageLog) -> None:
        """Subscribe all channels with one command, and follow them until the connection breaks.

        One task does everything on the connection: redis-py would connect twice if two of them noticed that it broke.
        """
        await pubsub.connect()
        self._held.clear()
        self._unanswered.clear()
        self._changes |= self._wanted
        self._is_due = True
        while True:
            checkpoint()
            if self._changes:
                await self._send(pubsub)
            if self._is_due and not self._unanswered:
                self._is_due = False
                await self._call(self._on_subscribed())
                outage.recovered()
            message = await self._next(pubsub)
            if message is None:
                continue
            if message["type"] == "message":
                await self._call(self._on_message(message["channel"], message["data"]))
            else:
                self._answered(message["channel"], is_held=message["type"] == "subscribe")

    async def _next(self, pubsub: PubSub) -> Message | None:
        """Return the next message; None after a while, or when channels change. Nothing is lost: it is read later."""
        try:
            async with asyncio.timeout(None) as reading:
                self._reading = reading
                return await pubsub.get_message(ignore_subscribe_messages=False, timeout=POLL_S)
        except TimeoutError:
            if not reading.expired():
                raise
            return None
        finally:
            self._reading = None

    async def _send(self, pubsub: PubSub) -> None:
        """Send the commands for all changes but those of channels that wait for an answer."""
        changes = self._changes - self._unanswered
        self._changes.clear()
        added, removed = (changes & self._wanted) - self._held, (changes & self._held) - self._wanted
        self._unanswered |= added | removed
        if added:
            await pubsub.subscribe(*added)
        if removed:
            await pubsub.unsubscribe(*removed)

    def _answered(self, channel: str, *, is_held: bool) -> None:
        """Note what Redis has answered; an answer without a command shows that the connection was made again."""
        self._is_due = self._is_due or channel not in self._unanswered
        self._unanswered.discard(channel)
        (self._held.add if is_held else self._held.discard)(channel)
        if is_held and (waiting := self._confirmations.pop(channel, None)) is not None:
            waiting.set_result(None)
        if is_held != (channel in self._wanted):
            self._change([channel])

    def _change(self, channels: Collection[str]) -> None:
        self._changes.update(channels)
        if self._changes and self._reading is not None:
            self._reading.reschedule(0)  # at once
            self._reading = None

    async def _call(self, callback: Awaitable[None]) -> None:
        try:
            await callback
        except (RedisError, OSError):
            raise
        except Exception:  # the boundary: see the class
            log.exception("message not handled", subscription=self._name)
