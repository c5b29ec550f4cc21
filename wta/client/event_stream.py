"""Server-sent events as the gateway's route for files sends them: data, and comments with the progress."""

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wire.messages.base import SessionId
from wta.client.errors import GatewayError

LARGEST = 64 << 20
"""Bytes of an event: that of a file of three hours has about 1 MB."""
_SECONDS = rb"(\d{1,12}(?:\.\d{1,6})?)"
_PROGRESS = re.compile(
    rb": progress decoded_s=" + _SECONDS + rb" transcribed_s=" + _SECONDS + rb"(?: total_s=" + _SECONDS + rb")?"
)


class Fault(BaseModel):
    """Reason for a refusal, in the form of OpenAI's."""

    model_config = ConfigDict(hide_input_in_errors=True)

    message: str
    code: str | None = None
    param: str | None = None


class _Kept(BaseModel):
    id: SessionId
    token: Annotated[str, Field(repr=False)]


class Event(BaseModel):
    """The part of an event that matters here."""

    model_config = ConfigDict(hide_input_in_errors=True)

    type: str | None = None
    session: _Kept | None = None
    error: Fault | None = None


@dataclass(frozen=True)
class FileProgress:
    """The part of a file that is done, in seconds of it."""

    transcribed_s: float
    total_s: float | None
    """Length of the file; None if it does not say it."""


async def events(pieces: AsyncIterable[bytes]) -> AsyncIterator[Event | FileProgress]:
    """Yield events and comments, from pieces of any length.

    Raises:
        GatewayError: these are no events that a gateway would send.
    """
    async for line in _lines(pieces):
        if progress := _PROGRESS.match(line):
            yield FileProgress(float(progress[2]), float(progress[3]) if progress[3] else None)
        elif line.startswith(b"data:"):
            try:
                yield Event.model_validate_json(line[5:])
            except ValidationError:
                raise _not_understood() from None


async def _lines(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LARGEST:
            raise _not_understood()
        for line in lines:
            yield line


def _not_understood() -> GatewayError:
    message = "What answers to a file is not understood: it is no gateway, or one of another version."
    return GatewayError("not_understood", message, "Check the address; wta doctor finds out more.")
