"""Errors of requests for a session: lists, exports and deletions."""

from collections.abc import Iterable

from fastapi_service.errors.sessions import NO_SESSION
from wire.errors import AccessError, ProtocolError


def bad_format(formats: Iterable[str]) -> ProtocolError:
    """The format of an export is unknown."""
    return ProtocolError("bad_format", "The export format is unknown.", f"Add ?format= and {_one_of(formats)}.")


def no_token() -> ProtocolError:
    """An export has no bearer token."""
    return ProtocolError(
        "no_token",
        "An export needs the token of the session.",
        "Send the header Authorization: Bearer TOKEN, with the token that came with ready.",
    )


def nothing_to_export() -> ProtocolError:
    """An export names a session that the token does not open."""
    return ProtocolError(
        "session_unknown",
        NO_SESSION,
        "Use the token that came with ready, within SESSION_TTL_S (an hour) after the session's last activity.",
    )


def session_unlisted() -> ProtocolError:
    """A request names a session that its grant does not open."""
    return ProtocolError(
        "session_unknown",
        "There is no such session, it has expired, or it began with another key or sign-in.",
        "GET /v1/sessions has those that began with yours. For others, send the token that came with ready.",
    )


def no_key() -> AccessError:
    """A request for sessions brings neither a grant nor a session's token; access may be open."""
    return AccessError(
        "no_grant",
        "Sessions are shown to the key or the sign-in that they began with, to an admin, and by their tokens.",
        "Send the header Authorization: Bearer with a key (python -m fastapi_service.keys create --scope admin), or "
        "with the token that came with ready.",
        status=401,
    )


def nothing_to_delete() -> ProtocolError:
    """A deletion names a session that the token does not open."""
    return ProtocolError(
        "session_unknown", NO_SESSION, "What has expired is gone. Use the token that came with ready for what is not."
    )


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
