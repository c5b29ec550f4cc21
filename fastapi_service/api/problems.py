"""Answers of HTTP routes that refuse a request: ``application/problem+json`` (RFC 9457) with a code and a remedy."""

from collections.abc import Mapping

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Match

from fastapi_service import errors
from fastapi_service.api.routes import flattened
from fastapi_service.security.headers import HEADERS
from wire.errors import AccessError, StoreError, WireError

MEDIA_TYPE = "application/problem+json"
STATUSES = {
    "no_token": 401,
    "not_owner": 403,
    "origin_refused": 403,
    "not_found": 404,
    "session_unknown": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "bad_message": 422,
    "bad_origin": 422,
    "upgrade_lost": 426,
    "internal_error": 500,
}
"""Code → status of the errors that say nothing about it themselves; 400 for others."""


class Problem(BaseModel):
    """Why a request was refused, after RFC 9457."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """URI of the kind of problem. It names ``code``, and is no address."""
    title: str
    """The same for all problems of a type."""
    status: int
    """Status of the answer."""
    detail: str
    """``message`` and ``remedy``."""
    code: str
    """Stable, for programs."""
    message: str
    """The cause."""
    remedy: str
    """The next step for the client."""

    @classmethod
    def of(cls, error: WireError, status: int) -> "Problem":
        """Return an error as the body of an answer."""
        return cls(
            type=f"urn:whisper-text-analyzer:problem:{error.code}",
            title=error.code.replace("_", " ").capitalize(),
            status=status,
            detail=f"{error.message} {error.remedy}",
            code=error.code,
            message=error.message,
            remedy=error.remedy,
        )


def status_of(error: WireError) -> int:
    """Return the status of the answer for an error."""
    if isinstance(error, StoreError):
        return 503
    return error.status if isinstance(error, AccessError) else STATUSES.get(error.code, 400)


def refused(status: int, error: WireError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for an error."""
    body = Problem.of(error, status).model_dump()
    return JSONResponse(body, status, {"Cache-Control": "no-store"} | dict(headers or {}), MEDIA_TYPE)


def refused_with(error: WireError) -> JSONResponse:
    """Return the answer for an error whose kind decides about the status."""
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, AccessError) and error.again_s is not None:
        headers["Retry-After"] = str(error.again_s)
    return refused(status, error, headers)


async def on_refused(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that a dependency or a route refuses with an error of ``wire.errors``, or without Redis."""
    return refused_with(error if isinstance(error, WireError) else errors.redis_unavailable())


async def on_invalid(_: Request, invalid: Exception) -> JSONResponse:
    """Answer a request with an invalid field; unlike FastAPI's own answer it does not repeat what was sent."""
    assert isinstance(invalid, RequestValidationError)
    first = invalid.errors()[0]
    field = first["loc"][-1]
    return refused(422, errors.bad_message(field if isinstance(field, str) else "", first["msg"]))


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that the framework refuses: no such path or method, or a body that is too large."""
    assert isinstance(error, HTTPException)
    known = {404: errors.no_such_path, 405: errors.wrong_method, 413: errors.body_too_large}
    make = known.get(error.status_code)
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return refused(error.status_code, make() if make else errors.request_refused(error.detail), headers)


async def on_failure(_: Request, __: Exception) -> JSONResponse:
    """Answer a request that the gateway failed with; the server logs the traceback."""
    return refused(500, errors.internal_error(), HEADERS | {"Cache-Control": "no-store"})  # no middleware adds them


def _allowed(request: Request) -> str:
    """Return the methods of a path: it may have a route for each, of which the framework names the first."""
    there = [route for route in flattened(request.app.routes) if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in there for method in getattr(route, "methods", None) or ()}))
