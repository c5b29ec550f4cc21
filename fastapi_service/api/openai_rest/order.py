"""Pure: the fields of a form as a client's order for a file."""

import json
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from starlette.datastructures import FormData

from fastapi_service import errors
from fastapi_service.endpointing.change import EndpointingChange
from wire.languages import LANGUAGES
from wire.messages.client import MAX_PROMPT, Start
from wire.messages.jobs import Task

ResponseFormat = Literal["json", "text", "srt", "vtt", "verbose_json", "diarized_json"]
RESPONSE_FORMATS: tuple[ResponseFormat, ...] = get_args(ResponseFormat)
STREAMED: tuple[ResponseFormat, ...] = ("json", "text", "diarized_json")
"""Formats that events can stand for."""
Granularity = Literal["word", "segment"]
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
_Choice = TypeVar("_Choice", bound=str)
_UNCHANGED = EndpointingChange()
VAD = {"silence_duration_ms": (30, 10_000), "prefix_padding_ms": (0, 2_000), "threshold": (0, 1)}
"""Fields of a chunking strategy, with the least and the most that they may be."""
_YES, _NO = {"true", "1", "yes", "on"}, {"false", "0", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Order:
    """A client's order for a file. Fields that change nothing are not kept."""

    task: Task = "transcribe"
    languages: tuple[str, ...] = ()
    prompt: str = ""
    response_format: ResponseFormat = "json"
    granularities: frozenset[Granularity] = frozenset({"segment"})
    """Those of ``verbose_json``."""
    endpointing: EndpointingChange = _UNCHANGED
    """From OpenAI's ``chunking_strategy``: the silence that ends an utterance, and what counts as silence."""
    logprobs: bool = False
    """Add the probability of each word, in ``json``."""
    stream: bool = False
    sentiment: bool = False
    """An extension: add the sentiment of each sentence, and of all."""
    keep: bool = False
    """An extension: keep the session after the answer."""
    background: bool = False
    """An extension: answer with a job at once."""

    @property
    def start(self) -> Start:
        """The beginning of the session."""
        return Start(task=self.task, languages=self.languages, prompt=self.prompt)


def order_of(form: FormData, task: Task) -> Order:
    """Return the order in a form; fields that are not known are passed over.

    Raises:
        FieldError: a field has a value that is not allowed.
    """
    fields = _Fields(form)
    fields.check_temperature()
    response_format = fields.one_of("response_format", RESPONSE_FORMATS) or "json"
    granularities = frozenset(fields.several_of("timestamp_granularities", GRANULARITIES))
    if granularities and response_format != "verbose_json":
        raise errors.bad_field("timestamp_granularities", "it is for verbose_json", "Send that response_format.")
    stream = fields.flag("stream")
    if stream and response_format not in STREAMED:
        raise errors.bad_field("stream", f"events cannot be {response_format}", "Leave stream out, or response_format.")
    background = fields.flag("background")
    if stream and background:
        raise errors.bad_field("background", "a stream has a client that waits", "Send one of stream and background.")
    keep = fields.flag("keep")
    if keep and background:
        raise errors.bad_field("keep", "a job does not keep the token of its session", "Send one of the two.")
    return Order(
        task=task,
        languages=fields.languages(),
        prompt=fields.prompt(),
        response_format=response_format,
        granularities=granularities or frozenset({"segment"}),
        endpointing=fields.endpointing(),
        logprobs="logprobs" in fields.several("include"),
        stream=stream,
        sentiment=fields.flag("sentiment"),
        keep=keep,
        background=background,
    )


class _Fields:
    """A form whose lists have brackets behind their names, or not."""

    def __init__(self, form: FormData) -> None:
        self._form = form

    def text(self, name: str) -> str:
        """Return a field; empty if it is missing, or a file."""
        value = self._form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def several(self, name: str) -> list[str]:
        """Return all values of a list."""
        values = [*self._form.getlist(f"{name}[]"), *self._form.getlist(name)]
        return [value.strip() for value in values if isinstance(value, str) and value.strip()]

    def one_of(self, name: str, choices: tuple[_Choice, ...]) -> _Choice | None:
        """Return a field that has one of a few values; None if it is missing."""
        return self._choice(name, text, choices) if (text := self.text(name)) else None

    def several_of(self, name: str, choices: tuple[_Choice, ...]) -> list[_Choice]:
        """Return all values of a list of such values."""
        return [self._choice(name, text, choices) for text in self.several(name)]

    def flag(self, name: str) -> bool:
        """Return a field that is true or false; false if it is missing."""
        text = self.text(name).lower()
        if text in _YES:
            return True
        if text in _NO:
            return False
        raise errors.bad_field(name, "it is neither true nor false", "Send true or false.")

    def languages(self) -> tuple[str, ...]:
        """Return the languages that the speech may be in; none: any."""
        codes = [text.lower() for text in ([self.text("language")] if self.text("language") else [])]
        codes += [text.lower() for text in self.several("languages")]
        for code in codes:
            if code not in LANGUAGES:
                remedy = "Send an ISO 639-1 code such as en, ko or de, or leave it out."
                raise errors.bad_field("language", "the language is unknown", remedy)
        return tuple(dict.fromkeys(codes))

    def prompt(self) -> str:
        """Return prompt and keywords, no longer than they may be: of a long prompt the end, as Whisper does."""
        keywords = ", ".join(self.several("keywords"))
        return " ".join(filter(None, (self.text("prompt"), keywords)))[-MAX_PROMPT:]

    def check_temperature(self) -> None:
        """Refuse a temperature that is none; it changes nothing, since the engine chooses its own."""
        text = self.text("temperature")
        try:
            is_valid = not text or 0 <= float(text) <= 1
        except ValueError:
            is_valid = False
        if not is_valid:
            raise errors.bad_field("temperature", "it is not between 0 and 1", "Leave it out, or send 0.")

    def endpointing(self) -> EndpointingChange:
        """Return the endpointing of a chunking strategy, in fields of its own or as JSON; ``auto`` changes nothing."""
        name = "chunking_strategy"
        values: dict[str, object] = {key: self.text(f"{name}[{key}]") for key in ("type", *VAD)}
        if text := self.text(name):
            values = {"type": text}
            with suppress(ValueError, RecursionError):
                values = found if isinstance(found := json.loads(text), dict) else values
        kind = str(values.get("type") or "")
        if kind in {"", "auto"}:
            return _UNCHANGED
        if kind != "server_vad":
            raise errors.bad_field(name, "it is neither auto nor server_vad", "Send auto, or leave it out.")
        found = {key: self._number(f"{name}[{key}]", values.get(key), *VAD[key]) for key in VAD}
        padding, silence = found["prefix_padding_ms"], found["silence_duration_ms"]
        return EndpointingChange(
            silence_ms=None if silence is None else round(silence),
            pre_roll_ms=None if padding is None else round(padding),
            threshold=found["threshold"],
        )

    @staticmethod
    def _number(name: str, value: object, least: float, most: float) -> float | None:
        if value is None or value == "":
            return None
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise errors.bad_field(name, f"it is no number from {least:g} to {most:g}", "Leave it out.")
        return number

    @staticmethod
    def _choice(name: str, text: str, choices: Iterable[_Choice]) -> _Choice:
        for choice in choices:
            if text == choice:
                return choice
        raise errors.bad_field(name, "it is none of those there are", f"Send one of {', '.join(choices)}.")
