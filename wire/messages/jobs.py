"""What the queues carry: one job per utterance and stage. Audio and long-lived state stay in Redis keys."""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import Clock, Message, RoomName, SessionId


class Transcript(Message):
    """What the speech-to-text engine heard."""

    text: str
    language: str
    language_probability: float | None
    """None when the session fixed the language."""
    avg_logprob: float
    """Mean log-probability of the tokens, ≤ 0."""
    no_speech_prob: float
    """Whisper's probability that nobody speaks, 0–1."""
    model: str


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


class TranscribeAudio(_Job):
    """gateway → stt_worker."""

    type: Literal["transcribe_audio"] = "transcribe_audio"
    audio_key: str
    """Redis key of the Int16 PCM, 16 kHz."""
    language: str | None = None
    """Fixed by the session; None asks the worker to detect it once and keep it."""


class AnalyzeText(_Job):
    """stt_worker → analyzer_worker."""

    type: Literal["analyze_text"] = "analyze_text"
    transcript: Transcript


Job = Annotated[TranscribeAudio | AnalyzeText, Field(discriminator="type")]
