"""Logs when Redis cannot be used, with the reason: sessions only see that it is unavailable."""

import asyncio

from infra.redis_check import PERIOD_S, ProblemLog, find_problem_async
from infra.redis_client import AsyncRedis


async def watch_redis(redis: AsyncRedis, url: str) -> None:
    """Look at Redis now and every ``PERIOD_S``. Runs until cancelled."""
    problems = ProblemLog()
    while True:
        problems.note(await find_problem_async(redis, url))
        await asyncio.sleep(PERIOD_S)
