"""Rooms with an owner, in Redis: who made them, the digests of their links, and who may not come back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi_service.delivery.room_members import readable
from fastapi_service.security import tokens
from infra.redis_client import AsyncRedis
from wire import names

SHORTEST_TTL_S = 86_400
"""Seconds that a room without connections is kept at least; then its name is free again."""
CLOSED = "closed"
_REMOVED = "removed:"
_NUMBER, _VALID_FROM, _KEPT, _OWNER_KEY = "links", "valid_from", "kept", "owner_key"


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """A room as Redis has it."""

    name: str
    owner: str
    talk: str
    """Digest of the link to talk."""
    read: str
    """Digest of the link to read."""
    closed: bool
    removed: frozenset[str]
    """Persons and subjects that may not come back."""
    links: int = 0
    """Times that the links were made."""
    valid_from: int = 0
    """Number of the links of the last removal: who came by those before, and was not there then, needs a new one."""
    kept: frozenset[str] = frozenset()
    """Persons who were there then."""
    owner_key: str = ""
    """Digest of the ``person_key`` of the browser that owns the room; empty: it has sent none, or a program does."""


@dataclass(frozen=True, slots=True)
class Links:
    """The secrets of a room's links; they are shown once."""

    talk: str
    read: str


class RoomStore:
    """Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis, session_ttl_s: int) -> None:
        """Keep rooms longer than what was said in them: whoever takes the name later must not read that."""
        self._redis = redis
        self._ttl_s = max(SHORTEST_TTL_S, 2 * session_ttl_s)

    async def make(self, room: str, owner: str) -> bool:
        """Make a room without links; returns False if there is one with that name."""
        pipeline = self._redis.pipeline()
        pipeline.hsetnx(names.room(room), "owner", owner)
        pipeline.expire(names.room(room), self._ttl_s)
        made, _ = await pipeline.execute()
        return bool(made)

    async def find(self, room: str) -> RoomRecord | None:
        """Return a room; None if it has no owner, or has expired."""
        return _record(room, await self._redis.hgetall(names.room(room)))

    async def find_all(self, rooms: Sequence[str]) -> list[RoomRecord | None]:
        """Return several rooms."""
        pipeline = self._redis.pipeline(transaction=False)
        for room in rooms:
            pipeline.hgetall(names.room(room))
        answers = await pipeline.execute() if rooms else []
        return [_record(room, fields) for room, fields in zip(rooms, answers, strict=True)]

    async def keep(self, rooms: Iterable[str]) -> None:
        """Let the time of rooms with connections begin again."""
        pipeline = self._redis.pipeline(transaction=False)
        for room in rooms:
            pipeline.expire(names.room(room), self._ttl_s)
        await pipeline.execute()

    async def belong(self, room: str, owner: str, person_key: str) -> None:
        """Let a room belong to a browser from now on, as long as its cookie or its ``person_key`` is known."""
        await self._change(room, {"owner": owner, _OWNER_KEY: tokens.digest(person_key)})

    async def renew_links(self, room: str) -> Links:
        """Make new links; the ones before lead nowhere from now on."""
        links, _ = await self._renew(room)
        return links

    async def close(self, room: str) -> None:
        """Close a room for everyone, its owner included."""
        await self._change(room, {CLOSED: 1})

    async def remove(self, room: str, *who: str) -> None:
        """Keep persons and subjects from coming back; those that are there are disconnected."""
        await self._change(room, {f"{_REMOVED}{one}": 1 for one in who})

    async def expel(self, room: str, person: str) -> Links:
        """Keep a person from coming back, and replace the links, since the person has one of those before.

        Whoever came by one of them and is not there now needs a new one: it may be the same guest's other session.
        """
        present = await self._redis.hgetall(names.present(room))
        links, number = await self._renew(room)
        kept = ",".join(sorted({one.person for one in readable(present.values())} - {person}))
        await self._change(room, {f"{_REMOVED}{person}": 1, _VALID_FROM: number, _KEPT: kept})
        return links

    async def _renew(self, room: str) -> tuple[Links, int]:
        links = Links(tokens.new_token(), tokens.new_token())
        digests = {"talk": tokens.digest(links.talk), "read": tokens.digest(links.read)}
        pipeline = self._redis.pipeline()
        pipeline.hset(names.room(room), mapping=digests)
        pipeline.hincrby(names.room(room), _NUMBER, 1)
        _, number = await pipeline.execute()
        return links, int(number)

    async def _change(self, room: str, fields: dict[str, str | int]) -> None:
        pipeline = self._redis.pipeline()
        pipeline.hset(names.room(room), mapping=fields)
        pipeline.expire(names.room(room), self._ttl_s)  # also of one that expires at this moment
        pipeline.publish(names.ACCESS_CHANGED, "room")
        await pipeline.execute()


def _record(room: str, fields: dict[str, str]) -> RoomRecord | None:
    if "owner" not in fields:
        return None
    return RoomRecord(
        room,
        fields["owner"],
        fields.get("talk", ""),
        fields.get("read", ""),
        CLOSED in fields,
        frozenset(name.removeprefix(_REMOVED) for name in fields if name.startswith(_REMOVED)),
        int(fields.get(_NUMBER, 0)),
        int(fields.get(_VALID_FROM, 0)),
        frozenset(filter(None, fields.get(_KEPT, "").split(","))),
        fields.get(_OWNER_KEY, ""),
    )
