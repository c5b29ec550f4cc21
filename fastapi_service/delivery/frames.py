"""The sending half of a protocol: messages to frames. The receiving half is in ``api/serializer.py``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from wire.messages.server import AnyServerMessage

Frame = str | bytes
"""A text or a binary WebSocket message."""
MAX_REASON_BYTES = 123
"""Longest reason of a close frame, in UTF-8 (RFC 6455)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Frames that only one protocol has, such as a greeting. They are sent as they are, in order with the messages."""

    frames: tuple[Frame, ...]


class Close(NamedTuple):
    """A close frame."""

    code: int
    reason: str = ""
    """Cut off after ``MAX_REASON_BYTES``."""


class Encoder(Protocol):
    """Makes frames of one protocol. May keep state: there is one for each connection."""

    def encode(self, message: AnyServerMessage) -> Sequence[Frame]:
        """Return the frames for a message, errors included: none, one or several."""
        ...

    def close(self, code: int) -> Close:
        """Return the close frame for one of the codes in ``wire/close_codes.py``."""
        ...


class FrameWriter(Protocol):
    """The sending half of a WebSocket."""

    async def send_text(self, data: str, /) -> None: ...

    async def send_bytes(self, data: bytes, /) -> None: ...

    async def close(self, code: int, reason: str, /) -> None: ...
