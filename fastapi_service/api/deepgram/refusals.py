"""The form of refusals: bodies of handshakes, names of errors, and codes of close frames."""

from starlette.responses import JSONResponse

from fastapi_service.api.deepgram.messages import Refusal
from fastapi_service.api.problems import refused_with
from wire.close_codes import CloseCode
from wire.errors import StoreError, WireError

IDLE_S = 10.0
"""Seconds without audio and without ``KeepAlive`` after which a stream ends, as Deepgram's do."""
_CODES = {401: "INVALID_AUTH", 403: "INSUFFICIENT_PERMISSIONS", 429: "TOO_MANY_REQUESTS", 503: "SERVICE_UNAVAILABLE"}
"""HTTP status → ``err_code``; all others are a bad request."""
_VARIANTS = {
    "bad_json": "SchemaError",
    "unknown_message": "SchemaError",
    "bad_message": "SchemaError",
    "idle": "NET-0001",
    "unsupported_audio": "DATA-0000",
}
"""Code of an error → Deepgram's name for it."""


def refuse(error: WireError, request_id: str) -> JSONResponse:
    """Return the answer to a handshake that is refused, with Deepgram's body and headers."""
    answer = refused_with(error)
    code = _CODES.get(answer.status_code, "Bad Request")
    message = "Invalid credentials." if answer.status_code == 401 else f"{_text(error)} {error.remedy}"
    body = Refusal(err_code=code, err_msg=message, request_id=request_id)
    headers = {"dg-request-id": request_id, "dg-error": body.err_msg.encode("ascii", "replace").decode()}
    kept = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
    return JSONResponse(body.model_dump(), answer.status_code, kept | headers)


def variant(code: str) -> str:
    """Return the name of an error in an ``Error`` frame."""
    return _VARIANTS.get(code, code)


def close_code(code: int) -> int:
    """Return the code of a close frame: Deepgram has 1000, 1008 for what the client did, and 1011 for the rest."""
    if code == CloseCode.NORMAL:
        return CloseCode.NORMAL
    return CloseCode.POLICY if code in {CloseCode.POLICY, CloseCode.UNSUPPORTED_DATA} else CloseCode.INTERNAL_ERROR


def _text(error: WireError) -> str:
    return "The service is unavailable." if isinstance(error, StoreError) else error.message
