"""Connections whose clients do not read: they end, with what they hold.

uvicorn waits for a client that does not read for as long as the client likes: a stream of events keeps its file and the
file's place, an answer its memory. It also waits after it has closed a connection, until all is sent.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STALLED_S = 60.0
"""Seconds in which a client must take some of what waits for it."""


class UnreadBytes:
    """Looks whether the client of one connection takes what waits for it, while nothing is added to that."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        """Begin to look."""
        self._loop = loop
        self._transport = transport
        self._is_full = False
        self._unread = 0
        """Bytes that waited when it looked last; 0 if something was added since."""
        self._timer = loop.call_later(STALLED_S, self._look)

    def note(self, *, full: bool) -> None:
        """Note that so much waits that nothing is added, or no longer."""
        self._is_full, self._unread = full, 0

    def end(self) -> None:
        """Look no longer: the connection is over, or another protocol has it."""
        self._timer.cancel()

    def _look(self) -> None:
        is_all = self._is_full or self._transport.is_closing()
        unread = self._transport.get_write_buffer_size() if is_all else 0
        if 0 < self._unread <= unread:
            self._transport.abort()
            return
        self._unread = unread
        self._timer = self._loop.call_later(STALLED_S, self._look)


class ReadProtocol(asyncio.Protocol):
    """Base of uvicorn's protocols that close the connection of a client which does not read."""

    loop: asyncio.AbstractEventLoop
    _unread: UnreadBytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self._unread = UnreadBytes(self.loop, transport)

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


class ReadHttpProtocol(ReadProtocol, HttpToolsProtocol):
    """Closes the connection of a client that does not read its answer: for the application it has gone."""

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the protocol of WebSockets."""
        self._unread.end()
        super().handle_websocket_upgrade()
