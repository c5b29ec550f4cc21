"""Work for a client that waits: it ends when the client goes."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

_Answer = TypeVar("_Answer")


async def gone(receive: Receive) -> None:
    """Return when the client has gone; its request has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_waiting(request: Request, work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Return what work returns.

    Raises:
        ClientDisconnect: the client has gone; the work is cancelled, and has ended.
    """
    working = asyncio.create_task(work, name="work for a client")
    leaving = asyncio.create_task(gone(request.receive), name="client goes")
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(leaving, working, return_exceptions=True)
