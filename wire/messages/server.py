"""What the gateway says to a client on ``/ws``, besides how utterances end (``results``) and ``Statistics``."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from wire.messages.base import PRIVATE, Message, RoomName, SessionId
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.statistics import Statistics


class Endpointing(Message):
    """The gateway's settings that decide where an utterance begins and ends, for clients that leave out silence."""

    pre_roll_ms: int
    """Audio before the first loud frame that belongs to an utterance."""
    silence_ms: int
    """Silence that ends an utterance."""
    min_speech_ms: int
    """Sound shorter than this is no speech."""
    max_utterance_ms: int
    """Longest utterance."""
    silence_ceiling: float
    """Mean square, 0–1, above which a 30 ms frame is loud at any noise level."""
    noise_factor: float
    """A frame is loud above this multiple of the noise floor, unless ``silence_ceiling`` is lower."""


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
    endpointing: Annotated[Endpointing | None, Field(exclude_if=lambda value: value is None)] = None
    """Left out by gateways older than 0.2.0."""


class Ack(Message):
    """Everything before this sample is safe; the client may forget it."""

    type: Literal["ack"] = "ack"
    samples: int
    """Since the session's start, gaps included, at the session's sample rate."""


class SpeechStarted(Message):
    """Speech was found: an utterance begins."""

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
    """Answers a ``ping``."""

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
ServerMessage = Annotated[AnyServerMessage, Field(discriminator="type")]
server_message: TypeAdapter[AnyServerMessage] = TypeAdapter(ServerMessage, config=PRIVATE)
