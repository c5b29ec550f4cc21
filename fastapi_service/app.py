"""The application: the gateway's parts behind its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from fastapi_service.api import access, decode, native, operations, page, problems, rooms, session_routes, sessions
from fastapi_service.api.deepgram import route as deepgram
from fastapi_service.api.openai_rest import audio, jobs, models
from fastapi_service.api.openai_rest.files import Files
from fastapi_service.api.openai_rest.parts import Parts
from fastapi_service.api.openapi import DescribedApp
from fastapi_service.api.realtime import route as realtime
from fastapi_service.api.twilio import route as twilio
from fastapi_service.decoding.decoder import Decoders
from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.endpointing.voice import VoiceModel
from fastapi_service.gateway import Gateway
from fastapi_service.security.body import BoundedBody
from fastapi_service.security.cross_origin import ListedOrigins
from fastapi_service.security.headers import SecurityHeaders
from fastapi_service.security.proxies import ForwardedHost, SignedInUser
from fastapi_service.settings import Settings
from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.file_jobs import FileJobs
from fastapi_service.tasks import TaskSet
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
        app.state.session_list = gateway.session_list
        app.state.redis = gateway.redis
        app.state.redis_url = settings.redis_url
        app.state.addresses = gateway.addresses
        app.state.decoders = Decoders()
        app.state.files = _files(app, gateway, settings)
        await gateway.start()
        yield
        await app.state.files.stop()
        await gateway.stop()
        await app.state.decoders.stop()

    app = DescribedApp(
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
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_exception_handler(Exception, problems.on_failure)
    app.add_middleware(BoundedBody, others=audio.PATHS)
    if settings.origins:
        app.add_middleware(ListedOrigins, origins=settings.origins)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.proxies)
    app.add_middleware(SignedInUser, networks=settings.proxies, header=settings.login_header)
    app.add_middleware(ForwardedHost, networks=settings.proxies)  # the last one added is called first
    doors = (native, deepgram, realtime, twilio, decode, audio, models, jobs)
    for door in (*doors, sessions, session_routes, access, rooms, operations, page):
        app.include_router(door.router)
    app.mount("/static", page.PageFiles(directory=page.STATIC), name="static")
    return app


def _files(app: FastAPI, gateway: Gateway, settings: Settings) -> Files:
    """Build what transcribes files."""
    state = app.state
    parts = Parts(gateway.registry, state.decoders, state.results, state.deletion, TaskSet(), settings.max_session_s)
    return Files.of(parts, FileJobs(gateway.redis, settings.session_ttl_s), settings.max_file_mb * 1_000_000)
