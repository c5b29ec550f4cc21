"""Results of utterances: from workers to the listener, from the listener to gateways, from a gateway to its clients.

Each utterance in the ledger ends with exactly one of ``Final``, ``NoSpeech`` and ``SegmentFailed``.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from wire.messages.base import OMITTED, PRIVATE, Message, Utterance, has_unknown_type
from wire.messages.jobs import AnalyzeText, NoSpeechReason, TranscribeAudio
from wire.messages.transcript import Word

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = get_args(Label)


class Sentiment(Message):
    """Sentiment of one text."""

    label: Label
    score: float
    """Probability of ``label``, 0–1."""
    probabilities: dict[Label, float]
    """Probability of each label; their sum is 1."""
    unsure: bool = False
    """The two most probable labels are nearly equal, so the label is ``neutral``."""
    zero_shot: bool = False
    """The model was not trained with sentences of this language."""
    model: str
    language: str


class _SegmentEnd(Utterance):
    seq: int | None = None
    """Position among all messages of the audience, from 1; set when the listener releases the result."""


def result_fields(job: TranscribeAudio | AnalyzeText) -> dict[str, Any]:
    """Return the fields that a result or the next job copies from a job."""
    return {name: getattr(job, name) for name in Utterance.model_fields}


class Final(_SegmentEnd):
    """The final text of an utterance, which never changes, with its sentiment."""

    type: Literal["final"] = "final"
    text: str
    words: tuple[Word, ...] = ()
    """Words with their times; empty if the engine does not give any."""
    language: str
    """Language of the text: ``en`` after a translation."""
    language_probability: float | None = None
    """Probability of the detected language by the audio alone, 0–1; null when the session fixed it."""
    avg_logprob: float
    """Mean log-probability of the tokens, ≤ 0."""
    no_speech_prob: float
    """Whisper's probability that the audio has no speech, 0–1."""
    stt_model: str
    sentiment: Sentiment | None
    """Sentiment of the sentence so far, if the text goes on with one."""
    sentiment_reason: str | None = None
    """Reason for having no sentiment, in a sentence for users."""
    continues: bool = False
    """The text goes on with the sentence of the session's final before: speakers pause within sentences. False from
    older services."""
    continued_segment: Annotated[int | None, OMITTED] = None
    """Segment of that final. Segments without speech may lie between. Only if the text continues."""
    first_segment: Annotated[int | None, OMITTED] = None
    """Segment of the final that the sentence begins with. Only if the text continues."""
    sentence: Annotated[str | None, OMITTED] = None
    """The sentence so far, this text included, without full stops that turned out to lie within it. Only if the text
    continues."""
    voice: Annotated[int | None, OMITTED] = None
    """Number of the voice in its session, from 1 in the order of appearance: finals with the same number were said by
    one person. Missing where the speakers of one microphone are not distinguished, and of a text without a voice."""
    merged_voices: Annotated[dict[int, int] | None, OMITTED] = None
    """Numbers of voices in the finals of the session so far that turned out to be the voice of another number: number →
    number. They have the other one from now on, and are not used again."""

    @classmethod
    def of(cls, job: AnalyzeText, sentiment: Sentiment | None, reason: str | None) -> "Final":
        """Return the result of a job, with its sentiment or the reason for having none."""
        transcript = job.transcript
        return cls(
            **result_fields(job),
            text=transcript.text,
            words=transcript.words,
            language=transcript.language,
            language_probability=transcript.language_probability,
            avg_logprob=transcript.avg_logprob,
            no_speech_prob=transcript.no_speech_prob,
            stt_model=transcript.model,
            sentiment=sentiment,
            sentiment_reason=reason,
        )

    def continuing(self, continued_segment: int, first_segment: int, sentence: str) -> "Final":
        """Return the same final as the next text of a sentence; see the fields of these names."""
        update = {"continued_segment": continued_segment, "first_segment": first_segment, "sentence": sentence}
        return self.model_copy(update={"continues": True, **update})

    def said_by(self, voice: int | None, merged_voices: dict[int, int]) -> "Final":
        """Return the same final with its voice; see the fields of these names."""
        return self.model_copy(update={"voice": voice, "merged_voices": merged_voices or None})

    def alone(self) -> "Final":
        """Return the same final as the beginning of a sentence."""
        update = dict.fromkeys(("continued_segment", "first_segment", "sentence"))
        return self.model_copy(update={"continues": False, **update})


class NoSpeech(_SegmentEnd):
    """An utterance that was loud enough but has no speech, or none whose text is certain enough to be shown."""

    type: Literal["no_speech"] = "no_speech"
    no_speech_prob: float | None = None
    reason: NoSpeechReason = "silence"


class SegmentFailed(_SegmentEnd):
    """An utterance that could not be transcribed."""

    type: Literal["segment_failed"] = "segment_failed"
    code: str
    """Stable and machine-readable."""
    message: str
    remedy: str
    attempts: int
    """Attempts of workers at the last stage."""


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
