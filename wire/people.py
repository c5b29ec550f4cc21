"""The people of a room: their public ids, and what a name may be."""

import hashlib
import unicodedata

MAX_NAME = 60
"""Characters."""
MAX_ROLE = 30
"""Characters."""
_ID_DIGITS = 16
_LINES = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: control characters, halves of characters, and the ends of lines and paragraphs."""
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates: they would change the order of the text beside the name."""
_BLANK = frozenset(" \u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that are shown as nothing, beside those that Python does not call printable."""


def person_id(session_id: str, room: str | None, key: str | None) -> str:
    """Return the public id of the person who talks in a session.

    With a key it is the same in all sessions of one room, and another one in each room: a person cannot be followed
    from room to room. Without one, or without a room, each session is a person. The key does not follow from the id.
    """
    source = session_id if key is None or room is None else f"{room}\0{key}"
    return hashlib.sha256(source.encode()).hexdigest()[:_ID_DIGITS]


def channel_key(key: str, channel: int) -> str:
    """Return the key of the person in one channel of a client's stereo input: each is another person."""
    return hashlib.sha256(f"{key}\0{channel}".encode()).hexdigest()


def readable_name(name: str) -> str | None:
    """Return a trimmed name, or None if nothing of it is visible.

    Raises:
        ValueError: it has more than one line, control characters or such as change the direction of the text.
    """
    if any(character in _BIDI or unicodedata.category(character) in _LINES for character in name):
        raise ValueError("it has a line break, a control character or a change of direction")
    return name if any(character.isprintable() and character not in _BLANK for character in name) else None
