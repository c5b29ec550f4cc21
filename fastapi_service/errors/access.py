"""Errors of a client without the grant or the right that it needs."""

from wire.errors import AccessError, ProtocolError


def no_grant() -> AccessError:
    """A client presents nothing, and access is closed."""
    return AccessError(
        "no_grant",
        "This service is for people who have signed in, and for programs with a key.",
        "Sign in on the page, open a link into a room, or send an API key. See docs/access.md.",
        status=401,
    )


def grant_refused() -> AccessError:
    """A client presents a key, a ticket, a link or a pass-phrase that is wrong, expired or revoked."""
    return AccessError(
        "grant_refused",
        "The key, pass-phrase, ticket or link is wrong, or no longer valid.",
        "Take a new one; keys come from the operator, links from the owner of the room.",
        status=401,
    )


def grant_ended() -> AccessError:
    """The key or the sign-in of a connection was revoked."""
    return AccessError(
        "grant_ended", "The key or the sign-in of this connection was ended.", "Sign in again, or take a new key."
    )


def not_allowed(right: str) -> AccessError:
    """A grant lacks a right."""
    remedies = {
        "talk": "Ask the owner of the room for a link to talk, or the operator for a key with the scope talk.",
        "files": "Send audio as it is spoken, or take a key with the scope files.",
    }
    return AccessError(
        "not_allowed",
        f"This needs the right: {right}.",
        remedies.get(right, f"Take a key with the scope {right} from the operator."),
    )


def refused_message(error: AccessError) -> ProtocolError:
    """A message is refused for its right; the connection goes on, and ends if that is repeated."""
    return ProtocolError(error.code, error.message, error.remedy)


def access_is_open() -> AccessError:
    """A route that access needs is called, and access is open."""
    return AccessError(
        "access_open",
        "There is nothing to sign in to: whoever reaches this service may use it.",
        "Set GATEWAY_ACCESS=closed to change that.",
        status=404,
    )


def insecure() -> AccessError:
    """A browser signs in over plain HTTP, from another machine."""
    return AccessError(
        "insecure",
        "A pass-phrase is not taken over plain HTTP from another machine.",
        "Open the page by HTTPS; a proxy that speaks it sends X-Forwarded-Proto: https.",
    )
