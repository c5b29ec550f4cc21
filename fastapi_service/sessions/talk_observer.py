"""Notices when the speaker of a session begins and ends to talk."""

from typing import Protocol

from fastapi_service.delivery.ports import Sender
from wire.errors import WireError
from wire.messages.server import AnyServerMessage, SpeechEnded, SpeechStarted


class Report(Protocol):
    """Takes the beginning of an utterance, or its end."""

    def __call__(self, *, speaking: bool) -> None:
        """Take one of them."""
        ...


class TalkObserver:
    """Passes the messages of a session on to its client."""

    def __init__(self, sender: Sender, report: Report) -> None:
        self._sender = sender
        self._report = report

    def send(self, message: AnyServerMessage) -> None:
        """Pass a message on, and report what it says."""
        if isinstance(message, SpeechStarted | SpeechEnded):
            self._report(speaking=isinstance(message, SpeechStarted))
        self._sender.send(message)

    def send_error(self, error: WireError) -> None:
        """Pass an error on."""
        self._sender.send_error(error)
