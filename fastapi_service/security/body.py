"""Bodies of requests are small here: one that is not is refused before it is in memory."""

import asyncio
from collections.abc import Container
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4_096
"""Bytes."""
DISCARD_S, DISCARD_BYTES = 20.0, 1_000_000_000
"""Seconds and bytes for which the rest of a refused body is read."""


class BoundedBody:
    """ASGI middleware that refuses a larger body with 413."""

    def __init__(self, app: ASGIApp, others: Container[str] = ()) -> None:
        """``others`` are the paths of routes that bound their bodies by themselves."""
        self._app = app
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its body."""
        is_bounded = scope["type"] == "http" and scope["path"] not in self._others
        await self._app(scope, Body(receive, LARGEST_BODY).receive if is_bounded else receive, send)


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive, largest: int | None = None) -> None:
        """``largest`` is the most bytes that it may have; None: any number."""
        self._receive = receive
        self._largest = largest
        self._received = 0
        self._is_read = False

    async def receive(self) -> Message:
        """Return the next ASGI message.

        Raises:
            HTTPException: the body is too large.
        """
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self._is_read = not message.get("more_body", False)
        if self._largest is not None and self._received > self._largest:
            raise HTTPException(413)
        return message

    async def discard(self) -> None:
        """Read the rest of a body that is refused: a proxy that is still sending it would not see the answer."""
        self._largest = None
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_S):
                while not self._is_read and self._received < DISCARD_BYTES:
                    await self.receive()
