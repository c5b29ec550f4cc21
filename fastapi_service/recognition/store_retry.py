"""Writes that outlast an outage of Redis, and a word to the client when that takes long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog
from redis.exceptions import OutOfMemoryError, RedisError

from fastapi_service import errors
from wire.errors import WireError

TELL_AFTER_S = 3.0
"""How long a write may take before the client hears that its results will be late."""
LONGEST_PAUSE_S = 1.0
"""Before a write is tried again."""

T = TypeVar("T")

log = structlog.get_logger()
_again = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.1, wait_max=LONGEST_PAUSE_S)


class LedgerFull(Exception):
    """Too many utterances are outstanding; this one is offered again."""


class StoreRetry:
    """One session's. However many of its writes wait, an outage is told once; a write that is quick again ends it."""

    def __init__(self, session_id: str, tell: Callable[[WireError], None]) -> None:
        self._session_id = session_id
        self._tell = tell
        self._told = False
        self._trouble: Exception | None = None
        """Why a write did not work; None while it has no answer yet."""

    async def until_ok(self, write: Callable[[], Awaitable[T]]) -> T:
        """Repeat a write until it works."""
        loop = asyncio.get_running_loop()
        overdue = loop.call_later(TELL_AFTER_S, self._complain)
        try:
            answer = await _again(self._survives, write)
        finally:
            overdue.cancel()
        self._trouble = None
        if loop.time() < overdue.when():
            self._told = False
        return answer

    def _survives(self, error: Exception) -> bool:
        self._trouble = error
        return isinstance(error, RedisError | OSError | LedgerFull)

    def _complain(self) -> None:
        if self._told:
            return
        self._told = True
        full = isinstance(self._trouble, LedgerFull | OutOfMemoryError)
        error = errors.busy() if full else errors.redis_late()
        reason = type(self._trouble).__name__ if self._trouble else "no answer"
        log.warning("speech waits for redis", session=self._session_id, code=error.code, reason=reason)
        self._tell(error)
