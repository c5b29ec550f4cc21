"""The protocol of ``/ws``: binary PCM and the JSON messages of ``wire/messages``; see docs/protocol.md."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.problems import refused
from fastapi_service.api.serializer import Audio, Incoming
from fastapi_service.api.validation import check_audio, check_size, explain
from fastapi_service.delivery.frames import Close, Frame
from fastapi_service.security.credentials import SUBPROTOCOL, subprotocols
from wire.messages.client import client_message
from wire.messages.server import AnyServerMessage

router = APIRouter()


@router.websocket("/ws")
async def ws(websocket: WebSocket, acceptor: Annotated[Acceptor, Depends(acceptor_of)]) -> None:
    """Serve one client."""
    await acceptor.serve(websocket, NativeSerializer(subprotocols(websocket)))


@router.get("/ws", include_in_schema=False)
async def plain(request: Request, acceptor: Annotated[Acceptor, Depends(acceptor_of)]) -> JSONResponse:
    """Answer a request that is no handshake: a proxy has dropped the headers that make it one."""
    error = acceptor.refuse_plain(request)
    return refused(426, error, {"Upgrade": "websocket", "Connection": "Upgrade"})


class NativeSerializer:
    """Keeps no state: each frame is one message."""

    resumable = grant_may_follow = True
    idle_s = None

    def __init__(self, offered: Sequence[str] = ()) -> None:
        """``offered`` are the client's sub-protocols; beside ours stand secrets, which are not sent back."""
        self.subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else None

    def connect(self) -> tuple[Incoming, ...]:
        """Return nothing: the client speaks first."""
        return ()

    def decode(self, frame: Frame) -> tuple[Incoming, ...]:
        """Return the message or the audio in a frame.

        Raises:
            ProtocolError: the frame is too large, not whole samples, or no control message.
        """
        if isinstance(frame, bytes):
            check_audio(frame)
            return (Audio(frame),)
        check_size(len(frame.encode(errors="replace")))
        try:
            return (client_message.validate_json(frame),)
        except ValidationError as invalid:
            raise explain(invalid) from invalid

    def encode(self, message: AnyServerMessage) -> tuple[Frame, ...]:
        """Return a message as JSON in one text frame."""
        return (message.model_dump_json(),)

    def close(self, code: int) -> Close:
        """Return the code as it is."""
        return Close(code)
