"""A client of the gateway that survives broken connections: audio and results arrive exactly once.

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

from recorder_service.client.connect import Connector
from recorder_service.client.errors import GatewayError
from recorder_service.client.options import Hooks, Limits
from recorder_service.client.session import ReconnectingSession
from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Stopped
from wire.messages.statistics import Statistics


class RecorderClient:
    """One session. It lasts for the ``async with`` block, over any number of connections."""

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
        """Prepare a session; ``async with`` begins it.

        Args:
            start: language, room and sample rate; with session_id, token and last_seq it resumes a session. Its key
                goes into the handshake.
            limits: time limits and buffer size.
            hooks: callbacks for the gateway's messages and for notices about the connection.
            insecure: accept any certificate.
            live: the audio cannot wait: when the buffer is full, ``send`` drops the oldest instead of waiting.
        """
        self._limits = limits or Limits()
        self._hooks = hooks or Hooks()
        self._live = live
        start = start or Start()
        connector = Connector(url, insecure=insecure, key=start.key)
        start = start.model_copy(update={"key": None})  # gateways before it refuse the field
        self._session = ReconnectingSession(connector, start, self._limits, self._hooks, live=live)
        self._running: asyncio.Task[None] | None = None
        self._dropping = False
        self.transcript = self._session.transcript
        """Session state, results and statistics received so far."""

    @property
    def results(self) -> list[Final | NoSpeech | SegmentFailed]:
        """Results in order, each once."""
        return self.transcript.results

    @property
    def statistics(self) -> Statistics | None:
        """Newest statistics of the session itself."""
        return self.transcript.statistics.get("session")

    @property
    def session_id(self) -> str | None:
        """Name of the session; None before it stands."""
        return self.transcript.session_id

    @property
    def token(self) -> str | None:
        """Secret that resumes the session, together with ``session_id``."""
        return self.transcript.token

    @property
    def lost_samples(self) -> int:
        """Samples dropped before the gateway had them; silence stands in their place."""
        return self._session.lost_samples

    async def __aenter__(self) -> Self:
        """Begin the session.

        Raises:
            GatewayError: the session cannot begin.
        """
        self._running = asyncio.create_task(self._session.run(), name="session")
        self._running.add_done_callback(lambda _: self._session.changed.notify())
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
        """Queue Int16 little-endian PCM at the session's rate: mono, or with two channels interleaved stereo.

        Waits while the buffer is full, unless ``live``.

        Raises:
            GatewayError: the session is over.
        """
        self._check_alive()
        buffer = self._session.buffer
        if not self._live:
            await self.until(lambda: buffer.has_room_for(pcm))
        buffer.append(pcm)
        if self._live and buffer.drop_oldest():
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
        assert self.transcript.stopped is not None
        return self.transcript.stopped

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is evaluated after each message.

        Raises:
            GatewayError: the session ended, or there was no progress for ``idle_timeout_s``.
        """
        began = time.monotonic()
        while not condition():
            self._check_alive()
            left = max(began, self._session.last_progress) + self._limits.idle_timeout_s - time.monotonic()
            if left <= 0:
                raise GatewayError(
                    "no_progress",
                    f"The gateway has said nothing new for {self._limits.idle_timeout_s:.0f} s.",
                    "Look at the workers' logs, or wait longer with RECORDER_PATIENCE_S.",
                )
            await self._session.changed.wait(left)

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
