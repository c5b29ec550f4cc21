"""What the queues carry: one job per utterance and stage. Audio and long-lived state stay in Redis keys."""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import Clock, Message, RoomName, SessionId
from wire.messages.transcript import Transcript

Task = Literal["transcribe", "translate"]


class _Job(Message):
    session_id: SessionId
    room: RoomName | None = None
    segment: Annotated[int, Field(ge=0)]
    """Grows by one per utterance in a session."""
    revision: Annotated[int, Field(ge=0)] = 0
    """0 for the final text."""
    start_ms: int
    """Where the utterance begins on the session's audio clock, gaps included."""
    end_ms: int
    clock: Clock


class _Hearing(Message):
    """What is to be transcribed, and how."""

    audio_key: str
    """Redis key of the Int16 PCM, 16 kHz."""
    language: str | None = None
    """Fixed by the session; None asks the worker to detect it once and keep it."""
    task: Task = "transcribe"
    prompt: str = ""


class TranscribeAudio(_Job, _Hearing):
    """gateway → stt_worker."""

    type: Literal["transcribe_audio"] = "transcribe_audio"
    no_speech_prob: float | None = None
    """A draft's, in which nobody spoke: the utterance ends as that, and is not heard again."""


class TranscribePartial(_Hearing):
    """gateway → stt_worker, before the utterance is over. The ledger does not know of it: nobody was promised it."""

    type: Literal["draft_text"] = "draft_text"
    session_id: SessionId
    segment: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=1)]
    purpose: Literal["interim", "final"]
    """``interim`` is shown while the person speaks; ``final`` becomes the final text unless the person goes on."""
    start_ms: int
    """Where the audio begins on the session's audio clock."""
    prefix: str = ""
    """How the text is known to begin."""
    reply_to: str
    """Channel for the ``Partial``."""


class Partial(Message):
    """stt_worker → the gateway that asked."""

    type: Literal["draft"] = "draft"
    session_id: SessionId
    segment: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=1)]
    transcript: Transcript | None
    no_speech_prob: float | None = None
    """In place of a transcript when nobody speaks. Neither of them: it did not work, ask in the ordinary way."""
    keep_language: str | None = None
    """The detected language, where it is certain enough for the rest of the session."""
    stt_start: float
    stt_end: float


class AnalyzeText(_Job):
    """stt_worker → analyzer_worker."""

    type: Literal["analyze_text"] = "analyze_text"
    transcript: Transcript


Job = Annotated[TranscribeAudio | AnalyzeText, Field(discriminator="type")]
