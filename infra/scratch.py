"""Short-lived speech and text in Redis' memory alone: its append-only file does not get them. Best effort.

A restart of Redis loses them, and then an utterance is transcribed from the audio in the ledger, without them. Of a
session that was deleted nothing is stored.
"""

from collections.abc import Mapping

from infra.redis_client import AsyncRedis, Redis, load_script
from infra.redis_types import AsyncScript, Script, Value
from wire import names

_PUT = load_script(__package__, "put")


class Scratch:
    """Keys of sessions, for an event loop."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._put: AsyncScript[int] = redis.register_script(_PUT)

    async def put(self, key: str, session_id: str, value: Value | Mapping[str, Value], ttl_s: int) -> None:
        """Replace a string or a hash, which expires; does nothing if the session was deleted.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable.
        """
        await self._put(keys=[key, names.deleted(session_id)], args=[ttl_s, *_arguments(value)])


class ThreadScratch:
    """The same for threads."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put: Script[int] = redis.register_script(_PUT)

    def mget(self, names: list[str]) -> list[str | None]:
        """Return values; None for each that there is none of."""
        return self._redis.mget(names)

    def put(self, key: str, session_id: str, value: Value | Mapping[str, Value], ttl_s: int) -> None:
        """Replace a string or a hash, as ``Scratch.put`` does."""
        self._put(keys=[key, names.deleted(session_id)], args=[ttl_s, *_arguments(value)])


def _arguments(value: Value | Mapping[str, Value]) -> list[Value]:
    return [part for field in value.items() for part in field] if isinstance(value, Mapping) else [value]
