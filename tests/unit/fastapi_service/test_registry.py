"""The sessions of a gateway, without a server and without Redis."""

import asyncio
import gc
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from fastapi_service import errors
from fastapi_service.delivery.hub import Hub, Receiver
from fastapi_service.delivery.ports import Sender
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.sessions import registry as module
from fastapi_service.sessions.ports import SpeechSession
from fastapi_service.sessions.registry import SessionRegistry
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionRecord
from fastapi_service.tasks import TaskSet
from tests.support.connections import RECORD, FakeSession, FakeStore
from tests.support.eventually import soon
from tests.support.session_setting import Setting as SpokenTo
from tests.support.speakers import ALICE, BOB, final
from wire import names
from wire.errors import ProtocolError, StoreError, WireError
from wire.messages.base import Speaker
from wire.messages.client import Configure, Start
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Ack, AnyServerMessage, People, SpeechEnded, SpeechStarted
from wire.messages.statistics import AnyStatistics, PersonStatistics, Statistics

FIGURES = Statistics(scope="session", version=1, trend_window=20)
PERSON = PersonStatistics(room="kitchen", person="0" * 16, version=1, trend_window=20)


class FakeQueue:
    """Keeps the types of what is sent, and the codes of errors."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: AnyServerMessage) -> None:
        self.sent.append(message.type)

    def send_error(self, error: WireError) -> None:
        self.sent.append(error.code)


@dataclass(eq=False)
class FakeFeed:
    """Keeps what it receives. While the log is read, ``during_replay`` is published for its audience."""

    hub: Hub
    during_replay: tuple[int, ...] = ()
    followed: list[tuple[str, int]] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    statistics: list[AnyStatistics] = field(default_factory=list)

    def follow(self, audience: str, last_seq: int) -> None:
        self.followed.append((audience, last_seq))
        for seq in self.during_replay:
            self.hub.result(audience, seq, final(seq))

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        assert message.session_id == ALICE
        self.results.append(seq)

    def on_statistics(self, statistics: AnyStatistics) -> None:
        self.statistics.append(statistics)

    def on_people(self, people: People) -> None:
        raise AssertionError(people)

    def on_missed(self) -> None:
        raise AssertionError

    def on_newest(self, seq: int) -> bool:
        raise AssertionError(seq)


@dataclass(eq=False)
class FakeClient:
    """A connection."""

    session: SpeechSession | None = field(default_factory=FakeSession)
    feed: FakeFeed = field(default_factory=lambda: FakeFeed(Hub()))
    send_queue: FakeQueue = field(default_factory=FakeQueue)
    displaced: bool = False
    forgotten: bool = False

    def displace(self) -> None:
        self.displaced = True

    def forget(self) -> None:
        self.forgotten = True


class FakeAudiences:
    """Receivers that get what is published for them, as soon as Redis has ``confirmed``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.confirmed = asyncio.Event()
        self.confirmed.set()

    async def join(self, audiences: Collection[str], receiver: Receiver) -> None:
        await self.confirmed.wait()
        for audience in audiences:
            self._hub.join(audience, receiver)

    def leave(self, audiences: Collection[str], receiver: Receiver) -> None:
        for audience in audiences:
            self._hub.leave(audience, receiver)


class FakeOccupancy:
    """The rooms, and who has come and gone."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.speakers: list[Speaker | None] = []

    def join(self, room: str, owner: str, speaker: Speaker | None) -> None:
        self.calls.append(("join", room, owner))
        self.speakers.append(speaker)

    def introduce(self, room: str, owner: str, speaker: Speaker | None) -> None:
        self.calls.append(("introduce", room, owner))
        self.speakers.append(speaker)

    def speaks(self, room: str, owner: str, *, speaking: bool) -> None:
        self.calls.append(("speaks" if speaking else "is silent", room, owner))

    def talks(self, room: str, owner: str) -> None:
        self.calls.append(("talks", room, owner))

    def leave(self, room: str, owner: str) -> None:
        self.calls.append(("leave", room, owner))


def make_session(record: SessionRecord, _: Sender) -> SpeechSession:
    return FakeSession(record)


def registry(
    store: FakeStore | None = None, hub: Hub | None = None, occupancy: FakeOccupancy | None = None, **settings: float
) -> SessionRegistry:
    made = Settings.model_validate({"silence_ms": 100, "jitter_ms": 0} | settings)
    occupancy = occupancy or FakeOccupancy()
    audiences = FakeAudiences(hub or Hub())
    return SessionRegistry(store or FakeStore(), audiences, occupancy, make_session, TaskSet(), made)


async def test_a_broken_connection_leaves_nothing_behind() -> None:
    """Its feed gets nothing more. Its session is flushed when its utterance would have ended, and no task is left."""
    before = asyncio.all_tasks()
    hub = Hub()
    sut = registry(hub=hub, max_sessions=3)
    sessions = [FakeSession() for _ in range(3)]
    clients = [FakeClient(session, FakeFeed(hub)) for session in sessions]
    for client in clients:
        sut.enter(client)
        await sut.join(RECORD, client.feed, 0)
    hub.result(RECORD.audience, 1, final(1))
    for client in clients:
        sut.leave(client, wait_for_client=True)
    hub.result(RECORD.audience, 2, final(2))
    assert [client.feed.results for client in clients] == [[1]] * 3
    assert [session.flushed for session in sessions] == [0, 0, 0]
    await soon(lambda: asyncio.all_tasks() <= before)
    assert [session.flushed for session in sessions] == [1, 1, 1]
    sut.enter(FakeClient(None))


@pytest.mark.parametrize("outage", [False, True])
async def test_the_end_of_a_connection_is_noted_with_its_session(monkeypatch: pytest.MonkeyPatch, outage: bool) -> None:
    """For lists of sessions. Without Redis it is left out, and nothing fails."""
    before = asyncio.all_tasks()
    store, hub = FakeStore(), Hub()

    async def fail(_: SessionRecord) -> None:
        raise ConnectionError

    if outage:
        monkeypatch.setattr(store, "leave", fail)
    sut, client = registry(store, hub), FakeClient(FakeSession(), FakeFeed(hub))
    sut.enter(client)
    with capture_logs() as logs:
        sut.leave(client, wait_for_client=False)
        await soon(lambda: asyncio.all_tasks() <= before)
    assert store.left == ([] if outage else [RECORD.owner])
    assert [line["event"] for line in logs][-1] == "session ended"


@pytest.mark.parametrize(
    ("wait_for_client", "jitter_ms"), [(False, 0), (True, 0), (True, 60_000)], ids=["closed", "broken", "shutdown"]
)
async def test_the_text_of_the_last_pause_is_used_when_a_connection_ends(wait_for_client: bool, jitter_ms: int) -> None:
    """It is there, and the sentence not over by it; a broken line is waited for, unless the gateway stops."""
    setting = SpokenTo(pause_ms=200, unfinished_ms=800)
    await setting.say(34 * FRAME, pause=8 * FRAME)
    setting.partials.requests[-1].write("good morning", sentence_end=-2.0)
    await asyncio.sleep(0.01)
    sut = registry(jitter_ms=jitter_ms)
    sut.leave(FakeClient(setting.session), wait_for_client=wait_for_client)
    if jitter_ms:
        sut.stop_waiting()
    await soon(lambda: setting.admission.written)
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, AnalyzeText)


async def opened(sut: SessionRegistry, *, resumed: bool) -> FakeClient:
    """Return a client that has opened Alice's session, new or resumed."""
    client = FakeClient(None)
    sut.enter(client)
    start = Start(session_id=ALICE, token="token") if resumed else Start()
    client.session, token = await sut.open(start, client, EndpointingChange())
    assert token == (None if resumed else "token")
    return client


async def test_a_session_that_is_resumed_here_displaces_its_connection() -> None:
    """Its latest one, and no other, even when an earlier one leaves late."""
    sut = registry()
    first = await opened(sut, resumed=False)
    second = await opened(sut, resumed=True)
    assert (first.displaced, second.displaced) == (True, False)
    sut.leave(first, wait_for_client=False)
    third = await opened(sut, resumed=True)
    assert (second.displaced, third.displaced) == (True, False)
    sut.leave(second, wait_for_client=False)
    sut.leave(third, wait_for_client=False)
    fourth = await opened(sut, resumed=True)
    assert (third.displaced, fourth.displaced) == (False, False)


class DelayedStore(FakeStore):
    """Gives its earlier answers later. A wrong token is refused."""

    def __init__(self, resumes: int) -> None:
        super().__init__()
        self._delays = [0.02 * n for n in range(resumes)]
        self.owners_so_far: list[str] = []

    async def resume(self, start: Start) -> SessionRecord:
        owner = f"owner {len(self.owners_so_far)}"
        if start.token == "token":
            self.owners_so_far.append(owner)
        await asyncio.sleep(self._delays.pop())
        if start.token != "token":
            raise ProtocolError("session_unknown", "No.", "No.")
        return replace(RECORD, owner=owner)


async def test_of_connections_that_resume_at_once_the_owner_stays() -> None:
    """Whatever the order of Redis's answers, and whoever else tries. Nothing is kept for sessions that were resumed."""
    store = DelayedStore(4)
    sut = registry(store)
    clients = [FakeClient() for _ in range(4)]
    tokens = ["token", "wrong", "token", "token"]

    async def resume(client: FakeClient, token: str) -> str | None:
        try:
            session, _ = await sut.open(Start(session_id=ALICE, token=token), client, EndpointingChange())
        except ProtocolError:
            return None
        return session.record.owner

    owners = await asyncio.gather(*map(resume, clients, tokens))
    staying = [owner for owner, client in zip(owners, clients, strict=True) if owner and not client.displaced]
    assert staying == store.owners_so_far[-1:]
    assert owners.count(None) == 1
    gc.collect()
    assert not sut._resuming


async def test_a_client_joins_its_audience_before_the_log_is_read() -> None:
    """A result and statistics that are published meanwhile reach it, too."""
    hub = Hub()
    feed = FakeFeed(hub, during_replay=(8,))

    class PublishingStore(FakeStore):
        async def statistics(self, audience: str) -> Statistics | None:
            hub.statistics(audience, FIGURES)
            return FIGURES

    await registry(PublishingStore(), hub).join(RECORD, feed, 7)
    assert (feed.followed, feed.results) == ([(RECORD.audience, 7)], [8])
    assert feed.statistics == [FIGURES, FIGURES]


async def test_the_log_is_read_once_redis_has_confirmed_the_audience() -> None:
    """What is released before that is in the log, what comes later is published to the client."""
    hub = Hub()
    audiences, feed = FakeAudiences(hub), FakeFeed(hub)
    audiences.confirmed.clear()
    sut = SessionRegistry(FakeStore(), audiences, FakeOccupancy(), make_session, TaskSet(), Settings())
    joining = asyncio.create_task(sut.join(RECORD, feed, 7))
    await asyncio.sleep(0.01)
    assert feed.followed == []
    audiences.confirmed.set()
    await joining
    assert feed.followed == [(RECORD.audience, 7)]


async def test_a_client_in_a_room_sees_its_room_and_its_own_statistics() -> None:
    """It is counted in the room under its owner id until it leaves."""
    hub, occupancy = Hub(), FakeOccupancy()
    sut = registry(hub=hub, occupancy=occupancy)
    record = replace(RECORD, room="kitchen")
    client = FakeClient(FakeSession(record), FakeFeed(hub))
    await sut.join(record, client.feed, 0)
    sut.talks(record)
    for audience in (names.audience(ALICE, None), names.audience(ALICE, "kitchen"), names.audience(BOB, None)):
        hub.statistics(audience, FIGURES)
    assert client.feed.statistics == [FIGURES, FIGURES]
    assert client.feed.followed == [(names.room_audience("kitchen"), 0)]
    sut.leave(client, wait_for_client=False)
    hub.statistics(record.audience, FIGURES)
    assert len(client.feed.statistics) == 2
    assert occupancy.calls == [(call, "kitchen", "owner") for call in ("join", "talks", "leave")]


async def test_a_room_sees_who_comes_and_who_talks() -> None:
    """Only the beginnings and the ends of utterances are reported, and everything goes on to the client."""
    occupancy, store = FakeOccupancy(), FakeStore(people=[PERSON])
    made: list[Sender] = []

    def note_sender(record: SessionRecord, sender: Sender) -> SpeechSession:
        made.append(sender)
        return FakeSession(record)

    sut = SessionRegistry(store, FakeAudiences(Hub()), occupancy, note_sender, TaskSet(), Settings())
    client = FakeClient(None)
    client.session, _ = await sut.open(Start(room="kitchen"), client, EndpointingChange())
    record = replace(client.session.record, person="0" * 16)
    await sut.join(record, client.feed, 0)
    ended = SpeechEnded(segment=0, start_ms=0, end_ms=900, reason="silence")
    for message in (SpeechStarted(segment=0, at_ms=0), Ack(samples=1), ended):
        made[0].send(message)
    made[0].send_error(errors.busy())
    sut.introduce(record.configured(Configure(name="Bob")))
    sut.falls_silent(record)
    assert [call for call, *_ in occupancy.calls] == ["join", "speaks", "is silent", "introduce", "is silent"]
    assert [speaker and speaker.name for speaker in occupancy.speakers] == [None, "Bob"]
    assert client.send_queue.sent == ["speech_started", "ack", "speech_ended", "busy"]
    assert client.feed.statistics == [PERSON]


async def test_a_private_session_is_in_no_room() -> None:
    """Nothing is reported of it."""
    occupancy = FakeOccupancy()
    sut = registry(occupancy=occupancy)
    client = FakeClient(None)
    client.session, _ = await sut.open(Start(), client, EndpointingChange())
    await sut.join(client.session.record, client.feed, 0)
    sut.introduce(client.session.record)
    sut.falls_silent(client.session.record)
    assert occupancy.calls == []


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


async def test_the_client_of_a_deleted_session_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second, also if it is silent; one whose session only expired stays."""
    monkeypatch.setattr(module, "OWNERS_S", 0.01)
    alice, expired = (FakeClient(FakeSession(replace(RECORD, session_id=session_id))) for session_id in (ALICE, BOB))
    sut = registry(FakeStore(deleted={ALICE}))
    for client in (alice, expired):
        sut.enter(client)
    watching = asyncio.create_task(sut.watch_owners())
    await soon(lambda: alice.forgotten)
    watching.cancel()
    assert (alice.displaced, expired.forgotten) == (False, False)


async def test_a_client_goes_on_without_statistics_that_do_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis frozen the log has a warning, and the client nothing."""
    monkeypatch.setattr(module, "READ_S", 0.05)
    client = FakeClient()
    with capture_logs() as lines:
        async with asyncio.timeout(5):
            await registry(FakeStore(frozen=True)).read_statistics(RECORD, client.feed)
    assert [(line["event"], line["error"]) for line in lines] == [("statistics read failed", "TimeoutError")]
    assert client.feed.statistics == []


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
