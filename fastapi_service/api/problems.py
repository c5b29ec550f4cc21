"""Answers of HTTP routes that refuse a request."""

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from wire.errors import WireError


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
