"""A pub/sub channel of which nothing is kept: whoever follows it hears when something may have been lost."""

from collections.abc import Awaitable, Callable

import stamina
from redis.exceptions import RedisError

from infra.redis_client import AsyncRedis, checkpoint

POLL_S = 1.0


async def follow(
    redis: AsyncRedis, channel: str, subscribed: Callable[[], Awaitable[None]], hear: Callable[[str], None]
) -> None:
    """For ever, through outages of Redis.

    Args:
        redis: must not retry by itself (``connect_async(url, retries=0)``).
        subscribed: called whenever the channel is, also after an outage: what was said before may be lost.
        hear: called with each message.
    """
    async for attempt in stamina.retry_context(
        on=(RedisError, OSError), attempts=None, timeout=None, wait_initial=0.05, wait_max=1
    ):
        with attempt:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(channel)
                await subscribed()
                while True:
                    checkpoint()
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=POLL_S)
                    if message is not None:
                        hear(message["data"])
