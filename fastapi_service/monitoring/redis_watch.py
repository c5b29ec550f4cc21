"""Logs when Redis cannot be used or reached, with its address: sessions and ``/readyz`` do not show that."""

import asyncio

import structlog

from infra.redis_check import PERIOD_S, ProblemLog, find_problem_async
from infra.redis_client import AsyncRedis
from wire.errors import UnusableStoreError

log = structlog.get_logger()


async def watch_redis(redis: AsyncRedis, url: str) -> None:
    """Look at Redis now and every ``PERIOD_S``. Runs until cancelled."""
    problems = ProblemLog()
    outage: str | None = None
    while True:
        problem = await find_problem_async(redis, url)
        problems.note(problem)
        if problem is None or isinstance(problem, UnusableStoreError):
            outage = None
        elif problem.code != outage:
            outage = problem.code
            log.warning("redis unavailable", code=problem.code, reason=problem.message, remedy=problem.remedy)
        await asyncio.sleep(PERIOD_S)
