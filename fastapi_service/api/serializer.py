"""The protocol seam: a connection and its send queue handle messages, a serializer turns them into frames and back.

A protocol is a serializer, and a router that passes an instance of it to the acceptor; ``app.py`` includes the router.
There is one instance for each connection, made from the handshake (query parameters, headers), so it may keep state.
To answer behind what a command has brought, such as the ``speech_ended`` of a ``Flush``, it lets a ``Ping`` follow the
command: the ``Pong`` comes to ``encode`` in its order.
What a protocol cannot have without changes elsewhere is in docs/adr/0007-protocols-are-serializers.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi_service.delivery.frames import Encoder, Frame, Reply
from fastapi_service.endpointing.change import EndpointingChange
from wire.messages.client import Configure, Gap, Ping, Start, Stop


@dataclass(frozen=True, slots=True)
class Audio:
    """Speech of the client."""

    pcm: bytes
    """Int16 little-endian PCM, mono, at the session's sample rate; at least one sample, whole samples only."""


@dataclass(frozen=True, slots=True)
class Flush:
    """A client's command to end the open utterance now; the session goes on. ``/ws`` has no message for it."""

    channel: int | None = None
    """That of one talker of a stereo input, 0 or 1; None: those of all."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Takes the audio of the open utterance back; the session goes on.

    No message answers it. If ``speech_started`` had come, the next utterance has the same segment, with another one.
    """


@dataclass(frozen=True, slots=True)
class Begin:
    """A ``Start`` with other ends of utterances than the gateway's."""

    start: Start
    endpointing: EndpointingChange


@dataclass(frozen=True, slots=True)
class Tune:
    """Changes the ends of utterances during a session, from the open one on.

    What it leaves out is as the gateway has it again. No message answers it.
    """

    endpointing: EndpointingChange


Incoming = Audio | Start | Begin | Configure | Tune | Gap | Flush | Clear | Stop | Ping | Reply
"""A message of the client; a ``Reply`` is no message, but an immediate answer to it."""


class Serializer(Encoder, Protocol):
    """Translates one protocol for one connection."""

    @property
    def subprotocol(self) -> str | None:
        """The one of the client's subprotocols that is accepted; read after ``connect``."""
        ...

    @property
    def resumable(self) -> bool:
        """False if a client cannot resume a session: after a broken connection its utterance waits for nothing."""
        ...

    @property
    def grant_may_follow(self) -> bool:
        """True if a message may bring the client's grant, as ``start`` does.

        If not, and access is closed, a handshake without one is refused with HTTP status 401.
        """
        ...

    @property
    def idle_s(self) -> float | None:
        """Seconds without a frame after which a session ends with the error ``idle``; None: it may be silent."""
        ...

    def connect(self) -> Sequence[Incoming]:
        """Return what the handshake says: nothing, a greeting, or a ``Start`` made from query parameters.

        Called once, before the WebSocket is accepted.

        Raises:
            ProtocolError: the handshake is invalid; it is answered with HTTP status 400 and the error as JSON.
        """
        ...

    def decode(self, frame: Frame) -> Iterable[Incoming]:
        """Return the messages in a frame: none (a keep-alive), one or several (a long piece of audio).

        An iterator decodes each when the ones before it are handled, so that limits count them, and other connections
        have their turn, in between. Audio without a ``Start`` before it begins a session with the default settings.

        Raises:
            ProtocolError: the frame is invalid. It is reported to the client, which may go on.
        """
        ...
