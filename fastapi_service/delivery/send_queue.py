"""The messages on their way to one client: in order, encoded by its protocol, and never without bound."""

import asyncio
import traceback
from collections.abc import Awaitable
from typing import NamedTuple

import structlog
from starlette.websockets import WebSocketDisconnect

from fastapi_service.delivery.frames import MAX_REASON_BYTES, Close, Encoder, Frame, FrameWriter, Reply
from fastapi_service.errors import too_slow
from fastapi_service.monitoring import metrics
from infra.clock import now
from wire.close_codes import CloseCode
from wire.errors import WireError
from wire.messages.base import HOPS, hop_ms
from wire.messages.results import Final, NoSpeech, SegmentEnd, SegmentFailed
from wire.messages.server import AnyServerMessage, Error

MAX_UNSENT = 1_000
"""Messages that wait for a client that does not read. Then it is disconnected; it gets the rest when it resumes."""
DRAIN_POLL_S = 0.05
CLOSE_S = 5.0
"""Seconds that the last messages may take to reach the client."""

log = structlog.get_logger()


class _Live(NamedTuple):
    """A result whose delivery is measured."""

    result: SegmentEnd


class SendQueue:
    """Writes from a task of its own, so that no sender waits for a slow client."""

    def __init__(self, socket: FrameWriter, encoder: Encoder) -> None:
        self._socket = socket
        self._encoder = encoder
        self._unsent: asyncio.Queue[AnyServerMessage | Reply | _Live | int] = asyncio.Queue()
        """Messages; a number is the code to close with."""
        self._closing = False
        self.session_id: str | None = None
        """The client's session, of two the left channel's; None until it has started."""
        self.second_id: str | None = None
        """The right channel's."""
        self._writer = asyncio.create_task(self._write_all(), name="send queue")

    @property
    def closing(self) -> bool:
        """True when nothing more is accepted."""
        return self._closing

    def send(self, message: AnyServerMessage | Reply) -> None:
        """Queue a message. A full queue disconnects the client."""
        self._put(message)

    def send_live(self, result: SegmentEnd) -> None:
        """Queue a result that was released while the client followed: it is sent with the time of its delivery."""
        self._put(_Live(result))

    def _put(self, message: AnyServerMessage | Reply | _Live) -> None:
        if self._closing:
            return
        if self._unsent.qsize() >= MAX_UNSENT:
            self.send_error(too_slow(), fatal=True)
            self.close(CloseCode.TRY_LATER)
            return
        self._unsent.put_nowait(message)

    def send_error(self, error: WireError, *, fatal: bool = False) -> None:
        """Queue an error; ``fatal`` when the connection is closed next."""
        if not self._closing:
            metrics.ERRORS.labels(error.code).inc()
            self._unsent.put_nowait(Error(code=error.code, message=error.message, remedy=error.remedy, fatal=fatal))

    def close(self, code: int) -> None:
        """Close the socket after the queued messages; only the first call counts."""
        if not self._closing:
            self._closing = True
            self._unsent.put_nowait(code)

    async def closed(self) -> None:
        """Wait until everything is written, at most ``CLOSE_S``; then stop writing."""
        await asyncio.wait({self._writer}, timeout=CLOSE_S)
        self._writer.cancel()

    async def drain(self) -> None:
        """Wait until the queue is at most half full: a long replay must not look like a client that does not read."""
        while self._unsent.qsize() > MAX_UNSENT // 2 and not self._closing:  # noqa: ASYNC110 (a queue has no event)
            await asyncio.sleep(DRAIN_POLL_S)

    async def _write_all(self) -> None:
        message: AnyServerMessage | Reply | int | None = None
        try:
            while not isinstance(queued := await self._unsent.get(), int):
                message = self._delivered(queued.result) if isinstance(queued, _Live) else queued
                for frame in self._frames(message):
                    send = self._socket.send_text(frame) if isinstance(frame, str) else self._socket.send_bytes(frame)
                    if not await self._is_written(send):
                        return
            message = queued
            code, reason = self._encoder.close(message)
        except (
            Exception
        ) as error:  # the boundary: a protocol that fails must not leave its client without a close frame
            # The error's own text may quote the message, which must not be logged.
            kind = message.type if isinstance(message, AnyServerMessage) else type(message).__name__
            at = traceback.extract_tb(error.__traceback__)[-1]
            log.error(
                "message encoding failed",
                session=self.session_id,
                message=kind,
                error=type(error).__name__,
                at=f"{at.filename}:{at.lineno}",
            )
            self._closing = True
            code, reason = Close(CloseCode.INTERNAL_ERROR)
        await self._is_written(self._socket.close(code, _shortened(reason)))

    async def _is_written(self, writing: Awaitable[None]) -> bool:
        """Return False if the client is gone; the reader notices it too."""
        try:
            await writing
        except (WebSocketDisconnect, RuntimeError, OSError):
            self._closing = True
            return False
        return True

    def _frames(self, message: AnyServerMessage | Reply) -> tuple[Frame, ...]:
        if isinstance(message, Reply):
            return message.frames
        if isinstance(message, Final | NoSpeech | SegmentFailed):
            metrics.DELIVERED.labels(message.type).inc()
        return tuple(self._encoder.encode(message))

    def _delivered(self, result: SegmentEnd) -> SegmentEnd:
        """Return a result with the time of its delivery; the latencies of the client's own are observed."""
        result = result.model_copy(update={"clock": result.clock.at(delivered=now())})
        if result.session_id in {self.session_id, self.second_id}:  # others of its room have connections of their own
            for hop in HOPS:
                ms = hop_ms(result.clock, hop)
                if ms is not None:
                    metrics.HOP_SECONDS.labels(hop).observe(ms / 1000)
        return result


def _shortened(reason: str) -> str:
    """Return as much of a close frame's reason as fits."""
    return reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
