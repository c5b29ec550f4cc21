"""One session of a connection, as the registry sees it."""

from fastapi_service import errors
from fastapi_service.api.audio_formats import FormatCheck
from fastapi_service.api.ports import Line
from fastapi_service.delivery.ports import Sender
from fastapi_service.sessions.ports import Feed, SpeechSession
from wire.errors import WireError
from wire.messages.server import (
    Ack,
    AnyServerMessage,
    Configured,
    Interim,
    Ready,
    SpeechEnded,
    SpeechStarted,
    Stopped,
)

_Marked = Ready | Configured | Ack | SpeechStarted | Interim | SpeechEnded | Stopped
"""Messages about one session."""


class Channel:
    """One session, as a ``sessions.ports.Client``: it ends with its connection, and the connection with it."""

    def __init__(self, line: Line, number: int | None = None) -> None:
        """``number`` marks the messages about the session; None: the connection has no other session."""
        self._line = line
        self.number = number
        self.session: SpeechSession | None = None
        self.known = 0
        """Samples that come first and that the session has already: the other channel lacks them."""
        self._format = FormatCheck()

    @property
    def send_queue(self) -> Sender:
        """Takes the session's messages: the channel itself."""
        return self

    @property
    def feed(self) -> Feed:
        """The connection's: what both sessions see comes once."""
        return self._line.feed

    def displace(self) -> None:
        """Close the connection: another one has resumed the session."""
        self._line.displace()

    def forget(self) -> None:
        """Close the connection: the conversation was deleted."""
        self._line.forget()

    def send(self, message: AnyServerMessage) -> None:
        """Pass a message on, with the number of the channel."""
        if self.number is not None and isinstance(message, _Marked):
            message = message.model_copy(update={"channel": self.number})
        self._line.send_queue.send(message)

    def send_error(self, error: WireError) -> None:
        """Pass an error on."""
        self._line.send_queue.send_error(error)

    def check(self, pcm: bytes, session: SpeechSession) -> None:
        """Check the format of the next audio.

        Raises:
            AudioError: it is no Int16 PCM.
        """
        if found := self._format.find(pcm):
            raise errors.unsupported_audio(found, session.record.sample_rate)

    def fresh(self, samples: int) -> int:
        """Count samples that come; returns how many at their end are new to the session."""
        repeated = min(self.known, samples)
        self.known -= repeated
        return samples - repeated
