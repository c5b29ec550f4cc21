"""The settings of a session as its client sees them: read from ``session.update``, shown in ``session.updated``."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from fastapi_service.api.realtime.audio import RATE, Format
from fastapi_service.api.realtime.turn_detection import Lenient, SemanticVad, ServerVad, TurnDetection
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.errors import realtime as errors
from wire.languages import LANGUAGES
from wire.messages.client import MAX_PROMPT, Configure
from wire.messages.server import Endpointing

MANUAL_MODELS = frozenset({"gpt-realtime-whisper", "gpt-live-transcribe"})
"""Without turn detection at OpenAI: their clients commit by themselves, and leave the field out."""


class Transcription(Lenient):
    """Languages and terms. The names of models are OpenAI's: the gateway's own model writes all texts."""

    model: str | None = None
    language: str | None = None
    languages: tuple[str, ...] | None = None
    prompt: str | None = None
    keywords: tuple[str, ...] | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """Codes of the languages, without countries; empty: any."""
        given = (self.language,) if self.language else self.languages or ()
        return tuple(dict.fromkeys(code.replace("_", "-").partition("-")[0].lower() for code in given if code))

    @property
    def terms(self) -> str:
        """The end of the prompt and of the keywords: as much as Whisper reads."""
        return ", ".join(filter(None, (self.prompt, *(self.keywords or ()))))[-MAX_PROMPT:]


class InputFormat(Lenient):
    """Coding of the audio; its rate follows from it."""

    type: Format
    rate: int | None = None


class NoiseReduction(Lenient):
    """Without effect: the model needs none."""

    type: Literal["near_field", "far_field"] | None = None
    strength: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class _Input(Lenient):
    format: InputFormat | None = None
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = None
    turn_detection: TurnDetection | None = None


class _Audio(Lenient):
    input: _Input | None = None


class Update(Lenient):
    """The ``session`` of an update."""

    type: Literal["transcription"]
    audio: _Audio | None = None
    include: tuple[str, ...] | None = None


_ANY = Transcription()
_USUAL = ServerVad(type="server_vad")


@dataclass(frozen=True)
class Configuration:
    """The settings of a session."""

    format: Format = "audio/pcm"
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription = _ANY
    turn_detection: ServerVad | SemanticVad | None = _USUAL
    """None: utterances end with a commit."""
    include: tuple[str, ...] = ()
    chose_turns: bool = False
    """The client has sent ``turn_detection``."""

    @property
    def endpointing(self) -> EndpointingChange:
        """The ends of utterances."""
        return EndpointingChange(manual=True) if self.turn_detection is None else self.turn_detection.endpointing

    def updated(self, session: object) -> "Configuration":
        """Return what applies after an update; what that leaves out stays.

        Raises:
            EventError: a field is invalid; nothing changes.
        """
        try:
            update = Update.model_validate(session)
        except ValidationError as invalid:
            raise _explained(invalid) from invalid
        given = update.audio.input if update.audio is not None and update.audio.input is not None else _Input()
        changes: dict[str, Any] = {name: getattr(given, name) for name in given.model_fields_set}
        if "include" in update.model_fields_set:
            changes["include"] = update.include or ()
        if given.format is not None:
            _check_rate(given.format)
        changes["format"] = given.format.type if given.format is not None else self.format
        changes["transcription"] = transcription = self._transcription(given)
        _check_languages(transcription)
        changes["chose_turns"] = self.chose_turns or "turn_detection" in given.model_fields_set
        if not changes["chose_turns"] and transcription.model in MANUAL_MODELS:
            changes["turn_detection"] = None
        return replace(self, **changes)

    def _transcription(self, given: _Input) -> Transcription:
        if "transcription" not in given.model_fields_set:
            return self.transcription
        if given.transcription is None:
            return Transcription()
        changes = given.transcription.model_dump(exclude_unset=True)
        if "languages" in changes:
            changes.setdefault("language", None)
        return self.transcription.model_copy(update=changes)

    def change_since(self, before: "Configuration") -> Configure | None:
        """Return what changes of languages and terms; None if nothing does."""
        changes: dict[str, Any] = {}
        if self.transcription.chosen != before.transcription.chosen:
            changes["languages"] = self.transcription.chosen
        if self.transcription.terms != before.transcription.terms:
            changes["prompt"] = self.transcription.terms
        return Configure(**changes) if changes else None

    def shown(self, usual: Endpointing | None) -> dict[str, Any]:
        """Return the settings as a client reads them; ``usual`` are the gateway's values."""
        coding = {"type": self.format} | ({"rate": RATE} if self.format == "audio/pcm" else {})
        turns = self.turn_detection.shown(usual) if self.turn_detection is not None else None
        known = {
            "format": coding,
            "noise_reduction": self.noise_reduction and self.noise_reduction.model_dump(exclude_none=True),
            "transcription": self.transcription.model_dump(exclude_none=True),
            "turn_detection": turns,
        }
        return {"type": "transcription", "audio": {"input": known}, "include": [*self.include] or None}


def _check_rate(given: InputFormat) -> None:
    if given.type == "audio/pcm" and given.rate not in (None, RATE):
        raise errors.bad_field("session.audio.input.format.rate", f"PCM has {RATE} Hz")


def _check_languages(transcription: Transcription) -> None:
    if not LANGUAGES.issuperset(transcription.chosen):
        field = "language" if transcription.language else "languages"
        raise errors.unknown_field_language(f"session.audio.input.transcription.{field}")


def _explained(invalid: ValidationError) -> errors.EventError:
    """Return the error for the first field that is invalid, by its name in the event."""
    first = invalid.errors(include_input=False, include_url=False)[0]
    tags = {"server_vad", "semantic_vad"}
    path = ".".join(["session", *(str(place) for place in first["loc"] if place not in tags)])
    if first["type"].startswith("union_tag"):
        return errors.bad_field(f"{path}.type", "known are server_vad and semantic_vad; null for manual commits")
    reason = "it is no object" if first["type"] in {"model_type", "dict_type"} else first["msg"]
    return errors.bad_field(path, reason)
