"""The clients of this gateway, and the sessions that they own."""

import asyncio
from collections.abc import Set
from contextlib import suppress
from functools import partial
from weakref import WeakValueDictionary

import structlog
from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.delivery.hub import Receiver
from fastapi_service.delivery.ports import Sender
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.monitoring import metrics
from fastapi_service.sessions.ports import Audiences, Client, Feed, MakeSession, Occupancy, SpeechSession, Store
from fastapi_service.sessions.talk_observer import TalkObserver
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from fastapi_service.tasks import TaskSet
from infra.ledger.admission import SessionDeleted
from wire import names
from wire.errors import StoreError
from wire.messages.client import Start

TOUCH_S = 120.0
"""Interval at which the keys of connected sessions are kept from expiring; far below the shortest SESSION_TTL_S."""
OWNERS_S = 1.0
"""Interval of the check whether another gateway has taken over a session of this one."""
READ_S = 5.0
"""Seconds that a client waits for statistics."""

log = structlog.get_logger()


class SessionRegistry:
    """Opens, joins, displaces and ends sessions; a session belongs to one connection at a time."""

    def __init__(
        self,
        store: Store,
        audiences: Audiences,
        occupancy: Occupancy,
        make_session: MakeSession,
        flushes: TaskSet,
        settings: Settings,
    ) -> None:
        """``flushes`` gets one task for each session whose connection has ended."""
        self._store = store
        self._audiences = audiences
        self._occupancy = occupancy
        self._make_session = make_session
        self._flushes = flushes
        self._settings = settings
        self._clients: set[Client] = set()
        self._owners: dict[str, Client] = {}
        """Session id → the connection here that owns it."""
        self._resuming: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Session id → a lock, while any connection here resumes the session."""
        self._stopping = asyncio.Event()

    def enter(self, client: Client) -> None:
        """Count a connection.

        Raises:
            StoreError: there are ``max_sessions`` already.
        """
        if len(self._clients) >= self._settings.max_sessions:
            metrics.REFUSED.labels("full").inc()
            raise errors.full(self._settings.max_sessions)
        self._clients.add(client)
        metrics.CONNECTIONS.set(len(self._clients))

    async def open(self, start: Start, client: Client, change: EndpointingChange) -> tuple[SpeechSession, str | None]:
        """Begin or resume a session for a connection; the token comes with a new one only.

        Args:
            start: of the client.
            client: owns the session from now on.
            change: of the gateway's settings, for as long as the connection lasts.

        Raises:
            ProtocolError: the session cannot be resumed.
        """
        token = None
        if start.session_id is None:
            record, token = await self._store.create(start)
            self._owners[record.session_id] = client
        else:
            record = await self._resume(start, start.session_id, client)
        session = self._make_session(record, self._sender(record, client))
        session.tune(change)
        log.info("session started", session=record.session_id, resumed=token is None, sample_rate=record.sample_rate)
        return session, token

    def _sender(self, record: SessionRecord, client: Client) -> Sender:
        """Return where the session's messages go: in a room, past those who see who talks."""
        if record.room is None:
            return client.send_queue
        return TalkObserver(client.send_queue, partial(self._occupancy.speaks, record.room, record.owner))

    async def _resume(self, start: Start, session_id: str, client: Client) -> SessionRecord:
        """Make a connection the owner of a session, in Redis and here.

        One at a time for each session: the last owner in Redis is the last one here, and displaces the others.
        """
        lock = self._resuming.setdefault(session_id, asyncio.Lock())
        async with lock:
            record = await self._store.resume(start)
            displaced = self._owners.get(session_id)
            if displaced is not None:
                displaced.displace()
            self._owners[session_id] = client
        return record

    async def join(self, record: SessionRecord, feed: Feed, last_seq: int) -> None:
        """Bring a client what its audience has seen after ``last_seq``, and what comes.

        It is subscribed before the log is read, so that no result falls in between.
        """
        await self._audiences.join(_audiences(record), feed)
        if record.room is not None:
            self._occupancy.join(record.room, record.owner, record.speaker)
        feed.follow(record.audience, last_seq)
        await self.read_statistics(record, feed)

    def talks(self, record: SessionRecord) -> None:
        """Count a session among those of its room that have sent audio."""
        if record.room is not None:
            self._occupancy.talks(record.room, record.owner)

    def falls_silent(self, record: SessionRecord) -> None:
        """Show a session's room that the speech which had begun is none."""
        if record.room is not None:
            self._occupancy.speaks(record.room, record.owner, speaking=False)

    def introduce(self, record: SessionRecord) -> None:
        """Show a session's new name or role to its room."""
        if record.room is not None:
            self._occupancy.introduce(record.room, record.owner, record.speaker)

    def leave(self, client: Client, *, wait_for_client: bool) -> None:
        """Forget a connection that has ended, and flush its session: at once, or when its open utterance has ended."""
        self._clients.discard(client)
        metrics.CONNECTIONS.set(len(self._clients))
        session = client.session
        if session is None:
            return
        record = session.record
        self._audiences.leave(_audiences(record), client.feed)
        if record.room is not None:
            self._occupancy.leave(record.room, record.owner)
        if self._owners.get(record.session_id) is client:
            del self._owners[record.session_id]
        grace_s = self._settings.audio_timeout_s if wait_for_client else 0.0
        self._flushes.start(self._flush(session, grace_s), name="flush")

    async def read_statistics(self, record: SessionRecord, receiver: Receiver) -> None:
        """Send a client the latest statistics that it lacks: pub/sub may have lost them."""
        try:
            async with asyncio.timeout(READ_S):
                for audience in _audiences(record):
                    known = await self._store.statistics(audience)
                    if known is not None:
                        receiver.on_statistics(known)
                for person in await self._store.person_statistics(record.room) if record.room is not None else []:
                    receiver.on_statistics(person)
        except (RedisError, OSError) as error:  # the next utterance brings them; a TimeoutError is an OSError
            log.warning("statistics read failed", error=type(error).__name__)

    async def outstanding(self, session: SpeechSession) -> int:
        """Count a session's utterances without a result; results come in order, so the last ones are missing."""
        pending = 0
        for segment in range(session.segments - 1, -1, -1):
            try:
                if not await self._store.is_outstanding(session.record.session_id, segment):
                    break
            except (RedisError, OSError):
                return max(1, pending)
            pending += 1
        return pending

    def stop_waiting(self) -> None:
        """Flush the sessions of broken connections now: the gateway stops."""
        self._stopping.set()

    async def touch_all(self) -> None:
        """Keep the keys of connected sessions from expiring; runs until it is cancelled."""
        while True:
            await asyncio.sleep(TOUCH_S)
            try:
                for client in tuple(self._clients):
                    if client.session is not None:
                        await self._store.touch(client.session.record)
            except (RedisError, OSError) as error:
                log.warning("session TTL refresh failed", error=type(error).__name__)

    async def watch_owners(self) -> None:
        """Close the clients whose sessions another gateway has resumed, or that were deleted.

        Their sockets may be silent, and would never notice. Runs until it is cancelled.
        """
        while True:
            await asyncio.sleep(OWNERS_S)
            here = [(client, client.session.record) for client in self._clients if client.session]
            try:
                owners = await self._store.owners([record.session_id for _, record in here])
                missing = [record.session_id for (_, record), owner in zip(here, owners, strict=True) if owner is None]
                deleted = {session_id for session_id in missing if await self._store.is_deleted(session_id)}
            except (RedisError, OSError) as error:  # no session can be taken over meanwhile
                log.debug("ownership check failed", error=type(error).__name__)
                continue
            for (client, record), owner in zip(here, owners, strict=True):
                if record.session_id in deleted:
                    client.forget()
                elif owner not in (None, record.owner):
                    client.displace()

    async def _flush(self, session: SpeechSession, grace_s: float) -> None:
        """Finish a session whose connection is gone. If the client came back, the ledger refuses it as fenced."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), grace_s)
        session_id = session.record.session_id
        try:
            await session.finish()
        except SessionTakenOver:
            log.debug("session taken over", session=session_id)
        except SessionDeleted:
            log.debug("session deleted", session=session_id)
        except StoreError as error:
            log.warning("session flush failed", session=session_id, code=error.code)
        except Exception:  # the boundary: the result of this task is not awaited
            log.exception("session flush failed", session=session_id)
        try:
            await self._store.leave(session.record)
        except (RedisError, OSError) as error:  # lists have it as live for a few minutes then
            log.debug("session end not noted", session=session_id, error=type(error).__name__)
        log.info("session ended", session=session_id, segments=session.segments)


def _audiences(record: SessionRecord) -> Set[str]:
    """Return the session's own audience, for its statistics, and that of its room, if it shares one."""
    return {names.audience(record.session_id, None), record.audience}
