"""The connections of this gateway and what their grants hang on: what is revoked ends within two seconds."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.access.audio_leads import AudioLeads, scope_of
from fastapi_service.access.audio_rate import AudioRate
from fastapi_service.access.grant import Grant
from fastapi_service.access.identity import Identity
from fastapi_service.access.limits import RENEW_S, Limits, Scope, until_tomorrow
from fastapi_service.access.strangers import Strangers
from fastapi_service.pubsub import follow
from fastapi_service.settings import Settings
from fastapi_service.storage.rooms import RoomRecord, RoomStore
from fastapi_service.tasks import TaskSet
from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, checkpoint
from wire import names
from wire.errors import AccessError

CHECK_S = 1.0
"""Interval of the check; a message on ``ACCESS_CHANGED`` brings the next one at once."""


class Visitor(Protocol):
    """A connection; see ``visit.py``."""

    connection: str
    network: str
    grant: Grant | None
    persons: set[str]
    scopes: tuple[Scope, ...]
    audio_s: float
    rate: AudioRate
    end: Callable[[AccessError], None]


class Guard:
    """Ends the connections whose grant is gone, counts their audio, and renews their places."""

    def __init__(
        self, redis: AsyncRedis, subscriptions: AsyncRedis, identity: Identity, rooms: RoomStore, settings: Settings
    ) -> None:
        """``subscriptions`` is for :func:`fastapi_service.pubsub.follow`."""
        self._subscriptions = subscriptions
        self._identity = identity
        self._rooms = rooms
        self._settings = settings
        self._limits = Limits(redis)
        self._leads = AudioLeads(redis)
        self.strangers = Strangers(round(settings.start_timeout_s))
        self._visitors: dict[Visitor, Grant] = {}
        self._leaving = TaskSet()
        self._wake = asyncio.Event()

    def scopes(self, grant: Grant, room: str | None, network: str) -> tuple[Scope, ...]:
        """Return what a connection is counted in; nothing of it has no limit."""
        settings = self._settings
        found = [Scope("address", network, settings.max_connections_per_address)]
        if grant.source == "key":
            found.append(Scope("key", grant.id, grant.sessions))
        if room is not None:
            found.append(Scope("room", room, settings.max_connections_per_room))
        return tuple(scope for scope in found if scope.limit)

    async def enter(self, visitor: Visitor, grant: Grant) -> None:
        """Take in a connection whose session begins.

        Raises:
            AccessError: a limit is reached.
        """
        if grant.minutes_a_day:
            used = await self._limits.use({grant.id: 0.0})
            _check_minutes(grant, used[grant.id])
        await self._limits.enter(visitor.connection, visitor.scopes)  # last: who is refused takes no place
        scope = scope_of(grant, visitor.network)
        if scope is not None and visitor not in self._visitors:
            visitor.rate.take(asyncio.get_running_loop().time(), await self._leads.take(scope))
        self._visitors[visitor] = grant

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection that has ended."""
        grant = self._visitors.pop(visitor, None)
        if grant is not None and (visitor.scopes or visitor.audio_s or scope_of(grant, visitor.network)):
            self._leaving.start(self._forget(visitor, grant), "leave limits")

    async def run(self) -> None:
        """Check the connections, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                follow(self._subscriptions, [names.ACCESS_CHANGED], self._changed, self._changed, name="access"),
                name="access changes",
            )
            tasks.create_task(self._check_all(), name="access checks")

    async def stop(self, timeout_s: float) -> None:
        """Wait until Redis has what ended."""
        await self._leaving.wait(timeout_s)
        self._leaving.cancel()

    async def _changed(self, *_: str) -> None:
        self._wake.set()

    async def _check_all(self) -> None:
        outage = OutageLog("access check")
        loop = asyncio.get_running_loop()
        renew_at = loop.time() + RENEW_S
        while True:
            checkpoint()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), CHECK_S)
            self._wake.clear()
            try:
                await self.check()
                if loop.time() >= renew_at:
                    await self._renew()
                    renew_at = loop.time() + RENEW_S
                outage.recovered()
            except (RedisError, OSError) as error:  # nothing can be revoked meanwhile either
                outage.failed(error)
                await asyncio.sleep(CHECK_S)

    async def check(self) -> None:
        """End the connections whose grant is gone, and those whose key has used its minutes.

        Raises:
            RedisError, OSError: Redis is unavailable.
        """
        visitors = [(visitor, grant) for visitor, grant in self._visitors.items() if grant.source != "open"]
        if not visitors:
            return
        stand = await self._identity.stand([grant for _, grant in visitors])
        names_of_rooms = sorted({grant.room for _, grant in visitors if grant.room is not None})
        rooms = dict(zip(names_of_rooms, await self._rooms.find_all(names_of_rooms), strict=True))
        for (visitor, grant), stands in zip(visitors, stand, strict=True):
            if not stands:
                visitor.end(errors.grant_ended())
            elif grant.room is not None:
                await self._check_room(visitor, grant, rooms[grant.room])
        await self._count([(visitor, grant) for visitor, grant in visitors if grant.source == "key"])

    async def _check_room(self, visitor: Visitor, grant: Grant, room: RoomRecord | None) -> None:
        try:
            for person in visitor.persons or {""}:
                policy.stays(grant, room, person)
        except AccessError as error:
            visitor.end(error)
            if room is None or room.closed or grant.source == "invitation":
                return
            if grant.subject not in room.removed | {room.owner}:  # once: it wakes all gateways
                await self._rooms.remove(room.name, grant.subject)  # not with another session either

    async def _count(self, visitors: list[tuple[Visitor, Grant]]) -> None:
        audio_s: dict[str, float] = defaultdict(float)
        for visitor, grant in visitors:
            audio_s[grant.id] += visitor.audio_s
            visitor.audio_s = 0.0
        used = await self._limits.use(audio_s)
        for visitor, grant in visitors:
            try:
                _check_minutes(grant, used[grant.id])
            except AccessError as error:
                visitor.end(error)

    async def _renew(self) -> None:
        if rooms := {grant.room for grant in self._visitors.values() if grant.source != "open" and grant.room}:
            await self._rooms.keep(rooms)
        for visitor in tuple(self._visitors):
            with suppress(AccessError):  # it was forgotten during an outage, and others took the place
                await self._limits.enter(visitor.connection, visitor.scopes)

    async def _forget(self, visitor: Visitor, grant: Grant) -> None:
        with suppress(RedisError, OSError):  # it is forgotten after a while
            scope, lead_s = scope_of(grant, visitor.network), visitor.rate.lead(asyncio.get_running_loop().time())
            if scope is not None and lead_s > 0:  # first: the client may be back already
                await self._leads.leave(scope, visitor.connection, lead_s)
            await self._limits.leave(visitor.connection, visitor.scopes)
            if grant.source == "key" and visitor.audio_s:
                await self._limits.use({grant.id: visitor.audio_s})


def _check_minutes(grant: Grant, used_s: float) -> None:
    if grant.minutes_a_day and used_s >= grant.minutes_a_day * 60:
        raise errors.minutes_used(grant.minutes_a_day, until_tomorrow())
