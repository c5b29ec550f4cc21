"""The route of ``/twilio``."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.websockets import WebSocket

from fastapi_service.api import native
from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.twilio.serializer import CallSerializer

router = APIRouter()
router.add_api_route("/twilio", native.plain, include_in_schema=False)


@router.websocket("/twilio")
async def call(websocket: WebSocket, acceptor: Annotated[Acceptor, Depends(acceptor_of)]) -> None:
    """Serve one telephone call."""
    await acceptor.serve(websocket, CallSerializer())
