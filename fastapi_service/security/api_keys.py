"""API keys: an id that logs may show, and a secret. ``wta_0a1b2c3d_…``."""

import re
import secrets
from typing import NamedTuple

from fastapi_service.security import tokens

_KEY = re.compile(r"wta_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_OF_NO_KEY = tokens.digest(secrets.token_hex())
"""Compared with where there is no such key, so that it takes as long as a wrong secret."""


class NewKey(NamedTuple):
    """A key that has just been made."""

    key_id: str
    key: str
    """The secret; it is shown once."""


def new_key() -> NewKey:
    """Return a random key: 256 bits, and an id of 8 hexadecimal digits."""
    key_id = secrets.token_hex(4)
    return NewKey(key_id, f"wta_{key_id}_{tokens.new_token()}")


def id_of(key: str) -> str | None:
    """Return the id in a key; None for what has not the form of a key."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def is_valid(key: str, known_digest: str | None) -> bool:
    """Compare a key with the digest of the one that has its id, in constant time; always False without a digest."""
    equal = tokens.is_valid(key, known_digest or _OF_NO_KEY)
    return equal and known_digest is not None
