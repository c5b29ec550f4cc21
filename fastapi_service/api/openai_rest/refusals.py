"""Errors in the form that OpenAI's clients read."""

import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fastapi_service import errors
from fastapi_service.errors.rest import FieldError, MissingError
from fastapi_service.monitoring import metrics
from fastapi_service.security.body import Body
from wire.errors import AccessError, AudioError, StoreError, WireError

RETRY_S = 5
"""Seconds after which a client may try again what failed for a lack of room, or of Redis."""
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_KINDS: dict[type[Exception], int] = {
    StoreError: 503,
    RedisError: 503,
    OSError: 503,
    RequestValidationError: 400,
    ClientDisconnect: 499,
}
_STATUSES = {"too_large": 413, "no_form": 415, "origin_refused": 403}
log = structlog.get_logger()


class Error(BaseModel):
    """Why a request was refused."""

    message: str
    """The cause, and the next step for the client."""
    type: str
    param: str | None
    """The field that it is about."""
    code: str | None
    """Stable, for programs."""


class Refusal(BaseModel):
    """The body of a refusal, as OpenAI has it."""

    error: Error


def answers(*raised: WireError) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of refusals in OpenAPI by their status, with an example of each of the errors."""
    by_status: dict[int | str, list[WireError]] = {}
    for error in raised:
        by_status.setdefault(status_of(error), []).append(error)
    return {status: _answer(found) for status, found in by_status.items()}


def _answer(raised: Sequence[WireError]) -> dict[str, Any]:
    lines = [f"`{error.code}`: {error.message}" for error in raised]
    examples = {error.code: {"value": body_of(error)} for error in raised}
    content = {"application/json": {"examples": examples}}
    return {"model": Refusal, "description": "\n\n".join(lines), "content": content}


class OpenAIRoute(APIRoute):
    """Answers errors in OpenAI's form, and gives each answer an id."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, which raises nothing."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            request_id, body = f"req_{secrets.token_hex(12)}", Body(request.receive)
            try:
                response = await handle(Request(request.scope, body.receive))
            except Exception as error:  # the boundary: every error has a status and a body
                if status_of(error) == 500:
                    log.exception("request failed", request=request_id)
                await body.discard()
                response = refused(error)  # one that left gets no answer, whatever it is
            response.headers["x-request-id"] = request_id
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return answer


def refused(error: Exception) -> JSONResponse:
    """Return the answer for an error."""
    status = status_of(error)
    content = body_of(error)
    metrics.ERRORS.labels(content["error"]["code"]).inc()
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    again_s = error.again_s if isinstance(error, AccessError) else RETRY_S if status == 503 else None
    if again_s is not None:
        headers["Retry-After"] = str(again_s)
    return JSONResponse(content, status, headers)


def status_of(error: Exception) -> int:
    """Return the HTTP status for an error."""
    if isinstance(error, AccessError):
        return error.status
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, WireError) and not isinstance(error, StoreError):
        return 404 if isinstance(error, MissingError) else _STATUSES.get(error.code, 400)
    return next((status for kind, status in _KINDS.items() if isinstance(error, kind)), 500)


def body_of(error: Exception) -> dict[str, dict[str, str | None]]:
    """Return the body for an error: type, code, the field that it is about, and a message with a remedy."""
    status = status_of(error)
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    if not isinstance(error, WireError):
        error = _typed(error, status)
    field = error.field if isinstance(error, FieldError) else "file" if isinstance(error, AudioError) else None
    return {"error": {"message": str(error), "type": kind, "param": field, "code": error.code}}


def _typed(error: Exception, status: int) -> WireError:
    """Return an error of another library as one with code and remedy."""
    if status == 503:
        return errors.redis_unavailable()
    if status == 413:
        return errors.upload_too_large()
    if isinstance(error, RequestValidationError):
        return errors.bad_message("", error.errors()[0]["msg"])
    if isinstance(error, HTTPException):
        return errors.broken_form(str(error.detail))
    return errors.failed()
