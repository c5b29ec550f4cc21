"""``/v1/models``: the models of the speech-to-text workers that run, under their own names and OpenAI's."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api.answers import answers
from fastapi_service.api.grants import FOREIGN, AnyGrant, own_page
from fastapi_service.api.openai_rest.refusals import OpenAIRoute, describe
from infra.heartbeat import alive_instances
from infra.redis_client import AsyncRedis
from wire import names

WHISPER = "whisper-1"
"""OpenAI's name, which programs have as their default."""
OWNER = "whisper-text-analyzer"
router = APIRouter(tags=["files"], route_class=OpenAIRoute, dependencies=[Depends(own_page)])
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: describe("no key, or a wrong one.", errors.no_grant(), errors.grant_refused()),
    403: describe("a page of another origin.", FOREIGN),
    429: describe("too many wrong keys came from this address.", errors.slow_down(8)),
    503: describe("try again after `Retry-After`.", errors.redis_unavailable()),
}
_MODEL = {"id": WHISPER, "object": "model", "created": 1_796_083_200, "owned_by": OWNER}
_MISSING = describe("no model has this name; `not_found`: it has a line break.", errors.unknown_model())
_MISSING["content"] |= answers(errors.no_such_path())[404]["content"]


def _object(description: str, example: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object"}
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


@router.get(
    "/v1/models",
    summary="List the models",
    responses=_REFUSED | {200: _object("The models.", {"object": "list", "data": [_MODEL]})},
)
async def models(request: Request, grant: AnyGrant) -> Response:
    """Return the models of the workers that run; which one is named in a request makes no difference."""
    policy.require(grant, "read")
    return JSONResponse({"object": "list", "data": await _models(request.app.state.redis)})


@router.get(
    "/v1/models/{model:path}",
    summary="Look a model up",
    responses=_REFUSED | {200: _object("The model.", _MODEL), 404: _MISSING},
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
