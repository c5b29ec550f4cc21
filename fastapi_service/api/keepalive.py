"""uvicorn's WebSocket protocol, for a gateway that stops reading clients that send too much, or large messages."""

import asyncio
from types import MappingProxyType

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from fastapi_service.api.unread import UnreadBytes

LARGER_MESSAGES = MappingProxyType({"/v1/listen": 1 << 20, "/v1/realtime": (15 << 20) * 4 // 3 + (64 << 10)})
"""Path → bytes of the largest message, where the protocol allows more than the process does (``ws_max_size``). The
serializer checks what is in it. Deepgram: half a minute of audio. OpenAI Realtime: 15 MiB of audio in base64, and the
JSON around it."""


class PatientWebSocketProtocol(WebSocketsSansIOProtocol):
    """Does not take a client for dead whose pong is not read yet, and takes larger messages on some paths.

    While a message waits for the application, uvicorn does not read the socket, and the pong lies behind the audio.
    Its own time-out would close the connection then.
    """

    _received_since_ping = False
    _unread: UnreadBytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a connection."""
        super().connection_made(transport)
        self._unread = UnreadBytes(self.loop, self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._unread.end()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Add nothing for now to what waits for the client."""
        self._unread.note(full=True)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on."""
        self._unread.note(full=False)
        super().resume_writing()

    def handle_connect(self, event: Request) -> None:
        """Begin a handshake; its path decides how large messages may be."""
        self.conn.max_message_size = LARGER_MESSAGES.get(event.path.partition("?")[0], self.config.ws_max_size)
        super().handle_connect(event)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; they show that the client is alive."""
        self._received_since_ping = True
        super().data_received(data)

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
