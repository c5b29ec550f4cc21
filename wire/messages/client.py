"""Messages from a client to the gateway on ``/ws``, besides binary Int16 PCM."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, model_validator

from wire.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SAMPLE_RATE
from wire.languages import LANGUAGES
from wire.messages.base import OMITTED, PRIVATE, Channel, Command, RoomName, SessionId
from wire.messages.jobs import Task
from wire.people import MAX_NAME, MAX_ROLE, channel_key, readable_name

MAX_PROMPT = 400
"""Characters; Whisper uses about as many."""
Secret = Annotated[str, Field(max_length=128)]
_HIDDEN = Field(repr=False)
"""Marks a secret: it is in no log, whatever logs a message."""


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError("it is not a code that Whisper knows, such as en, ko or de")
    return language


def _once_each(languages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(languages))


Language = Annotated[str, AfterValidator(_known)]
Languages = Annotated[
    tuple[Language, ...],
    Field(max_length=len(LANGUAGES), exclude_if=lambda languages: not languages),  # gateways of 0.2.0 refuse the field
    AfterValidator(_once_each),
]

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME), AfterValidator(readable_name)]
Role = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_ROLE), AfterValidator(readable_name)]
PersonKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,128}$")]


class _RequestedSession(Command):
    """The settings that a client may change during a session."""

    language: Language | None = None
    """ISO 639 code of all utterances; null: see ``languages``."""
    languages: Languages = ()
    """ISO 639 codes among which the language of each utterance is detected; empty: among all. One is the same as
    ``language``; several and ``language`` contradict each other."""
    prompt: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    """Names and words of the conversation, for their spelling."""
    name: Annotated[Name | None, OMITTED] = None
    """Name of the person who talks: one line of at most 60 characters, spaces at its ends not counted. Null or empty:
    none."""
    role: Annotated[Role | None, OMITTED] = None
    """Role of the person, such as agent or customer: the same with at most 30 characters."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.language is not None and self.languages not in {(), (self.language,)}:
            raise ValueError("language and languages contradict each other: send one of them")
        return self

    @property
    def chosen_languages(self) -> tuple[str, ...]:
        """Languages that utterances may be in; empty: any."""
        return self.languages or (() if self.language is None else (self.language,))


class ChannelSpeaker(Command):
    """The person who talks in one channel of a stereo input."""

    name: Annotated[Name | None, OMITTED] = None
    """As in ``start``."""
    role: Annotated[Role | None, OMITTED] = None
    """As in ``start``."""


class ChannelSession(Command):
    """The session of one channel, to be resumed."""

    session_id: SessionId
    token: Annotated[str, Field(max_length=128), _HIDDEN]
    """Token from its ``ready``."""


class Start(_RequestedSession):
    """Begins a session with other settings than the defaults, or resumes one. Only as the first message."""

    type: Literal["start"] = "start"
    task: Task = "transcribe"
    """``translate`` returns English text for any spoken language."""
    room: RoomName | None = None
    """Room that shares the results; null keeps them private."""
    sample_rate: Annotated[int, Field(ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE, strict=True)] = SAMPLE_RATE
    """Sample rate of the PCM, hertz, 8,000–48,000."""
    person_key: Annotated[PersonKey | None, OMITTED, _HIDDEN] = None
    """Random secret that the client keeps, 16–128 letters, digits, ``_`` or ``-``: its later sessions in the same room
    are of the same person. Only a digest is stored, of the browser that owns a room. Null: each session is another
    person."""
    session_id: SessionId | None = None
    """Session to resume, with its token."""
    token: Annotated[Secret | None, _HIDDEN] = None
    """Token from the ``ready`` of the session to resume."""
    key: Annotated[Secret | None, OMITTED, _HIDDEN] = None
    """API key, of a client that sends no header ``Authorization``."""
    ticket: Annotated[Secret | None, OMITTED, _HIDDEN] = None
    """Ticket from ``POST /tickets``, for one connection."""
    invite: Annotated[Secret | None, OMITTED, _HIDDEN] = None
    """Secret of a link into ``room``."""
    last_seq: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Highest ``seq`` that the client has; the gateway sends all later messages again."""
    channels: Annotated[Literal[1, 2], Field(exclude_if=lambda channels: channels == 1)] = 1
    """2: the PCM is interleaved stereo, and each channel is a session of its own in the same room, with a person of its
    own. Gateways older than the field refuse it."""
    speakers: Annotated[tuple[ChannelSpeaker, ChannelSpeaker] | None, OMITTED] = None
    """Names and roles with two channels, instead of ``name`` and ``role``: left, right."""
    resume: Annotated[tuple[ChannelSession, ChannelSession] | None, OMITTED] = None
    """Sessions to resume with two channels, instead of ``session_id`` and ``token``: left, right."""

    @model_validator(mode="after")
    def _resumes_with_a_token(self) -> "Start":
        if (self.session_id is None) != (self.token is None):
            raise ValueError(
                "session_id and token belong together: send both to resume a session, neither for a new one"
            )
        return self

    @model_validator(mode="after")
    def _fits_its_channels(self) -> "Start":
        if self.channels == 1 and (self.speakers or self.resume):
            raise ValueError("speakers and resume are for two channels: send channels 2 with them")
        if self.channels == 2 and (self.session_id or self.name or self.role):
            raise ValueError("two channels have speakers instead of name and role, and resume instead of session_id")
        if self.resume and self.resume[0].session_id == self.resume[1].session_id:
            raise ValueError("each channel has a session of its own, but resume names one session twice")
        return self

    def of_channel(self, number: int) -> "Start":
        """Return the message that begins, or resumes, the session of channel 0 or 1 alone."""
        one: dict[str, object] = {"channels": 1, "speakers": None, "resume": None}
        if self.person_key is not None:
            one["person_key"] = channel_key(self.person_key, number)
        if self.speakers is not None:
            one |= {"name": self.speakers[number].name, "role": self.speakers[number].role}
        if self.resume is not None:
            one |= {"session_id": self.resume[number].session_id, "token": self.resume[number].token}
        return self.model_copy(update=one)


class Configure(_RequestedSession):
    """Changes the session for utterances that end from now on. Fields that are left out stay as they are."""

    type: Literal["configure"] = "configure"
    channel: Channel = None
    """Channel of a stereo input that it is for; null: both."""

    @property
    def changes_languages(self) -> bool:
        """True if the message says anything about them, also null or an empty list."""
        return not self.model_fields_set.isdisjoint({"language", "languages"})

    @property
    def changes_recognition(self) -> bool:
        """True if it says anything about languages or prompt; what it says about the person changes no text."""
        return self.changes_languages or "prompt" in self.model_fields_set

    @property
    def changes_person(self) -> bool:
        """True if it says anything about name or role, also null."""
        return not self.model_fields_set.isdisjoint({"name", "role"})


class Gap(Command):
    """Replaces silence that the client does not send."""

    type: Literal["gap"] = "gap"
    samples: Annotated[int, Field(ge=1, le=MAX_SAMPLE_RATE * 86_400, strict=True)]
    """Length in samples at the session's sample rate; at most a day."""


class Stop(Command):
    """Ends the session: the gateway ends the open utterance, waits for all results, then closes."""

    type: Literal["stop"] = "stop"


class Ping(Command):
    """Requests a ``pong``."""

    type: Literal["ping"] = "ping"
    id: Annotated[str, Field(max_length=64)] | None = None
    """Returned in the ``pong``."""


ClientMessage = Annotated[Start | Configure | Gap | Stop | Ping, Field(discriminator="type")]
client_message: TypeAdapter[Start | Configure | Gap | Stop | Ping] = TypeAdapter(ClientMessage, config=PRIVATE)
