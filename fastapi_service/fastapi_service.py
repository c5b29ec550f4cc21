"""Entry point: ``python -m fastapi_service.fastapi_service``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.websockets import WebSocket

from fastapi_service.api.page import PageFiles
from fastapi_service.api.sessions import download
from fastapi_service.gateway import CLOSING_S, Gateway
from fastapi_service.monitoring.gauges import update_gauges
from fastapi_service.monitoring.readiness import readiness
from fastapi_service.security.headers import SecurityHeaders
from fastapi_service.settings import Settings
from infra.logs import configure_logs
from infra.settings import load_settings_or_exit
from wire import names

STATIC = Path(__file__).with_name("static")
LARGEST_MESSAGE = 262_144
"""Bytes; the WebSocket library closes with 1009 beyond it. Between 64 KiB and this, the client gets a typed error."""
PING_S = 20.0


def create_app(settings: Settings) -> FastAPI:
    """The application; connects to nothing before it is started."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        gateway = app.state.gateway = Gateway(settings)
        await gateway.start()
        yield
        await gateway.stop()

    app = FastAPI(title="WhisperTextAnalyzer", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders)

    @app.websocket("/ws")
    async def talk(websocket: WebSocket) -> None:
        await app.state.gateway.serve(websocket)

    @app.get("/sessions/{session_id}/export")
    async def export(request: Request, session_id: str, format: str = "") -> Response:
        gateway: Gateway = app.state.gateway
        return await download(
            gateway.redis, gateway.store, session_id, format, request.headers.get("authorization", "")
        )

    @app.get("/healthz")
    async def alive() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        state = await readiness(app.state.gateway.redis, settings.redis_url)
        return JSONResponse(state.model_dump(), status_code=200 if state.ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        await update_gauges(app.state.gateway.redis)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", PageFiles(directory=STATIC), name="static")
    return app


def main() -> None:
    settings = load_settings_or_exit(Settings)
    configure_logs(settings, names.GATEWAY)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,  # PCM gains nothing, and it doubles the memory of an idle socket
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=CLOSING_S,
    )


if __name__ == "__main__":
    main()
