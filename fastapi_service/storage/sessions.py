"""Session records in Redis, so that any gateway can go on where another one stopped."""

import json
import secrets
from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from fastapi_service import errors
from fastapi_service.security import tokens
from fastapi_service.storage.record import SessionRecord, the_only
from fastapi_service.storage.session_list import list_ttl_s
from infra.clock import now
from infra.ledger.admission import SessionDeleted, why_unknown
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript, Value
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import Task
from wire.messages.statistics import PersonStatistics, Statistics
from wire.people import person_id

MAX_ROOM_SESSIONS = 10_000
"""Sessions in the list of a room; the oldest but the first are left out beyond it."""

log = structlog.get_logger()

_Progress = tuple[str | None, Task, str, str, str, str | None, str | None, str | None, str | None, str | None]
"""Language, task, prompt, next segment, acknowledged samples, languages, ahead, person, name and role, as resume.lua
answers them."""


class SessionStore:
    """Reads and writes session records. Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis, ttl_s: int) -> None:
        """Register the scripts.

        Args:
            ttl_s: seconds that a session is kept after it was last touched.
        """
        self._redis = redis
        self._ttl_s = ttl_s
        self._join_room: AsyncScript[int] = redis.register_script(load_script(__package__, "join_room"))
        self._acknowledge: AsyncScript[str] = redis.register_script(load_script(__package__, "acknowledge"))
        self._configure: AsyncScript[str] = redis.register_script(load_script(__package__, "configure"))
        self._leave: AsyncScript[str] = redis.register_script(load_script(__package__, "leave"))
        self._resume: AsyncScript[_Progress | None] = redis.register_script(load_script(__package__, "resume"))

    async def create(self, start: Start) -> tuple[SessionRecord, str]:
        """Create a session; returns its record and its token, which is kept as a digest only."""
        token, session_id = tokens.new_token(), secrets.token_hex(16)
        record = SessionRecord(
            session_id=session_id,
            owner=secrets.token_hex(8),
            room=start.room,
            language=the_only(start.chosen_languages),
            languages=start.chosen_languages,
            task=start.task,
            prompt=start.prompt,
            sample_rate=start.sample_rate,
            next_segment=0,
            samples=0,
            person=person_id(session_id, start.room, start.person_key),
            name=start.name,
            role=start.role,
        )
        began_ms = round(now() * 1000)
        pipeline = self._redis.pipeline()
        pipeline.hset(
            names.session(record.session_id), mapping=_fields(record, tokens.digest(token)) | {"began_at": began_ms}
        )
        pipeline.zadd(names.SESSIONS, {names.listed(session_id, None): began_ms})
        pipeline.expire(names.SESSIONS, list_ttl_s(self._ttl_s))
        pipeline.expire(names.session(record.session_id), self._ttl_s)
        for key in names.session_keys(record.session_id, record.room):
            pipeline.expire(key, self._ttl_s, gt=True)  # a room has a log before its newest session joins
        await pipeline.execute()
        if start.room is not None:  # last: a deletion of the room in between must not reach a session that goes on
            members = names.room_sessions(start.room)
            await self._join_room(keys=[members], args=[record.session_id, MAX_ROOM_SESSIONS, self._ttl_s])
        return record, token

    async def resume(self, start: Start) -> SessionRecord:
        """Take a session over from the connection that had it.

        Raises:
            ProtocolError: unknown or expired, a wrong token, or another sample rate than before.
            SessionDeleted: it was deleted, by its client or the owner of its room.
        """
        if start.session_id is None or start.token is None:
            raise errors.not_resumable()
        key = names.session(start.session_id)
        token, rate, room = await self._redis.hmget(key, "token", "sample_rate", "room")
        if not tokens.is_valid(start.token, token):
            if tokens.is_valid(start.token, await self._redis.get(names.deleted(start.session_id))):
                raise SessionDeleted(start.session_id)
            raise errors.not_resumable()
        if int(rate or 0) != start.sample_rate:
            raise errors.sample_rate_changed(rate, start.sample_rate)
        owner = secrets.token_hex(8)
        progress = await self._resume(keys=names.session_keys(start.session_id, room), args=[owner, self._ttl_s])
        if progress is None:  # it expired since the look at its token
            raise errors.not_resumable()
        language, task, prompt, next_segment, samples, listed, ahead, person, name, role = progress
        languages = tuple(listed.split(",")) if listed else ()
        return SessionRecord(
            session_id=start.session_id,
            owner=owner,
            room=room,
            language=the_only(languages) if languages else language,
            languages=languages,
            task=task,
            prompt=prompt,
            sample_rate=start.sample_rate,
            next_segment=int(next_segment),
            samples=int(samples),
            resumed_live=ahead != "1",
            person=person,
            name=name,
            role=role,
        )

    async def audience(self, session_id: str, token: str) -> str | None:
        """Return the audience whose results a token may read; None for a wrong token or an unknown session."""
        digest, room = await self._redis.hmget(names.session(session_id), "token", "room")
        return names.audience(session_id, room) if tokens.is_valid(token, digest) else None

    async def acknowledge(self, record: SessionRecord, samples: int) -> bool:
        """Record that audio up to ``samples`` is safe. Returns False if another connection owns the session now.

        Raises:
            SessionUnknown: the session has expired, or was deleted (``SessionDeleted``).
        """
        keys = names.session_keys(record.session_id, record.room)
        verdict = await self._acknowledge(keys=keys, args=[record.owner, samples, self._ttl_s])
        if verdict == "unknown":
            raise await why_unknown(self._redis, record.session_id)
        return bool(verdict == "acknowledged")

    async def configure(self, record: SessionRecord, *, languages: bool) -> bool:
        """Record prompt, name and role; languages if they are changed. Returns and raises as ``acknowledge`` does."""
        keys = names.session_keys(record.session_id, record.room)
        fields = {"prompt": record.prompt, "name": record.name, "role": record.role}
        if languages:
            fields |= {"languages": ",".join(record.languages), "language": record.language}
        args: list[Value] = [record.owner, self._ttl_s, json.dumps(fields)]
        verdict = await self._configure(keys=keys, args=args)
        if verdict == "unknown":
            raise await why_unknown(self._redis, record.session_id)
        return bool(verdict == "configured")

    async def touch(self, record: SessionRecord) -> None:
        """Keep what belongs to a connected session from expiring."""
        pipeline = self._redis.pipeline(transaction=False)
        for key in names.session_keys(record.session_id, record.room):
            pipeline.expire(key, self._ttl_s, gt=True)
        await pipeline.execute()

    async def leave(self, record: SessionRecord) -> None:
        """Note that the connection has ended, unless another one owns the session now."""
        await self._leave(keys=[names.session(record.session_id)], args=[record.owner, round(now() * 1000)])

    async def is_deleted(self, session_id: str) -> bool:
        """Return True if a session was deleted."""
        return await self._redis.get(names.deleted(session_id)) is not None

    async def is_outstanding(self, session_id: str, segment: int) -> bool:
        """Return True if an utterance has no result yet."""
        return await self._redis.zscore(names.PENDING, names.ledger_member(session_id, segment)) is not None

    async def statistics(self, audience: str) -> Statistics | None:
        """Return the latest statistics of an audience; None before the first, or if they cannot be read."""
        message = await self._redis.hget(names.statistics(audience), "message")
        if not message:
            return None
        try:
            return Statistics.model_validate_json(message)
        except ValidationError as refused:  # the next utterance brings new ones
            log.error("statistics unreadable", audience=audience, problems=refused.error_count())
            return None

    async def person_statistics(self, room: str) -> list[PersonStatistics]:
        """Return the latest statistics of each person in a room, without those that cannot be read."""
        key = names.person_statistics(room)
        fields = [field for field in await self._redis.hkeys(key) if field.endswith(":message")]
        found: list[PersonStatistics] = []
        for message in filter(None, await self._redis.hmget(key, *fields) if fields else ()):
            try:
                found.append(PersonStatistics.model_validate_json(message))
            except ValidationError as refused:  # the person's next utterance brings new ones
                log.error("statistics unreadable", audience=names.room_audience(room), problems=refused.error_count())
        return found

    async def owners(self, session_ids: Sequence[str]) -> list[str | None]:
        """Return the owner of each session; None for those that have expired."""
        pipeline = self._redis.pipeline(transaction=False)
        for session_id in session_ids:
            pipeline.hget(names.session(session_id), "owner")
        owners: list[str | None] = await pipeline.execute()
        return owners


def _fields(record: SessionRecord, token_digest: str) -> dict[str, str | int]:
    """Return the fields of a session's key; Redis has no null, so a missing one is None."""
    fields: dict[str, str | int | None] = {
        "token": token_digest,
        "owner": record.owner,
        "sample_rate": record.sample_rate,
        "task": record.task,
        "prompt": record.prompt,
        "next_segment": record.next_segment,
        "samples": record.samples,
        "room": record.room,
        "language": record.language,
        "languages": ",".join(record.languages),
        "person": record.person,
        "name": record.name,
        "role": record.role,
    }
    return {name: value for name, value in fields.items() if value is not None}
