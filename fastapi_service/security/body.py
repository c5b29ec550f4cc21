"""Bodies of requests are small here: one that is not is refused before it is in memory."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4_096
"""Bytes."""


class BoundedBody:
    """ASGI middleware that refuses a larger body with 413."""

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] | None = None) -> None:
        """``larger`` has the paths whose bodies may have more bytes: those of routes that take files."""
        self._app = app
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its body."""
        received = 0
        largest = self._larger.get(scope.get("path", ""), LARGEST_BODY)

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_counted if scope["type"] == "http" else receive, send)
