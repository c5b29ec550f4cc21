"""Liveness, readiness and metrics, for operators and supervisors."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fastapi_service import errors
from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.answers import answers, example
from fastapi_service.api.grants import FOREIGN, needs
from fastapi_service.api.problems import refused
from fastapi_service.monitoring.gauges import update_gauges
from fastapi_service.monitoring.readiness import Check, Readiness, readiness
from fastapi_service.security.origins import LONGEST, SERIALIZED, is_origin
from infra.redis_check import find_problem_async
from infra.redis_client import AsyncRedis
from wire.errors import WireError

router = APIRouter(tags=["operations"])


def redis_of(request: Request) -> AsyncRedis:
    """Return the application's Redis client; a FastAPI dependency."""
    redis: AsyncRedis = request.app.state.redis
    return redis


_READY = Readiness(ready=True, checks={"redis": Check(ready=True), "listener_service": Check(ready=True)})
_LACKING = Check(ready=False, reason="no stt_worker is running")
_NOT_READY = Readiness(ready=False, checks={"redis": Check(ready=True), "stt_worker": _LACKING})


@router.get(
    "/healthz",
    summary="Is the gateway running?",
    response_class=PlainTextResponse,
    responses={200: example("ok\n", "It is running.", "text/plain")},
)
async def healthz(response: Response) -> str:
    """Answer 200 while the gateway runs, readable by pages of any origin: one that is refused sees that it is there."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return "ok\n"


@router.get(
    "/readyz",
    summary="Can speech be transcribed and analysed?",
    response_model=Readiness,
    responses={
        **answers(errors.bad_origin()),
        200: example(_READY.model_dump(), "All checks are ready."),
        503: {"model": Readiness}
        | example(_NOT_READY.model_dump(), "At least one check is not ready; `reason` says why."),
    },
)
async def readyz(
    request: Request,
    redis: Annotated[AsyncRedis, Depends(redis_of)],
    acceptor: Annotated[Acceptor, Depends(acceptor_of)],
    origin: Annotated[
        str | None,
        Query(
            description="Of a page: `connection` is whether it can open `/ws`.",
            json_schema_extra={"type": "string", "pattern": f"^{SERIALIZED}/?$", "maxLength": LONGEST},
        ),
    ] = None,
) -> JSONResponse:
    """Answer 200 when Redis and at least one instance of each service behind the gateway are ready.

    With an origin also, whether the WebSockets of its pages open: browsers show them no reason. Where access is closed,
    clients without a grant see no other check.
    """
    connection = None
    if origin is not None:
        if not is_origin(origin):
            return refused(422, errors.bad_origin())
        obstacle = acceptor.obstacle(origin, request)
        connection = Check(ready=obstacle is None, reason=str(obstacle) if obstacle else None)
    url = request.app.state.redis_url
    state = await readiness(redis, url, await find_problem_async(redis, url), connection, request.app.state.addresses)
    if not await _sees_details(request, acceptor):
        state = Readiness(ready=state.ready, checks={"connection": connection} if connection else {})
    return JSONResponse(state.model_dump(), status_code=200 if state.ready else 503)


async def _sees_details(request: Request, acceptor: Acceptor) -> bool:
    """Return True for a client with a grant: reasons name processes, hosts and models."""
    try:
        return await acceptor.grant_of(request) is not None
    except WireError:
        return False


@router.get("/openapi.json", include_in_schema=False, dependencies=[needs("read")])
async def openapi(request: Request) -> JSONResponse:
    """Return the description of all routes for programs."""
    app: FastAPI = request.app
    return JSONResponse(app.openapi())


@router.get(
    "/metrics",
    summary="Metrics of this gateway for Prometheus",
    dependencies=[needs("admin")],
    response_class=Response,
    responses={
        200: {
            "description": "Metrics in the text format of Prometheus.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": "wta_connections 3.0\n"}},
        },
        **answers(
            errors.no_grant(),
            errors.grant_refused(),
            errors.not_allowed("admin"),
            FOREIGN,
            errors.slow_down(8),
            errors.redis_unavailable(),
        ),
    },
)
async def metrics(request: Request, redis: Annotated[AsyncRedis, Depends(redis_of)]) -> Response:
    """Return the metrics; the proxy in front does not pass this path. Where access is closed, to an admin's key."""
    await update_gauges(redis, request.app.state.addresses.queue_depth)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
