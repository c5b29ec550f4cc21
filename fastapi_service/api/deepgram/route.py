"""The route of ``/v1/listen``."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response
from starlette.websockets import WebSocket

from fastapi_service.api import native
from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.deepgram.refusals import refuse
from fastapi_service.api.deepgram.serializer import ListenSerializer, new_request_id
from fastapi_service.security.credentials import subprotocols
from wire.errors import WireError

router = APIRouter()
router.add_api_route("/v1/listen", native.plain, include_in_schema=False)


@router.websocket("/v1/listen")
async def listen(websocket: WebSocket, acceptor: Annotated[Acceptor, Depends(acceptor_of)]) -> None:
    """Serve one client of Deepgram's live transcription."""
    request_id = new_request_id()

    def refused(error: WireError) -> Response:
        return refuse(error, request_id)

    serializer = ListenSerializer(
        websocket.query_params.multi_items(),
        subprotocols(websocket),
        request_id=request_id,
        version=websocket.app.version,
    )
    await acceptor.serve(websocket, serializer, refused)
