"""A file as a client of the registry: no socket, a queue of results in its place."""

import asyncio

from fastapi_service import errors
from fastapi_service.delivery.feed import Feed
from fastapi_service.delivery.ports import Log
from fastapi_service.delivery.result_log import Result
from fastapi_service.sessions.ports import SpeechSession
from wire.errors import WireError
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage


class FileClient:
    """Takes the results of one session, in order."""

    def __init__(self, results: Log) -> None:
        self.session: SpeechSession | None = None
        self.send_queue = _Results()
        self.feed = Feed(self.send_queue, results)

    async def next(self) -> Result:
        """Wait for the next result.

        Raises:
            WireError: the session has ended.
        """
        arrived = await self.send_queue.arrived.get()
        if isinstance(arrived, WireError):
            raise arrived
        return arrived

    def end(self, error: WireError) -> None:
        """End with an error, as when the client's key was revoked."""
        self.send_queue.arrived.put_nowait(error)

    def displace(self) -> None:
        """End: the session was resumed elsewhere, with the token that only an answer has."""
        self.end(errors.file_forgotten())

    def forget(self) -> None:
        """End: the session was deleted."""
        self.end(errors.file_forgotten())


class _Results:
    """The ``delivery.ports.Queue`` of a file: of all messages only results are for it."""

    closing = False

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Result | WireError] = asyncio.Queue()

    def send(self, message: AnyServerMessage) -> None:
        """Take a message."""
        if isinstance(message, Final | NoSpeech | SegmentFailed):
            self.arrived.put_nowait(message)

    def send_live(self, result: Result) -> None:
        """Take a result."""
        self.arrived.put_nowait(result)

    def send_error(self, error: WireError) -> None:
        """Pass over a warning that results are late: whoever sends a file waits anyway."""

    async def drain(self) -> None:
        """Return at once: a file has as many results as it has."""
