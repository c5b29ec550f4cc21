"""The protocol of ``/decode``: files that browsers cannot read, or not without gigabytes; see docs/protocol.md."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import aclosing, suppress
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api import native
from fastapi_service.api.acceptor import Acceptor, acceptor_of, address_of, deny
from fastapi_service.decoding.decoder import Decoders
from fastapi_service.monitoring import metrics
from fastapi_service.security.credentials import SUBPROTOCOL, subprotocols
from wire.audio import SAMPLE_BYTES
from wire.close_codes import CloseCode
from wire.errors import AccessError, AudioError, ProtocolError, StoreError, WireError
from wire.messages.decoding import MAX_FILE, Decoded, OpenFile, Read
from wire.messages.server import Error

ANSWER_S = 30.0
"""Seconds that a client may take for its first message, for a part of the file, or to read a second of PCM."""
GRACE_S = 60.0
"""Seconds that a file may take in any case."""
SLOWEST = 100_000
"""Bytes per second, of the file and of its PCM, that a line must carry beyond that, on average."""

router = APIRouter()
router.add_api_route("/decode", native.plain, include_in_schema=False)
log = structlog.get_logger()
_Answer = TypeVar("_Answer")


def decoders_of(connection: HTTPConnection) -> Decoders:
    """Return the application's decoders; a FastAPI dependency."""
    decoders: Decoders = connection.app.state.decoders
    return decoders


@router.websocket("/decode")
async def decode(
    websocket: WebSocket,
    acceptor: Annotated[Acceptor, Depends(acceptor_of)],
    decoders: Annotated[Decoders, Depends(decoders_of)],
) -> None:
    """Decode one file, whose parts the client sends as they are requested."""
    if not await acceptor.admits(websocket):
        return
    try:
        policy.require(await acceptor.grant_of(websocket), "files")
    except (AccessError, ProtocolError, StoreError) as error:
        await deny(websocket, error)
        return
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in subprotocols(websocket) else None)
    transfer, began, end = _Transfer(websocket), time.monotonic(), "left"
    try:
        with decoders.place(str(address_of(websocket))):
            await transfer.run(decoders)
        end = "decoded"
        await _close(websocket, Decoded(samples=transfer.samples), CloseCode.NORMAL)
    except WebSocketDisconnect:
        pass
    except WireError as error:
        end = error.code
        body = Error(code=error.code, message=error.message, remedy=error.remedy, fatal=True)
        code = CloseCode.UNSUPPORTED_DATA if isinstance(error, AudioError) else CloseCode.TRY_LATER
        await _close(websocket, body, code)
    finally:
        metrics.FILES.labels(end).inc()
        sizes = {"bytes": transfer.size, "samples": transfer.samples}
        log.info("file ended", end=end, **sizes, took_s=round(time.monotonic() - began, 2))


async def _close(websocket: WebSocket, last: Decoded | Error, code: CloseCode) -> None:
    """Send the last message, if the client still reads."""
    with suppress(WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            await websocket.send_text(last.model_dump_json())
            await websocket.close(code)


class _Transfer:
    """One file: its parts from the client, and its PCM to it."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._limit = asyncio.timeout(GRACE_S)
        """Moves with each byte that goes over the line."""
        self.size: int | None = None
        """Bytes of the file, once its size has come."""
        self.samples = 0
        """Samples that were sent."""

    async def run(self, decoders: Decoders) -> None:
        """Send the PCM.

        Raises:
            AudioError: the file cannot be decoded, or the line is too slow; what came before is good.
            ProtocolError: the client does not follow the protocol, or does not answer.
            WebSocketDisconnect: the client has gone.
        """
        file = self._opened(await self._receive())
        self.size = file.size
        try:
            async with (
                self._limit,
                aclosing(decoders.decode(file.size, self._read_part)) as pieces,  # however this ends, its process does
            ):
                async for pcm in pieces:
                    await _in_time(self._websocket.send_bytes(pcm))
                    self.samples += len(pcm) // SAMPLE_BYTES
                    self._extend(len(pcm))
        except TimeoutError:
            raise errors.line_too_slow(SLOWEST) from None

    @staticmethod
    def _opened(first: str | bytes) -> OpenFile:
        try:
            return OpenFile.model_validate_json(str(first))
        except ValidationError as refused:
            if any(fault["type"] == "less_than_equal" for fault in refused.errors()):
                raise errors.file_too_large(MAX_FILE) from refused
            raise errors.no_file() from refused

    async def _read_part(self, offset: int, length: int) -> bytes:
        await _in_time(self._websocket.send_text(Read(offset=offset, length=length).model_dump_json()))
        part = await self._receive()
        if not isinstance(part, bytes) or len(part) != length:
            raise errors.wrong_part()
        self._extend(length)
        return part

    def _extend(self, moved: int) -> None:
        """Allow more time, for bytes that went over the line."""
        self._limit.reschedule((self._limit.when() or 0) + moved / SLOWEST)

    async def _receive(self) -> str | bytes:
        """Return the next message of the client."""
        try:
            received = await _in_time(self._websocket.receive())
        except TimeoutError:
            raise errors.wrong_part() from None
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code") or CloseCode.NORMAL)
        answer: str | bytes = received["text"] if received.get("bytes") is None else received["bytes"]
        return answer


async def _in_time(call: Awaitable[_Answer]) -> _Answer:
    async with asyncio.timeout(ANSWER_S):
        return await call
