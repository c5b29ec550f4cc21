"""Rewrites Redis' append-only file, so that what is gone from memory is gone from the disk soon after.

Until it is rewritten the file holds every command, with the speech and text of conversations that are over. By itself
Redis rewrites it when it has doubled, from 64 MB on: an hour of one person's speech, in a small team days.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from redis.exceptions import ResponseError

from infra.redis_client import Redis
from wire import names

LOOK_S = 5.0
"""Seconds between two looks at the file's state."""
SOON_S = 60.0
"""Seconds since the last rewrite from which a deletion begins another one."""
LEAST_PAUSE = 20
"""The pause between two rewrites is at least this many times as long as the last one took: a large store spends at most
a twentieth of its time on them."""

log = structlog.get_logger()


class _Traces(NamedTuple):
    """Figures that change when something is forgotten."""

    expired: int
    """Keys that have expired since the server's start, of anybody."""
    released: int
    """Results that were released, of anybody: the audio of their utterances is deleted."""
    kept: int
    """Results in the stream for older gateways: old ones are trimmed. Until that stream goes."""


class AppendOnlyFile:
    """The file of one server. For use from one thread, in the listener that sweeps."""

    def __init__(
        self,
        redis: Redis,
        every_s: float,
        warn: Callable[[str | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Rewrite nothing yet; the first call of ``rewrite_if_due`` does, since a stopped stack forgets nothing.

        Args:
            redis: has the file.
            every_s: shortest pause between two rewrites, in seconds, while nothing is deleted; 0: never rewrite.
            warn: called with the reason why the file cannot be rewritten, for operators; None when it can.
            clock: monotonic seconds.
        """
        self._redis = redis
        self._every_s = every_s
        self._warn = warn
        self._clock = clock
        self._look_at = self._rewritten_at = -float("inf")
        self._traces: _Traces | None = None
        """As they were when the last rewrite began."""
        self._is_deleted = False
        """True if something was deleted since then."""

    def note_deletion(self) -> None:
        """Let the next rewrite come soon."""
        self._is_deleted = True

    def rewrite_if_due(self) -> None:
        """Begin a rewrite if something was forgotten since the last one, and that is long enough ago.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable.
        """
        if not self._every_s or self._clock() < self._look_at:
            return
        self._look_at = self._clock() + LOOK_S
        try:
            self._look()
            self._warn(None)
        except ResponseError as refused:  # also NoPermissionError, and commands that a provider has taken away
            if "in progress" in str(refused):  # the server has begun by itself since it was looked at
                return
            log.debug("append-only file not rewritten", error=str(refused))
            self._warn(
                "Redis does not let the listener rewrite its append-only file (INFO, BGREWRITEAOF), so speech and text "
                "stay on its disk for longer than they should. See docs/privacy.md."
            )

    def _look(self) -> None:
        info: dict[str, Any] = self._redis.execute_command("INFO")
        if not info.get("aof_enabled") or info.get("aof_rewrite_in_progress") or info.get("aof_rewrite_scheduled"):
            return
        traces = self._traces_in(info)
        is_forgotten = self._is_deleted or traces != self._traces
        since_s, last_s = self._clock() - self._rewritten_at, max(0.0, float(info.get("aof_last_rewrite_time_sec", 0)))
        pause_s = max(min(SOON_S, self._every_s) if self._is_deleted else self._every_s, LEAST_PAUSE * last_s)
        has_failed = self._traces is not None and info.get("aof_last_bgrewrite_status") != "ok"
        if since_s < pause_s or not (is_forgotten or has_failed):
            return
        if has_failed:
            log.warning("append-only file rewrite failed", size=info.get("aof_current_size"))
        self._redis.execute_command("BGREWRITEAOF")
        self._rewritten_at, self._traces, self._is_deleted = self._clock(), traces, False
        log.info("append-only file rewrite begun", size=info.get("aof_current_size"), last_s=last_s)

    def _traces_in(self, info: dict[str, Any]) -> _Traces:
        released = int(self._redis.hget(names.TOTALS, "ended") or 0)
        kept = self._redis.xlen(names.stream(names.RESULT_MESSAGES))
        return _Traces(int(info.get("expired_keys", 0)), released, kept)
