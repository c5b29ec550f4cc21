"""Requests texts of utterances that are not over yet, and matches the workers' answers to the requests.

Best effort: the ledger has no record of a request. When no answer comes, the utterance is transcribed all the same.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal

import structlog
from kombu.exceptions import OperationalError
from pydantic import ValidationError
from redis.exceptions import RedisError

from fastapi_service.pubsub import follow
from fastapi_service.recognition.transports import Transport
from infra.context import Context
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis, checkpoint
from wire import names
from wire.messages.jobs import Partial, TranscribePartial

TIMEOUT_S = 20.0
"""Seconds to wait for an answer. Longer than any model takes that is of use for live speech."""
WATCH_S = 1.0
"""Interval between checks that the workers are alive; heartbeats end 5 s after a worker that died."""

log = structlog.get_logger()


class PendingPartial:
    """One request. It ends with a text, or with None when no worker will bring one."""

    def __init__(
        self,
        job: TranscribePartial,
        pcm: bytes,
        context: Context | None,
        transport: Transport,
        timeout_s: float,
    ) -> None:
        """Send a job."""
        self.job = job
        self._transport = transport
        self._answer: asyncio.Future[Partial | None] = asyncio.get_running_loop().create_future()
        self._sending = asyncio.create_task(self._send(pcm, context), name="partial request")
        self._timeout = asyncio.get_running_loop().call_later(timeout_s, self.set_result, None)
        self._dropping: asyncio.Task[bool] | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """Session, segment, revision: what an answer names."""
        return self.job.session_id, self.job.segment, self.job.revision

    @property
    def done(self) -> bool:
        """True once the result is there."""
        return self._answer.done()

    @property
    def partial(self) -> Partial | None:
        """The result, once it is there; None before, and if no worker brings one."""
        return self._answer.result() if self._answer.done() else None

    def set_result(self, partial: Partial | None) -> None:
        """End the request; a second result is ignored."""
        if not self._answer.done():
            self._timeout.cancel()
            self._answer.set_result(partial)

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back once the result is there."""
        self._answer.add_done_callback(lambda _: callback())

    async def give_up(self) -> None:
        """Withdraw the request, and end it even if a worker has begun."""
        await self.withdraw()
        self.set_result(None)

    async def result(self) -> Partial | None:
        """Wait for the result. Cancelling the caller does not cancel the request."""
        return await asyncio.shield(self._answer)

    async def withdraw(self) -> bool:
        """Take the audio back. True if no worker has it: the result is None then."""
        await self._sending
        if self._answer.done():
            return False
        try:
            begun = not await self._transport.withdraw(self.job)
        except (RedisError, OSError):
            begun = False
        if not begun:
            self.set_result(None)
        return not begun

    def drop(self) -> None:
        """Withdraw in the background."""
        if self._dropping is None and not self.done:
            self._dropping = asyncio.create_task(self.withdraw(), name="partial withdrawal")

    async def _send(self, pcm: bytes, context: Context | None) -> None:
        try:
            await self._transport.send(self.job, pcm, context)
        except (OperationalError, RedisError, OSError) as error:
            log.debug("partial not requested", session=self.job.session_id, error=type(error).__name__)
            self.set_result(None)


class Partials:
    """All requests of one gateway, and its channel for the answers."""

    def __init__(
        self,
        redis: AsyncRedis,
        subscriptions: AsyncRedis,
        transports: Mapping[Literal["interim", "final"], Transport],
        *,
        timeout_s: float = TIMEOUT_S,
        watch_s: float = WATCH_S,
    ) -> None:
        """Begin without requests.

        Args:
            redis: has the workers' heartbeats.
            subscriptions: for :func:`fastapi_service.pubsub.follow`.
            transports: by the purpose of a request.
            timeout_s: seconds to wait for an answer.
            watch_s: interval between checks that the workers are alive.
        """
        self.channel = names.partials(secrets.token_hex(8))
        self._redis = redis
        self._subscriptions = subscriptions
        self._transports = transports
        self._timeout_s = timeout_s
        self._watch_s = watch_s
        self._pending: dict[tuple[str, int, int], PendingPartial] = {}

    def request(self, job: TranscribePartial, pcm: bytes, context: Context | None = None) -> PendingPartial:
        """Send a request; returns at once. The text continues that of the context."""
        pending = PendingPartial(job, pcm, context, self._transports[job.purpose], self._timeout_s)
        self._pending[pending.key] = pending
        pending.when_done(lambda: self._forget(pending))
        return pending

    async def run(self) -> None:
        """Pass answers on, and end the requests that none may come for. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            # An outage loses the answers that are published during it: no request waits for them.
            answers = follow(self._subscriptions, [self.channel], self._give_up_all, self._on_answer, name="partial")
            tasks.create_task(answers, name="partial answers")
            tasks.create_task(self._watch_workers(), name="partial workers")

    def _forget(self, pending: PendingPartial) -> None:
        if self._pending.get(pending.key) is pending:
            del self._pending[pending.key]

    async def _give_up_all(self) -> None:
        await asyncio.gather(*(pending.give_up() for pending in list(self._pending.values())))

    async def _watch_workers(self) -> None:
        """Give up all requests when a worker is gone: it may have begun any of them."""
        before: set[str] = set()
        while True:
            checkpoint()
            await asyncio.sleep(self._watch_s)
            if not self._pending:
                before = set()
                continue
            try:
                workers = {beat.instance for beat in await alive_instances(self._redis, names.STT_WORKER)}
            except (RedisError, OSError):
                continue
            if before - workers:
                await self._give_up_all()
            before = workers

    async def _on_answer(self, _channel: str, data: str) -> None:
        with suppress(ValidationError):
            answer = Partial.model_validate_json(data)
            pending = self._pending.get((answer.session_id, answer.segment, answer.revision))
            if pending is not None:
                pending.set_result(answer)
