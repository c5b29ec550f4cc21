"""The query parameters of ``/v1/listen``, with the names, defaults and spellings of Deepgram's clients."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fastapi_service import errors
from fastapi_service.api.deepgram.ignored import ignored
from infra.sound.g711 import RATE as TELEPHONE_RATE
from wire.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from wire.languages import LANGUAGES
from wire.messages.client import MAX_PROMPT

Encoding = Literal["linear16", "mulaw", "alaw", "opus", "ogg-opus"]
OPUS: frozenset[str | None] = frozenset({"opus", "ogg-opus"})
"""Alike here: the first bytes show whether it is Ogg."""
OPUS_RATE = 48_000
"""Hertz."""
LEAST_ENDPOINTING_MS = 300
"""Shorter pauses lie within sentences: an utterance that ends there would be recognised worse."""
_LISTS = frozenset({"keyterm", "keywords", "language_hint", "tag", "extra", "redact", "replace", "search"})
"""Parameters that may come several times."""
_OPEN_LANGUAGE = "multi"


class ListenQuery(BaseModel):
    """The parameters that have an effect. Unknown ones and those without effect are in ``warnings``."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True)

    encoding: Encoding | None = None
    """None: the audio begins with the header of a WAV file, which says it."""
    sample_rate: Annotated[int, Field(ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE)] | None = None
    """Hertz; without it that of telephones for ``mulaw`` and ``alaw``, and that of the codec for Opus."""
    channels: Annotated[int, Field(ge=1, le=2)] = 1
    multichannel: bool = False
    """Each channel is a talker; otherwise they are mixed into one."""
    interim_results: bool = False
    endpointing: Annotated[int, Field(ge=0, le=5_000)] | bool | None = None
    """Silence that ends an utterance, ms; False: no result is called ``speech_final``; None: as the server has it."""
    utterance_end_ms: Annotated[int, Field(ge=0, le=60_000)] | Literal[False] | None = None
    """Time without words after which ``UtteranceEnd`` is sent, ms."""
    vad_events: bool = False
    punctuate: bool | None = None
    smart_format: bool | None = None
    language: str | None = None
    """BCP 47 tag, of which the language counts; ``multi`` or None: it is detected."""
    language_hint: tuple[str, ...] = ()
    detect_language: bool = False
    keyterm: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    """As ``word:weight``; the weight does not count, and words with a negative one are left out."""
    diarize: bool = False
    diarize_model: str | None = None
    model: str | None = None
    extra: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    callback: str = ""
    warnings: tuple[str, ...] = ()

    @field_validator("language", "language_hint")
    @classmethod
    def _is_known(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for tag in (value,) if isinstance(value, str) else value or ():
            if tag.lower() != _OPEN_LANGUAGE and _base(tag) not in LANGUAGES:
                raise ValueError("it is no language that Whisper knows, such as en, en-US, ko or multi")
        return value

    @field_validator("redact")
    @classmethod
    def _redacts_nothing(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(kind.lower() not in {"", "false"} for kind in value):
            raise ValueError("this server does not redact texts, and would show what was to be hidden")
        return value

    @field_validator("callback")
    @classmethod
    def _calls_nobody(cls, value: str) -> str:
        if value:
            raise ValueError("this server sends results over the connection only")
        return value

    @model_validator(mode="after")
    def _has_a_rate(self) -> Self:
        if self.encoding == "linear16" and self.sample_rate is None:
            raise ValueError("sample_rate: linear16 needs one, 8000 to 48000")
        if len(self.prompt) > MAX_PROMPT:
            raise ValueError(f"keyterm: together they may have {MAX_PROMPT} characters")
        return self

    @property
    def rate(self) -> int:
        """Hertz, of audio without a header."""
        return self.sample_rate or (OPUS_RATE if self.encoding in OPUS else TELEPHONE_RATE)

    @property
    def talkers(self) -> Literal[1, 2]:
        """Number of sessions."""
        return 2 if self.multichannel and self.channels == 2 else 1

    @property
    def prompt(self) -> str:
        """Terms whose spelling to bias."""
        return prompt_of((*self.keyterm, *(word for word in map(_unweighted, self.keywords) if word)))

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that utterances may be in; empty: any."""
        if self.detect_language or self.language is None or self.language.lower() == _OPEN_LANGUAGE:
            return tuple(dict.fromkeys(_base(hint) for hint in self.language_hint))
        return (_base(self.language),)

    @property
    def leaves_language_open(self) -> bool:
        """True if results say in which language a text is."""
        return len(self.languages) != 1

    @property
    def punctuated(self) -> bool:
        """False for texts without punctuation; unlike Deepgram, without a parameter texts have it."""
        return bool(self.punctuate or self.smart_format) or self.punctuate is None

    @property
    def silence_ms(self) -> int | None:
        """Silence that ends an utterance; None: as the server has it."""
        if self.endpointing is None or isinstance(self.endpointing, bool):
            return None
        return max(LEAST_ENDPOINTING_MS, self.endpointing)

    @property
    def says_speech_final(self) -> bool:
        """False with ``endpointing=false``."""
        return self.endpointing is not False

    @property
    def diarizes(self) -> bool:
        """True for results with numbers of voices."""
        return self.diarize or bool(self.diarize_model)


def prompt_of(terms: Iterable[str]) -> str:
    """Return terms as a prompt."""
    return ", ".join(distinct(terms))


def distinct(terms: Iterable[str]) -> tuple[str, ...]:
    """Return each term once, with single blanks."""
    return tuple(dict.fromkeys(stripped for term in terms if (stripped := " ".join(term.split()))))


def parse_query(parameters: Iterable[tuple[str, str]]) -> ListenQuery:
    """Read the parameters.

    Args:
        parameters: names and values, in their order. A name that comes twice counts with its last value, unless it may.

    Raises:
        ProtocolError: a value is not as Deepgram's documentation says, or cannot be had here.
    """
    values: dict[str, Any] = {}
    for name, value in parameters:
        if name in _LISTS:
            values.setdefault(name, []).append(value)
        elif name != "warnings":
            values[name] = value
    try:
        return ListenQuery.model_validate(values | {"warnings": ignored(values, ListenQuery.model_fields.keys())})
    except ValidationError as invalid:
        error = invalid.errors(include_input=False, include_url=False)[0]
        reason = error["msg"].removeprefix("Value error, ")
        raise errors.bad_parameter(str(error["loc"][0]) if error["loc"] else "", reason) from invalid


def _base(tag: str) -> str:
    """Return the language of a BCP 47 tag."""
    return tag.lower().replace("_", "-").partition("-")[0]


def _unweighted(keyword: str) -> str:
    """Return the word of ``word:weight``; nothing if it is to be rarer."""
    word, _, weight = keyword.rpartition(":")
    if not word:
        return keyword
    return "" if weight.startswith("-") else word
