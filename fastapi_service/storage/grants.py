"""The grant with which a session began, beside its token: a resume and an export are worth what it is worth."""

from typing import NamedTuple

from fastapi_service.security import tokens
from infra.redis_client import AsyncRedis
from wire import names


class Begun(NamedTuple):
    """A session, as its token opens it."""

    room: str | None
    person: str
    """Public id of the person whose session it is; empty in a session that a gateway older than names began."""
    grant: str | None
    """JSON; None for a session that began while access was open."""


class SessionGrants:
    """Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis

    async def remember(self, session_id: str, grant: str) -> None:
        """Keep the grant of a session that has just begun."""
        await self._redis.hset(names.session(session_id), mapping={"grant": grant})

    async def of(self, session_id: str, token: str) -> Begun | None:
        """Return the room and the grant of a session; None for a wrong token or an unknown session."""
        fields = ("token", "room", "person", "grant")
        digest, room, person, grant = await self._redis.hmget(names.session(session_id), *fields)
        return Begun(room, person or "", grant) if tokens.is_valid(token, digest) else None
