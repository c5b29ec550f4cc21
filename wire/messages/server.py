"""Messages from the gateway to a client on ``/ws``, besides ``results`` and ``statistics``."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from wire.messages.base import OMITTED, PRIVATE, Channel, Message, PersonId, RoomName, SessionId, Speaker
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.statistics import PersonStatistics, Statistics
from wire.messages.transcript import Word


class Endpointing(Message):
    """The gateway's settings for the ends of utterances, for clients that leave out silence."""

    pre_roll_ms: int
    """Audio before the first loud frame that belongs to an utterance, ms."""
    silence_ms: int
    """Longest silence that may pass before an utterance ends, ms: of each pause, so much must be sent."""
    min_speech_ms: int
    """Shortest sound that counts as speech, ms."""
    max_utterance_ms: int
    """Longest utterance, ms."""
    silence_ceiling: float
    """Mean square, 0–1, above which a 30 ms frame is loud at any noise level."""
    noise_factor: float
    """A frame is loud above this multiple of the noise floor, unless ``silence_ceiling`` is lower."""


class _AppliedSettings(Message):
    """The settings that apply to utterances from here on."""

    language: str | None
    """ISO 639 code of all utterances, fixed by the client; null: it is detected."""
    languages: tuple[str, ...] = ()
    """ISO 639 codes among which it is detected for each utterance, or the one that is fixed; empty: all. Missing from
    gateways of version 0.2.0, which have no ``configure`` either."""
    prompt: str = ""
    name: Annotated[str | None, OMITTED] = None
    """Name of the person who talks; missing if there is none."""
    role: Annotated[str | None, OMITTED] = None
    """Role of the person; missing if there is none."""
    channel: Channel = None
    """Channel of a stereo input, 0 or 1, whose session this is; missing with one channel. So in the messages below."""


Right = Literal["read", "talk", "files", "admin"]
"""``talk`` sends audio no faster than it is spoken, ``files`` at any speed; each has those before it."""


class Ready(_AppliedSettings):
    """The session has begun: the client may send audio."""

    type: Literal["ready"] = "ready"
    session_id: SessionId
    token: str | None
    """Secret of 256 bits that resumes the session. Sent once, when the session begins; null afterwards."""
    resumed: bool
    """True if ``start`` resumed a session."""
    samples: int
    """Acknowledged samples since the session's start, gaps included, at ``sample_rate``. Audio continues there."""
    sample_rate: int
    """Hertz."""
    room: RoomName | None
    person: Annotated[PersonId | None, OMITTED] = None
    """Public id of the person who talks in this session; ``speaker.person`` of its results. Missing from gateways older
    than names."""
    endpointing: Annotated[Endpointing | None, OMITTED] = None
    """Missing from gateways older than 0.2.0."""
    rights: Annotated[tuple[Right, ...] | None, OMITTED] = None
    """The client's rights in this session; missing where access is open."""
    links: Annotated[bool | None, OMITTED] = None
    """Only for the owner of the room, where access is closed: it has links already."""


class Configured(_AppliedSettings):
    """Answer to ``configure``: utterances that end from now on are recognised so."""

    type: Literal["configured"] = "configured"


class Ack(Message):
    """Acknowledges audio: the client may discard all samples before this one."""

    type: Literal["ack"] = "ack"
    samples: int
    """Samples since the session's start, gaps included, at the session's sample rate."""
    channel: Channel = None


class SpeechStarted(Message):
    """An utterance begins."""

    type: Literal["speech_started"] = "speech_started"
    segment: int
    at_ms: int
    """Beginning on the session's audio clock, ms, gaps included."""
    channel: Channel = None


class Interim(Message):
    """The text so far of an utterance that is not over. Replaces the one before it; sent to its speaker only."""

    type: Literal["interim"] = "interim"
    segment: int
    revision: int
    """Increases within a segment, not always by one."""
    stable: str
    """Beginning of the text, equal in two hypotheses. Later messages only extend it; the final text may differ."""
    unstable: str
    """Rest of the text, which may change."""
    language: str
    channel: Channel = None
    words: Annotated[tuple[Word, ...], Field(exclude=True)] = ()
    """The words of both, with their times. They are not in the JSON, but for protocols of other frames."""


class SpeechEnded(Message):
    """An utterance is complete; its result follows under the same ``segment``."""

    type: Literal["speech_ended"] = "speech_ended"
    segment: int
    start_ms: int
    """Beginning on the session's audio clock, ms, gaps included."""
    end_ms: int
    """End on the session's audio clock, ms, gaps included."""
    reason: Literal["silence", "too_long", "flush"]
    """``silence``: silence was sent, or no audio came. ``flush``: the session or its connection ended."""
    channel: Channel = None


class PersonPresent(Speaker):
    """A person in the room, with all of the person's connections."""

    talker: bool
    """A connection of the person has sent audio; false: the person only reads."""
    talking: bool
    """The person talks now, or did within the last 1.5 s."""


MAX_WHO = 100
"""Largest number of people in ``who``."""


class People(Message):
    """The people in the room. Sent to each client that joins, and to all when it changes."""

    type: Literal["people"] = "people"
    room: RoomName
    people: int
    """Connections in the room, that of the receiver included."""
    talking: int
    """Connections in the room that have sent audio."""
    who: Annotated[tuple[PersonPresent, ...] | None, OMITTED] = None
    """At most 100 of them, those who have sent audio first, then by ``person``. Missing from gateways older than names;
    whoever is connected to one is not among them."""


class Pong(Message):
    """Answer to ``ping``."""

    type: Literal["pong"] = "pong"
    id: str | None = None
    """``id`` of the ``ping``."""


class Stopped(Message):
    """Answer to ``stop`` after the last result; the gateway closes with 1000 next."""

    type: Literal["stopped"] = "stopped"
    segments: int
    """Utterances in the session so far."""
    pending: int
    """Utterances whose result is late; a resumed session still gets it."""
    channel: Channel = None


class Deleted(Message):
    """The conversation was deleted, with all that was said in it: nothing more comes. The gateway closes with 1000."""

    type: Literal["deleted"] = "deleted"
    session_id: SessionId
    """The client's own session, which is gone, too."""


class Error(Message):
    """The gateway refused a message, or cannot continue."""

    type: Literal["error"] = "error"
    code: str
    message: str
    remedy: str
    fatal: bool = False
    """True if the gateway closes the connection next."""


AnyServerMessage = (
    Ready
    | Configured
    | Ack
    | SpeechStarted
    | Interim
    | SpeechEnded
    | Final
    | NoSpeech
    | SegmentFailed
    | Statistics
    | PersonStatistics
    | People
    | Pong
    | Stopped
    | Deleted
    | Error
)
ServerMessage = Annotated[AnyServerMessage, Field(discriminator="type")]
server_message: TypeAdapter[AnyServerMessage] = TypeAdapter(ServerMessage, config=PRIVATE)
