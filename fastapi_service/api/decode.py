"""The protocol of ``/decode``: files that browsers cannot read, or not without gigabytes; see docs/protocol.md."""

import asyncio
import time
from contextlib import aclosing
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastapi_service import errors
from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.decoding.decoder import Decoders
from wire.audio import SAMPLE_BYTES
from wire.close_codes import CloseCode
from wire.errors import AudioError, WireError
from wire.messages.decoding import Decoded, OpenFile, Read
from wire.messages.server import Error

ANSWER_S = 30.0
"""Seconds that a client may take for its first message, or for a part of the file."""

router = APIRouter()
log = structlog.get_logger()


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
    if acceptor.refusal(websocket.headers.get("origin"), websocket.headers.get("host", "")):
        await websocket.close()  # before it is accepted: the handshake is answered with 403
        return
    await websocket.accept()
    try:
        await _decode(websocket, decoders)
        await websocket.close(CloseCode.NORMAL)
    except WebSocketDisconnect:
        pass
    except WireError as error:
        body = Error(code=error.code, message=error.message, remedy=error.remedy, fatal=True)
        await websocket.send_text(body.model_dump_json())
        await websocket.close(CloseCode.UNSUPPORTED_DATA if isinstance(error, AudioError) else CloseCode.TRY_LATER)


async def _decode(websocket: WebSocket, decoders: Decoders) -> None:
    """Send the PCM and the message after it.

    Raises:
        AudioError: the file cannot be decoded; what came before is good.
        ProtocolError: the client does not follow the protocol, or does not answer.
        WebSocketDisconnect: the client has gone.
    """
    began = time.monotonic()
    try:
        file = OpenFile.model_validate_json(str(await _answer(websocket)))
    except ValidationError as refused:
        raise errors.no_file() from refused

    async def read_part(offset: int, length: int) -> bytes:
        await websocket.send_text(Read(offset=offset, length=length).model_dump_json())
        part = await _answer(websocket)
        if not isinstance(part, bytes) or len(part) != length:
            raise errors.wrong_part()
        return part

    samples = 0
    async with aclosing(decoders.decode(file.size, read_part)) as pieces:  # a client that goes frees its place at once
        async for pcm in pieces:
            samples += len(pcm) // SAMPLE_BYTES
            await websocket.send_bytes(pcm)
    await websocket.send_text(Decoded(samples=samples).model_dump_json())
    log.info("file decoded", bytes=file.size, samples=samples, took_s=round(time.monotonic() - began, 2))


async def _answer(websocket: WebSocket) -> str | bytes:
    """Return the next message of the client."""
    try:
        async with asyncio.timeout(ANSWER_S):
            received = await websocket.receive()
    except TimeoutError:
        raise errors.wrong_part() from None
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(received.get("code") or CloseCode.NORMAL)
    answer: str | bytes = received["text"] if received.get("bytes") is None else received["bytes"]
    return answer
