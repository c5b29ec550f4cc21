"""uvicorn's WebSocket protocol, for a gateway that stops reading clients that send too much, or large messages."""

import asyncio
from collections import deque
from types import MappingProxyType

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from fastapi_service.api.unread import ReadProtocol
from wire.close_codes import CloseCode

LARGER_MESSAGES = MappingProxyType({"/v1/listen": 1 << 20, "/v1/realtime": (15 << 20) * 4 // 3 + (64 << 10)})
"""Path → bytes of the largest message, where the protocol allows more than the process does (``ws_max_size``). The
serializer checks what is in it. Deepgram: half a minute of audio. OpenAI Realtime: 15 MiB of audio in base64, and the
JSON around it."""
LARGE = 1 << 18
"""Bytes from which on a message counts among the large ones."""
MOST_LARGE = 128 << 20
"""Bytes that all large messages may have together, from their first byte until the application reads on.
``GATEWAY_MEMORY`` has room for them."""
MOST_FRAGMENTS = 4_096
"""Fragments of a message: each takes 40 bytes beside its own, and empty ones have no limit otherwise."""
LINGER_S = 1.0
"""Seconds for which the rest of a message that is refused is read."""
_TOO_MANY = "Too many large messages are here at once. Send audio in smaller ones, or try again in a minute."
_TOO_CUT = "The message has too many fragments."


class PatientWebSocketProtocol(ReadProtocol, WebSocketsSansIOProtocol):
    """Does not take a client for dead whose pong is not read yet, and takes larger messages on some paths.

    While a message waits for the application, uvicorn does not read the socket, and the pong lies behind the audio.
    Its own time-out would close the connection then.
    """

    _received_since_ping = False
    _coming = _queued = _taken = 0
    """Bytes of the message that comes, of the large ones that wait, and of the one that the application has."""
    _waiting: deque[int]
    """Bytes of those that wait for the application: one, and what came with it, perhaps thousands of small ones."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self._waiting = deque()

    def handle_connect(self, event: Request) -> None:
        """Begin a handshake; its path decides how large messages may be."""
        self.conn.max_message_size = LARGER_MESSAGES.get(event.path.partition("?")[0], self.config.ws_max_size)
        super().handle_connect(event)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; they show that the client is alive."""
        self._received_since_ping = True
        super().data_received(data)
        self._coming = len(self.conn.reader.buffer) + sum(map(len, self.frames))
        if self._coming > LARGE and not self.close_sent:
            sizes = (each.large for each in self.connections if isinstance(each, PatientWebSocketProtocol))
            if sum(sizes) > MOST_LARGE:
                self._refuse(CloseCode.TRY_LATER, _TOO_MANY)

    @property
    def large(self) -> int:
        """Bytes of the large messages of this client."""
        return self._queued + sum(size for size in (self._coming, self._taken) if size > LARGE)

    def send_receive_event_to_app(self) -> None:
        """Queue a message that is complete."""
        if not self.close_sent:
            size = sum(map(len, self.frames))
            self._waiting.append(size)
            self._queued += size if size > LARGE else 0
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        """Take in a fragment."""
        if len(self.frames) >= MOST_FRAGMENTS and not self.close_sent:
            self._refuse(CloseCode.TOO_LARGE, _TOO_CUT)
        if not self.close_sent:
            super().handle_cont(event)

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message to the application, which has done with the one before."""
        self._taken = 0
        message = await super().receive()
        if message["type"] == "websocket.receive":
            self._taken = self._waiting.popleft()
            self._queued -= self._taken if self._taken > LARGE else 0
        return message

    def _refuse(self, code: int, reason: str) -> None:
        """Close the connection, and pass over what still comes: closed at once, the client might not get the reason."""
        self.frames, self._coming = [], 0
        self.conn.fail(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.close)

    def send_keepalive_ping(self) -> None:
        """Send the next ping."""
        self._received_since_ping = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Close the connection if the client is silent; if it is not, or is not read at the moment, ping it again."""
        if not self.read_paused and not self._received_since_ping:
            super().keepalive_timeout()
            return
        self.pong_timer = None
        self.pending_ping_payload = None
        self.schedule_ping()
