"""Occupancy of rooms, without Redis."""

import asyncio
from typing import Any, cast

from fastapi_service.delivery.room_occupancy import RoomOccupancy
from infra.redis_client import AsyncRedis
from wire.messages.server import People


class FakeRedis:
    """Its script waits until it may answer."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.calls = 0

    def register_script(self, _source: str) -> Any:
        async def script(**_: object) -> tuple[int, int, list[str]]:
            self.calls += 1
            await self.may_answer.wait()
            return 1, 0, []

        return script


async def test_two_updates_of_one_room_may_run_at_once() -> None:
    """As at a shutdown, when the last ones leave: it is forgotten, and nothing fails."""
    redis = FakeRedis()
    reported: list[People] = []
    rooms = RoomOccupancy(cast(AsyncRedis, redis), cast(AsyncRedis, redis), reported.append)
    rooms.join("kitchen", "one")
    flushes = []
    for _ in range(2):
        rooms.leave("kitchen", "one")
        rooms._schedule("kitchen")
        flushes.append(asyncio.create_task(rooms.flush()))
        await asyncio.sleep(0)
    redis.may_answer.set()
    await asyncio.gather(*flushes)
    assert redis.calls == 2
    assert (rooms._rooms, reported) == ({}, [])
