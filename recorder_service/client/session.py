"""Keeps one session connected to the gateway: resumes it, sends what is unacknowledged, hears what comes back."""

import asyncio
import time
from contextlib import suppress
from functools import partial

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from recorder_service.client.backoff import Retry
from recorder_service.client.connect import dial, explain_close, tls_context
from recorder_service.client.errors import GatewayAway, GatewayError
from recorder_service.client.notifier import Bell
from recorder_service.client.options import Hooks, Limits
from recorder_service.client.replay_buffer import Unacknowledged
from recorder_service.client.transcript import Conversation
from wire.audio import SAMPLE_BYTES
from wire.messages.client import Gap, Start, Stop
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Ack, AnyServerMessage, Error, Ready, server_message

MOST_SAMPLES = 16_000
"""In one message: half of what the gateway takes."""
READY_S = 30.0
"""How long the gateway may take to answer ``start``."""
PENDING_PAUSE_S = 0.5
"""Before a stopped session is resumed for results that did not come in time."""


class Link:
    """Runs until the session is over, or cannot go on."""

    def __init__(self, url: str, start: Start, limits: Limits, hooks: Hooks, *, insecure: bool) -> None:
        self._url = url
        self._start = start
        self._tls = tls_context(url, insecure=insecure)
        self._hooks = hooks
        self._retry = Retry(limits.timeout_s, limits.first_pause_s)
        self._said: Error | None = None
        """The fatal error of the gateway before it closed."""
        self._told = ""
        """The trouble that people know of."""
        self.buffer = Unacknowledged(round(limits.buffer_s * start.sample_rate))
        self.conversation = Conversation(start.last_seq)
        self.changed = Bell()
        """Rings when there is more to send, and when something was heard."""
        self.stopping = False
        """No more audio comes: say stop after what is in the buffer."""
        self.connected = False
        self.news = time.monotonic()
        """When the session last got on, or the gateway was known to be away, on the monotonic clock."""
        self.lost_samples = 0
        """Forgotten before the gateway had them; silence stands in their place."""

    @property
    def is_over(self) -> bool:
        """The gateway has stopped the session, and no result is missing."""
        stopped = self.conversation.stopped
        return stopped is not None and not stopped.pending

    async def run(self) -> None:
        """
        Raises:
            GatewayError: the session cannot go on.
        """
        while not self.is_over:
            try:
                await self._connect_and_talk()
                if not self.is_over:
                    await asyncio.sleep(PENDING_PAUSE_S)
            except GatewayAway as away:
                await self._retry.pause(away, partial(self._tell_away, away))
                self.news = time.monotonic()

    async def _connect_and_talk(self) -> None:
        """One connection, from its beginning to its end."""
        self._said = None
        socket = await dial(self._url, self._tls)
        try:
            position = await self._begin(socket)
            self.connected = True
            await self._talk(socket, position)
        except ConnectionClosed as closed:
            if self.conversation.stopped is None:
                raise explain_close(closed, self._said) from closed
        finally:
            self.connected = False
            await socket.close()

    async def _begin(self, socket: ClientConnection) -> int:
        """Start or resume the session; returns the position from which audio is sent."""
        known = self.conversation
        known.stopped = None
        again = known.session_id is not None
        start = self._start.model_copy(update={"last_seq": known.last_seq})
        if again:
            start = start.model_copy(update={"session_id": known.session_id, "token": known.token})
        try:
            async with asyncio.timeout(READY_S):
                with suppress(ConnectionClosed):  # a gateway that refuses at once has said why
                    await socket.send(start.model_dump_json())
                ready = await self._answer_to_start(socket)
        except TimeoutError:
            raise GatewayAway(
                "gateway_silent",
                f"The gateway has not begun the session within {READY_S:.0f} s.",
                "Look at its log, and whether its Redis answers.",
            ) from None
        if self._told:
            self._told = ""
            self._hooks.on_notice("connected again, the session goes on" if again else "connected")
        return self.buffer.resume(ready.samples)

    async def _answer_to_start(self, socket: ClientConnection) -> Ready:
        while not isinstance(message := await self._receive(socket), Ready):
            if isinstance(message, Error) and not message.fatal:
                raise GatewayError(message.code, message.message, message.remedy)
        return message

    async def _talk(self, socket: ClientConnection, position: int) -> None:
        """Speak and listen until the connection is closed."""
        tasks = [asyncio.create_task(self._speak(socket, position)), asyncio.create_task(self._listen(socket))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _speak(self, socket: ClientConnection, position: int) -> None:
        with suppress(ConnectionClosed):  # the listener sees it too, after what was said before
            while not (self.stopping and position >= self.buffer.end):
                if position < self.buffer.start:
                    position = await self._skip(socket, position)
                elif pcm := self.buffer.read(position, MOST_SAMPLES):
                    await socket.send(pcm)
                    position += len(pcm) // SAMPLE_BYTES
                else:
                    await self.changed.wait()
            await socket.send(Stop().model_dump_json())

    async def _skip(self, socket: ClientConnection, position: int) -> int:
        """Say how much audio was forgotten, so that what follows keeps its place."""
        start = self.buffer.start
        self.lost_samples += start - position
        self._hooks.on_notice(f"{(start - position) / self._start.sample_rate:.1f} s of audio are lost")
        await socket.send(Gap(samples=start - position).model_dump_json())
        return start

    async def _listen(self, socket: ClientConnection) -> None:
        while True:
            await self._receive(socket)

    async def _receive(self, socket: ClientConnection) -> AnyServerMessage:
        try:
            message = server_message.validate_json(await socket.recv())
        except ValidationError:
            raise GatewayError(
                "not_understood",
                f"What {self._url} says is not understood: it is no gateway, or one of another version.",
                "Check the address, and use the recorder and the gateway of the same version.",
            ) from None
        self._hear(message)
        return message

    def _hear(self, message: AnyServerMessage) -> None:
        match message:
            case Ack():
                self.buffer.trim(message.samples)
                self._got_on()
            case Final() | NoSpeech() | SegmentFailed():
                self._got_on()
            case Error(fatal=True):
                self._said = message
        if self.conversation.hear(message):
            self._hooks.on_message(message)
        self.changed.ring()

    def _got_on(self) -> None:
        self._retry.progress()
        self.news = time.monotonic()

    def _tell_away(self, away: GatewayAway, left_s: float) -> None:
        if self._told == away.message:
            return
        self._told = away.message
        verb = "connection lost" if self.conversation.session_id else "not connected"
        self._hooks.on_notice(f"{verb}, retrying for {left_s:.0f} s: {away.message}")
