"""Messages of Deepgram's live transcription, as its clients read them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from wire.messages.results import Sentiment


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    def json_frame(self) -> str:
        """Return the text frame; what is unset is left out."""
        return self.model_dump_json(exclude_none=True)


class Word(_Frame):
    """One word of a text."""

    word: str
    """Lower case, without the punctuation around it."""
    start: float
    """Seconds since the beginning of the stream."""
    end: float
    """Seconds since the beginning of the stream."""
    confidence: float
    """Probability of the word's tokens, 0–1."""
    punctuated_word: str | None = None
    """As in the text; missing with ``punctuate=false``."""
    language: str | None = None
    """Only where the client left the language open."""
    speaker: int | None = None
    """Voice, from 0; only with ``diarize``, on servers that distinguish voices."""


class Alternative(_Frame):
    """The text; there is never more than one."""

    transcript: str
    confidence: float
    """Mean of the words' confidences; without words exp of the mean log-probability of the tokens; 0 without text."""
    words: tuple[Word, ...]
    languages: tuple[str, ...] | None = None
    """Only where the client left the language open."""


class Channel(_Frame):
    """The texts of one channel."""

    alternatives: tuple[Alternative, ...]


class ModelInfo(_Frame):
    """The model that made a text."""

    name: str
    version: str
    arch: str = "whisper"


class ResultsMetadata(_Frame):
    """The part of a result that all results of its stream share."""

    request_id: str
    model_info: ModelInfo
    model_uuid: str


class Results(_Frame):
    """The text of an utterance, so far or for good."""

    type: Literal["Results"] = "Results"
    channel_index: tuple[int, int]
    """Channel, and number of channels."""
    duration: float
    start: float
    is_final: bool
    speech_final: bool
    """The speaker paused behind it. False where an utterance was cut because it was too long."""
    from_finalize: bool
    channel: Channel
    metadata: ResultsMetadata
    sentiment: Sentiment | None = None
    """Not in Deepgram's live protocol: that of ``final``, see docs/protocol.md."""
    sentiment_reason: str | None = None
    """Not in Deepgram's protocol: why there is no sentiment."""


class SpeechStarted(_Frame):
    """An utterance begins; only with ``vad_events``."""

    type: Literal["SpeechStarted"] = "SpeechStarted"
    channel: tuple[int, int]
    timestamp: float
    """Seconds since the beginning of the stream."""


class UtteranceEnd(_Frame):
    """No word for as long as ``utterance_end_ms`` says."""

    type: Literal["UtteranceEnd"] = "UtteranceEnd"
    channel: tuple[int, int]
    last_word_end: float
    """Seconds since the beginning of the stream."""


class Metadata(_Frame):
    """The end of a stream."""

    type: Literal["Metadata"] = "Metadata"
    transaction_key: str = "deprecated"
    request_id: str
    sha256: str
    """Digest of all audio as it came."""
    created: str
    """Begin of the stream, ISO 8601 in UTC."""
    duration: float
    """Seconds of audio."""
    channels: int
    models: tuple[str, ...]
    model_info: dict[str, ModelInfo]
    """By ``model_uuid``."""
    extra: dict[str, str] | None = None
    """The parameter ``extra``, sent back."""
    tags: tuple[str, ...] | None = None
    """The parameter ``tag``, sent back."""
    warnings: tuple[str, ...] | None = None
    """Requests of the client that had no effect, in sentences."""


class ConfigureSuccess(_Frame):
    """The answer to ``Configure``."""

    type: Literal["ConfigureSuccess"] = "ConfigureSuccess"
    request_id: str
    keyterms: tuple[str, ...] | None = None


class ConfigureFailure(_Frame):
    """The answer to a ``Configure`` that is refused."""

    type: Literal["ConfigureFailure"] = "ConfigureFailure"
    request_id: str
    code: str
    description: str


class ErrorFrame(_Frame):
    """Something was refused, or the connection ends."""

    type: Literal["Error"] = "Error"
    variant: str
    """``SchemaError`` for a text message that cannot be read, NET-0001, DATA-0000, or the code of docs/protocol.md."""
    description: str
    message: str | None = None
    """The remedy."""


class Refusal(_Frame):
    """The body of a refused handshake."""

    err_code: str
    err_msg: str
    request_id: str
