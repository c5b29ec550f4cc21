"""Errors of an export and a deletion."""

from collections.abc import Iterable

from fastapi_service.errors.sessions import NO_SESSION
from wire.errors import ProtocolError


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


def nothing_to_delete() -> ProtocolError:
    """A deletion names a session that the token does not open."""
    return ProtocolError(
        "session_unknown", NO_SESSION, "What has expired is gone. Use the token that came with ready for what is not."
    )


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
