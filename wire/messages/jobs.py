"""The jobs in the queues, one per utterance and stage. Audio and long-lived state stay in Redis keys."""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import OMITTED, Message, SessionId, Utterance
from wire.messages.transcript import Transcript

Task = Literal["transcribe", "translate"]
NoSpeechReason = Literal["silence", "uncertain"]
"""``uncertain``: there is speech, but its text is too improbable to be shown."""


class _LedgerJob(Utterance):
    """A job of an utterance that the ledger holds until it has a result."""

    ahead: bool = False
    """Its session sends faster than real time, such as a file: the job waits behind those of people who talk."""


class _JobRecognition(Message):
    """The audio of a job and the options for its recognition."""

    audio_key: str
    """Redis key of the Int16 PCM, 16 kHz, mono."""
    language: str | None = None
    """ISO 639 code, fixed by the session; None makes the worker detect it."""
    languages: tuple[str, ...] = ()
    """ISO 639 codes among which the language is detected, or the one that is fixed; empty: all."""
    task: Task = "transcribe"
    prompt: str = ""
    """Names and words of the conversation, for their spelling."""


class TranscribeAudio(_LedgerJob, _JobRecognition):
    """Job gateway → stt_worker: transcribe an utterance."""

    type: Literal["transcribe_audio"] = "transcribe_audio"
    no_speech_prob: float | None = None
    """Set if a partial found no speech: the utterance ends as ``NoSpeech`` and is not transcribed again."""
    no_speech_reason: NoSpeechReason = "silence"
    """Reason for that."""


class TranscribePartial(_JobRecognition):
    """Job gateway → stt_worker: transcribe an utterance before it is over. Best effort: it is not in the ledger."""

    type: Literal["draft_text"] = "draft_text"
    session_id: SessionId
    segment: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=1)]
    purpose: Literal["interim", "final"]
    """``interim`` is shown during speech; ``final`` becomes the final text unless speech continues."""
    start_ms: int
    """Beginning of the audio on the session's audio clock, ms."""
    prefix: str = ""
    """Beginning of the text, already certain."""
    reply_to: str
    """Channel for the ``Partial``."""


class Partial(Message):
    """Answer stt_worker → gateway: the text of an utterance that is not over yet."""

    type: Literal["draft"] = "draft"
    session_id: SessionId
    segment: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=1)]
    transcript: Transcript | None
    """None without speech, or when the job failed or was preempted."""
    no_speech_prob: float | None = None
    """Set instead of ``transcript`` if there is no speech. If both are None, only the final job gives the result."""
    no_speech_reason: NoSpeechReason = "silence"
    """Reason for that."""
    sentence_end: Annotated[float | None, OMITTED] = None
    """Log-odds that a sentence is over with the text; None if nothing shows that."""
    keep_language: str | None = None
    """Detected language, if it is certain enough to be expected again."""
    stt_start: float
    """Unix seconds."""
    stt_end: float
    """Unix seconds."""


class AnalyzeText(_LedgerJob):
    """Job stt_worker → analyzer_worker: classify the sentiment of a transcript."""

    type: Literal["analyze_text"] = "analyze_text"
    transcript: Transcript


Job = Annotated[TranscribeAudio | AnalyzeText, Field(discriminator="type")]
