"""A client of the gateway that survives broken connections: audio and results arrive exactly once.

async with Client("http://127.0.0.1:8000", Start(language="en")) as client:
    async for message in client.stream(pcm):
        print(message)
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import Self

from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Stopped
from wire.messages.statistics import Statistics
from wta.client.address import websocket_url
from wta.client.connect import Connector
from wta.client.inbox import Inbox
from wta.client.options import Hooks, Limits
from wta.client.running_session import RunningSession
from wta.client.session import ReconnectingSession
from wta.client.tls import Tls


class Client:
    """One session. It lasts for the ``async with`` block, over any number of connections."""

    def __init__(
        self,
        url: str,
        start: Start | None = None,
        *,
        key: str | None = None,
        limits: Limits | None = None,
        hooks: Hooks | None = None,
        tls: Tls | None = None,
    ) -> None:
        """Prepare a session; ``async with`` begins it.

        Args:
            url: of the page or of the WebSocket, or just host and port.
            start: language, room and sample rate; with session_id, token and last_seq it resumes a session.
            key: API key, where access is closed. It goes into the handshake, as one in ``start`` does.
            limits: time limits and buffer size.
            hooks: callbacks for the gateway's messages and for notices about the connection.
            tls: whose certificates are accepted.

        Raises:
            ConfigurationError: address or key cannot be one, or the authority of ``tls`` cannot be read.
        """
        limits, self._hooks, start = limits or Limits(), hooks or Hooks(), start or Start()
        connector = Connector(websocket_url(url), key=key or start.key, tls=tls)
        start = start.model_copy(update={"key": None})  # gateways before it refuse the field
        self._inbox = Inbox()
        self._session = ReconnectingSession(connector, start, limits, Hooks(self._on_message, self._hooks.on_notice))
        self._running = RunningSession(self._session, limits, self._hooks.on_notice)
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
            GatewayError: the session cannot begin; ``GatewayUnavailable``, if trying again may help.
            RuntimeError: this client has had a session already.
        """
        self._running.begin(on_end=self._inbox.close)
        try:
            await self.until(lambda: self.session_id is not None)
        except BaseException:
            await self._running.end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.end()

    async def stream(self, pcm: AsyncIterable[bytes] | Iterable[bytes]) -> AsyncGenerator[AnyServerMessage]:
        """Send all audio, and yield each message of the gateway as it comes, until every result is there.

        Args:
            pcm: pieces of any length, of whole samples, as ``send`` takes them. What they raise is raised here.

        Raises:
            GatewayError: the session is over before that.
            ValueError: a piece ends inside of a sample.
        """
        sending = asyncio.create_task(self._send_all(pcm), name="audio")
        sending.add_done_callback(lambda _: self._inbox.close())
        try:
            async for message in self._inbox:
                yield message
            self._running.raise_failure()
            await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def messages(self) -> AsyncGenerator[AnyServerMessage]:
        """Yield each message of the gateway, without sending audio, as a reader of a room does.

        Raises:
            GatewayError: the session is over.
        """
        async for message in self._inbox:
            yield message
        self._running.check()

    async def send(self, pcm: bytes) -> None:
        """Queue Int16 little-endian PCM at the session's rate: mono, or with two channels interleaved stereo.

        Waits while the buffer is full, unless it is live. Messages are kept in ``results`` and ``statistics``, and
        passed to the hooks; they are for ``stream`` and ``messages`` no longer.

        Raises:
            GatewayError: the session is over.
            ValueError: the audio ends inside of a sample.
        """
        self._inbox.discard()
        await self._running.send(pcm)

    async def stop(self) -> Stopped:
        """End the audio; return when everything was sent and every result has come.

        Raises:
            GatewayError: results are missing.
        """
        return await self._running.stop()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is evaluated after each message.

        Raises:
            GatewayError: the session ended, or there was no progress for ``idle_timeout_s``.
        """
        await self._running.until(condition)

    async def _send_all(self, pcm: AsyncIterable[bytes] | Iterable[bytes]) -> None:
        if isinstance(pcm, AsyncIterable):
            async for piece in pcm:
                await self._running.send(piece)
        else:
            for piece in pcm:
                await self._running.send(piece)
        await self._running.stop()

    def _on_message(self, message: AnyServerMessage) -> None:
        self._inbox.put(message)
        self._hooks.on_message(message)
