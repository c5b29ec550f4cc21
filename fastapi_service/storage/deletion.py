"""Deletes conversations: the readable part at once, in one script; the sweeper removes what is under way elsewhere."""

import json

from fastapi_service import errors
from fastapi_service.security import tokens
from infra.ledger.entry import order_ttl_s
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript
from wire import names

MAX_ATTEMPTS = 20
"""Times that people may join a room while it is being deleted."""


class Deletion:
    """Deletes what a session has said, or, for the owner of a room, what was said in it."""

    def __init__(self, redis: AsyncRedis, session_ttl_s: int) -> None:
        """Register the script; ``session_ttl_s`` is the longest life of a session without activity, in seconds."""
        self._redis = redis
        self._mark_ttl_s = order_ttl_s(session_ttl_s)
        """A mark outlives all that can be outstanding of its session."""
        self._delete: AsyncScript[str] = redis.register_script(load_script(__package__, "delete"))

    async def delete(self, session_id: str, token: str | None, *, owns: bool | None = None) -> None:
        """Delete the conversation of a session. Safe to repeat, with the same token.

        Args:
            session_id: of the session.
            token: its token; None for a grant that opens the session, which was checked before.
            owns: whether it owns its room, by its grant; None: the first session of the room does.

        Raises:
            ProtocolError: no such session, or a wrong token (``session_unknown``).
            AccessError: the session does not own its room (``not_owner``).
            RedisError, OSError: Redis is unavailable.
        """
        for _ in range(MAX_ATTEMPTS):
            digest, room = await self._redis.hmget(names.session(session_id), "token", "room")
            if digest is None or not (token is None or tokens.is_valid(token, digest)):
                if token is not None and tokens.is_valid(token, await self._redis.get(names.deleted(session_id))):
                    return
                raise errors.nothing_to_delete()
            sessions = [session_id]
            if room is not None:
                sessions = await self._redis.lrange(names.room_sessions(room), 0, -1)
                if not (session_id in sessions[:1] if owns is None else owns):
                    raise errors.not_owner()
            if await self._script(session_id, digest, room, sessions) == "deleted":
                return
        raise errors.nothing_to_delete()

    async def _script(self, session_id: str, digest: str, room: str | None, sessions: list[str]) -> str:
        audiences = [names.audience(each, None) for each in sessions]
        if room is not None:
            audiences.append(names.room_audience(room))
        plan = {
            "sessions": [
                {"id": each, "session": names.session(each), "deleted": names.deleted(each)} for each in sessions
            ],
            "audiences": audiences,
            "keys": sorted({key for each in sessions for key in names.session_keys(each, room)}),
        }
        keys = [names.DELETING, names.SESSIONS, names.session(session_id)]
        keys += [names.room_sessions(room)] if room is not None else []
        return await self._delete(keys=keys, args=[digest, self._mark_ttl_s, json.dumps(plan)])
