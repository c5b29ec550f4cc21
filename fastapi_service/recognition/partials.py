"""Texts of utterances that are not over yet: asked of the workers, and handed to whoever asked.

Best effort. What does not come is not missed: the ledger knows nothing of it, and the utterance is transcribed anyway.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog
from kombu.exceptions import OperationalError
from pydantic import ValidationError
from redis.exceptions import RedisError

from fastapi_service.pubsub import follow
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis
from wire import names
from wire.messages.jobs import Partial, TranscribePartial

AUDIO_TTL_S = 10
"""A worker that has not fetched the audio by then does not begin (``infra.celery_app.STALE_S`` is shorter)."""
LONGEST_S = 20.0
"""After this nobody waits for an answer any more. Longer than any model takes that is of use for live speech."""
WATCH_S = 1.0
"""How often to see whether the workers still live; heartbeats end 5 s after a worker that died."""

log = structlog.get_logger()


class JobSender(Protocol):
    async def offer(self, draft: TranscribePartial) -> None: ...


class PendingPartial:
    """One draft that was asked for."""

    def __init__(self, job: TranscribePartial, pcm: bytes, redis: AsyncRedis, offering: JobSender) -> None:
        self.job = job
        self._redis = redis
        self._answer: asyncio.Future[Partial | None] = asyncio.get_running_loop().create_future()
        self._sending = asyncio.create_task(self._send(pcm, offering), name="draft")
        self._overdue = asyncio.get_running_loop().call_later(LONGEST_S, self.answer, None)
        self._dropping: asyncio.Task[bool] | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        return self.job.session_id, self.job.segment, self.job.revision

    @property
    def done(self) -> bool:
        return self._answer.done()

    def answer(self, draft: Partial | None) -> None:
        """What the worker says; None: nothing will come."""
        if not self._answer.done():
            self._overdue.cancel()
            self._answer.set_result(draft)

    def when_done(self, then: Callable[[], None]) -> None:
        self._answer.add_done_callback(lambda _: then())

    async def give_up(self) -> None:
        """Nobody may answer any more: whoever waits goes on without, and no worker begins it."""
        await self.withdraw()
        self.answer(None)

    async def result(self) -> Partial | None:
        return await asyncio.shield(self._answer)

    async def withdraw(self) -> bool:
        """Take the audio back. True when no worker has it, and so none will answer."""
        await self._sending
        if self._answer.done():
            return False
        try:
            begun = not await self._redis.delete(self.job.audio_key)
        except (RedisError, OSError):
            begun = False
        if not begun:
            self.answer(None)
        return not begun

    def drop(self) -> None:
        """Nobody wants it any more: ``withdraw``, without waiting for it."""
        if self._dropping is None and not self.done:
            self._dropping = asyncio.create_task(self.withdraw(), name="withdrawal")

    async def _send(self, pcm: bytes, offering: JobSender) -> None:
        try:
            await self._redis.set(self.job.audio_key, pcm, ex=AUDIO_TTL_S)
            await offering.offer(self.job)
        except (OperationalError, RedisError, OSError) as error:
            log.debug("draft not asked for", session=self.job.session_id, error=type(error).__name__)
            self.answer(None)


class Partials:
    """One per gateway: its channel for the answers."""

    def __init__(self, redis: AsyncRedis, channels: AsyncRedis, offering: JobSender) -> None:
        self.channel = names.partials(secrets.token_hex(8))
        self._redis = redis
        self._channels = channels
        self._offering = offering
        self._asked: dict[tuple[str, int, int], PendingPartial] = {}

    def ask(self, job: TranscribePartial, pcm: bytes) -> PendingPartial:
        """Ask for one; returns at once."""
        asked = PendingPartial(job, pcm, self._redis, self._offering)
        self._asked[asked.key] = asked
        asked.when_done(lambda: self._forget(asked))
        return asked

    def _forget(self, asked: PendingPartial) -> None:
        if self._asked.get(asked.key) is asked:
            del self._asked[asked.key]

    async def _give_up_all(self) -> None:
        await asyncio.gather(*(asked.give_up() for asked in list(self._asked.values())))

    async def run(self) -> None:
        """For ever: hand answers to whoever asked, and give up when none may come."""
        # What was answered while Redis was away, is lost.
        await asyncio.gather(follow(self._channels, self.channel, self._give_up_all, self._hear), self._watch())

    async def _watch(self) -> None:
        """A worker that is gone may have begun anything that is open: nobody says what, so all of it is given up."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(WATCH_S)
            if not self._asked:
                before = set()
                continue
            try:
                workers = {beat.instance for beat in await alive_instances(self._redis, names.STT_WORKER)}
            except (RedisError, OSError, ValidationError):
                continue
            if before - workers:
                await self._give_up_all()
            before = workers

    def _hear(self, data: str) -> None:
        with suppress(ValidationError):
            draft = Partial.model_validate_json(data)
            asked = self._asked.get((draft.session_id, draft.segment, draft.revision))
            if asked is not None:
                asked.answer(draft)
