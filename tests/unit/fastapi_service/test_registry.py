"""The sessions of a gateway, without a server and without Redis."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from fastapi_service.delivery.feed import Feed
from fastapi_service.delivery.hub import Hub
from fastapi_service.sessions import registry as module
from fastapi_service.sessions.ports import Sender, SpeechSession
from fastapi_service.sessions.registry import SessionRegistry
from fastapi_service.settings import Settings
from fastapi_service.storage.sessions import SessionRecord
from fastapi_service.tasks import TaskSet
from tests.support.connections import RECORD, FakeLog, FakeSession, FakeStore
from tests.support.eventually import soon
from tests.support.speakers import ALICE, BOB
from wire.errors import StoreError, WireError
from wire.messages.server import AnyServerMessage


class FakeQueue:
    """Drops what is sent."""

    closing = False

    def send(self, message: AnyServerMessage) -> None:
        pass

    def send_error(self, error: WireError) -> None:
        pass

    async def drain(self) -> None:
        pass


@dataclass(eq=False)
class FakeClient:
    """A connection."""

    session: FakeSession | None = field(default_factory=FakeSession)
    send_queue: FakeQueue = field(default_factory=FakeQueue)
    displaced: bool = False

    @property
    def feed(self) -> Feed:
        return Feed(self.send_queue, FakeLog())

    def displace(self) -> None:
        self.displaced = True


class NoRooms:
    """The occupancy of rooms, of which there are none."""

    def join(self, room: str, owner: str) -> None:
        raise AssertionError(room, owner)

    talks = leave = join


def make_session(record: SessionRecord, _: Sender) -> SpeechSession:
    return FakeSession(record)


def registry(store: FakeStore | None = None, **settings: float) -> SessionRegistry:
    made = Settings.model_validate({"resume_grace_s": 0.05} | settings)
    return SessionRegistry(store or FakeStore(), Hub(), NoRooms(), make_session, TaskSet(), made)


async def test_a_broken_connection_leaves_nothing_behind() -> None:
    """After the grace its session is flushed, and no task of it is left."""
    before = asyncio.all_tasks()
    sessions = [FakeSession() for _ in range(3)]
    sut = registry()
    for session in sessions:
        sut.leave(FakeClient(session), wait_for_client=True)
    assert [session.flushed for session in sessions] == [0, 0, 0]
    await soon(lambda: asyncio.all_tasks() <= before)
    assert [session.flushed for session in sessions] == [1, 1, 1]


async def test_a_session_that_goes_on_elsewhere_is_closed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another gateway resumed Alice's: her silent socket here ends; Bob's, and one whose session expired, stay."""
    monkeypatch.setattr(module, "OWNERS_S", 0.01)
    alice, bob, expired, new = (
        FakeClient(FakeSession(replace(RECORD, session_id=session_id)))
        for session_id in (ALICE, BOB, "c" * 32, "d" * 32)
    )
    new.session = None
    sut = registry(FakeStore({ALICE: "another", BOB: "owner"}))
    for client in (alice, bob, expired, new):
        sut.enter(client)
    watching = asyncio.create_task(sut.watch_owners())
    await soon(lambda: alice.displaced)
    watching.cancel()
    assert [client.displaced for client in (bob, expired, new)] == [False] * 3


async def test_statistics_that_do_not_come_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis frozen a client goes on without them."""
    monkeypatch.setattr(module, "READ_S", 0.05)
    async with asyncio.timeout(5):
        await registry(FakeStore(frozen=True)).read_statistics(RECORD, FakeClient().feed)


async def test_a_full_gateway_refuses_connections_until_one_ends() -> None:
    """The error says how many there may be."""
    sut = registry(max_sessions=1)
    first, second = FakeClient(None), FakeClient(None)
    sut.enter(first)
    with pytest.raises(StoreError, match="All 1 places") as refused:
        sut.enter(second)
    assert refused.value.code == "service_full"
    sut.leave(first, wait_for_client=False)
    sut.enter(second)
