"""The handshake of every WebSocket, whatever protocol follows."""

from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from fastapi_service import errors
from fastapi_service.access.access import Access
from fastapi_service.access.grant import OPEN, Grant
from fastapi_service.api.connection import Connection
from fastapi_service.api.ports import Registry
from fastapi_service.api.problems import refused_with
from fastapi_service.api.serializer import Serializer
from fastapi_service.delivery.ports import Log
from fastapi_service.monitoring import metrics
from fastapi_service.monitoring.handshakes import LostUpgrades
from fastapi_service.security import origins
from fastapi_service.security.credentials import presented
from fastapi_service.settings import Settings
from wire.errors import AccessError, ProtocolError, StoreError, WireError

log = structlog.get_logger()


class Acceptor:
    """Checks the origin and the handshake, then runs a connection until it ends."""

    def __init__(self, registry: Registry, results: Log, settings: Settings, access: Access) -> None:
        self._registry = registry
        self._results = results
        self._settings = settings
        self._access = access
        self._lost_upgrades = LostUpgrades()

    def refusal(self, origin: str | None, host: str) -> ProtocolError | None:
        """Return the reason for which a handshake is refused, or None.

        Args:
            origin: the header ``Origin``; programs send none.
            host: the header ``Host``.
        """
        if origin is None or origins.is_allowed(origin, host, self._settings.origins):
            return None
        return errors.foreign_origin(origin, host)

    def obstacle(self, origin: str, request: HTTPConnection) -> ProtocolError | None:
        """Return the reason for which the WebSockets of a page do not open, or None: also one that is not here.

        Args:
            origin: of the page.
            request: from the same browser; its address is the one that a lost handshake came from.
        """
        lost = _sender(origin, request) in self._lost_upgrades
        return self.refusal(origin, request.headers.get("host", "")) or (errors.upgrade_lost() if lost else None)

    def refuse_plain(self, request: HTTPConnection) -> ProtocolError:
        """Return the error for a request that should have been a handshake, and remember the page that sent it."""
        if "sec-websocket-key" in request.headers:  # not one that a person typed
            metrics.REFUSED.labels("upgrade").inc()
            origin = request.headers.get("origin", "")
            if origins.is_origin(origin):
                self._lost_upgrades.add(_sender(origin, request))
        return errors.upgrade_lost()

    async def admits(self, websocket: WebSocket) -> bool:
        """Refuse the handshake of a foreign page, and return False; else the caller accepts it."""
        origin, host = websocket.headers.get("origin"), websocket.headers.get("host", "")
        self._lost_upgrades.discard(_sender(origin or "", websocket))
        if not self.refusal(origin, host):
            return True
        metrics.REFUSED.labels("origin").inc()
        shown = (origin or "")[: origins.LONGEST]
        log.info("handshake refused", reason="origin", origin=shown, host=host, client=address_of(websocket))
        await websocket.close()  # before it is accepted: the handshake is answered with 403
        return False

    async def serve(
        self, websocket: WebSocket, serializer: Serializer, refused: Callable[[WireError], Response] = refused_with
    ) -> None:
        """Serve one WebSocket from handshake to end.

        Args:
            websocket: the handshake.
            serializer: its protocol.
            refused: makes the answer to a handshake that is refused.
        """
        if not await self.admits(websocket):
            return
        try:
            opening = serializer.connect()
            grant = await self.grant_of(websocket)
            if grant is None and not serializer.grant_may_follow:
                raise errors.no_grant()
            visit = self._access.visit(grant, address_of(websocket))
        except (ProtocolError, AccessError, StoreError) as error:
            await deny(websocket, error, refused)
            return
        try:
            await websocket.accept(serializer.subprotocol)
            connection = Connection(websocket, serializer, self._registry, self._results, self._settings, visit)
            await connection.serve(opening)
        finally:
            visit.leave()  # also that of a client which has gone before it was accepted

    async def grant_of(self, connection: HTTPConnection) -> Grant | None:
        """Return the grant of a request or a handshake; None if it presents nothing.

        Raises:
            ProtocolError: it comes from a foreign page.
            AccessError: what it presents is wrong.
            StoreError: Redis is unavailable.
        """
        return await self.holder_of(connection) if self._settings.closed else OPEN

    async def holder_of(self, connection: HTTPConnection) -> Grant | None:
        """Return the grant that a request presents, also where access is open; raises as ``grant_of`` does."""
        origin, host = connection.headers.get("origin"), connection.headers.get("host", "")
        if foreign := self.refusal(origin, host):
            raise foreign
        takes_cookie = origins.is_allowed(origin, host, self._settings.origins - {"*"})
        try:
            credential = presented(connection, takes_cookie=takes_cookie)
            return await self._access.identity.grant_of(credential, address_of(connection))
        except (RedisError, OSError) as error:
            raise errors.redis_unavailable() from error


async def deny(websocket: WebSocket, error: WireError, refused: Callable[[WireError], Response] = refused_with) -> None:
    """Answer a handshake with an HTTP status and the error as JSON."""
    metrics.REFUSED.labels("handshake").inc()
    await websocket.send_denial_response(refused(error))


def address_of(connection: HTTPConnection) -> str | None:
    """Return the client's address, as the trusted proxies say it."""
    return connection.client.host if connection.client else None


def _sender(origin: str, connection: HTTPConnection) -> str:
    """Return a page by its origin and the address of its browser: no other client can report a fault of it."""
    return f"{address_of(connection)} {origins.normalized(origin)}"


def acceptor_of(connection: HTTPConnection) -> Acceptor:
    """Return the application's acceptor; a FastAPI dependency."""
    acceptor: Acceptor = connection.app.state.acceptor
    return acceptor
