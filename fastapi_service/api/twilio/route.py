"""The route of ``/twilio``."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.websockets import WebSocket

from fastapi_service import errors
from fastapi_service.api import native
from fastapi_service.api.acceptor import Acceptor, acceptor_of, deny
from fastapi_service.api.grants import settings_of
from fastapi_service.api.twilio.serializer import CallSerializer
from fastapi_service.security.twilio_signature import is_signed
from fastapi_service.settings import Settings

router = APIRouter()
router.add_api_route("/twilio", native.plain, include_in_schema=False)


@router.websocket("/twilio")
async def call(
    websocket: WebSocket,
    acceptor: Annotated[Acceptor, Depends(acceptor_of)],
    settings: Annotated[Settings, Depends(settings_of)],
) -> None:
    """Serve one telephone call."""
    if settings.twilio_token and not is_signed(websocket, settings.twilio_token):
        await deny(websocket, errors.bad_signature())
        return
    await acceptor.serve(websocket, CallSerializer())
