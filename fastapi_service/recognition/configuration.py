"""The settings that a session's utterances are recognised with."""

from fastapi_service.recognition.ports import ProgressStore
from fastapi_service.recognition.store_retry import StoreRetry
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from wire.messages.client import Configure


class Configuration:
    """A session's record with what its client has changed since."""

    def __init__(self, record: SessionRecord, store: ProgressStore, retry: StoreRetry) -> None:
        self.record = record
        self._store = store
        self._retry = retry

    async def change(self, change: Configure) -> None:
        """Apply a change at once, then write it, for whatever connection resumes the session.

        Raises:
            SessionTakenOver: another connection owns the session.
            SessionUnknown: the session has expired.
        """
        record = self.record = self.record.configured(change)
        languages = change.changes_languages
        if not await self._retry.until_ok(lambda: self._store.configure(record, languages=languages)):
            raise SessionTakenOver
