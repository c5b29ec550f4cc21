"""Retries Redis writes until they succeed, and warns the client when that takes long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog
from redis.exceptions import OutOfMemoryError, RedisError

from fastapi_service import errors
from wire.errors import WireError

T = TypeVar("T")

log = structlog.get_logger()


class LedgerFull(Exception):
    """Too many utterances are outstanding; the write is tried again."""


class StoreRetry:
    """One session's writes. The client gets one warning per outage; a write that is quick again ends the outage."""

    def __init__(
        self,
        session_id: str,
        send_error: Callable[[WireError], None],
        warn_after_s: float = 3.0,
        max_pause_s: float = 1.0,
    ) -> None:
        """Begin without an outage.

        Args:
            send_error: called with the warning.
            warn_after_s: seconds that a write may take before that.
            max_pause_s: longest pause before a write is tried again, in seconds.
        """
        self._session_id = session_id
        self._send_error = send_error
        self._warn_after_s = warn_after_s
        self._retrying = stamina.AsyncRetryingCaller(
            attempts=None, timeout=None, wait_initial=min(0.1, max_pause_s), wait_max=max_pause_s
        )
        self._warned = False
        self._error: Exception | None = None
        """Why the last write failed; None while it has no answer yet."""

    async def until_ok(self, write: Callable[[], Awaitable[T]]) -> T:
        """Repeat a write until it succeeds, and return its answer.

        Raises:
            Exception: any error that another attempt cannot cure.
        """
        loop = asyncio.get_running_loop()
        warning = loop.call_later(self._warn_after_s, self._warn)
        try:
            answer = await self._retrying(self._should_retry, write)
        finally:
            warning.cancel()
        self._error = None
        if loop.time() < warning.when():
            self._warned = False
        return answer

    def note(self, error: Exception) -> None:
        """Take note of why a write waits that has not failed."""
        self._error = error

    def _should_retry(self, error: Exception) -> bool:
        self._error = error
        return isinstance(error, RedisError | OSError | LedgerFull)

    def _warn(self) -> None:
        if self._warned:
            return
        self._warned = True
        full = isinstance(self._error, LedgerFull | OutOfMemoryError)
        error = errors.busy() if full else errors.redis_late()
        reason = type(self._error).__name__ if self._error else "no answer"
        log.warning("ledger write delayed", session=self._session_id, code=error.code, reason=reason)
        self._send_error(error)
