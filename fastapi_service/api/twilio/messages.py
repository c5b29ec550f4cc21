"""Messages of Twilio's Media Streams. What this door does not need of them is not read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Track = Literal["inbound", "outbound"]
"""``inbound`` is the person who calls, or is called; ``outbound`` is what that person gets from the other side."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True)


class MediaFormat(_Event):
    """The coding of the audio; Twilio has one."""

    encoding: Literal["audio/x-mulaw"]
    sample_rate: Annotated[Literal[8000], Field(alias="sampleRate")]
    channels: Literal[1]


class StreamStart(_Event):
    """The content of ``start``."""

    call_sid: Annotated[str, Field(alias="callSid", pattern=r"^[\w.-]{1,64}$")]
    tracks: Annotated[tuple[Track, ...], Field(min_length=1, max_length=2)]
    media_format: Annotated[MediaFormat, Field(alias="mediaFormat")]
    parameters: Annotated[dict[str, str], Field(alias="customParameters", repr=False)] = {}
    """The ``<Parameter>`` elements of the TwiML."""


class Connected(_Event):
    """The WebSocket is open."""

    event: Literal["connected"]


class Start(_Event):
    """The call begins."""

    event: Literal["start"]
    start: StreamStart


class Sound(_Event):
    """The content of ``media``."""

    track: Track
    timestamp: Annotated[int, Field(ge=0, le=24 * 3_600_000)]
    """Milliseconds since the beginning of the stream."""
    payload: Annotated[str, Field(repr=False)]
    """µ-law in base64."""


class Media(_Event):
    """Audio of one track, 20 ms as a rule."""

    event: Literal["media"]
    media: Sound


class Ignored(_Event):
    """A key that was pressed, or a mark of played audio."""

    event: Literal["dtmf", "mark"]


class Stopped(_Event):
    """The call, or its stream, is over."""

    event: Literal["stop"]


Event = Annotated[Connected | Start | Media | Ignored | Stopped, Field(discriminator="event")]
twilio_event: TypeAdapter[Connected | Start | Media | Ignored | Stopped] = TypeAdapter(
    Event, config=ConfigDict(hide_input_in_errors=True)
)
