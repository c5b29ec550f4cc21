"""uvicorn's WebSocket protocol, for a gateway that stops reading clients that send too much."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class PatientWebSocketProtocol(WebSocketsSansIOProtocol):
    """Does not take a client for dead whose pong is not read yet.

    While a message waits for the application, uvicorn does not read the socket, and the pong lies behind the audio.
    Its own time-out would close the connection then.
    """

    _received_since_ping = False

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
