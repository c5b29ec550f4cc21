"""The net under pub/sub: what it lost without a sign is found within a while."""

import asyncio
from collections.abc import Iterable

from redis.exceptions import RedisError

from fastapi_service.delivery.hub import Hub
from fastapi_service.delivery.ports import Newest, StatisticsStore
from infra.outage_log import OutageLog
from infra.redis_client import checkpoint
from wire import names

EVERY_S = 30.0
"""Seconds in which every audience is compared with its log once."""
PART = 100
"""Audiences that are compared at once."""
RETRY_S = 1.0


class SlowPoll:
    """Compares the audiences of this gateway with their logs, and reads statistics that may be missing."""

    def __init__(self, hub: Hub, logs: Newest, store: StatisticsStore, *, every_s: float = EVERY_S) -> None:
        self._hub = hub
        self._logs = logs
        self._store = store
        self._every_s = every_s
        self._lacking: set[str] = set()
        """Audiences whose statistics are to be read."""
        self._wake = asyncio.Event()

    def read_statistics(self, audiences: Iterable[str]) -> None:
        """Read the newest statistics of audiences soon, for all their receivers."""
        self._lacking.update(audiences)
        self._wake.set()

    async def run(self) -> None:
        """Compare and read until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._compare_all(), name="logs")
            tasks.create_task(self._read_all(), name="statistics")

    async def _compare_all(self) -> None:
        outage = OutageLog("log comparison")
        while True:
            audiences = sorted(self._hub.audiences)
            parts = [audiences[start : start + PART] for start in range(0, len(audiences), PART)] or [[]]
            for part in parts:
                checkpoint()
                await asyncio.sleep(self._every_s / len(parts))
                try:
                    self.read_statistics(self._hub.newest(await self._logs.newest_of(part)))
                    outage.recovered()
                except (RedisError, OSError) as error:
                    outage.failed(error)

    async def _read_all(self) -> None:
        outage = OutageLog("statistics read")
        while True:
            checkpoint()
            await self._wake.wait()
            self._wake.clear()
            while self._lacking:
                audience = self._lacking.pop()
                try:
                    await self._read(audience)
                    outage.recovered()
                except (RedisError, OSError) as error:
                    outage.failed(error)
                    self.read_statistics([audience])
                    await asyncio.sleep(RETRY_S)

    async def _read(self, audience: str) -> None:
        known = await self._store.statistics(audience)
        if known is not None:
            self._hub.statistics(audience, known)
        room = names.room_of(audience)
        for person in await self._store.person_statistics(room) if room is not None else []:
            self._hub.statistics(audience, person)
