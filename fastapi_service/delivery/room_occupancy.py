"""The connections and the people of each room, over any number of gateways.

Each gateway refreshes its own connections in Redis and reads all of them. Sessions without a room cost nothing.
"""

import asyncio
import json
from collections.abc import Callable
from functools import partial

from redis.exceptions import RedisError

from fastapi_service.delivery.room_members import Room, as_present, persons
from fastapi_service.pubsub import follow
from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, checkpoint, load_script
from infra.redis_types import AsyncScript
from wire import names
from wire.messages.base import Speaker
from wire.messages.server import People

REFRESH_S = 10.0
"""Interval at which a gateway renews its connections and reads the totals again: pub/sub may have lost a change."""
FORGET_S = 30
"""Seconds after which connections that are not renewed are forgotten: their gateway is gone."""
RETRY_S = 1.0
TALKING_S = 1.5
"""Seconds for which a person still counts as talking after the end of an utterance: between two sentences."""


_Occupants = tuple[int, int, list[str]]
"""Connections, those of them that have sent audio, and who they are; as room_occupancy.lua answers them."""


class RoomOccupancy:
    """The rooms of one gateway. One task writes changes and reads totals, so that totals are reported in order."""

    def __init__(
        self,
        redis: AsyncRedis,
        subscriptions: AsyncRedis,
        on_people: Callable[[People], None],
        *,
        refresh_s: float = REFRESH_S,
        forget_s: int = FORGET_S,
    ) -> None:
        """Begin without rooms.

        Args:
            redis: for commands.
            subscriptions: for :func:`fastapi_service.pubsub.follow`.
            on_people: called with the totals of a room each time they are read, changed or not.
            refresh_s: interval at which connections are renewed.
            forget_s: seconds after which connections that are not renewed are forgotten.
        """
        self._subscriptions = subscriptions
        self._on_people = on_people
        self._refresh_s = refresh_s
        self._forget_s = forget_s
        self._script: AsyncScript[_Occupants] = redis.register_script(load_script(__package__, "room_occupancy"))
        self._rooms: dict[str, Room] = {}
        self._due: set[str] = set()
        """Rooms to write and read."""
        self._wake = asyncio.Event()

    def join(self, room: str, owner: str, speaker: Speaker | None = None) -> None:
        """Add a connection to a room."""
        self._rooms.setdefault(room, Room()).present[owner] = speaker
        self._schedule(room)

    def introduce(self, room: str, owner: str, speaker: Speaker | None) -> None:
        """Note the new name or role of the person of a connection."""
        if self._has(room, owner):
            self.join(room, owner, speaker)

    def talks(self, room: str, owner: str) -> None:
        """Note that a connection in a room has sent audio."""
        if self._has(room, owner) and owner not in self._rooms[room].talking:
            self._rooms[room].talking.add(owner)
            self._schedule(room)

    def speaks(self, room: str, owner: str, *, speaking: bool) -> None:
        """Note that an utterance of a connection in a room has begun, or ended."""
        if not self._has(room, owner):
            return
        members = self._rooms[room]
        if (timer := members.speaking.get(owner)) is not None:
            timer.cancel()
        if speaking and owner not in members.speaking:
            self._schedule(room)
        silent = partial(self._fall_silent, members, room, owner)
        members.speaking[owner] = None if speaking else asyncio.get_running_loop().call_later(TALKING_S, silent)

    def leave(self, room: str, owner: str) -> None:
        """Remove a connection from a room."""
        if not self._has(room, owner):
            return
        members = self._rooms[room]
        del members.present[owner]
        members.talking.discard(owner)
        if (timer := members.speaking.pop(owner, None)) is not None:
            timer.cancel()
        members.gone.add(owner)
        self._schedule(room)

    async def run(self) -> None:
        """Write changes of this gateway, read changes of others, and refresh. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_all(), name="room writer")
            tasks.create_task(
                follow(
                    self._subscriptions, [names.ROOM_PEOPLE], self._schedule_all, self._on_changed, name="occupancy"
                ),
                name="room changes",
            )
            tasks.create_task(self._refresh_all(), name="room refresh")

    async def flush(self) -> None:
        """Write what is due now.

        Raises:
            RedisError, OSError: Redis is unavailable; other gateways forget the connections after ``forget_s``.
        """
        while self._due:
            await self._update(self._due.pop())

    def _has(self, room: str, owner: str) -> bool:
        members = self._rooms.get(room)
        return members is not None and owner in members.present

    def _fall_silent(self, members: Room, room: str, owner: str) -> None:
        members.speaking.pop(owner, None)
        self._schedule(room)

    def _schedule(self, room: str) -> None:
        self._due.add(room)
        self._wake.set()

    async def _schedule_all(self) -> None:
        for room in self._rooms:
            self._schedule(room)

    async def _write_all(self) -> None:
        outage = OutageLog("room occupancy update")
        while True:
            checkpoint()
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
                outage.recovered()
            except (RedisError, OSError) as error:
                outage.failed(error)
                await asyncio.sleep(RETRY_S)
                await self._schedule_all()

    async def _update(self, room: str) -> None:
        members = self._rooms.get(room)
        if members is None:
            return
        gone = members.gone.copy()
        present = {owner: as_present(members, owner) for owner in members.present}
        here = {"present": present, "talking": [*members.talking], "gone": [*gone]}
        people, talking, who = await self._script(
            keys=[names.people(room), names.talking(room), names.present(room)],
            args=[json.dumps(here), self._forget_s, names.ROOM_PEOPLE, room],
        )
        members.gone -= gone
        if members.present:
            self._on_people(People(room=room, people=people, talking=talking, who=persons(who)))
        elif not members.gone and self._rooms.get(room) is members:  # another update may have been first
            del self._rooms[room]

    async def _refresh_all(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_s)
            await self._schedule_all()

    async def _on_changed(self, _channel: str, room: str) -> None:
        if room in self._rooms:
            self._schedule(room)
