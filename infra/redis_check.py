"""Looks at Redis before it is used, and waits while it cannot be.

Each service says once why: otherwise every command of every loop would fail, each in its own words.
"""

import threading
from collections.abc import Callable
from contextlib import closing, suppress

import structlog
from redis.exceptions import NoPermissionError, RedisError

from infra.redis_client import AsyncRedis, Redis, connect
from infra.redis_errors import misfit, store_error
from wire import names
from wire.errors import StoreError, UnusableStoreError

PERIOD_S = 5.0
"""Seconds between two looks at a Redis that cannot be used."""
TIMEOUT_S = 2.0
"""Seconds that a look waits for an answer."""
PROBE = ("EVAL", "return redis.call('EXISTS', KEYS[1])", "1", names.STT_QUEUE)
"""A script on a key of Celery's: users with few rights may not run it."""

log = structlog.get_logger()


def find_problem(redis: Redis, url: str) -> StoreError | None:
    """Return why the server cannot be used now; None if nothing speaks against it."""
    try:
        with suppress(NoPermissionError):  # this user may not see it
            if found := misfit(redis.execute_command("INFO"), url):
                return found
        redis.execute_command(*PROBE)
    except (RedisError, OSError) as error:
        return store_error(error, url)
    return None


async def find_problem_async(redis: AsyncRedis, url: str) -> StoreError | None:
    """``find_problem`` for an event loop."""
    try:
        with suppress(NoPermissionError):
            if found := misfit(await redis.execute_command("INFO"), url):
                return found
        await redis.execute_command(*PROBE)
    except (RedisError, OSError) as error:
        return store_error(error, url)
    return None


class ProblemLog:
    """Logs what makes Redis unusable once, and once that it is over. For use from one thread or event loop."""

    def __init__(self) -> None:
        self._code: str | None = None

    def note(self, problem: StoreError | None) -> None:
        """Log a change; outages are left to those whose commands fail."""
        found = problem if isinstance(problem, UnusableStoreError) else None
        if found is not None and found.code != self._code:
            log.error("redis unusable", code=found.code, reason=found.message, remedy=found.remedy)
        elif found is None and problem is None and self._code is not None:
            log.info("redis usable")
        if found is not None or problem is None:
            self._code = found.code if found else None


def wait_while_unusable(url: str, not_ready: Callable[[str], None], stopping: threading.Event | None = None) -> None:
    """Wait until Redis is usable, or does not answer, which those that use it wait for themselves.

    Args:
        url: as in ``REDIS_URL``.
        not_ready: called with the reason, without an address: any client may read it in ``/readyz``.
        stopping: ends the wait when it is set.
    """
    stopping = stopping or threading.Event()
    problems = ProblemLog()
    with closing(connect(url, timeout_s=TIMEOUT_S, retries=0)) as redis:
        while True:
            problem = find_problem(redis, url)
            problems.note(problem)
            if not isinstance(problem, UnusableStoreError):
                return
            not_ready(problem.public)
            if stopping.wait(PERIOD_S):
                return
