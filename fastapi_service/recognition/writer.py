"""Utterances on their way into the ledger."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from fastapi_service.endpointing.events import Utterance
from fastapi_service.monitoring import metrics
from fastapi_service.recognition.acknowledgements import Acknowledgements
from fastapi_service.recognition.context import RecentSpeech
from fastapi_service.recognition.jobs import utterance_job
from fastapi_service.recognition.ports import LedgerJob, PartialRequest, SessionOptions, SessionPorts
from fastapi_service.recognition.speculation import settle
from fastapi_service.recognition.store_retry import LedgerFull, StoreRetry
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from infra.context import Context
from infra.ledger.admission import Admitted
from wire.audio import SAMPLE_RATE
from wire.messages.jobs import Partial

ROOM_S = 0.5
"""Seconds for which a full ledger's next result is waited for, before the usual pause."""
CONTEXT_S = 1.0
"""Seconds that the writing of a context may take."""


class FoundUtterance(NamedTuple):
    """An utterance that is not in the ledger yet."""

    segment: int
    utterance: Utterance
    request: PartialRequest | None
    """The request for its text, if one was made before its end."""
    record: SessionRecord
    """The session as it was at the utterance's end: later changes are not for it."""
    ahead: bool
    """The session was sending faster than real time then."""
    received: int
    """Position of its end at the client's rate."""

    @property
    def samples(self) -> int:
        """Length at 16 kHz."""
        return self.utterance.end - self.utterance.start

    @property
    def is_transcribed(self) -> bool:
        """True if its text is there already, or the finding that there is none."""
        partial = self.request.partial if self.request is not None else None
        return partial is not None and (partial.transcript is not None or partial.no_speech_prob is not None)


class LedgerWriter:
    """Writes one session's utterances into the ledger, in order, and sends their jobs.

    An utterance is written before it is acknowledged, and acknowledged before its job is sent. Each is written once,
    through outages of Redis, for as long as this connection owns the session.
    """

    def __init__(
        self,
        record: SessionRecord,
        ports: SessionPorts,
        options: SessionOptions,
        acknowledgements: Acknowledgements,
        retry: StoreRetry,
        recent: RecentSpeech,
    ) -> None:
        self._record = record
        self._ports = ports
        self._options = options
        self._acknowledgements = acknowledgements
        self._retry = retry
        self._recent = recent
        self.next_segment = record.next_segment
        """Utterances of the session that are in the ledger."""
        self.unwritten = 0
        """Samples at 16 kHz that are not in the ledger yet; bounds the queue."""
        self._queue: asyncio.Queue[FoundUtterance | None] = asyncio.Queue()
        """None: what is in the ledger becomes live."""
        self._waiting: deque[FoundUtterance] = deque()
        """Utterances that are not in the ledger yet."""
        self._found = self._live_before = record.next_segment
        """Number of the next utterance to be queued, and that before which all are live."""
        self._written = asyncio.Event()
        self._room = asyncio.Event()
        """An utterance has a result since the ledger was full."""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_waiting_for_workers(self) -> bool:
        """True if an utterance that is not in the ledger yet has to be transcribed, or is being transcribed."""
        return not all(found.is_transcribed for found in self._waiting)

    def note_result(self) -> None:
        """Take note that an utterance of the session has a result: the ledger may have room again."""
        self._room.set()

    def put(self, found: FoundUtterance) -> None:
        """Queue an utterance; returns at once."""
        self.unwritten += found.samples
        self._waiting.append(found)
        self._found = found.segment + 1
        self._enqueue(found)

    def raise_to_live(self) -> None:
        """Make all utterances so far live, those that are in the ledger and those that wait for it; returns at once."""
        self._live_before = self._found
        self._enqueue(None)

    def _enqueue(self, item: FoundUtterance | None) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._write_all(), name="ledger writer")
        self._queue.put_nowait(item)

    async def wait_for_room(self) -> None:
        """Wait while too much is unwritten; returns at once as long as the ledger keeps pace.

        Raises:
            SessionTakenOver: another connection owns the session.
            StoreError: the ledger refused an utterance for good.
        """
        task = self._task
        if task is None:
            return
        while self.unwritten > self._options.max_unwritten_s * SAMPLE_RATE and not task.done():
            self._written.clear()
            await _wait_for_either(self._written.wait(), task)
        if task.done():
            task.result()

    async def drain(self) -> None:
        """Wait until everything is in the ledger. May be cancelled, and called again.

        Raises:
            SessionTakenOver: another connection owns the session.
            StoreError: the ledger refused an utterance for good.
        """
        task = self._task
        if task is None:
            return
        await _wait_for_either(self._queue.join(), task)
        if task.done():
            task.result()
        task.cancel()
        self._task = None

    async def _write_all(self) -> None:
        """Write for as long as this connection owns the session; then the task fails."""
        while True:
            found = await self._queue.get()
            if found is None:
                await self._raise()
            else:
                await self._write(found, await settle(found.request))
                self.unwritten -= found.samples
                self._waiting.popleft()
                self._written.set()
            self._queue.task_done()

    async def _raise(self) -> None:
        record, admission, queue = self._record, self._ports.admission, self._ports.queue
        for job in await self._retry.until_ok(lambda: admission.raise_to_live(record.owner, record.session_id)):
            await self._retry.until_ok(partial(queue.dispatch, job))

    async def _write(self, found: FoundUtterance, text: Partial | None) -> None:
        if text is not None and text.transcript is not None:
            self._recent.note(found.segment, text.transcript)
        else:
            context = None if found.ahead else self._recent.before(found.segment, found.utterance.start)
            await self.put_context(found.segment, context)
        language = text.keep_language if text is not None else None

        async def admit() -> tuple[Admitted, LedgerJob]:
            while True:
                # A job of its own for each attempt: it has the time at which the utterance came into the ledger.
                ahead = found.ahead and found.segment >= self._live_before
                job = utterance_job(found.record, found.segment, found.utterance, text, ahead=ahead)
                self._room.clear()
                verdict = await self._ports.admission.admit(
                    self._record.owner, job, found.utterance.pcm, found.received, self._options.ttl_s, language
                )
                if verdict != "full":
                    return verdict, job
                self._retry.note(full := LedgerFull())
                if not await self._has_room():
                    raise full

        verdict, job = await self._retry.until_ok(admit)
        if verdict == "fenced":
            raise SessionTakenOver
        # Once for each that is in the ledger: a duplicate is this call repeated after a lost answer, for only one
        # connection owns the session, and it begins behind what its predecessor wrote.
        metrics.UTTERANCES.labels(found.utterance.reason).inc()
        self.next_segment = found.segment + 1
        self._acknowledgements.send(found.received)
        await self._retry.until_ok(lambda: self._ports.queue.dispatch(job))

    async def _has_room(self) -> bool:
        """Wait for a result of the session, with which it finds room at once; False if none comes in a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ROOM_S):
                await self._room.wait()
        return self._room.is_set()

    async def put_context(self, segment: int, context: Context | None) -> None:
        """Store what the text of an utterance continues; None: nothing, and what was stored before is deleted."""
        if not self._recent.is_kept:
            return
        with suppress(RedisError, OSError):  # a TimeoutError too: the text is worth more than its context
            async with asyncio.timeout(CONTEXT_S):
                await self._ports.contexts.put(self._record.session_id, segment, context)


async def _wait_for_either(event: Coroutine[Any, Any, object], writer: asyncio.Task[None]) -> None:
    """Wait for an event, or for the end of the writer, which would never bring it about."""
    waiting = asyncio.create_task(event, name="wait for the ledger writer")
    try:
        await asyncio.wait({waiting, writer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
