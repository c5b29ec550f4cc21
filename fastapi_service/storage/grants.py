"""The grant with which a session began, beside its token: resumes, exports and lists are worth what it is worth."""

from typing import NamedTuple

from fastapi_service.security import tokens
from fastapi_service.storage.session_list import list_ttl_s
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript
from wire import names

ORPHAN_TTL_S = 60
"""Seconds that a grant is kept whose session was deleted while it began."""


class Begun(NamedTuple):
    """A session, as its token or its grant opens it."""

    room: str | None
    person: str
    """Public id of the person whose session it is; empty in a session that a gateway older than names began."""
    grant: str | None
    """JSON; None for a session that began while access was open."""


class SessionGrants:
    """Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis, session_ttl_s: int) -> None:
        """Register the script; ``session_ttl_s`` is the longest life of a session without activity, in seconds."""
        self._redis = redis
        self._list_ttl_s = list_ttl_s(session_ttl_s)
        self._remember: AsyncScript[int] = redis.register_script(load_script(__package__, "remember"))

    async def remember(self, session_id: str, grant: str, began_by: str | None = None) -> None:
        """Keep the grant of a session that has just begun; with ``began_by`` it is listed under that name, too."""
        keys = [names.session(session_id), names.SESSIONS]
        listed = [names.listed(session_id, None), names.listed(session_id, began_by), names.sessions_of(began_by or "")]
        await self._remember(keys=keys, args=[grant, ORPHAN_TTL_S, began_by or "", *listed, self._list_ttl_s])

    async def of(self, session_id: str, token: str) -> Begun | None:
        """Return the room and the grant of a session; None for a wrong token or an unknown session."""
        digest, begun = await self._find(session_id)
        return begun if tokens.is_valid(token, digest) else None

    async def find(self, session_id: str) -> Begun | None:
        """Return a session without its token, for whoever holds a grant; None for an unknown session."""
        digest, begun = await self._find(session_id)
        return begun if digest is not None else None

    async def _find(self, session_id: str) -> tuple[str | None, Begun]:
        """Return the digest of a session's token, if there is a session, and the rest."""
        fields = ("token", "room", "person", "grant")
        digest, room, person, grant = await self._redis.hmget(names.session(session_id), *fields)
        return digest, Begun(room, person or "", grant)
