"""Frames between the gateway and a decoder: a letter for their kind, their length, their content.

A decoder reads files of strangers, so the gateway checks each of its frames.
"""

import struct
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from wire.audio import SAMPLE_BYTES
from wire.messages.decoding import MAX_READ

READ = b"R"
"""Decoder → gateway: ``PART``, a part of the file."""
TOTAL = b"L"
"""Decoder → gateway: ``SECONDS``, the length of the sound as its file says it; before the samples, or never."""
PCM = b"P"
"""Decoder → gateway: samples, as on ``/ws``."""
ERROR = b"E"
"""Decoder → gateway: code, message, remedy, and the cause for the log, or null, as a JSON list."""
END = b"X"
"""Decoder → gateway: nothing follows."""
HEAD = struct.Struct("<cI")
"""Kind and length of what the decoder writes; the gateway writes nothing but the bytes of each part."""
PART = struct.Struct("<QI")
"""Offset and length in bytes."""
SECONDS = struct.Struct("<d")
LONGEST = 1 << 16
"""Bytes of the content of a frame: two seconds of samples."""
MOST_S = 10_800
"""Seconds of audio in a file: the page's limit."""
_TEXT = Annotated[str, Field(max_length=4_096)]
_refusal: TypeAdapter[tuple[str, str, str, str | None]] = TypeAdapter(
    tuple[Annotated[str, Field(pattern="^[a-z_]{1,40}$")], _TEXT, _TEXT, _TEXT | None]
)


class BrokenFrame(Exception):
    """A decoder writes what none should: the process that reads the file is damaged, or was taken over."""


def length_of(head: bytes) -> tuple[bytes, int]:
    """Return the kind of a frame, and the bytes of its content.

    Raises:
        BrokenFrame: it is too long for its kind, or of none.
    """
    kind, length = HEAD.unpack(head)
    if kind not in {READ, TOTAL, PCM, ERROR, END} or length > LONGEST:
        raise BrokenFrame
    return kind, length


def seconds_of(content: bytes) -> float:
    """Return the length of the sound.

    Raises:
        BrokenFrame: a file may not have so much.
    """
    if len(content) != SECONDS.size:
        raise BrokenFrame
    (seconds,) = SECONDS.unpack(content)
    if not 0 <= seconds <= MOST_S:
        raise BrokenFrame
    return float(seconds)


def samples_of(content: bytes) -> int:
    """Return the number of samples in a frame.

    Raises:
        BrokenFrame: there are none, or not whole ones.
    """
    if not content or len(content) % SAMPLE_BYTES:
        raise BrokenFrame
    return len(content) // SAMPLE_BYTES


def part_of(content: bytes, size: int) -> tuple[int, int]:
    """Return offset and length of the part that a frame requests.

    Raises:
        BrokenFrame: a file of ``size`` bytes has no such part, or it is too long.
    """
    if len(content) != PART.size:
        raise BrokenFrame
    offset, length = PART.unpack(content)
    if not 0 < length <= MAX_READ or offset + length > size:
        raise BrokenFrame
    return offset, length


def refusal_of(content: bytes) -> tuple[str, str, str, str | None]:
    """Return code, message and remedy for the client, and the cause for the log, or None.

    Raises:
        BrokenFrame: the frame says something else.
    """
    try:
        return _refusal.validate_json(content)
    except ValidationError:
        raise BrokenFrame from None
