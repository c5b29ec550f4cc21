"""How an utterance ends. Workers say it to the listener, the listener to the gateways, a gateway to its clients.

Each utterance that entered the ledger ends in exactly one of ``Final``, ``NoSpeech`` and ``SegmentFailed``.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from wire.messages.base import PRIVATE, Clock, Message, RoomName, SessionId, has_unknown_type
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.transcript import Word

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = get_args(Label)


class Sentiment(Message):
    """Judgement of one utterance."""

    label: Label
    score: float
    """Probability of the label, 0–1."""
    probabilities: dict[Label, float]
    """All three, adding up to 1."""
    model: str
    language: str


class _SegmentEnd(Message):
    session_id: SessionId
    room: RoomName | None = None
    segment: Annotated[int, Field(ge=0)]
    revision: int = 0
    start_ms: int
    """On the session's audio clock, gaps included."""
    end_ms: int
    clock: Clock
    seq: int | None = None
    """Position among everything the audience saw, from 1; set when the listener releases it."""


def result_fields(job: TranscribeAudio | AnalyzeText) -> dict[str, Any]:
    """What the end of an utterance takes over from its job: whose, which, when."""
    return {
        name: getattr(job, name)
        for name in ("session_id", "room", "segment", "revision", "start_ms", "end_ms", "clock")
    }


class Final(_SegmentEnd):
    """The text of an utterance, which never changes again, and how it is meant."""

    type: Literal["final"] = "final"
    text: str
    words: tuple[Word, ...] = ()
    """When each word is said; empty where the engine cannot tell."""
    language: str
    """Of the text: ``en`` after a translation."""
    language_probability: float | None = None
    avg_logprob: float
    no_speech_prob: float
    stt_model: str
    sentiment: Sentiment | None
    sentiment_reason: str | None = None
    """Why there is no sentiment, for people."""

    @classmethod
    def of(cls, job: AnalyzeText, sentiment: Sentiment | None, reason: str | None) -> "Final":
        """The transcript of a job, with its sentiment or the reason for having none."""
        heard = job.transcript
        return cls(
            **result_fields(job),
            text=heard.text,
            words=heard.words,
            language=heard.language,
            language_probability=heard.language_probability,
            avg_logprob=heard.avg_logprob,
            no_speech_prob=heard.no_speech_prob,
            stt_model=heard.model,
            sentiment=sentiment,
            sentiment_reason=reason,
        )


class NoSpeech(_SegmentEnd):
    """Something was loud enough, but nobody spoke."""

    type: Literal["no_speech"] = "no_speech"
    no_speech_prob: float | None = None


class SegmentFailed(_SegmentEnd):
    """The utterance was given up."""

    type: Literal["segment_failed"] = "segment_failed"
    code: str
    message: str
    remedy: str
    attempts: int


SegmentEnd = Annotated[Final | NoSpeech | SegmentFailed, Field(discriminator="type")]
segment_end: TypeAdapter[Final | NoSpeech | SegmentFailed] = TypeAdapter(SegmentEnd, config=PRIVATE)


def read_segment_end(data: str) -> Final | NoSpeech | SegmentFailed | None:
    """Parse a result; None if its ``type`` is unknown, from a newer version.

    Raises:
        ValidationError: the result is damaged.
    """
    try:
        return segment_end.validate_json(data)
    except ValidationError as refused:
        if has_unknown_type(refused):
            return None
        raise
