"""Answers of HTTP routes that refuse a request."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from fastapi_service import errors
from wire.errors import AccessError, StoreError, WireError


class Problem(BaseModel):
    """Why a request was refused."""

    code: str
    """Stable, for programs."""
    message: str
    remedy: str
    """The next step for the client."""


def describe(description: str) -> dict[str, Any]:
    """Return the description of such an answer in OpenAPI."""
    return {"model": Problem, "description": description}


def refused(status: int, error: WireError, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer for an error."""
    body = Problem(code=error.code, message=error.message, remedy=error.remedy)
    return JSONResponse(body.model_dump(), status, headers={"Cache-Control": "no-store"} | (headers or {}))


def refused_with(error: WireError) -> JSONResponse:
    """Return the answer for an error whose kind decides about the status."""
    if isinstance(error, StoreError):
        return refused(503, error)
    if not isinstance(error, AccessError):
        return refused(403 if error.code == "origin_refused" else 400, error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if error.again_s is not None:
        headers["Retry-After"] = str(error.again_s)
    return refused(error.status, error, headers)


async def on_refused(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that a dependency or a route refuses with an error of ``wire.errors``, or without Redis."""
    return refused_with(error if isinstance(error, WireError) else errors.redis_unavailable())


async def on_invalid(_: Request, invalid: Exception) -> JSONResponse:
    """Answer a request with an invalid field; unlike FastAPI's own answer it does not repeat what was sent."""
    assert isinstance(invalid, RequestValidationError)
    first = invalid.errors()[0]
    field = first["loc"][-1]
    return refused(422, errors.bad_message(field if isinstance(field, str) else "", first["msg"]))
