"""The protocol seam: a connection and its send queue handle messages, a serializer turns them into frames and back.

A protocol is one file in this folder: a serializer, and a router that passes an instance of it to the acceptor. There
is one instance for each connection, made from the handshake (query parameters, headers), so it may keep state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi_service.delivery.frames import Encoder, Frame, Reply
from wire.messages.client import Gap, Ping, Start, Stop


@dataclass(frozen=True, slots=True)
class Audio:
    """Speech of the client."""

    pcm: bytes
    """Int16 little-endian PCM, mono, at the session's sample rate; at least one sample, whole samples only."""


Incoming = Audio | Start | Gap | Stop | Ping | Reply
"""A message of the client; a ``Reply`` is no message, but an immediate answer to it."""


class Serializer(Encoder, Protocol):
    """Translates one protocol for one connection."""

    def connect(self) -> Sequence[Incoming]:
        """Return what the handshake says: nothing, a greeting, or a ``Start`` made from query parameters.

        Raises:
            ProtocolError: the handshake has invalid parameters; the connection is closed.
        """
        ...

    def decode(self, frame: Frame) -> Sequence[Incoming]:
        """Return the messages in a frame: none (a keep-alive), one or several (a long piece of audio).

        Audio without a ``Start`` before it begins a session with the default settings.

        Raises:
            ProtocolError: the frame is invalid. It is reported to the client, which may go on.
        """
        ...
