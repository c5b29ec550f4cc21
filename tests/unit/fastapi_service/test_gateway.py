"""What the connections share, without a server and without Redis."""

import asyncio
import configparser
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from fastapi_service import gateway as module
from fastapi_service.gateway import Gateway
from fastapi_service.settings import Settings
from fastapi_service.storage.sessions import SessionRecord
from infra.heartbeat import BEAT_S
from infra.redis_client import SOCKET_TIMEOUT_S
from tests.support.eventually import soon
from tests.support.machines import ROOT
from tests.support.speakers import ALICE, BOB
from wire import names
from wire.audio import SAMPLE_RATE

RECORD = SessionRecord(
    session_id=ALICE, owner="owner", room=None, language=None, sample_rate=SAMPLE_RATE, next_segment=0, samples=0
)


@dataclass
class Session:
    """One that is flushed once its connection is gone."""

    record: SessionRecord = RECORD
    segments: int = 1
    flushed: int = 0

    async def finish(self) -> None:
        self.flushed += 1


@dataclass(eq=False)
class Line:
    """A connection as the gateway knows it."""

    session: Session | None = field(default_factory=Session)
    send_queue: object = None
    displaced: bool = False

    def displace(self) -> None:
        self.displaced = True


class Owners:
    """Redis as far as it knows who owns which session."""

    def __init__(self, owners: dict[str, str]) -> None:
        self._owners = owners
        self._asked: list[str] = []

    def pipeline(self, *, transaction: bool) -> "Owners":
        assert not transaction
        return self

    def hget(self, key: str, field: str) -> None:
        assert field == "owner"
        self._asked.append(key)

    async def execute(self) -> list[str | None]:
        asked, self._asked = self._asked, []
        return [self._owners.get(key) for key in asked]

    async def aclose(self) -> None:
        pass


class HeartbeatWriter:
    def stop(self) -> None:
        pass


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """One that was not started: it connects to nothing."""
    made = Gateway(Settings(resume_grace_s=0.05))
    made._heartbeat = HeartbeatWriter()  # type: ignore[assignment]
    yield made
    await made.stop()


async def test_a_broken_connection_leaves_nothing_behind(gateway: Gateway) -> None:
    """After the grace its session is flushed, and no task of it is left."""
    before = asyncio.all_tasks()
    lines = [Line() for _ in range(3)]
    for line in lines:
        gateway.leave(line, wait_for_client=True)  # type: ignore[arg-type]
    assert [line.session and line.session.flushed for line in lines] == [0, 0, 0]
    await soon(lambda: asyncio.all_tasks() <= before)
    assert [line.session and line.session.flushed for line in lines] == [1, 1, 1]


async def test_a_session_that_goes_on_elsewhere_is_closed_here(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another gateway resumed Alice's: her silent socket here ends; Bob's, and one whose session expired, stay."""
    monkeypatch.setattr(module, "OWNERS_S", 0.01)
    alice, bob, expired, new = (
        Line(Session(replace(RECORD, session_id=session_id))) for session_id in (ALICE, BOB, "c" * 32, "d" * 32)
    )
    new.session = None
    gateway.redis = Owners({names.session(ALICE): "another", names.session(BOB): "owner"})
    gateway._connections = {alice, bob, expired, new}  # type: ignore[arg-type]
    gateway._run(gateway._watch_owners())
    await soon(lambda: alice.displaced)
    assert [line.displaced for line in (bob, expired, new)] == [False] * 3


class Frozen:
    """A store that never answers."""

    async def statistics(self, _: str) -> None:
        await asyncio.Event().wait()


async def test_statistics_that_do_not_come_hold_up_nobody(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis frozen a client goes on without them."""
    monkeypatch.setattr(module, "READ_S", 0.05)
    gateway.store = Frozen()  # type: ignore[assignment]
    async with asyncio.timeout(5):
        await gateway.read_statistics(RECORD, None)  # type: ignore[arg-type]


async def test_a_shutdown_with_a_slow_redis_is_over_before_it_is_killed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions and jobs share one time limit."""
    monkeypatch.setattr(module, "SHUTDOWN_S", 0.2)

    async def never() -> None:
        await asyncio.Event().wait()

    limits: list[float] = []

    async def close(timeout_s: float) -> None:
        limits.append(timeout_s)

    monkeypatch.setattr(gateway._dispatcher, "close", close)
    gateway._run(never(), name="finish")
    async with asyncio.timeout(5):
        await gateway.stop()
    (left,) = limits
    assert left < 0.1


def test_supervisor_waits_until_the_gateway_has_written_down_everything() -> None:
    """The supervisor's time covers all that a stop may take: connections, flush, goodbye, a job on its way."""
    conf = configparser.RawConfigParser()
    conf.read(ROOT / "supervisord.conf")
    longest = module.CLOSING_S + module.SHUTDOWN_S + 2 * BEAT_S + SOCKET_TIMEOUT_S
    assert longest < conf.getint("program:fastapi_service", "stopwaitsecs")
