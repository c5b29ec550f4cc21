"""Acknowledges audio: the client may forget it."""

import asyncio
from collections.abc import Callable

from fastapi_service.endpointing.sample_clock import SampleClock
from fastapi_service.recognition.ports import ProgressStore
from fastapi_service.recognition.store_retry import StoreRetry
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from wire.messages.server import Ack


class Acknowledgements:
    """Sends one client the number of samples that are safe in Redis. It only grows."""

    def __init__(
        self,
        record: SessionRecord,
        store: ProgressStore,
        clock: SampleClock,
        retry: StoreRetry,
        send: Callable[[Ack], None],
        every_s: float,
    ) -> None:
        """Start at the record's position.

        Args:
            send: called with each acknowledgement.
            every_s: silence is acknowledged this often, in seconds of audio.
        """
        self._record = record
        self._store = store
        self._clock = clock
        self._retry = retry
        self._send = send
        self._acknowledged = record.samples
        self._every = every_s * record.sample_rate
        self._note: asyncio.Task[bool] | None = None
        """Silence on its way to Redis; False if another connection owns the session."""

    def send(self, samples: int) -> None:
        """Acknowledge audio that is in Redis, in samples at the client's rate."""
        if samples > self._acknowledged:
            self._acknowledged = samples
            self._send(Ack(samples=samples))

    def note_silence(self, position: int) -> None:
        """Record, then acknowledge, that audio before a position at 16 kHz is not needed.

        Returns at once; one note is under way at a time.
        """
        if self._note is not None and not self._note.done():
            return
        safe = self._clock.to_client(position)
        if safe - self._acknowledged >= self._every:
            self._note = asyncio.create_task(self._write_note(safe), name="silence note")

    def check_owner(self) -> None:
        """Report what the last note found.

        Raises:
            SessionTakenOver: another connection owns the session.
            SessionUnknown: the session has expired.
        """
        if self._note is not None and self._note.done() and not self._note.result():
            raise SessionTakenOver

    def stop(self) -> None:
        """Cancel the note that is under way."""
        if self._note is not None:
            self._note.cancel()
            self._note = None

    async def _write_note(self, samples: int) -> bool:
        owned = await self._retry.until_ok(lambda: self._store.acknowledge(self._record, samples))
        if owned:
            self.send(samples)
        return owned
