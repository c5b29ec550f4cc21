"""A client and the gateway's parts around its connection, made by hand: no server, no Redis, no model."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from starlette.websockets import WebSocketDisconnect

from fastapi_service import errors
from fastapi_service.access.access import Access
from fastapi_service.api.ports import Named
from fastapi_service.delivery.hub import Receiver
from fastapi_service.delivery.result_log import Result
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.recognition.common_clock import CommonClock
from fastapi_service.sessions.ports import Client, Feed, SpeechSession
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionRecord
from infra.redis_client import connect_async
from tests.support.speakers import ALICE, final
from wire.audio import SAMPLE_RATE
from wire.errors import AccessError
from wire.messages.base import Speaker
from wire.messages.client import Configure, Start
from wire.messages.results import Final
from wire.messages.server import Configured, Right
from wire.messages.statistics import PersonStatistics, Statistics

RECORD = SessionRecord(
    session_id=ALICE, owner="owner", room=None, language=None, sample_rate=SAMPLE_RATE, next_segment=0, samples=0
)


class FakeSocket:
    """A client that sends its ``frames`` and then reads until it is closed; ``reads`` decides whether it reads.

    A number among the frames is the code with which the client closes.
    """

    def __init__(self, *frames: str | bytes | int) -> None:
        self._frames = list(frames)
        self.frames: list[str | bytes] = []
        """Received ones."""
        self.closed: int | None = None
        self.reason = ""
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = False
        self._close = asyncio.Event()

    @property
    def received(self) -> list[dict[str, Any]]:
        """The frames of the native protocol."""
        return [json.loads(frame) for frame in self.frames]

    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.received if message["type"] == "final"]

    async def receive(self) -> dict[str, Any]:
        if self._frames:
            frame = self._frames.pop(0)
            if isinstance(frame, int):
                return {"type": "websocket.disconnect", "code": frame}
            return {"type": "websocket.receive", "bytes" if isinstance(frame, bytes) else "text": frame}
        await self._close.wait()
        return {"type": "websocket.disconnect", "code": self.closed}

    async def send_text(self, data: str) -> None:
        await self._send(data)

    async def send_bytes(self, data: bytes) -> None:
        await self._send(data)

    async def close(self, code: int, reason: str) -> None:
        await self.reads.wait()
        self.closed, self.reason = code, reason
        self._close.set()

    async def _send(self, frame: str | bytes) -> None:
        await self.reads.wait()
        if self.gone:
            raise WebSocketDisconnect(1006)
        self.frames.append(frame)


class FakeLog:
    """The log of one audience."""

    def __init__(self) -> None:
        self.results: list[tuple[int, Result | None]] = []
        self.read_of: list[str] = []
        """The audiences that were read."""
        self.failures: list[Exception] = []
        """Raised by the next reads."""
        self.answers = asyncio.Event()
        self.answers.set()

    def add(self, *seqs: int) -> None:
        self.results += [(seq, final(seq)) for seq in seqs]

    async def read(self, audience: str, after: int, count: int) -> list[tuple[int, Result | None]]:
        self.read_of.append(audience)
        answer = [(seq, result) for seq, result in self.results if seq > after][:count]
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop()
        return answer


@dataclass
class FakeSession:
    """A session with ``segments`` utterances, of which ``waiting`` are not in the ledger yet."""

    record: SessionRecord = RECORD
    segments: int = 3
    waiting: int = 0
    frozen: bool = False
    error: Exception | None = None
    """Raised for audio."""
    heard: bytes = b""
    gaps: int = 0
    flushes: int = 0
    """Open utterances that were ended, while the session went on."""
    flushed: int = 0
    send: Callable[[Configured], None] = lambda _: None
    noted: list[Final] = field(default_factory=list)
    clock: CommonClock | None = None
    """What it shares with another session."""
    changes: list[EndpointingChange] = field(default_factory=list)
    clears: int = 0
    """Open utterances that were dropped."""
    is_file: bool = False

    @property
    def seconds(self) -> float:
        return (len(self.heard) / 2 + self.gaps) / self.record.sample_rate

    async def audio(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.heard += data

    async def gap(self, samples: int) -> None:
        self.gaps += samples

    async def configure(self, change: Configure) -> None:
        self.record = self.record.configured(change)
        self.send(Configured.model_validate(self.record, from_attributes=True))

    def note(self, result: Final) -> None:
        self.noted.append(result)

    def send_file(self) -> None:
        self.is_file = True

    def share(self, clock: CommonClock) -> None:
        self.clock = clock

    def tune(self, change: EndpointingChange) -> None:
        self.changes.append(change)

    async def flush(self) -> None:
        self.flushes += 1

    async def clear(self) -> None:
        self.clears += 1

    async def finish(self) -> None:
        if self.frozen:
            await asyncio.Event().wait()
        self.flushed += 1


@dataclass
class FakeRegistry:
    """Opens one session, of which ``missing`` results are outstanding."""

    session: FakeSession = field(default_factory=FakeSession)
    missing: int = 0
    starts: list[Start] = field(default_factory=list)
    talking: int = 0
    silent: int = 0
    introduced: list[Speaker | None] = field(default_factory=list)
    left: list[bool] = field(default_factory=list)

    def enter(self, client: Client) -> None:
        pass

    async def open(self, start: Start, client: Client, change: EndpointingChange) -> tuple[SpeechSession, str | None]:
        self.starts.append(start)
        self.session.tune(change)
        self.session.send = client.send_queue.send
        return self.session, "token"

    async def join(self, record: SessionRecord, feed: Feed, last_seq: int) -> None:
        feed.follow(record.audience, last_seq)

    def talks(self, _: SessionRecord) -> None:
        self.talking += 1

    def falls_silent(self, _: SessionRecord) -> None:
        self.silent += 1

    def introduce(self, record: SessionRecord) -> None:
        self.introduced.append(record.speaker)

    async def read_statistics(self, record: SessionRecord, receiver: Receiver) -> None:
        receiver.on_statistics(Statistics(scope="session", session_id=record.session_id, version=9, trend_window=20))

    async def outstanding(self, _: SpeechSession) -> int:
        return self.missing

    def leave(self, _: Client, *, wait_for_client: bool) -> None:
        self.left.append(wait_for_client)


@dataclass
class FakeVisit:
    """A visit with ``rights`` (None: access is open), until ``end`` is called with an error."""

    rights: tuple[Right, ...] | None = None
    refusal: AccessError | None = None
    """Raised when a session begins."""
    began_with: list[str] = field(default_factory=list)
    audio_s: float = 0.0
    clock_s: float = 0.0
    """Where gaps have moved it."""
    longest_s: float = inf
    """Beyond it a gap is refused."""
    left: int = 0
    end: Callable[[AccessError], None] = lambda _: None
    links: bool | None = None

    async def begin(self, _: Start, end: Callable[[AccessError], None]) -> tuple[Right, ...] | None:
        if self.refusal is not None:
            raise self.refusal
        self.end = end
        return self.rights

    def named(self, message: Named, *, channels: int = 1) -> Named:
        del channels
        return message

    async def began(self, session_id: str, person: str | None) -> None:
        del person
        self.began_with.append(session_id)

    def require(self, right: Right) -> None:
        if self.rights is not None and right not in self.rights:
            raise errors.not_allowed(right)

    def take_audio(self, seconds: float) -> None:
        self.audio_s += seconds

    def take_silence(self, clock_s: float) -> None:
        self.clock_s = clock_s
        if clock_s > self.longest_s:
            raise errors.too_fast(1)

    def leave(self) -> None:
        self.left += 1


def open_access() -> Access:
    """Access that is open, without limits: it never connects to Redis."""
    nowhere = connect_async("redis://127.0.0.1:1")
    return Access.at(nowhere, nowhere, Settings(access="open"))


@dataclass
class FakeStore:
    """Session records with their owners."""

    owned_by: dict[str, str] = field(default_factory=dict)
    frozen: bool = False
    people: list[PersonStatistics] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    """Owners whose connections have ended."""

    async def create(self, start: Start) -> tuple[SessionRecord, str]:
        return replace(RECORD, room=start.room), "token"

    async def resume(self, start: Start) -> SessionRecord:
        assert (start.session_id, start.token) == (ALICE, "token")
        return replace(RECORD, owner="another", room=start.room)

    async def touch(self, record: SessionRecord) -> None:
        pass

    async def leave(self, record: SessionRecord) -> None:
        self.left.append(record.owner)

    async def owners(self, session_ids: Sequence[str]) -> list[str | None]:
        return [self.owned_by.get(session_id) for session_id in session_ids]

    async def is_deleted(self, session_id: str) -> bool:
        return session_id in self.deleted

    async def is_outstanding(self, session_id: str, segment: int) -> bool:
        raise NotImplementedError

    async def statistics(self, _: str) -> Statistics | None:
        if self.frozen:
            await asyncio.Event().wait()
        return None

    async def person_statistics(self, _: str) -> list[PersonStatistics]:
        return self.people
