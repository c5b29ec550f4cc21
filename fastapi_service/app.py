"""The application: the gateway's parts behind its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from fastapi_service.api import access, decode, native, operations, page, problems, rooms, sessions
from fastapi_service.api.realtime import route as realtime
from fastapi_service.decoding.decoder import Decoders
from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.endpointing.voice import VoiceModel
from fastapi_service.gateway import Gateway
from fastapi_service.security.body import BoundedBody
from fastapi_service.security.headers import SecurityHeaders
from fastapi_service.security.proxies import ForwardedHost, SignedInUser
from fastapi_service.settings import Settings
from fastapi_service.storage.deletion import Deletion
from wire.errors import AccessError, ProtocolError, StoreError

VERSION = "0.2.0"
"""As in pyproject.toml: containers run the folders, which are not installed."""
DESCRIPTION = """
Live speech to text with sentiment. Audio and results go over the WebSocket `/ws`, which OpenAPI cannot describe: see
`docs/protocol.md`. These are the HTTP routes beside it.
"""


def create_app(settings: Settings, voice: VoiceModel | None = None) -> FastAPI:
    """Build the application; each start of it builds a gateway.

    Args:
        settings: of the gateway.
        voice: of the gateway.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        gateway = Gateway(settings, voice)
        app.state.acceptor = gateway.acceptor
        app.state.access = gateway.access
        app.state.store = gateway.store
        app.state.results = ResultLog(gateway.redis)
        app.state.deletion = Deletion(gateway.redis, settings.session_ttl_s)
        app.state.redis = gateway.redis
        app.state.redis_url = settings.redis_url
        app.state.decoders = Decoders()
        await gateway.start()
        yield
        await gateway.stop()
        await app.state.decoders.stop()

    app = FastAPI(
        title="WhisperTextAnalyzer",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.settings = settings
    for error in (AccessError, ProtocolError, StoreError, RedisError, ConnectionError, TimeoutError):
        app.add_exception_handler(error, problems.on_refused)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_middleware(BoundedBody)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.proxies)
    app.add_middleware(SignedInUser, networks=settings.proxies, header=settings.login_header)
    app.add_middleware(ForwardedHost, networks=settings.proxies)  # the last one added is called first
    for door in (native, decode, realtime, sessions, access, rooms, operations, page):
        app.include_router(door.router)
    app.mount("/static", page.PageFiles(directory=page.STATIC), name="static")
    return app
