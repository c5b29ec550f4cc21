"""What all messages share."""

import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SessionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""128 random bits in hexadecimal."""
RoomName = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]
"""1–64 letters (of any script), digits, ``_``, ``.`` or ``-``."""


class Message(BaseModel):
    """A message on the wire. Unknown fields are ignored when it is read: a newer sender may add some.

    Validation errors do not repeat the input: they end up in logs, and the input may be a transcript.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_inf_nan="null",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # the strings below the fields are the descriptions in docs/asyncapi.json
    )


class Command(Message):
    """A message from a client. Unknown fields are refused, so that a typing error in a client is noticed."""

    model_config = ConfigDict(extra="forbid")


PRIVATE = ConfigDict(hide_input_in_errors=True)
"""For adapters and models beside messages: their validation errors do not repeat the input either."""


def has_unknown_type(refused: ValidationError) -> bool:
    """True if a message was refused because its ``type`` is not known here: a newer version may know it."""
    return any(problem["type"] == "union_tag_invalid" for problem in refused.errors(include_input=False))


class Clock(Message):
    """When each hop of an utterance happened, in Unix seconds; any consumer computes latencies from it."""

    speech_end: float
    """The last speech of the utterance reached the gateway."""
    endpointed: float
    """The silence that ends it was complete. Its text may be older than that: see ``TranscribePartial``."""
    queued: float | None = None
    """It was in the ledger, and its task on the way to the STT queue."""
    stt_start: float | None = None
    stt_end: float | None = None
    analysis_start: float | None = None
    analysed: float | None = None
    published: float | None = None
    """The listener released it."""
    delivered: float | None = None
    """The gateway wrote it to the socket."""

    def at(self, **readings: float) -> "Clock":
        """A copy with more readings."""
        return self.model_copy(update=readings)


def now() -> float:
    """Unix seconds: the clock of all readings."""
    return time.time()


HOPS: dict[str, tuple[str | tuple[str, ...], str]] = {
    "endpointing": ("speech_end", "endpointed"),
    "enrolment": ("endpointed", "queued"),
    "stt_wait": ("queued", "stt_start"),
    "stt": ("stt_start", "stt_end"),
    "analysis_wait": (("stt_end", "queued"), "analysis_start"),
    "analysis": ("analysis_start", "analysed"),
    "release": ("analysed", "published"),
    "delivery": ("published", "delivered"),
    "total": ("speech_end", "published"),
}
"""Name of each hop → the two readings it lies between; it begins with the later where there are several."""


def hop_ms(clock: Clock, hop: str) -> float | None:
    """Milliseconds of one hop, never negative (hosts' clocks differ); None when a reading is missing."""
    begins, ends = HOPS[hop]
    starts = [getattr(clock, name) for name in ((begins,) if isinstance(begins, str) else begins)]
    end = getattr(clock, ends)
    return None if end is None or None in starts else max(0.0, (end - max(starts)) * 1000)
