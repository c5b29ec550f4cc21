"""A fake gateway with HTTP routes on the port of its WebSocket."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.unit.wta.fake_gateway import SESSION, FakeGateway

READY = json.dumps(
    {
        "ready": True,
        "checks": {
            "redis": {"ready": True},
            "stt_worker": {"ready": True, "instances": [{"ready": True, "model": "base"}]},
            "analyzer_worker": {"ready": True},
            "listener_service": {"ready": True},
        },
        "warnings": [],
    }
)
ROUTES = {
    "/healthz": (200, "ok\n"),
    "/readyz": (200, READY),
    "/access": (200, '{"access":"open","rights":["read","talk","files","admin"],"name":null,"login":null}'),
    "/metrics": (200, 'wta_queue_depth{queue="stt_queue"} 3.0\nwta_queue_depth{queue="analyzer_queue"} 0.0\n'),
    "/openapi.json": (200, '{"info":{"version":"0.2.7"}}'),
    f"/sessions/{SESSION}/export": (200, "[00:00:00] utterance 0\n"),
}


class FakeService(FakeGateway):
    """Path → status and body; ``requests`` are the paths with the header ``Authorization``."""

    def __init__(self, routes: Mapping[str, tuple[int, str]] = ROUTES, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.routes = dict(routes)
        self.requests: list[tuple[str, str | None]] = []
        self.http = ""
        self.headers: dict[str, str] = {}
        """Further headers of each answer."""

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["FakeService"]:
        async with serve(
            self._exchange, "127.0.0.1", 0, compression=None, process_request=self._answer, ssl=tls
        ) as server:
            port, s = server.sockets[0].getsockname()[1], "s" if tls else ""
            self.url, self.http = f"ws{s}://127.0.0.1:{port}/ws", f"http{s}://127.0.0.1:{port}"
            yield self

    def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            return None
        self.requests.append((request.path, request.headers.get("Authorization")))
        status, body = self.routes.get(request.path.partition("?")[0], (404, "no such page"))
        length = {"Content-Length": str(len(body.encode())), "Connection": "close"}
        return Response(status, HTTPStatus(status).phrase, Headers(length | self.headers), body.encode())
