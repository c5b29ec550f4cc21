"""Answers of the gateway that refuse a request or a handshake."""

from pydantic import ValidationError

from wire.messages.base import Message
from wta.client.errors import GatewayError


class _Problem(Message):
    """The fields that matter of a problem after RFC 9457, and of older gateways' answers."""

    code: str
    message: str
    remedy: str


def read_problem(body: bytes | bytearray | None) -> GatewayError | None:
    """Return the gateway's own error; None if it is none that a gateway would send."""
    try:
        problem = _Problem.model_validate_json(body or b"{}")
    except ValidationError:
        return None
    return GatewayError(problem.code, problem.message, problem.remedy)
