"""Keeps one session connected: starts or resumes it, sends unacknowledged audio, receives messages."""

import asyncio
import time
from contextlib import suppress
from functools import partial

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from wire.audio import SAMPLE_BYTES
from wire.messages.base import has_unknown_type
from wire.messages.client import Gap, Start, Stop
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Ack, AnyServerMessage, Deleted, Error, Ready, server_message
from wta.client.backoff import Backoff
from wta.client.connect import Connector, explain_close
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.notifier import Notifier
from wta.client.options import Hooks, Limits
from wta.client.replay_buffer import ReplayBuffer
from wta.client.transcript import Transcript

MOST_SAMPLES = 16_000
"""Samples of each channel in one message: half of the gateway's limit, and nearly all of it with two channels."""
WINDOW_S = 35.0
"""Seconds of a file that are under way without an acknowledgement; then the client waits for one, so that the gateway
never has to stop reading, and with that stop answering pings. Acknowledgements come when utterances end, so it exceeds
the longest one (29 s) and the silence before it. The page has the same window."""
READY_S = 30.0
"""Seconds that the gateway may take to answer ``start``."""
PENDING_PAUSE_S = 0.5
"""Seconds before a stopped session is resumed for results that did not come in time."""


class ReconnectingSession:
    """Runs until the session is over, or cannot go on."""

    def __init__(self, connector: Connector, start: Start, limits: Limits, hooks: Hooks) -> None:
        """Prepare a session; audio that is not live waits for acknowledgements."""
        self._connector = connector
        self._start = start
        self._hooks = hooks
        self._backoff = Backoff(limits.timeout_s, limits.first_pause_s)
        self._last_error: Error | None = None
        """Fatal error that the gateway sent on this connection."""
        self._last_notice = ""
        """Last outage that was reported; each is reported once."""
        self._window = None if limits.live else round(WINDOW_S * start.sample_rate)
        """Samples; None for live audio, which comes no faster than it is spoken."""
        self.buffer = ReplayBuffer(round(limits.buffer_s * start.sample_rate), start.channels)
        self.transcript = Transcript(start.last_seq, _tokens(start))
        self.changed = Notifier()
        """Notifies when there is more to send, and when a message came."""
        self.stopping = False
        """No more audio comes: ``stop`` is sent after the buffered rest."""
        self.last_progress = time.monotonic()
        """Last progress of the session, or last known outage, on the monotonic clock."""
        self.lost_samples = 0
        """Samples dropped before the gateway had them; silence stands in their place."""

    @property
    def is_over(self) -> bool:
        """True when the gateway has stopped the session and no result is missing."""
        stopped = self.transcript.stopped
        return stopped is not None and not stopped.pending

    async def run(self) -> None:
        """Connect, and connect again after each outage, until the session is over.

        Raises:
            GatewayError: the session cannot go on.
        """
        while not self.is_over:
            try:
                await self._connect_and_talk()
                if not self.is_over:
                    await asyncio.sleep(PENDING_PAUSE_S)
            except GatewayUnavailable as unavailable:
                await self._backoff.pause(unavailable, partial(self._notice_unavailable, unavailable))
                self.last_progress = time.monotonic()

    async def _connect_and_talk(self) -> None:
        """Run one connection from its beginning to its end."""
        self._last_error = None
        socket = await self._connector.open()
        try:
            position = await self._start_session(socket)
            await self._exchange(socket, position)
        except ConnectionClosed as closed:
            if self.transcript.stopped is None:
                raise explain_close(closed, self._last_error) from closed
        finally:
            await socket.close()

    async def _start_session(self, socket: ClientConnection) -> int:
        """Start or resume the session; return the sample to send from."""
        known = self.transcript
        again = known.session_id is not None
        start = self._start.model_copy(update=known.begin_again() | {"last_seq": known.last_seq})
        try:
            async with asyncio.timeout(READY_S):
                with suppress(ConnectionClosed):  # a gateway that refuses at once has sent the reason
                    await socket.send(start.model_dump_json())
                for _ in range(start.channels):
                    await self._answer_to_start(socket)
        except TimeoutError:
            raise GatewayUnavailable(
                "gateway_silent",
                f"The gateway has not begun the session within {READY_S:.0f} s.",
                "Look at its log, and whether its Redis answers.",
            ) from None
        if self._last_notice:
            self._last_notice = ""
            self._hooks.on_notice("connected again, the session goes on" if again else "connected")
        return self.buffer.resume(known.acknowledged)

    async def _answer_to_start(self, socket: ClientConnection) -> Ready:
        while not isinstance(message := await self._receive(socket), Ready):
            if isinstance(message, Error) and not message.fatal:
                raise GatewayError(message.code, message.message, message.remedy)
        return message

    async def _exchange(self, socket: ClientConnection, position: int) -> None:
        """Send and receive until the connection is closed."""
        tasks = [asyncio.create_task(self._send_all(socket, position)), asyncio.create_task(self._receive_all(socket))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _send_all(self, socket: ClientConnection, position: int) -> None:
        with suppress(ConnectionClosed):  # _receive_all sees it too, after the messages that came before
            while not (self.stopping and position >= self.buffer.end):
                if position < self.buffer.start:
                    position = await self._send_gap(socket, position)
                elif pcm := self.buffer.read(position, self._room(position)):
                    await socket.send(pcm)
                    position += len(pcm) // (SAMPLE_BYTES * self._start.channels)
                else:
                    await self.changed.wait()
            await socket.send(Stop().model_dump_json())

    def _room(self, position: int) -> int:
        """Return how many samples may be sent from a position, at most one message."""
        if self._window is None:
            return MOST_SAMPLES
        return max(0, min(MOST_SAMPLES, self.buffer.start + self._window - position))

    async def _send_gap(self, socket: ClientConnection, position: int) -> int:
        """Report dropped audio as a gap, so that later audio keeps its place on the clock."""
        start = self.buffer.start
        self.lost_samples += start - position
        self._hooks.on_notice(f"{(start - position) / self._start.sample_rate:.1f} s of audio are lost")
        await socket.send(Gap(samples=start - position).model_dump_json())
        return start

    async def _receive_all(self, socket: ClientConnection) -> None:
        while True:
            await self._receive(socket)

    async def _receive(self, socket: ClientConnection) -> AnyServerMessage:
        try:
            message = await self._read(socket)
        except ValidationError:
            raise GatewayError(
                "not_understood",
                f"What {self._connector.url} says is not understood: it is no gateway, or one of another version.",
                "Check the address, and use a client and a gateway of the same version.",
            ) from None
        self._take(message)
        return message

    async def _read(self, socket: ClientConnection) -> AnyServerMessage:
        """Return the next message. Within a session, unknown types are passed over: the gateway is newer."""
        while True:
            try:
                return server_message.validate_json(await socket.recv())
            except ValidationError as refused:
                if self.transcript.session_id is None or not has_unknown_type(refused):
                    raise

    def _take(self, message: AnyServerMessage) -> None:
        is_new = self.transcript.add(message)
        match message:
            case Ack():
                self.buffer.trim(self.transcript.acknowledged)
                self._note_progress()
            case Final() | NoSpeech() | SegmentFailed():
                self._note_progress()
            case Error(fatal=True):
                self._last_error = message
            case Deleted():
                raise GatewayError("deleted", "The conversation was deleted.", "Start again for a new one.")
        if is_new:
            self._hooks.on_message(message)
        self.changed.notify()

    def _note_progress(self) -> None:
        self._backoff.progress()
        self.last_progress = time.monotonic()

    def _notice_unavailable(self, unavailable: GatewayUnavailable, left_s: float) -> None:
        if self._last_notice == unavailable.message:
            return
        self._last_notice = unavailable.message
        verb = "connection lost" if self.transcript.session_id else "not connected"
        self._hooks.on_notice(f"{verb}, retrying for {left_s:.0f} s: {unavailable.message}")


def _tokens(start: Start) -> list[str | None]:
    """Return the token of each channel's session, None for one that is to begin."""
    return [start.token] if start.channels == 1 else [start.of_channel(number).token for number in (0, 1)]
