"""Answers of HTTP routes that refuse a request."""

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

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
