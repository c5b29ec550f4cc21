"""The life of one WebSocket, with hand-made surroundings."""

import asyncio
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from fastapi_service.api import connection as module
from fastapi_service.api.connection import Connection
from fastapi_service.delivery.send_queue import SendQueue
from fastapi_service.storage.sessions import SessionRecord
from tests.support.speakers import ALICE
from wire.audio import SAMPLE_RATE
from wire.messages.statistics import Statistics

RECORD = SessionRecord(
    session_id=ALICE,
    owner="owner",
    room=None,
    language=None,
    sample_rate=SAMPLE_RATE,
    next_segment=0,
    samples=0,
)
STOP = '{"type":"stop"}'


class Socket:
    """A client that says its ``lines`` and then listens."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.received: list[dict[str, Any]] = []
        self.closed: int | None = None
        self._close = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._lines:
            return {"type": "websocket.receive", "text": self._lines.pop(0)}
        await self._close.wait()
        return {"type": "websocket.disconnect", "code": self.closed}

    async def send_text(self, text: str) -> None:
        self.received.append(json.loads(text))

    async def close(self, code: int) -> None:
        self.closed = code
        self._close.set()


@dataclass
class Session:
    """One that has found ``segments`` utterances, of which ``waiting`` are not in the ledger yet."""

    record: SessionRecord = RECORD
    segments: int = 3
    waiting: int = 0
    frozen: bool = False

    async def finish(self) -> None:
        if self.frozen:
            await asyncio.Event().wait()


class Log:
    """Redis as an outbox knows it."""

    def __init__(self) -> None:
        self.frozen = False

    async def xrange(self, *_: str, **__: int) -> list[Any]:
        if self.frozen:
            await asyncio.Event().wait()
        return []


@dataclass
class Gateway:
    """Opens one session, and knows how many of its results are missing."""

    session: Session = field(default_factory=Session)
    missing: int = 0
    redis: Log = field(default_factory=Log)
    settings: Any = field(default_factory=lambda: SimpleNamespace(stop_timeout_s=0.3, max_session_s=60))
    left: list[bool] = field(default_factory=list)

    async def open_session(self, *_: object) -> tuple[Session, str]:
        return self.session, "token"

    async def join(self, record: SessionRecord, send_queue: SendQueue, last_seq: int) -> None:
        send_queue.follow(record.audience, last_seq)

    async def read_statistics(self, record: SessionRecord, send_queue: SendQueue) -> None:
        send_queue.on_statistics(Statistics(scope="session", session_id=record.session_id, version=9, trend_window=20))

    async def outstanding(self, _: Session) -> int:
        return self.missing

    def leave(self, _: Connection, *, wait_for_client: bool) -> None:
        self.left.append(wait_for_client)


async def told(gateway: Gateway) -> list[dict[str, Any]]:
    """What a client hears that says start and stop."""
    socket = Socket('{"type":"start"}', STOP)
    async with asyncio.timeout(5):
        await Connection(socket, gateway).serve()  # type: ignore[arg-type]
    assert socket.closed == 1000
    assert gateway.left == [False]
    return socket.received


async def stopped(gateway: Gateway) -> dict[str, Any]:
    """The last of it."""
    return (await told(gateway))[-1]


async def test_stop_is_answered_after_the_last_result() -> None:
    """Nothing is missing: the service says so."""
    assert await stopped(Gateway()) == {"type": "stopped", "segments": 3, "pending": 0}


async def test_stopped_comes_after_the_final_statistics() -> None:
    """Also when the channel has lost them: they are read once more."""
    *_, statistics, last = await told(Gateway())
    assert (statistics["type"], statistics["version"]) == ("stats", 9)
    assert last["type"] == "stopped"


async def test_stop_does_not_wait_for_ever_for_results() -> None:
    """The client hears how many did not come in time."""
    assert await stopped(Gateway(missing=2)) == {"type": "stopped", "segments": 3, "pending": 2}


@pytest.mark.parametrize("waiting", [0, 2])
async def test_stop_does_not_wait_for_ever_for_the_ledger(waiting: int) -> None:
    """With Redis away the flush takes no longer than the time-out; what is not written down is missing."""
    assert await stopped(Gateway(Session(waiting=waiting, frozen=True))) == {
        "type": "stopped",
        "segments": 3,
        "pending": max(1, waiting),
    }


async def test_stop_does_not_wait_for_ever_for_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that are there and cannot be read are missing, too."""
    monkeypatch.setattr(module, "READ_LAST_S", 0.05)
    gateway = Gateway()
    gateway.redis.frozen = True
    assert (await stopped(gateway))["pending"] == 1
