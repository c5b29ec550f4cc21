"""Base classes, field types and timestamps of all messages."""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SessionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""128 random bits in hexadecimal."""
_ROOM_IN_SCHEMAS = r"^[\p{L}\p{M}\p{Nd}_.-]{1,64}$"
"""In the regular expressions of JSON Schema, ``\\w`` has the letters of English only."""
RoomName = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$", json_schema_extra={"pattern": _ROOM_IN_SCHEMAS})]
"""1–64 letters (of any script), digits, ``_``, ``.`` or ``-``."""
PersonId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""Public id of a person in a room; see ``wire.people.person_id``."""
OMITTED: Any = Field(exclude_if=lambda value: value is None)
"""Marks an optional field that is left out of the JSON when it is None: older services and clients do not have it."""
Channel = Annotated[Literal[0, 1] | None, OMITTED]
"""Channel of a stereo input that a message is about, 0 for the left one; missing with one channel."""


class Message(BaseModel):
    """Base of all messages. Readers ignore unknown fields, because a newer sender may add some.

    Validation errors do not contain the input: they are logged, and the input may be a transcript.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_inf_nan="null",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # the strings below the fields are the descriptions in docs/asyncapi.json
    )


class Command(Message):
    """Base of the messages from clients. Unknown fields are refused, so that a typing error in a client shows."""

    model_config = ConfigDict(extra="forbid")


PRIVATE = ConfigDict(hide_input_in_errors=True)
"""Configuration of adapters and other models: their validation errors do not contain the input either."""
STORED = ConfigDict(hide_input_in_errors=True, extra="allow")
"""For states that services of two versions read, change and write in turn: unknown fields stay."""


def has_unknown_type(refused: ValidationError) -> bool:
    """Return True if a message was refused because of an unknown ``type``, which a newer version may define."""
    return any(problem["type"] == "union_tag_invalid" for problem in refused.errors(include_input=False))


class Clock(Message):
    """Timestamps of one utterance in Unix seconds by Redis' clock, from which any consumer computes latencies.

    So the hosts of gateway, workers and listener may have different clocks.
    """

    speech_end: float
    """The gateway received the last speech of the utterance."""
    endpointed: float
    """The gateway found the end of the utterance: the silence was complete, or a text showed that the sentence is over,
    perhaps when speech had gone on. A partial may have its text earlier."""
    audio_end: Annotated[float | None, OMITTED] = None
    """The gateway received the sample at ``end_ms``, not later than ``endpointed``: so the session's audio clock began
    at this minus ``end_ms``. No stage begins or ends with it. Missing from gateways older than this field."""
    queued: float | None = None
    """The utterance was in the ledger, and its task was being sent to the STT queue."""
    stt_start: float | None = None
    stt_end: float | None = None
    analysis_start: float | None = None
    analysed: float | None = None
    published: float | None = None
    """The listener released the result."""
    delivered: float | None = None
    """The gateway wrote the result to the socket. Null if it was released before this connection began."""

    def at(self, **readings: float | None) -> "Clock":
        """Return a copy with more timestamps."""
        return self.model_copy(update=readings)


class Speaker(Message):
    """The person who talks in a session."""

    person: PersonId
    """The same in all sessions of the room that begin with the same ``person_key``, and in no other room."""
    name: str | None = None
    """Name that the person chose; null: none."""
    role: str | None = None
    """Role that the person chose, such as agent or customer; null: none."""


def half_up(value: float) -> int:
    """Round as the page's JavaScript does; Python's ``round`` goes to the even neighbour."""
    return math.floor(value + 0.5)


class Utterance(Message):
    """Fields that every job and every result of an utterance has."""

    session_id: SessionId
    room: RoomName | None = None
    """Room that shares the result; null for a private session."""
    segment: Annotated[int, Field(ge=0)]
    """Number of the utterance in its session, from 0."""
    revision: Annotated[int, Field(ge=0)] = 0
    """0 for the final text."""
    start_ms: int
    """Beginning on the session's audio clock, ms, gaps included."""
    end_ms: int
    """End on the session's audio clock, ms, gaps included."""
    clock: Clock
    speaker: Annotated[Speaker | None, OMITTED] = None
    """The person, with name and role at the end of the utterance. Missing from services older than this field."""

    @property
    def began_ms(self) -> int:
        """Unix time in ms at which the session's audio clock began, as this utterance shows it.

        A few ms differ from utterance to utterance, so files and statistics take that of the session's first entry.
        """
        audio_end = self.clock.endpointed if self.clock.audio_end is None else self.clock.audio_end
        return half_up(audio_end * 1000) - self.end_ms


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
"""Name of each hop → its first and its last timestamp. Of several first ones, the latest counts."""


def hop_ms(clock: Clock, hop: str) -> float | None:
    """Return the milliseconds of one hop, never less than 0; None if a timestamp is missing."""
    begins, ends = HOPS[hop]
    starts = [getattr(clock, name) for name in ((begins,) if isinstance(begins, str) else begins)]
    end = getattr(clock, ends)
    return None if end is None or None in starts else max(0.0, (end - max(starts)) * 1000)
