"""``/v1/models``: the models of the speech-to-text workers that run, under their own names and OpenAI's."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api.answers import described
from fastapi_service.api.grants import FOREIGN, AnyGrant
from fastapi_service.api.openai_rest.refusals import OpenAIRoute, answers
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis
from wire import names

WHISPER = "whisper-1"
"""OpenAI's name, which programs have as their default."""
OWNER = "whisper-text-analyzer"
router = APIRouter(tags=["files"], route_class=OpenAIRoute)
_REFUSED = answers(errors.no_grant(), errors.grant_refused(), FOREIGN, errors.slow_down(8), errors.redis_unavailable())
_MODEL = {"id": "whisper-1", "object": "model", "created": 1_767_225_600, "owned_by": OWNER}


@router.get(
    "/v1/models",
    summary="List the models",
    responses=_REFUSED | {200: described({"object": "list", "data": [_MODEL]}, "The models.")},
)
async def models(request: Request, grant: AnyGrant) -> Response:
    """Return the models of the workers that run; which one is named in a request makes no difference."""
    policy.require(grant, "read")
    return JSONResponse({"object": "list", "data": await _models(request.app.state.redis)})


@router.get(
    "/v1/models/{model:path}",
    summary="Look a model up",
    responses=_REFUSED | answers(errors.unknown_model()) | {200: described(_MODEL, "The model.")},
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
