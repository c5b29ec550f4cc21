"""The one subscribe loop. Pub/sub keeps nothing: what is published during an outage is lost to its subscribers."""

from collections.abc import Awaitable, Callable, Sequence

import stamina
import structlog
from redis.exceptions import RedisError

from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, checkpoint

POLL_S = 1.0

log = structlog.get_logger()


async def follow(
    redis: AsyncRedis,
    channels: Sequence[str],
    on_subscribed: Callable[[], Awaitable[None]],
    on_message: Callable[[str, str], Awaitable[None]],
    *,
    name: str,
) -> None:
    """Follow channels until cancelled, through outages of Redis.

    After a store error, also one in a callback, the channels are subscribed again. Any other error in a callback is
    logged, and the next message is handled: one message must not hold up all that come after it.

    Args:
        redis: must not retry by itself (``connect_async(url, retries=0)``): a lost connection would go unnoticed.
        on_subscribed: called after each subscription, also after an outage: messages may be lost.
        on_message: called with channel and data of each message, one at a time.
        name: what is followed, for the log.
    """
    outage = OutageLog(f"{name} subscription")

    def should_retry(error: Exception) -> bool:
        if not isinstance(error, RedisError | OSError):
            return False
        outage.failed(error)
        return True

    async for attempt in stamina.retry_context(
        on=should_retry, attempts=None, timeout=None, wait_initial=0.05, wait_max=1
    ):
        with attempt:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(*channels)
                await _call(on_subscribed(), name)
                outage.recovered()
                while True:
                    checkpoint()
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=POLL_S)
                    if message is not None:
                        await _call(on_message(message["channel"], message["data"]), name)


async def _call(callback: Awaitable[None], name: str) -> None:
    try:
        await callback
    except (RedisError, OSError):
        raise
    except Exception:  # the boundary: see follow
        log.exception("message not handled", subscription=name)
