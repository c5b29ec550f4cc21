"""One file from its bytes to its results: a session that sends fast, and waits."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.api.openai_rest.client import FileClient
from fastapi_service.api.openai_rest.order import Order
from fastapi_service.api.openai_rest.parts import Parts, Upload
from fastapi_service.api.ports import Visit
from fastapi_service.delivery.result_log import Result
from fastapi_service.monitoring import metrics
from fastapi_service.sessions.ports import SpeechSession
from fastapi_service.storage.record import SessionTakenOver
from infra.ledger.admission import SessionUnknown
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE
from wire.errors import ProtocolError, WireError
from wire.messages.results import Final

START_S = 5.0
"""Seconds that a session may take to begin."""
TICK_S = 0.5
"""Interval at which progress is reported."""
MISSED_S = 5.0
"""Interval without a result after which the log is read: pub/sub may have lost one."""
STALLED_S = 1_800
"""Seconds without a result after which a file is given up."""
DELETE_S = 5.0
"""Seconds that the deletion of a session may take; without it, what was said goes with its time."""

log = structlog.get_logger()


class FileRun:
    """One file. When ``results`` is closed, however it ends, nothing of the file is begun after that."""

    def __init__(self, parts: Parts, visit: Visit, order: Order, upload: Upload) -> None:
        self._parts = parts
        self._visit = visit
        self._order = order
        self._upload = upload
        self._client = FileClient(parts.results)
        self._end = "left"
        """The end of the file, for the log: ``transcribed``, ``left``, or the code of an error."""
        self._began_at = time.monotonic()
        self.decoded_s = 0.0
        """Seconds of the file that are read."""
        self.done_s = 0.0
        """Seconds of the file that are transcribed."""
        self.total_s: float | None = None
        """Seconds of the file: as it says, until it is read; None while it says nothing."""
        self.session_id: str | None = None
        self.token: str | None = None
        """Token of the session, once it has begun."""

    @property
    def has_begun(self) -> bool:
        """True once the first sound of the file is decoded: it is of a kind that is read here."""
        return self._client.session is not None

    @property
    def kept(self) -> dict[str, dict[str, str | None]]:
        """The part of an answer that names the session, if the client keeps it."""
        return {"session": {"id": self.session_id, "token": self.token}} if self._order.keep else {}

    async def results(self) -> AsyncGenerator[Result | None]:
        """Yield each result in the order of the file, and None when time has passed.

        Raises:
            AudioError: the file cannot be decoded; nothing of it is kept.
            AccessError: the client's grant ends, or one of its limits is reached.
            StoreError: the gateway is full, or Redis refuses the session.
        """
        feeding: asyncio.Task[None] | None = None
        try:
            self._parts.registry.enter(self._client)
            feeding = asyncio.create_task(self._feed(), name="file")
            async with aclosing(self._collected(feeding)) as results:
                async for result in results:
                    yield result
            self._end, self.done_s = "transcribed", self.decoded_s
        except WireError as error:
            self._end = error.code
            raise
        finally:
            if feeding is not None:
                feeding.cancel()
            # in a task: it runs to its end, also for a client that has gone and a gateway that stops
            await asyncio.shield(self._parts.endings.start(self._close(feeding), "end of a file"))

    async def _feed(self) -> None:
        """Decode the file, and pass it on as fast as the ledger takes it."""
        decoders, upload = self._parts.decoders, self._upload
        decoding = decoders.decode(upload.size, upload.read_part, self._on_length)
        async with decoders.turn(upload.size), aclosing(decoding) as pieces:
            async for pcm in pieces:
                session = self._client.session or await self._begin()
                self._visit.take_audio(len(pcm) / SAMPLE_BYTES / SAMPLE_RATE)
                await session.audio(pcm)
                self.decoded_s = session.seconds
                if self.decoded_s > self._parts.max_session_s:
                    raise errors.recording_too_long(self._parts.max_session_s)
                await asyncio.sleep(0)  # people who talk have their turn
        if self._client.session is None:
            raise errors.silent_file()
        self.total_s = self.decoded_s
        await self._client.session.finish()

    def _on_length(self, seconds: float) -> None:
        self.total_s = seconds

    async def _begin(self) -> SpeechSession:
        start, client = self._order.start, self._client
        await self._visit.begin(start, client.end)
        async with asyncio.timeout(START_S):
            session, self.token = await self._parts.registry.open(start, client, self._order.endpointing)
            client.session = session
            session.send_file()
            self.session_id = session.record.session_id
            await self._visit.began(self.session_id, session.record.person)
        await self._parts.registry.join(session.record, client.feed, 0)
        return session

    async def _collected(self, feeding: asyncio.Task[None]) -> AsyncGenerator[Result | None]:
        loop = asyncio.get_running_loop()
        received, heard_at, read_at = 0, loop.time(), loop.time()
        next_result = asyncio.create_task(self._client.next(), name="next result")
        try:
            while True:
                if feeding.done():
                    _raise(feeding)
                    if self._client.session is not None and received >= self._client.session.segments:
                        return
                waiting = {next_result} if feeding.done() else {next_result, feeding}
                await asyncio.wait(waiting, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
                now = loop.time()
                if next_result.done():
                    result = next_result.result()
                    received, heard_at, read_at = received + 1, now, now
                    self._note(result)
                    next_result = asyncio.create_task(self._client.next(), name="next result")
                    yield result
                else:
                    if not self.has_begun:  # the file waits for its turn
                        heard_at = read_at = now
                    if now - read_at > MISSED_S:
                        read_at = now
                        self._client.feed.on_missed()
                    if now - heard_at > STALLED_S:
                        raise errors.no_results(STALLED_S)
                    yield None
        finally:
            next_result.cancel()

    def _note(self, result: Result) -> None:
        self.done_s = result.end_ms / 1000
        if isinstance(result, Final) and self._client.session is not None:
            self._client.session.note(result)

    async def _close(self, feeding: asyncio.Task[None] | None) -> None:
        if feeding is not None:
            await asyncio.gather(feeding, return_exceptions=True)
        is_kept = self._order.keep and self._end == "transcribed"
        try:
            if self.token is not None and self.session_id is not None and not is_kept:
                await self._delete(self.session_id, self.token)
        finally:
            metrics.FILES.labels(self._end).inc()
            sizes = {"bytes": self._upload.size, "seconds": round(self.decoded_s, 1)}
            took_s = round(time.monotonic() - self._began_at, 2)
            log.info("file ended", end=self._end, session=self.session_id, took_s=took_s, **sizes)
            self._client.feed.stop()
            self._parts.registry.leave(self._client, wait_for_client=False)
            self._visit.leave()

    async def _delete(self, session_id: str, token: str) -> None:
        """Delete the session first: what is flushed of it after that is not written, and no worker begins it."""
        try:
            async with asyncio.timeout(DELETE_S):
                await self._parts.deletion.delete(session_id, token)
        except (RedisError, OSError, ProtocolError) as error:  # it goes with its time
            log.warning("session of a file not deleted", session=session_id, error=type(error).__name__)


def _raise(feeding: asyncio.Task[None]) -> None:
    """Raise what has ended the reading of the file, if anything has."""
    try:
        feeding.result()
    except (SessionTakenOver, SessionUnknown):
        raise errors.file_forgotten() from None
    except TimeoutError:
        raise errors.redis_unavailable() from None
