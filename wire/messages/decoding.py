"""Messages on ``/decode``: a client lets the gateway read a sound file piece by piece, and gets its PCM.

Beside them, binary messages: from the client the bytes of each ``read``, from the gateway Int16 PCM, 16 kHz, mono. A
file that cannot be decoded ends in ``error``, as on ``/ws``.
"""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import Command, Message

MAX_READ = 131_072
"""Bytes of one ``read``: half of the largest message that the gateway accepts."""


MAX_FILE = 200_000_000
"""Bytes of a file."""


class OpenFile(Command):
    """Begins: the first message of the client, and the only one that is text."""

    type: Literal["open"] = "open"
    size: Annotated[int, Field(ge=0, le=MAX_FILE)]
    """Bytes of the file."""


class Read(Message):
    """Requests a part of the file; the client answers with its bytes."""

    type: Literal["read"] = "read"
    offset: int
    length: int
    """Bytes, at most ``MAX_READ``, and within the file."""


class Decoded(Message):
    """The whole file was decoded: all PCM came before this."""

    type: Literal["decoded"] = "decoded"
    samples: int
    """Samples of PCM, at 16 kHz."""
