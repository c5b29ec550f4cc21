"""The origins whose pages may open a WebSocket: browsers apply CORS to HTTP only."""

import re
from collections.abc import Set

DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
LONGEST = 300
"""Characters of an origin: the longest name of a host has 253."""
SERIALIZED = r"(?:[a-z][a-z0-9+.-]*://(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?|null)"
"""Pattern of an origin as browsers send it."""
_SERIALIZED = re.compile(SERIALIZED)
_ORIGIN = re.compile(r"[a-z][a-z\d+.-]*://[^/?#@*\s]+|null|\*")


def is_allowed(origin: str | None, host: str, allowed: Set[str]) -> bool:
    """Return True for programs, which send no origin, the gateway's own page, and origins on the list.

    Upper case and the default port of a scheme make no difference.

    Args:
        origin: the header ``Origin`` of the handshake, such as ``https://example.org``.
        host: the header ``Host``, with or without a port.
        allowed: further origins, as ``normalized`` returns them; ``*`` allows any.
    """
    if origin is None or "*" in allowed:
        return True
    page = normalized(origin)
    scheme, _, own = page.partition("://")
    return page in allowed or (own != "" and own == _without_default_port(host, scheme))


def normalized(origin: str) -> str:
    """Return an origin in lower case, without a default port and a slash at its end: browsers send it like this."""
    scheme, separator, host = origin.strip().rstrip("/").lower().partition("://")
    return f"{scheme}{separator}{_without_default_port(host, scheme)}"


def is_origin(text: str) -> bool:
    """Return True for what a browser may send as the origin of a page, which is safe to show again."""
    return len(text) <= LONGEST and _SERIALIZED.fullmatch(text.removesuffix("/").lower()) is not None


def parse_origins(text: str) -> frozenset[str]:
    """Return a comma-separated list of origins as a set of normalized ones.

    Raises:
        ValueError: an entry is no origin, and would never be equal to one.
    """
    origins = frozenset(normalized(entry) for entry in text.split(",") if entry.strip())
    for origin in sorted(origins):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is no origin: write its scheme, host and port, without a path, such as https://example.org"
            )
    return origins


def _without_default_port(host: str, scheme: str) -> str:
    return host.strip().lower().removesuffix(":").removesuffix(f":{DEFAULT_PORTS.get(scheme)}")
