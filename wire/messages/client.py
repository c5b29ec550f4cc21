"""What a client may say to the gateway on ``/ws``, besides binary Int16 PCM."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from wire.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SAMPLE_RATE
from wire.languages import LANGUAGES
from wire.messages.base import PRIVATE, Command, RoomName, SessionId
from wire.messages.jobs import Task

MAX_PROMPT = 400
"""Characters: about what Whisper takes into account."""


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"{language[:16]!r} is not a language code that Whisper knows, such as en, ko or de")
    return language


Language = Annotated[str, AfterValidator(_known)]


class Start(Command):
    """First message of a client that wants anything but the defaults, or that resumes a session."""

    type: Literal["start"] = "start"
    language: Language | None = None
    """ISO 639 code; null detects it from the first utterances and keeps it."""
    task: Task = "transcribe"
    """``translate`` gives English text whatever is spoken."""
    prompt: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    """Names and words that may come up, so that they are spelled like this."""
    room: RoomName | None = None
    """Share results with everybody in this room; null keeps them private."""
    sample_rate: Annotated[int, Field(ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE, strict=True)] = SAMPLE_RATE
    """Hertz of the PCM that will be sent, 8,000–48,000."""
    session_id: SessionId | None = None
    """Resume this session, with its token."""
    token: Annotated[str, Field(max_length=128)] | None = None
    last_seq: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Highest ``seq`` that the client has; what came after it is sent again."""

    @model_validator(mode="after")
    def _resumes_with_a_token(self) -> "Start":
        if (self.session_id is None) != (self.token is None):
            raise ValueError(
                "session_id and token belong together: send both to resume a session, neither for a new one"
            )
        return self


class Gap(Command):
    """Silence that the client did not send."""

    type: Literal["gap"] = "gap"
    samples: Annotated[int, Field(ge=1, le=MAX_SAMPLE_RATE * 86_400, strict=True)]
    """At the session's sample rate; at most a day."""


class Stop(Command):
    """No more audio: end the open utterance, wait for all results, then close."""

    type: Literal["stop"] = "stop"


class Ping(Command):
    """Asks for a ``pong``."""

    type: Literal["ping"] = "ping"
    id: Annotated[str, Field(max_length=64)] | None = None
    """Comes back in the ``pong``."""


ClientMessage = Annotated[Start | Gap | Stop | Ping, Field(discriminator="type")]
client_message: TypeAdapter[Start | Gap | Stop | Ping] = TypeAdapter(ClientMessage, config=PRIVATE)
