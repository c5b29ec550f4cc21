"""Messages from a client to the gateway on ``/ws``, besides binary Int16 PCM."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from wire.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SAMPLE_RATE
from wire.languages import LANGUAGES
from wire.messages.base import PRIVATE, Command, RoomName, SessionId
from wire.messages.jobs import Task

MAX_PROMPT = 400
"""Characters; Whisper uses about as many."""


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"{language[:16]!r} is not a language code that Whisper knows, such as en, ko or de")
    return language


Language = Annotated[str, AfterValidator(_known)]


class Start(Command):
    """Begins a session with other settings than the defaults, or resumes one. Only as the first message."""

    type: Literal["start"] = "start"
    language: Language | None = None
    """ISO 639 code; null detects the language of each utterance; that of the ones before is likelier."""
    task: Task = "transcribe"
    """``translate`` returns English text for any spoken language."""
    prompt: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    """Names and words of the conversation, for their spelling."""
    room: RoomName | None = None
    """Room that shares the results; null keeps them private."""
    sample_rate: Annotated[int, Field(ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE, strict=True)] = SAMPLE_RATE
    """Sample rate of the PCM, hertz, 8,000–48,000."""
    session_id: SessionId | None = None
    """Session to resume, with its token."""
    token: Annotated[str, Field(max_length=128)] | None = None
    """Token from the ``ready`` of the session to resume."""
    last_seq: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Highest ``seq`` that the client has; the gateway sends all later messages again."""

    @model_validator(mode="after")
    def _resumes_with_a_token(self) -> "Start":
        if (self.session_id is None) != (self.token is None):
            raise ValueError(
                "session_id and token belong together: send both to resume a session, neither for a new one"
            )
        return self


class Gap(Command):
    """Replaces silence that the client does not send."""

    type: Literal["gap"] = "gap"
    samples: Annotated[int, Field(ge=1, le=MAX_SAMPLE_RATE * 86_400, strict=True)]
    """Length in samples at the session's sample rate; at most a day."""


class Stop(Command):
    """Ends the session: the gateway ends the open utterance, waits for all results, then closes."""

    type: Literal["stop"] = "stop"


class Ping(Command):
    """Requests a ``pong``."""

    type: Literal["ping"] = "ping"
    id: Annotated[str, Field(max_length=64)] | None = None
    """Returned in the ``pong``."""


ClientMessage = Annotated[Start | Gap | Stop | Ping, Field(discriminator="type")]
client_message: TypeAdapter[Start | Gap | Stop | Ping] = TypeAdapter(ClientMessage, config=PRIVATE)
