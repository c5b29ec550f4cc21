"""The handshake of every WebSocket, whatever protocol follows."""

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from fastapi_service.api.connection import Connection
from fastapi_service.api.ports import Registry
from fastapi_service.api.serializer import Serializer
from fastapi_service.delivery.ports import Log
from fastapi_service.monitoring import metrics
from fastapi_service.security import origins
from fastapi_service.settings import Settings
from wire.errors import ProtocolError


class Acceptor:
    """Checks the origin and the handshake, then runs a connection until it ends."""

    def __init__(self, registry: Registry, results: Log, settings: Settings) -> None:
        self._registry = registry
        self._results = results
        self._settings = settings

    async def serve(self, websocket: WebSocket, serializer: Serializer) -> None:
        """Serve one WebSocket from handshake to end."""
        headers = websocket.headers
        if not origins.is_allowed(headers.get("origin"), headers.get("host", ""), self._settings.origins):
            metrics.REFUSED.labels("origin").inc()
            await websocket.close()  # before it is accepted: the handshake is answered with 403
            return
        try:
            opening = serializer.connect()
        except ProtocolError as error:
            metrics.REFUSED.labels("handshake").inc()
            body = {"code": error.code, "message": error.message, "remedy": error.remedy}
            await websocket.send_denial_response(JSONResponse(body, 400, {"Cache-Control": "no-store"}))
            return
        await websocket.accept(serializer.subprotocol)
        await Connection(websocket, serializer, self._registry, self._results, self._settings).serve(opening)


def acceptor_of(connection: HTTPConnection) -> Acceptor:
    """Return the application's acceptor; a FastAPI dependency."""
    acceptor: Acceptor = connection.app.state.acceptor
    return acceptor
