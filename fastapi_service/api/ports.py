"""The ports of a connection: small protocols of what it calls, so that its parts can be replaced."""

from collections.abc import Callable, MutableMapping
from typing import Any, Protocol, TypeVar

from fastapi_service.delivery.frames import FrameWriter
from fastapi_service.delivery.hub import Receiver
from fastapi_service.delivery.ports import Sender
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.sessions.ports import Client, Feed, SpeechSession
from fastapi_service.storage.record import SessionRecord
from wire.errors import AccessError
from wire.messages.client import Configure, Start
from wire.messages.server import Right

Named = TypeVar("Named", Start, Configure)


class Socket(FrameWriter, Protocol):
    """An accepted WebSocket."""

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the next ASGI message: ``websocket.receive`` or ``websocket.disconnect``."""
        ...


class Registry(Protocol):
    """The sessions of this gateway; see ``sessions/registry.py``."""

    def enter(self, client: Client, /) -> None: ...

    async def open(
        self, start: Start, client: Client, change: EndpointingChange, /
    ) -> tuple[SpeechSession, str | None]: ...

    async def join(self, record: SessionRecord, feed: Feed, last_seq: int, /) -> None: ...

    def talks(self, record: SessionRecord, /) -> None: ...

    def falls_silent(self, record: SessionRecord, /) -> None: ...

    def introduce(self, record: SessionRecord, /) -> None: ...

    async def read_statistics(self, record: SessionRecord, receiver: Receiver, /) -> None: ...

    async def outstanding(self, session: SpeechSession, /) -> int: ...

    def leave(self, client: Client, /, *, wait_for_client: bool) -> None: ...


class Visit(Protocol):
    """The rights of one connection; see ``access/visit.py``."""

    async def begin(self, start: Start, end: Callable[[AccessError], None], /) -> tuple[Right, ...] | None: ...

    @property
    def links(self) -> bool | None: ...

    def named(self, message: Named, /, *, channels: int = 1) -> Named: ...

    async def began(self, session_id: str, person: str | None, /) -> None: ...

    def require(self, right: Right, /) -> None: ...

    def take_audio(self, seconds: float, /) -> None: ...

    def take_silence(self, clock_s: float, /) -> None: ...

    def leave(self) -> None: ...


class Line(Protocol):
    """A connection, for its sessions; see ``connection.py``."""

    @property
    def send_queue(self) -> Sender: ...

    @property
    def feed(self) -> Feed: ...

    def displace(self) -> None: ...

    def forget(self) -> None: ...
