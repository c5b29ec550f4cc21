"""The context of a session's newest utterance in Redis: written by the gateway, read by the workers. Best effort."""

from typing import NamedTuple

from infra.redis_client import AsyncRedis, Redis
from infra.scratch import Scratch
from wire import names

EXPIRES_S = 30
"""Longer than an utterance waits while a context is worth its time."""


class Context(NamedTuple):
    """Speech before an utterance, and its text."""

    pcm: bytes
    """Int16, 16 kHz, mono; ends where the utterance begins, but for silence."""
    text: str
    """All that was said in it."""
    language: str
    """ISO 639 code of the text."""


class Contexts:
    """The contexts of all sessions, for an event loop."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis
        self._scratch = Scratch(redis)

    async def put(self, session_id: str, segment: int, context: Context | None) -> None:
        """Replace the session's context by that of an utterance; None: it has none.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable.
        """
        key = names.context(session_id)
        if context is None:
            await self._redis.delete(key)
            return
        await self._scratch.put(key, session_id, {"segment": segment, **context._asdict()}, EXPIRES_S)


def get_context(redis: Redis, session_id: str, segment: int) -> Context | None:
    """Return the context of an utterance; None if it has none, or a later one has replaced it.

    Raises:
        redis.exceptions.RedisError: Redis is unavailable.
    """
    fields = ("segment", *Context._fields)
    found, *values = redis.execute_command("HMGET", names.context(session_id), *fields, NEVER_DECODE=True)
    if found != str(segment).encode():
        return None
    pcm, text, language = values
    return Context(pcm, text.decode(), language.decode())
