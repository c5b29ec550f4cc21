"""Translates OpenAI Realtime's events of one connection."""

import json
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fastapi_service.api.realtime import beta, events
from fastapi_service.api.realtime.audio import RATE, InputAudio
from fastapi_service.api.realtime.configuration import Configuration
from fastapi_service.api.realtime.conversation import Conversation
from fastapi_service.api.realtime.events import Event
from fastapi_service.api.realtime.parsing import parsed
from fastapi_service.api.serializer import Audio, Begin, Clear, Flush, Incoming, Tune
from fastapi_service.api.validation import MAX_MESSAGE_BYTES
from fastapi_service.delivery.frames import Close, Frame
from fastapi_service.errors import MAX_ERRORS
from fastapi_service.errors import realtime as errors
from wire.messages.client import Ping, Start
from wire.messages.server import AnyServerMessage, Deleted, Error, Pong, Ready

LEAST_COMMIT_MS = 100
IDLE_S = 3_600.0
"""OpenAI's sessions last an hour at most; this one lasts as long as something comes."""
LONGEST_ID = 512
"""Characters of an ``event_id`` that an error repeats."""
_OF_CONVERSATIONS = ("conversation.", "response.", "output_audio_buffer.")
_Handler = Callable[["RealtimeSerializer", dict[str, Any]], Iterable[Incoming]]


def new_id(prefix: str) -> str:
    """Return a random id."""
    return prefix + secrets.token_hex(8)


class RealtimeSerializer:
    """Keeps the settings of the session as its client sees them, and its conversation.

    What an event changes is shown behind what it brings: a ``Ping`` follows it, and its ``Pong`` comes to ``encode``.
    """

    resumable = grant_may_follow = False
    idle_s = IDLE_S

    def __init__(
        self, offered: Sequence[str] = (), *, is_beta: bool = False, new_id: Callable[[str], str] = new_id
    ) -> None:
        """Begin with the default settings.

        Args:
            offered: sub-protocols of the handshake; secrets among them are not sent back.
            is_beta: the client expects the shapes from before the general availability.
            new_id: makes an id from its prefix.
        """
        self.subprotocol = "realtime" if "realtime" in offered else None
        self._is_beta = is_beta
        self._new_id = new_id
        self._audio = InputAudio()
        self._wanted = Configuration()
        """Holds for the next event."""
        self._updates: dict[int, Configuration] = {}
        """Number of an update → what applies with it, for ``encode`` to show."""
        self._count = 0
        """Updates so far."""
        self._shown = self._wanted
        """Holds for the messages that are encoded."""
        self._ready: Ready | None = None
        self._refused: deque[errors.EventError] = deque(maxlen=MAX_ERRORS)
        """Errors on their way to ``encode``, with what the message for clients lacks."""
        self._conversation = Conversation(new_id)

    def connect(self) -> tuple[Incoming, ...]:
        """Begin a session: it is announced with ``session.created``."""
        return (Begin(Start(sample_rate=RATE), self._wanted.endpointing),)

    def decode(self, frame: Frame) -> Iterable[Incoming]:
        """Return what an event of the client brings.

        Raises:
            EventError: it is invalid.
        """
        event: dict[str, Any] = {}
        try:
            event = parsed(frame)
            handler = self._handler(event.get("type"))
            if handler is not RealtimeSerializer._append and len(frame) > MAX_MESSAGE_BYTES:
                raise errors.event_too_large(len(frame), MAX_MESSAGE_BYTES)
            return handler(self, event)
        except errors.EventError as error:
            event_id = event.get("event_id")
            error.event_id = event_id if isinstance(event_id, str) and len(event_id) <= LONGEST_ID else None
            self._refused.append(error)
            raise

    @staticmethod
    def _handler(kind: object) -> _Handler:
        if isinstance(kind, str) and kind in _HANDLERS:
            return _HANDLERS[kind]
        if isinstance(kind, str) and kind.startswith(_OF_CONVERSATIONS):
            raise errors.event_of_conversations()
        raise errors.unknown_event(_HANDLERS)

    def _append(self, event: dict[str, Any]) -> Iterable[Incoming]:
        encoded = event.get("audio")
        if not isinstance(encoded, str):
            raise errors.bad_field("audio", "it is no string")
        return (Audio(piece) for piece in self._audio.append(encoded) if piece)

    def _commit(self, _: dict[str, Any]) -> Sequence[Incoming]:
        ms = self._audio.ms
        if ms < LEAST_COMMIT_MS:
            raise errors.nothing_to_commit(ms, LEAST_COMMIT_MS)
        return [*map(Audio, self._audio.commit()), Flush(), Ping(id=f"committed {ms}")]

    def _clear(self, _: dict[str, Any]) -> Sequence[Incoming]:
        return [*map(Audio, self._audio.commit()), Clear(), Ping(id="cleared")]

    def _update(self, event: dict[str, Any]) -> Sequence[Incoming]:
        session, before = event.get("session"), self._wanted
        self._wanted = before.updated(beta.modern(session) if isinstance(session, dict) else session)
        self._count += 1
        self._updates[self._count] = self._wanted
        found: list[Incoming] = [*map(Audio, self._audio.change(self._wanted.format))]
        if self._wanted.endpointing != before.endpointing:
            found.append(Tune(self._wanted.endpointing))
        if (change := self._wanted.change_since(before)) is not None:
            found.append(change)
        return [*found, Ping(id=f"updated {self._count}")]

    def encode(self, message: AnyServerMessage) -> Sequence[Frame]:
        """Return the events for a message: none, one or several."""
        return [
            json.dumps({"event_id": self._new_id("event_")} | event, ensure_ascii=False)
            for event in self._events(message)
        ]

    def _events(self, message: AnyServerMessage) -> list[Event]:
        match message:
            case Ready():
                self._ready = message
                return [self._session("created")]
            case Pong():
                return self._behind(message.id or "")
            case Error():
                return [self._error(message)]
            case Deleted():
                gone = Error(code="session_deleted", message="The conversation was deleted.", remedy="Begin another.")
                return [events.error(gone)]
            case _:
                return self._conversation.take(message)

    def _behind(self, command: str) -> list[Event]:
        """Return what answers a command, now that all is sent that came before it."""
        match command.split():
            case ["committed", ms]:
                return self._conversation.commit(int(ms) / 1000)
            case ["cleared"]:
                return self._conversation.clear()
            case [_, count]:
                self._shown = shown = self._updates.pop(int(count))
                self._conversation.manual = shown.turn_detection is None
                self._conversation.with_logprobs = "item.input_audio_transcription.logprobs" in shown.include
                return [self._session("updated")]
            case _:
                return []

    def _session(self, what: str) -> Event:
        assert self._ready is not None
        ids = {"id": f"sess_{self._ready.session_id}", "object": "realtime.transcription_session"}
        session = ids | self._shown.shown(self._ready.endpointing)
        if self._ready.token is not None and what == "created":
            session |= {"session_id": self._ready.session_id, "token": self._ready.token}
        return beta.session(session, what) if self._is_beta else {"type": f"session.{what}", "session": session}

    def _error(self, message: Error) -> Event:
        if self._refused and (self._refused[0].code, self._refused[0].message) == (message.code, message.message):
            refused = self._refused.popleft()
            return events.error(message, refused.param, refused.event_id)
        return events.error(message)

    def close(self, code: int) -> Close:
        """Return the code as it is."""
        return Close(code)


_HANDLERS: dict[str, _Handler] = {
    "input_audio_buffer.append": RealtimeSerializer._append,
    "input_audio_buffer.commit": RealtimeSerializer._commit,
    "input_audio_buffer.clear": RealtimeSerializer._clear,
    "session.update": RealtimeSerializer._update,
    "transcription_session.update": RealtimeSerializer._update,
}
"""Type → what it brings."""
