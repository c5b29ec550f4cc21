"""Redis connections: text answers, bounded waiting, the same for every service."""

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

import redis
import redis.asyncio
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from wire.errors import StoreError

if TYPE_CHECKING:  # redis-py's types do not know decode_responses: to them each answer may be bytes
    Redis: TypeAlias = Any
    AsyncRedis: TypeAlias = Any
else:
    Redis = redis.Redis
    AsyncRedis = redis.asyncio.Redis

SOCKET_TIMEOUT_S = 5
"""A frozen Redis must not freeze its clients; longer than any blocking read here (see ``BLOCK_MS``)."""
BLOCK_MS = 1_000
"""How long a stream reader waits for the next entry."""


def connect(url: str) -> Redis:
    """A client for threads."""
    return redis.Redis.from_url(url, **_options(), retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2))


def connect_async(url: str, *, max_connections: int = 64, retries: int = 2) -> AsyncRedis:
    """A client for an event loop. A subscriber wants no ``retries``: redis-py would subscribe again without a word,
    and nobody would ask for what was published in between."""
    retry = redis.asyncio.retry.Retry(ExponentialBackoff(cap=0.5, base=0.05), retries)
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, **_options(), retry=retry, max_connections=max_connections, timeout=SOCKET_TIMEOUT_S
    )
    return redis.asyncio.Redis.from_pool(pool)


def checkpoint() -> None:
    """For loops of commands: redis-py sends with ``asyncio.wait_for``, and before Python 3.12 that forgets that it was
    cancelled when it is done in the same moment (https://github.com/python/cpython/issues/81839).

    Raises:
        asyncio.CancelledError: somebody wanted this task to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def store_error(error: RedisError | OSError, url: str) -> StoreError:
    """What a Redis failure means to the person who runs the service. The password in ``url`` is not repeated."""
    place = url.rsplit("@", 1)[-1].removeprefix("redis://").removeprefix("rediss://")
    if isinstance(error, AuthenticationError):
        return StoreError(
            "redis_refused", f"Redis at {place} refused the password.", "Put the right one into REDIS_URL."
        )
    return StoreError(
        "redis_unreachable",
        f"Redis at {place} does not answer ({type(error).__name__}).",
        "Start it or correct REDIS_URL.",
    )


def load_script(package: str, name: str) -> str:
    """Return the source of ``lua/<name>.lua`` in a package, for ``register_script``."""
    return (resources.files(package) / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _options() -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 30,
    }
