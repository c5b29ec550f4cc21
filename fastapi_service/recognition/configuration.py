"""The settings that a session's utterances are recognised with, and the name of the one who talks."""

import asyncio
from collections.abc import Callable
from functools import partial

from fastapi_service.recognition.ports import ProgressStore
from fastapi_service.recognition.store_retry import StoreRetry
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from wire.messages.client import Configure
from wire.messages.server import Configured


class Configuration:
    """A session's record with what its client has changed since.

    A change applies at once. It is written in the background, for whatever connection resumes the session, and then
    answered; changes that come while one is being written are written together.
    """

    def __init__(
        self, record: SessionRecord, store: ProgressStore, retry: StoreRetry, send: Callable[[Configured], None]
    ) -> None:
        """Begin without a change; ``send`` is called with the answer to each change that is written."""
        self.record = record
        self._store = store
        self._retry = retry
        self._send = send
        self._unwritten = 0
        """Changes that are not being written yet."""
        self._languages = False
        """True if one of them changes the languages."""
        self._writing: asyncio.Task[bool] | None = None
        """Changes on their way to Redis; False if another connection owns the session."""

    def change(self, change: Configure) -> None:
        """Apply a change; returns at once."""
        self.record = self.record.configured(change)
        self._unwritten += 1
        self._languages |= change.changes_languages
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="configuration writer")

    def check_owner(self) -> None:
        """Report what the last writing found.

        Raises:
            SessionTakenOver: another connection owns the session.
            SessionUnknown: the session has expired.
        """
        if self._writing is not None and self._writing.done() and not self._writing.result():
            raise SessionTakenOver

    async def drain(self) -> None:
        """Wait until all changes are written. May be cancelled, and called again. Raises as ``check_owner`` does."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        self.check_owner()

    async def _write_all(self) -> bool:
        while changes := self._unwritten:
            record, languages = self.record, self._languages
            self._unwritten, self._languages = 0, False
            write = partial(self._store.configure, record, languages=languages)
            if not await self._retry.until_ok(write):
                return False
            for _ in range(changes):
                self._send(Configured.model_validate(record, from_attributes=True))
        return True
