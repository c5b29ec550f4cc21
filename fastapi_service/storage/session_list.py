"""Lists of sessions, newest first: of all, and of those that began with one grant. They hold ids and times only."""

import asyncio
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import structlog
from redis.exceptions import RedisError

from fastapi_service.storage.listed_session import FIELDS, ListedSession, State, listed_session
from infra.clock import now
from infra.redis_client import AsyncRedis
from wire import names

BATCH = 100
"""Sessions that are read at once."""
MAX_READ = 1_000
"""Sessions that are read for one page at most, however few of them are wanted."""
PRUNE_S = 60.0
"""Seconds between two removals of what has expired."""

log = structlog.get_logger()


def list_ttl_s(session_ttl_s: int) -> int:
    """Return the seconds that a list is kept at least: longer than the sessions in it."""
    return session_ttl_s + 600


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions a page has. None: any."""

    room: str | None = None
    since: float | None = None
    """Unix seconds: those that began then or later."""
    state: State | None = None

    def has(self, session: ListedSession) -> bool:
        """Return True for a session of the page; ``since`` is where reading ends."""
        return self.room in (None, session.room) and self.state in (None, session.state)


class Position(NamedTuple):
    """A place in a list."""

    began_ms: float
    session_id: str


class SessionList:
    """Every method but ``run`` raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis, session_ttl_s: int) -> None:
        """``session_ttl_s`` is the longest life of a session without activity, in seconds."""
        self._redis = redis
        self._ttl_s = session_ttl_s

    async def page(
        self, began_by: str | None, wanted: Wanted, limit: int, after: Position | None = None
    ) -> tuple[list[ListedSession], Position | None]:
        """Return the next sessions of a list, newest first, and the place at which the following page begins.

        A page reads ``MAX_READ`` sessions at most, so that it may have fewer than ``limit``, or none, and go on.

        Args:
            began_by: name of a grant; None for all sessions.
            wanted: which of them.
            limit: most sessions of the page.
            after: place at which the page before ended.
        """
        key = names.SESSIONS if began_by is None else names.sessions_of(began_by)
        oldest = "-inf" if wanted.since is None else str(wanted.since * 1000)
        last, skipped, read = after or Position(inf, ""), 0, 0
        found: list[ListedSession] = []
        while read < MAX_READ:
            newest = "+inf" if last.began_ms == inf else f"{last.began_ms:.0f}"
            entries = await self._redis.zrevrangebyscore(key, newest, oldest, start=skipped, num=BATCH, withscores=True)
            places = [Position(score, member.partition(" ")[0]) for member, score in entries]
            fresh = [place for place in places if place < last]  # several may have begun in the same millisecond
            read, skipped = read + len(entries), 0 if fresh else skipped + len(entries)
            for place, session in zip(fresh, await self._read(fresh), strict=True):
                last = place
                if session is None or not wanted.has(session):
                    continue
                found.append(session)
                if len(found) == limit:
                    is_end = len(entries) < BATCH and place == fresh[-1]
                    return found, None if is_end else place
            if len(entries) < BATCH:
                return found, None
        return found, last

    async def find(self, session_id: str) -> ListedSession | None:
        """Return one session; None if there is none."""
        return (await self._read([Position(0, session_id)]))[0]

    async def prune(self) -> int:
        """Remove from all lists what has expired, and keep the lists of the rest; returns how many were removed.

        A session lives longer than its time without activity only while it is used. So few are looked at: those that
        have expired since the last time, and those that have been used for that long.
        """
        before, kept, removed = str((now() - self._ttl_s) * 1000), 0, 0
        while True:
            members = await self._redis.zrangebyscore(names.SESSIONS, "-inf", before, start=kept, num=BATCH)
            alive = await self._prune(members) if members else 0
            kept, removed = kept + alive, removed + len(members) - alive
            if len(members) < BATCH:
                return removed

    async def _prune(self, members: list[str]) -> int:
        """Remove members that have expired, and keep the lists of the others; returns the number of these."""
        pipeline = self._redis.pipeline(transaction=False)
        for member in members:
            pipeline.exists(names.session(member.partition(" ")[0]))
        exist: list[int] = await pipeline.execute()
        pipeline = self._redis.pipeline(transaction=False)
        for member, exists in zip(members, exist, strict=True):
            began_by = member.partition(" ")[2]
            for key in (names.SESSIONS, *([names.sessions_of(began_by)] if began_by else [])):
                if exists:
                    pipeline.expire(key, list_ttl_s(self._ttl_s), gt=True)
                else:
                    pipeline.zrem(key, member)
        await pipeline.execute()
        return sum(exist)

    async def run(self) -> None:
        """Remove what has expired every ``PRUNE_S``; runs until it is cancelled."""
        while True:
            try:
                await self.prune()
            except (RedisError, OSError) as error:
                log.debug("session lists not pruned", error=type(error).__name__)
            await asyncio.sleep(PRUNE_S)

    async def _read(self, places: list[Position]) -> list[ListedSession | None]:
        """Return the sessions at places, in one round trip; None for those that have expired."""
        pipeline = self._redis.pipeline(transaction=False)
        for _, session_id in places:
            pipeline.hmget(names.session(session_id), *FIELDS)
            pipeline.pttl(names.session(session_id))
            pipeline.zcard(names.outstanding(session_id))
        answers = await pipeline.execute() if places else []
        read_at = now()
        return [
            listed_session(place.session_id, answers[3 * at : 3 * at + 3], read_at, self._ttl_s)
            for at, place in enumerate(places)
        ]
