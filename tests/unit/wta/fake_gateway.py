"""A gateway in a few lines: one session, one final for each second of audio, and a line that breaks on demand."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve

from wire.messages.base import Clock
from wire.messages.client import Gap, Ping, Start, Stop, client_message
from wire.messages.results import Final
from wire.messages.server import Ack, AnyServerMessage, Deleted, Error, Pong, Ready, Stopped

SESSION = "0" * 32
TOKEN = "secret"
SEGMENT = 16_000
"""Samples in an utterance."""


def final(segment: int, seq: int, session_id: str = SESSION) -> Final:
    """An utterance without sentiment."""
    return Final(
        session_id=session_id,
        segment=segment,
        start_ms=segment * 1_000,
        end_ms=segment * 1_000 + 1_000,
        clock=Clock(speech_end=0.0, endpointed=0.0),
        seq=seq,
        text=f"utterance {segment}",
        language="en",
        avg_logprob=0.0,
        no_speech_prob=0.0,
        stt_model="fake",
        sentiment=None,
        sentiment_reason="fake",
    )


class FakeGateway:
    """What is safe survives its connections; what came after it has to be sent again."""

    def __init__(
        self,
        break_after: tuple[int, ...] = (),
        send_error: tuple[tuple[Error | Deleted, int] | None, ...] = (),
        pending: int = 0,
        withhold: Set[int] = frozenset(),
    ) -> None:
        self.url = ""
        self.connections = 0
        self.safe = bytearray()
        """Audio in whole utterances."""
        self.starts: list[Start] = []
        self.gaps: list[int] = []
        self.finals: list[Final] = []
        self._break_after = list(break_after)
        """Bytes after which one connection after the other is cut, without a close frame."""
        self._refuse = list(send_error)
        """Error and close code with which one connection after the other is refused; None lets one in."""
        self._pending = pending
        """So many times ``stop`` is answered too early."""
        self._withhold = withhold
        """Segments whose final is never sent."""
        self._rest = b""
        """Audio of the open utterance."""

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["FakeGateway"]:
        async with serve(self._exchange, "127.0.0.1", 0, compression=None, ssl=tls) as server:
            self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
            yield self

    async def _exchange(self, socket: ServerConnection) -> None:
        self.connections += 1
        if self._refuse and (refusal := self._refuse.pop(0)) is not None:
            await self._say(socket, refusal[0])
            await socket.close(refusal[1])
            return
        await self._start_session(socket)
        left = self._break_after.pop(0) if self._break_after else None
        self._rest = b""
        async for message in socket:
            if isinstance(message, bytes):
                await self._on_audio(socket, message)
                left = None if left is None else left - len(message)
            elif await self._on_text(socket, message):
                return
            if left is not None and left <= 0:
                socket.transport.abort()
                return

    async def _start_session(self, socket: ServerConnection) -> None:
        start = client_message.validate_json(await socket.recv())
        assert isinstance(start, Start)
        if self.starts:
            assert (start.session_id, start.token) == (SESSION, TOKEN)
        self.starts.append(start)
        new = start.session_id is None
        await self._say(
            socket,
            Ready(
                session_id=SESSION,
                token=TOKEN if new else None,
                resumed=not new,
                samples=len(self.safe) // 2,
                sample_rate=start.sample_rate,
                language=None,
                room=None,
            ),
        )
        for known in self.finals[max(0, start.last_seq - 1) :]:  # one too many: it was received already
            await self._say(socket, known)

    async def _on_audio(self, socket: ServerConnection, pcm: bytes) -> None:
        self._rest += pcm
        while len(self._rest) >= SEGMENT * 2:
            utterance, self._rest = self._rest[: SEGMENT * 2], self._rest[SEGMENT * 2 :]
            await self._finish(socket, utterance)

    async def _finish(self, socket: ServerConnection, utterance: bytes) -> None:
        self.safe += utterance
        self.finals.append(final(len(self.finals), seq=len(self.finals) + 1))
        await self._say(socket, Ack(samples=len(self.safe) // 2))
        if self.finals[-1].segment not in self._withhold:
            await self._say(socket, self.finals[-1])

    async def _on_text(self, socket: ServerConnection, text: str) -> bool:
        """Returns True when the conversation is over."""
        match client_message.validate_json(text):
            case Gap(samples=samples):
                self.gaps.append(samples)
                self.safe += bytes(samples * 2)
            case Stop():
                if self._rest:
                    await self._finish(socket, self._rest)
                    self._rest = b""
                pending, self._pending = min(1, self._pending), max(0, self._pending - 1)
                await self._say(socket, Stopped(segments=len(self.finals), pending=pending))
                return True
            case Ping(id=name):
                await self._say(socket, Pong(id=name))
            case Start():
                raise AssertionError("not expected here")
        return False

    async def _say(self, socket: ServerConnection, message: AnyServerMessage) -> None:
        await socket.send(message.model_dump_json())
        await asyncio.sleep(0)
