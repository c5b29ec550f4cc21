"""The files of an export in OpenAPI: their schemas, and an example of each format, written by the format itself."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from wire.messages.base import Clock, PersonId, Speaker
from wire.messages.results import Final, Label, Sentiment
from wire.messages.transcript import Word


class Span(BaseModel):
    """An utterance on the file's clock."""

    start_ms: int
    end_ms: int


class TranscriptSentiment(BaseModel):
    """The sentiment of a sentence; see docs/protocol.md."""

    label: Label
    score: float
    probabilities: dict[Label, float]
    unsure: bool
    zero_shot: bool


class TranscriptEntry(BaseModel):
    """A sentence, or an utterance that failed."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    start_ms: int
    """Beginning on the file's clock, ms."""
    end_ms: int
    """End on the file's clock, ms."""
    speaker: str | None
    """Name or number; null for a single person without a name."""
    person: PersonId | None
    """Public id."""
    role: str | None
    voice: int | None
    """Number of the voice in its session, where several share a microphone."""
    text: str
    language: str | None
    sentiment: TranscriptSentiment | None
    sentiment_reason: str | None
    """Why there is no sentiment."""
    words: list[Word]
    utterances: list[Span]
    failed: bool
    """It could not be transcribed."""


class Transcript(BaseModel):
    """A transcript in the format ``json``."""

    format: str
    """``whisper-text-analyzer/1``."""
    entries: list[TranscriptEntry]


_SAID = Final(
    session_id="0123456789abcdef0123456789abcdef",
    segment=0,
    start_ms=62_000,
    end_ms=63_200,
    clock=Clock(speech_end=1_796_083_262.9, endpointed=1_796_083_263.5, audio_end=1_796_083_263.2),
    speaker=Speaker(person="86db7a1ad5f25db8", name="Kim", role="agent"),
    text="Good morning.",
    avg_logprob=-0.1,
    no_speech_prob=0.01,
    stt_model="whisper",
    language="en",
    words=(
        Word(text="Good", start_ms=62_100, end_ms=62_400, probability=0.98),
        Word(text=" morning.", start_ms=62_400, end_ms=62_900, probability=0.97),
    ),
    sentiment=Sentiment(
        label="positive",
        score=0.91,
        probabilities={"negative": 0.02, "neutral": 0.07, "positive": 0.91},
        model="sentiment",
        language="en",
    ),
)
"""The examples of all formats have this."""


def _example(format_name: str) -> str:
    speakers, sentences = Speakers(), Sentences()
    speakers.note(_SAID)
    sentences.note(_SAID)
    file = File(FORMATS[format_name], speakers.by_session(), sentences)
    return file.head() + file.entries([_SAID]) + file.tail()


def _content(format_name: str) -> dict[str, Any]:
    if format_name != "json":
        return {"schema": {"type": "string"}, "example": _example(format_name)}
    example = json.loads(_example("json"))
    return {"schema": {"$ref": "#/components/schemas/Transcript"}, "example": example}


TRANSCRIPT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Every `final` and `segment_failed` of the session's audience, in order, the finals of "
        "a sentence as one entry; of a log that is longer than about 10,000 results, the newest.",
        "content": {form.media_type.partition(";")[0]: _content(name) for name, form in FORMATS.items()},
    }
}
"""The successful answer, for the description of a route."""
