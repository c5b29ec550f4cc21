"""A client of the gateway that survives broken connections: what it sends and what it hears arrives exactly once.

async with RecorderClient("ws://127.0.0.1:8000/ws", Start(language="en")) as client:
    await client.send(pcm)
    await client.stop()
print(client.results, client.statistics)
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from recorder_service.client.errors import GatewayError
from recorder_service.client.options import Hooks, Limits
from recorder_service.client.session import Link
from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Stopped
from wire.messages.statistics import Statistics


class RecorderClient:
    """One session. Inside ``async with`` it stands; connections may come and go."""

    def __init__(
        self,
        url: str,
        start: Start | None = None,
        *,
        limits: Limits | None = None,
        hooks: Hooks | None = None,
        insecure: bool = False,
        live: bool = False,
    ) -> None:
        """
        Args:
            start: language, room and sample rate; with session_id, token and last_seq it resumes a session.
            limits: how long it waits for what.
            hooks: who hears the gateway's messages and notices about the connection.
            insecure: accept any certificate.
            live: the audio cannot wait: when the buffer is full, ``send`` forgets the oldest instead of waiting.
        """
        self._limits = limits or Limits()
        self._hooks = hooks or Hooks()
        self._live = live
        self._link = Link(url, start or Start(), self._limits, self._hooks, insecure=insecure)
        self._running: asyncio.Task[None] | None = None
        self._dropping = False
        self.conversation = self._link.conversation
        """Everything that was heard."""

    @property
    def results(self) -> list[Final | NoSpeech | SegmentFailed]:
        """In order, each once."""
        return self.conversation.results

    @property
    def statistics(self) -> Statistics | None:
        """The newest of the session itself."""
        return self.conversation.statistics.get("session")

    @property
    def session_id(self) -> str | None:
        return self.conversation.session_id

    @property
    def token(self) -> str | None:
        """Resumes the session, together with ``session_id``."""
        return self.conversation.token

    @property
    def unacknowledged_samples(self) -> int:
        """Audio that would be sent again if the connection broke now."""
        return self._link.buffer.end - self._link.buffer.start

    @property
    def lost_samples(self) -> int:
        """Forgotten before the gateway had them; silence stands in their place."""
        return self._link.lost_samples

    async def __aenter__(self) -> Self:
        """
        Raises:
            GatewayError: the session does not come about.
        """
        self._running = asyncio.create_task(self._link.run(), name="recorder link")
        self._running.add_done_callback(lambda _: self._link.changed.ring())
        try:
            await self.until(lambda: self.session_id is not None)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def send(self, pcm: bytes) -> None:
        """Hand over Int16 little-endian mono PCM at the session's rate; it is on its way when this returns.

        Waits while the buffer is full, unless ``live``.

        Raises:
            GatewayError: the session is over.
        """
        self._check_alive()
        buffer = self._link.buffer
        if not self._live:
            await self.until(lambda: buffer.has_room_for(pcm))
        buffer.append(pcm)
        if self._live and buffer.drop_oldest():
            self._warn_once()
        else:
            self._dropping = False
        self._link.changed.ring()

    async def stop(self) -> Stopped:
        """No more audio: everything is sent, and every result is there, when this returns.

        Raises:
            GatewayError: not all results came.
        """
        self._link.stopping = True
        self._link.changed.ring()
        await self.until(lambda: self._link.is_over)
        assert self.conversation.stopped is not None
        return self.conversation.stopped

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on this client holds; it is looked at after each message.

        Raises:
            GatewayError: it can hold no more, or the session has not got on for ``patience_s``.
        """
        began = time.monotonic()
        while not condition():
            self._check_alive()
            left = max(began, self._link.news) + self._limits.patience_s - time.monotonic()
            if left <= 0:
                raise GatewayError(
                    "no_progress",
                    f"The gateway has said nothing new for {self._limits.patience_s:.0f} s.",
                    "Look at the workers' logs, or wait longer with RECORDER_PATIENCE_S.",
                )
            await self._link.changed.wait(left)

    def _check_alive(self) -> None:
        assert self._running is not None, "use it as an async context manager"
        if self._running.done():
            self._running.result()
            raise GatewayError("session_over", "The gateway has ended the session.", "Start a new one.")

    def _warn_once(self) -> None:
        if not self._dropping:
            self._dropping = True
            self._hooks.on_notice(f"{self._limits.buffer_s:.0f} s of audio wait for the gateway: dropping the oldest")

    async def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
