"""Requests for interim texts on the scratch Redis, beside Celery: they may get lost, and most of all jobs are interims.

Each session has one request at most, the newest. Sessions are taken in the order in which they began to wait, so one
that requests often gets no more turns than others. Each request is taken by one worker.
"""

from typing import Any, NamedTuple

import structlog
from pydantic import ValidationError

from infra.celery_app import PARTIAL_AUDIO_TTL_S, STALE_S
from infra.redis_client import AsyncRedis, Redis, load_script
from infra.redis_types import AsyncScript, Script, Value
from wire import names
from wire.messages.jobs import TranscribePartial

MAX_WAITING = 1_000
"""Sessions that may wait; further ones get no interim text. Workers that are so late are too late for all of them."""
FRESH_MS = round((PARTIAL_AUDIO_TTL_S - STALE_S) * 1000)
"""A request that has less time to live is stale."""

log = structlog.get_logger()


class InterimRequests:
    """The requests, for the gateway's event loop."""

    def __init__(self, scratch: AsyncRedis) -> None:
        self._put: AsyncScript[int] = scratch.register_script(load_script(__package__, "put_interim"))
        self._withdraw: AsyncScript[int] = scratch.register_script(load_script(__package__, "withdraw_interim"))

    async def put(self, job: TranscribePartial, pcm: bytes, *, max_waiting: int = MAX_WAITING) -> bool:
        """Replace the session's request. False if it was deleted, or too many sessions wait.

        Raises:
            redis.exceptions.RedisError: the scratch Redis is unavailable.
        """
        session = job.session_id
        keys = [names.INTERIMS, names.interim(session), names.deleted(session)]
        args: list[Value] = [session, job.revision, job.model_dump_json(), pcm, PARTIAL_AUDIO_TTL_S, max_waiting]
        return bool(await self._put(keys=keys, args=args))

    async def withdraw(self, job: TranscribePartial) -> bool:
        """Take a request back. True if no worker has begun it.

        Raises:
            redis.exceptions.RedisError: the scratch Redis is unavailable.
        """
        keys = [names.INTERIMS, names.interim(job.session_id)]
        return bool(await self._withdraw(keys=keys, args=[job.session_id, job.revision]))


class Turn(NamedTuple):
    """A session whose request is next."""

    session_id: str
    place: float
    """Unix seconds by the scratch Redis' clock."""


class WaitingInterims:
    """The same requests for workers. Safe to use from any thread. All raise ``RedisError`` during an outage."""

    def __init__(self, scratch: Redis) -> None:
        self._redis = scratch
        self._take = load_script(__package__, "take_interim")
        self._return: Script[int] = scratch.register_script(load_script(__package__, "return_interim"))

    def wait(self, seconds: float) -> Turn | None:
        """Return the session that has waited longest, and take its turn away; None if there is none in time."""
        found: Any = self._redis.execute_command("BZPOPMIN", names.INTERIMS, str(seconds))
        return Turn(str(found[1]), float(found[2])) if found else None

    def next(self) -> Turn | None:
        """Return the same without waiting."""
        found: Any = self._redis.execute_command("ZPOPMIN", names.INTERIMS)
        if not found:
            return None
        member, place = found[0] if isinstance(found[0], list | tuple) else found
        return Turn(str(member), float(place))

    def give_back(self, turn: Turn) -> None:
        """Let another worker have a turn."""
        keys = [names.INTERIMS, names.interim(turn.session_id)]
        self._return(keys=keys, args=[turn.session_id, turn.place, PARTIAL_AUDIO_TTL_S])

    def begin(self, turn: Turn) -> tuple[TranscribePartial, bytes] | None:
        """Return the request of a session with its Int16 PCM, and delete it; None if it was withdrawn or is stale."""
        key = names.interim(turn.session_id)
        found: Any = self._redis.execute_command("EVAL", self._take, "1", key, str(FRESH_MS), NEVER_DECODE=True)
        if not found:
            return None
        job, pcm = found
        try:
            return TranscribePartial.model_validate_json(job), pcm
        except ValidationError as refused:
            log.warning("interim request unreadable", problems=refused.error_count())
            return None
