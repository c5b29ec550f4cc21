"""What the gateway says to a client on ``/ws``, besides how utterances end (``results``) and ``Statistics``."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from wire.messages.base import PRIVATE, Message, RoomName, SessionId
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.statistics import Statistics


class Ready(Message):
    """The session stands: audio may flow."""

    type: Literal["ready"] = "ready"
    session_id: SessionId
    token: str | None
    """Needed to resume the session; sent once, when the session begins. 256 bits."""
    resumed: bool
    samples: int
    """Where audio continues: samples (gaps included, at ``sample_rate``) since the session's start that are safe."""
    sample_rate: int
    language: str | None
    room: RoomName | None


class Ack(Message):
    """Everything before this sample is safe; the client may forget it."""

    type: Literal["ack"] = "ack"
    samples: int
    """Since the session's start, gaps included, at the session's sample rate."""


class SpeechStarted(Message):
    type: Literal["speech_started"] = "speech_started"
    segment: int
    at_ms: int


class Interim(Message):
    """The text so far of an utterance that is being spoken, for the person who speaks; the next one replaces it."""

    type: Literal["interim"] = "interim"
    segment: int
    revision: int
    """Grows within a segment, not by one."""
    stable: str
    """Its beginning, on which two hypotheses agree; later ones only add to it. The final text may still differ."""
    unstable: str
    """The rest, which may change."""
    language: str


class SpeechEnded(Message):
    """An utterance is complete; its result follows under the same ``segment``."""

    type: Literal["speech_ended"] = "speech_ended"
    segment: int
    start_ms: int
    end_ms: int
    reason: Literal["silence", "too_long", "flush"]


class People(Message):
    """How many are in the room now; said to whoever joins it, and whenever it changes."""

    type: Literal["people"] = "people"
    room: RoomName
    people: int
    """Connections, that of the listener included."""
    talking: int
    """Those of them that have sent audio."""


class Pong(Message):
    type: Literal["pong"] = "pong"
    id: str | None = None


class Stopped(Message):
    """Answer to ``stop`` after the last result; the gateway closes with 1000 next."""

    type: Literal["stopped"] = "stopped"
    segments: int
    """Utterances in the session so far."""
    pending: int
    """Utterances whose result did not come in time; a resumed session still gets them."""


class Error(Message):
    """Something the client sent was refused, or the service cannot go on."""

    type: Literal["error"] = "error"
    code: str
    message: str
    remedy: str
    fatal: bool = False
    """True when the connection is closed next."""


ServerMessage = Annotated[
    Ready
    | Ack
    | SpeechStarted
    | Interim
    | SpeechEnded
    | Final
    | NoSpeech
    | SegmentFailed
    | Statistics
    | People
    | Pong
    | Stopped
    | Error,
    Field(discriminator="type"),
]
AnyServerMessage = (
    Ready
    | Ack
    | SpeechStarted
    | Interim
    | SpeechEnded
    | Final
    | NoSpeech
    | SegmentFailed
    | Statistics
    | People
    | Pong
    | Stopped
    | Error
)
server_message: TypeAdapter[AnyServerMessage] = TypeAdapter(ServerMessage, config=PRIVATE)
