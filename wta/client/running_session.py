"""A session in a task of its own: audio goes in, and whoever waits for something learns how it ended."""

import asyncio
import time
from collections.abc import Callable

from wire.messages.server import Stopped
from wta.client.errors import GatewayError
from wta.client.options import Limits
from wta.client.session import ReconnectingSession


class RunningSession:
    """Runs a session from ``begin`` to ``end``."""

    def __init__(self, session: ReconnectingSession, limits: Limits, on_notice: Callable[[str], None]) -> None:
        self._session = session
        self._limits = limits
        self._on_notice = on_notice
        self._task: asyncio.Task[None] | None = None
        self._dropping = False

    def begin(self, on_end: Callable[[], None]) -> None:
        """Connect; ``on_end`` is called when the session is over.

        Raises:
            RuntimeError: it has begun before.
        """
        if self._task is not None:
            raise RuntimeError("a client is for one session: make another one")

        def ended(_: asyncio.Task[None]) -> None:
            self._session.changed.notify()
            on_end()

        self._task = asyncio.create_task(self._session.run(), name="session")
        self._task.add_done_callback(ended)

    async def end(self) -> None:
        """Close the connection, whatever is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, pcm: bytes) -> None:
        """Queue audio; wait while the buffer is full, unless it is live.

        Raises:
            GatewayError: the session is over.
        """
        self.check()
        buffer = self._session.buffer
        if not self._limits.live:
            await self.until(lambda: buffer.has_room_for(pcm))
        buffer.append(pcm)
        if self._limits.live and buffer.drop_oldest():
            self._warn_once()
        else:
            self._dropping = False
        self._session.changed.notify()

    async def stop(self) -> Stopped:
        """End the audio; return when everything was sent and every result has come.

        Raises:
            GatewayError: results are missing.
        """
        self._session.stopping = True
        self._session.changed.notify()
        await self.until(lambda: self._session.is_over)
        assert self._session.transcript.stopped is not None
        return self._session.transcript.stopped

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is evaluated after each message.

        Raises:
            GatewayError: the session ended, or there was no progress for ``idle_timeout_s``.
        """
        began = time.monotonic()
        while not condition():
            self.check()
            left = max(began, self._session.last_progress) + self._limits.idle_timeout_s - time.monotonic()
            if left <= 0:
                raise GatewayError(
                    "no_progress",
                    f"The gateway has said nothing new for {self._limits.idle_timeout_s:.0f} s.",
                    "Look at the workers' logs, or wait longer (the recorder: RECORDER_PATIENCE_S).",
                )
            await self._session.changed.wait(left)

    def check(self) -> None:
        """Return if the session goes on.

        Raises:
            GatewayError: it is over.
        """
        self.raise_failure()
        if self._task is not None and self._task.done():
            raise GatewayError("session_over", "The gateway has ended the session.", "Start a new one.")

    def raise_failure(self) -> None:
        """Return if the session goes on, or is over as it should be.

        Raises:
            GatewayError: it could not begin, or not go on, or the client has left it.
            RuntimeError: it has not begun.
        """
        if self._task is None:
            raise RuntimeError("use the client as an async context manager")
        if self._task.cancelled():  # its result would be a CancelledError, as if the caller's task were cancelled
            raise GatewayError("session_over", "The client has left the session.", "Make another client for a new one.")
        if self._task.done():
            self._task.result()

    def _warn_once(self) -> None:
        if not self._dropping:
            self._dropping = True
            self._on_notice(f"{self._limits.buffer_s:.0f} s of audio wait for the gateway: dropping the oldest")
