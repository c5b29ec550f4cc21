"""Who is in which room, over any number of gateways: each refreshes its own people in Redis, and reads how many there
are at all. Sessions without a room cost nothing."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from redis.exceptions import RedisError

from fastapi_service.pubsub import follow
from infra.redis_client import AsyncRedis, checkpoint, load_script
from infra.redis_types import AsyncScript
from wire import names
from wire.messages.server import People

REFRESH_S = 10.0
"""How often a gateway says that its people are still there, and looks for changes that it was not told of."""
FORGET_S = 30
"""People of whom nobody says so any more: their gateway is gone."""
RETRY_S = 1.0

log = structlog.get_logger()


@dataclass
class _Room:
    """What this gateway knows of a room."""

    present: set[str] = field(default_factory=set)
    """Owner ids of the connections here."""
    talking: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    """Those that have left, as long as Redis does not know."""


class RoomOccupancy:
    """One per gateway. One task writes what changed and reads what is, so that nothing is told out of order."""

    def __init__(self, redis: AsyncRedis, channels: AsyncRedis, tell: Callable[[People], None]) -> None:
        """``tell`` hears of each look at a room, also when it is as before."""
        self._redis = redis
        self._channels = channels
        self._tell = tell
        self._script: AsyncScript[tuple[int, int]] = redis.register_script(load_script(__package__, "room_occupancy"))
        self._rooms: dict[str, _Room] = {}
        self._due: set[str] = set()
        """Rooms to look at."""
        self._called = asyncio.Event()

    def join(self, room: str, owner: str) -> None:
        self._rooms.setdefault(room, _Room()).present.add(owner)
        self._look_at(room)

    def talks(self, room: str, owner: str) -> None:
        """Somebody in a room has sent audio."""
        known = self._rooms.get(room)
        if known is not None and owner in known.present and owner not in known.talking:
            known.talking.add(owner)
            self._look_at(room)

    def leave(self, room: str, owner: str) -> None:
        known = self._rooms.get(room)
        if known is None or owner not in known.present:
            return
        known.present.discard(owner)
        known.talking.discard(owner)
        known.gone.add(owner)
        self._look_at(room)

    async def run(self) -> None:
        """For ever: write what changed here, hear what changed elsewhere, refresh."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_all())
            tasks.create_task(follow(self._channels, names.ROOM_PEOPLE, self._on_subscribed, self._hear))
            tasks.create_task(self._refresh_all())

    async def flush(self) -> None:
        """Write what is due now: people leave at once when their gateway ends.

        Raises:
            RedisError: Redis is away; they are forgotten in a while.
        """
        while self._due:
            await self._update(self._due.pop())

    def _look_at(self, room: str) -> None:
        self._due.add(room)
        self._called.set()

    def _look_everywhere(self) -> None:
        for room in self._rooms:
            self._look_at(room)

    async def _write_all(self) -> None:
        away = False
        while True:
            checkpoint()
            await self._called.wait()
            self._called.clear()
            try:
                await self.flush()
                away = False
            except (RedisError, OSError) as error:
                if not away:  # one line for an outage, not one for each attempt
                    log.warning("people not counted", error=type(error).__name__)
                away = True
                await asyncio.sleep(RETRY_S)
                self._look_everywhere()

    async def _update(self, room: str) -> None:
        known = self._rooms.get(room)
        if known is None:
            return
        gone = known.gone.copy()
        here = {"present": [*known.present], "talking": [*known.talking], "gone": [*gone]}
        people, talking = await self._script(
            keys=[names.people(room), names.talking(room)],
            args=[json.dumps(here), FORGET_S, names.ROOM_PEOPLE, room],
        )
        known.gone -= gone
        if known.present:
            self._tell(People(room=room, people=people, talking=talking))
        elif not known.gone:
            del self._rooms[room]

    async def _refresh_all(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            self._look_everywhere()

    async def _on_subscribed(self) -> None:
        self._look_everywhere()

    def _hear(self, room: str) -> None:
        if room in self._rooms:
            self._look_at(room)
