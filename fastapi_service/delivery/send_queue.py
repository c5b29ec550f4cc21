"""The messages on their way to one client: in order, encoded by its protocol, and never without bound."""

import asyncio

from starlette.websockets import WebSocketDisconnect

from fastapi_service.delivery.frames import Encoder, Frame, FrameWriter, Reply
from fastapi_service.errors import too_slow
from fastapi_service.monitoring import metrics
from wire.close_codes import CloseCode
from wire.errors import WireError
from wire.messages.base import HOPS, hop_ms, now
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Error

MOST_UNSENT = 1_000
"""Messages that wait for a client that does not read. Then it is disconnected; it gets the rest when it resumes."""
DRAIN_POLL_S = 0.05
CLOSE_S = 5.0
"""Seconds that the last messages may take to reach the client."""


class SendQueue:
    """Writes from a task of its own, so that no sender waits for a slow client."""

    def __init__(self, socket: FrameWriter, encoder: Encoder) -> None:
        self._socket = socket
        self._encoder = encoder
        self._unsent: asyncio.Queue[AnyServerMessage | Reply | int] = asyncio.Queue()
        """Messages; a number is the code to close with."""
        self._closing = False
        self._writer = asyncio.create_task(self._write_all(), name="send queue")

    @property
    def closing(self) -> bool:
        """True when nothing more is accepted."""
        return self._closing

    def send(self, message: AnyServerMessage | Reply) -> None:
        """Queue a message. A full queue disconnects the client."""
        if self._closing:
            return
        if self._unsent.qsize() >= MOST_UNSENT:
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
        while self._unsent.qsize() > MOST_UNSENT // 2 and not self._closing:  # noqa: ASYNC110 (a queue has no event)
            await asyncio.sleep(DRAIN_POLL_S)

    async def _write_all(self) -> None:
        try:
            while not isinstance(message := await self._unsent.get(), int):
                for frame in self._frames(message):
                    await (self._socket.send_text(frame) if isinstance(frame, str) else self._socket.send_bytes(frame))
            await self._socket.close(*self._encoder.close(message))
        except (WebSocketDisconnect, RuntimeError, OSError):
            self._closing = True  # the client is gone; the reader notices it too

    def _frames(self, message: AnyServerMessage | Reply) -> tuple[Frame, ...]:
        return message.frames if isinstance(message, Reply) else tuple(self._encoder.encode(_stamped(message)))


def _stamped(message: AnyServerMessage) -> AnyServerMessage:
    """Return a result with the time of its delivery, other messages unchanged."""
    if not isinstance(message, Final | NoSpeech | SegmentFailed):
        return message
    message = message.model_copy(update={"clock": message.clock.at(delivered=now())})
    metrics.DELIVERED.labels(message.type).inc()
    for hop in HOPS:
        ms = hop_ms(message.clock, hop)
        if ms is not None:
            metrics.HOP_SECONDS.labels(hop).observe(ms / 1000)
    return message
