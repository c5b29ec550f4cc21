"""The address of OpenAI Realtime: ``/v1/realtime``."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.websockets import WebSocket

from fastapi_service.api import native
from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.openai_rest.refusals import refused
from fastapi_service.api.realtime.serializer import RealtimeSerializer
from fastapi_service.security.credentials import subprotocols

PATH = "/v1/realtime"
_BETA = "realtime=v1"
_BETA_OFFER = "openai-beta.realtime-v1"

router = APIRouter()
router.add_api_route(PATH, native.plain, include_in_schema=False)


@router.websocket(PATH)
async def realtime(websocket: WebSocket, acceptor: Annotated[Acceptor, Depends(acceptor_of)]) -> None:
    """Serve one client. Query parameters do not count: every session is one of transcription."""
    offered = subprotocols(websocket)
    is_beta = websocket.headers.get("openai-beta") == _BETA or _BETA_OFFER in offered
    await acceptor.serve(websocket, RealtimeSerializer(offered, is_beta=is_beta), refused)
