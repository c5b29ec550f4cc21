"""The origins whose pages may open a WebSocket: browsers apply CORS to HTTP only."""

from collections.abc import Set


def is_allowed(origin: str | None, host: str, allowed: Set[str]) -> bool:
    """Return True for programs, which send no origin, the gateway's own page, and origins on the list.

    Args:
        origin: the header ``Origin`` of the handshake, such as ``https://example.org``.
        host: the header ``Host``, with the port if it is not the default.
        allowed: further origins; ``*`` allows any.
    """
    if origin is None or "*" in allowed or origin in allowed:
        return True
    return origin.partition("://")[2] == host
