"""``/v1/models``: the models of the speech-to-text workers that run, under their own names and OpenAI's."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api.grants import AnyGrant
from fastapi_service.api.openai_rest.refusals import OpenAIRoute, describe
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis
from wire import names

WHISPER = "whisper-1"
"""OpenAI's name, which programs have as their default."""
OWNER = "whisper-text-analyzer"
router = APIRouter(tags=["files"], route_class=OpenAIRoute)
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: describe("`no_grant`, `grant_refused`: no key, or a wrong one."),
    403: describe("`origin_refused`: a page of another origin."),
    429: describe("`slow_down`: too many wrong keys came from this address."),
    503: describe("`redis_unreachable`: try again after `Retry-After`."),
}
_OBJECT = {"application/json": {"schema": {"type": "object"}}}


@router.get(
    "/v1/models",
    summary="List the models",
    responses=_REFUSED | {200: {"description": "The models.", "content": _OBJECT}},
)
async def models(request: Request, grant: AnyGrant) -> Response:
    """Return the models of the workers that run; which one is named in a request makes no difference."""
    policy.require(grant, "read")
    return JSONResponse({"object": "list", "data": await _models(request.app.state.redis)})


@router.get(
    "/v1/models/{model:path}",
    summary="Look a model up",
    responses=_REFUSED | {200: {"description": "The model.", "content": _OBJECT}, 404: describe("`model_not_found`.")},
)
async def model(model: str, request: Request, grant: AnyGrant) -> Response:
    """Return one of them."""
    policy.require(grant, "read")
    for found in await _models(request.app.state.redis):
        if found["id"] == model:
            return JSONResponse(found)
    raise errors.unknown_model()


async def _models(redis: AsyncRedis) -> list[dict[str, Any]]:
    beats = sorted(await alive_instances(redis, names.STT_WORKER), key=lambda beat: -beat.started)
    created = {beat.model: int(beat.started) for beat in beats if beat.model is not None}
    created = {WHISPER: min(created.values(), default=0)} | created
    return [{"id": name, "object": "model", "created": at, "owned_by": OWNER} for name, at in created.items()]
