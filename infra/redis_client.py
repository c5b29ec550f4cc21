"""Makes Redis clients with text answers and time-outs, the same for every service."""

import asyncio
from importlib import resources
from typing import Any, cast

import redis
import redis.asyncio
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from infra.redis_types import AsyncRedis, Redis

__all__ = ["AsyncRedis", "Redis"]

SOCKET_TIMEOUT_S = 5
"""Seconds that a client waits for a frozen Redis; longer than any blocking read (see ``BLOCK_MS``)."""
SCRATCH_TIMEOUT_S = 1
"""Seconds that a client waits for what need not survive. A final text that waits for it is late, so it is short."""
BLOCK_MS = 1_000
"""Milliseconds that a stream reader waits for the next entry."""


def connect(url: str, *, timeout_s: float = SOCKET_TIMEOUT_S, retries: int = 2) -> Redis:
    """Return a client for threads.

    Args:
        url: as in ``REDIS_URL``.
        timeout_s: seconds that it waits for an answer.
        retries: per command.
    """
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), retries)
    return cast(Redis, redis.Redis.from_url(url, **_options(url, timeout_s), retry=retry))


def connect_scratch(url: str) -> Redis:
    """Return a client for threads that gives up soon (``SCRATCH_REDIS_URL``)."""
    return connect(url, timeout_s=SCRATCH_TIMEOUT_S, retries=0)


def connect_async(
    url: str, *, max_connections: int = 64, timeout_s: float = SOCKET_TIMEOUT_S, retries: int = 2
) -> AsyncRedis:
    """Return a client for an event loop.

    Args:
        url: as in ``REDIS_URL``.
        max_connections: commands beyond them wait for a free connection.
        timeout_s: seconds that it waits for an answer, and for a free connection.
        retries: per command. Pass 0 for a subscriber: redis-py would subscribe again silently, and messages published
            in between would be missing.
    """
    retry = redis.asyncio.retry.Retry(ExponentialBackoff(cap=0.5, base=0.05), retries)
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, **_options(url, timeout_s), retry=retry, max_connections=max_connections, timeout=timeout_s
    )
    return cast(AsyncRedis, redis.asyncio.Redis.from_pool(pool))


def connect_scratch_async(url: str) -> AsyncRedis:
    """Return a client for an event loop that gives up soon (``SCRATCH_REDIS_URL``)."""
    return connect_async(url, timeout_s=SCRATCH_TIMEOUT_S, retries=0)


def checkpoint() -> None:
    """Raise the cancellation that a Redis command may have swallowed; for loops of commands.

    redis-py sends with ``asyncio.wait_for``, which before Python 3.12 loses a cancellation that arrives in the moment
    of its completion (https://github.com/python/cpython/issues/81839).

    Raises:
        asyncio.CancelledError: this task was cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def get_bytes(redis: Redis, key: str) -> bytes | None:
    """Return a binary value; None if the key does not exist."""
    value: bytes | None = redis.execute_command("GET", key, NEVER_DECODE=True)
    return value


def take_bytes(redis: Redis, key: str) -> bytes | None:
    """Return a binary value and delete it. Of several callers one gets the value, the others None."""
    value: bytes | None = redis.execute_command("GETDEL", key, NEVER_DECODE=True)
    return value


def load_script(package: str, name: str) -> str:
    """Return the source of ``lua/<name>.lua`` in a package, for ``register_script``."""
    return (resources.files(package) / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _options(url: str, timeout_s: float) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": 2,
        "health_check_interval": 30,
        **({} if url.startswith("unix:") else {"socket_keepalive": True}),
    }
