"""The ports of delivery: small protocols of what it calls, so that its parts can be replaced."""

from typing import Protocol

from fastapi_service.delivery.result_log import Result
from wire.errors import WireError
from wire.messages.server import AnyServerMessage


class Sender(Protocol):
    """Takes messages for one client."""

    def send(self, message: AnyServerMessage, /) -> None: ...

    def send_error(self, error: WireError, /) -> None: ...


class Queue(Sender, Protocol):
    """A sender that can be waited for."""

    @property
    def closing(self) -> bool: ...

    def send_live(self, result: Result, /) -> None:
        """Take a result that was released while the client followed."""
        ...

    async def drain(self) -> None: ...


class Log(Protocol):
    """Reads results of an audience."""

    async def read(self, audience: str, after: int, count: int) -> list[tuple[int, Result | None]]: ...
