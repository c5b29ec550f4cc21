"""Errors of HTTP requests, whatever their route is."""

from wire.errors import ProtocolError, WireError


def no_such_path() -> ProtocolError:
    """A request names a path that is not there."""
    return ProtocolError("not_found", "There is nothing at this path.", "GET /openapi.json lists all paths.")


def wrong_method() -> ProtocolError:
    """A path has no such method."""
    return ProtocolError(
        "method_not_allowed", "This path has no such method.", "The header Allow lists those that it has."
    )


def body_too_large() -> ProtocolError:
    """The body of a request has more bytes than it may."""
    return ProtocolError("body_too_large", "The body of the request is too large.", "Send a smaller one.")


def request_refused(reason: str) -> ProtocolError:
    """A request is refused for another reason of HTTP, which ``reason`` names."""
    return ProtocolError("bad_request", f"The request is refused: {reason}.", "GET /openapi.json describes requests.")


def internal_error() -> WireError:
    """The gateway has failed; its log has the traceback."""
    return WireError(
        "internal_error", "The service has failed.", "Try again; if it lasts, the operator finds the cause in the log."
    )
