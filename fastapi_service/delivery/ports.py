"""The ports of delivery: small protocols of what it calls, so that its parts can be replaced."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from fastapi_service.delivery.result_log import Result
from wire.errors import WireError
from wire.messages.server import AnyServerMessage
from wire.messages.statistics import PersonStatistics, Statistics


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


class Newest(Protocol):
    """Finds where the logs of audiences end."""

    async def newest_of(self, audiences: Sequence[str], /) -> Mapping[str, int]: ...


class StatisticsStore(Protocol):
    """The newest statistics of audiences; see ``storage/sessions.py``."""

    async def statistics(self, audience: str, /) -> Statistics | None: ...

    async def person_statistics(self, room: str, /) -> list[PersonStatistics]: ...


class Log(Protocol):
    """Reads results of an audience."""

    async def read(self, audience: str, after: int, count: int) -> list[tuple[int, Result | None]]: ...
