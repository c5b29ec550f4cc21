"""Errors of a handshake: who connects from where."""

from wire.errors import ProtocolError


def foreign_origin(origin: str, host: str) -> ProtocolError:
    """A page of another origin opens a WebSocket."""
    return ProtocolError(
        "origin_refused",
        f"Pages of {origin} may not connect: their requests come here for the host {host or '(none)'}.",
        "Let the proxy pass the header Host on, or send X-Forwarded-Host from an address in GATEWAY_TRUSTED_PROXIES; "
        f"or set GATEWAY_ALLOWED_ORIGINS={origin}. See docs/proxies.md.",
    )


def bad_origin() -> ProtocolError:
    """The parameter ``origin`` is no origin; it is not repeated."""
    return ProtocolError(
        "bad_origin",
        "The parameter origin is not the origin of a page.",
        "Write scheme, host and port, without a path, such as https://example.org.",
    )


def upgrade_lost() -> ProtocolError:
    """A WebSocket's handshake has no ``Upgrade`` header."""
    return ProtocolError(
        "upgrade_lost",
        "This is the address of a WebSocket, and the request is none: its header Upgrade is missing.",
        "Let the proxy pass the headers Upgrade and Connection on, with HTTP/1.1. See docs/proxies.md.",
    )
