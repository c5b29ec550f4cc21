"""Everything that the gateway's connections share."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from redis.exceptions import RedisError
from starlette.websockets import WebSocket

from fastapi_service import errors
from fastapi_service.api.connection import Connection
from fastapi_service.delivery.hub import Hub
from fastapi_service.delivery.room_occupancy import RoomOccupancy
from fastapi_service.delivery.send_queue import SendQueue
from fastapi_service.delivery.subscriber import Subscriber
from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.monitoring import metrics
from fastapi_service.recognition.dispatcher import Dispatcher
from fastapi_service.recognition.partials import Partials
from fastapi_service.recognition.session import Session, SessionOptions, SessionPorts, SessionTakenOver
from fastapi_service.settings import Settings
from fastapi_service.storage.sessions import SessionRecord, SessionStore
from infra.celery_app import make_celery, send_job
from infra.heartbeat import HeartbeatWriter
from infra.ledger.ledger import Admission
from infra.redis_client import connect, connect_async
from wire import names
from wire.close_codes import CloseCode
from wire.errors import StoreError
from wire.messages.client import Start

TOUCH_S = 120.0
"""How often the keys of connected sessions are kept from expiring; far below the shortest SESSION_TTL_S."""
OWNERS_S = 1.0
"""How often the gateway looks whether another one has taken over one of its sessions."""
READ_S = 5.0
"""How long a client waits for statistics."""
CLOSING_S = 8
"""How long connections may take to end at a shutdown."""
SHUTDOWN_S = 8.0
"""How long writing down what is open may take after that. Together with the goodbye, and a job that is just being sent,
less than supervisord.conf (stopwaitsecs) waits before it kills the gateway."""

log = structlog.get_logger()


class Gateway:
    """Owns the connections, the way into Redis and the way back. Lives as long as the application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = connect_async(settings.redis_url)
        self.hub = Hub()
        self.store = SessionStore(self.redis, settings.session_ttl_s)
        celery = make_celery(names.GATEWAY, settings.redis_url)
        self._dispatcher = Dispatcher(lambda job: send_job(celery, job))
        self._channels = connect_async(settings.redis_url, max_connections=6, retries=0)
        self._partials = Partials(self.redis, self._channels, self._dispatcher)
        self._subscriber = Subscriber(self._channels, self.hub)
        self._people = RoomOccupancy(self.redis, self._channels, self.hub.people)
        self._heartbeat = HeartbeatWriter(connect(settings.redis_url), names.GATEWAY)
        self._ports = SessionPorts(self.store, Admission(self.redis), self._dispatcher, self._partials)
        self._options = SessionOptions(
            EndpointerOptions(**{name: getattr(settings, name) for name in EndpointerOptions.__dataclass_fields__}),
            settings.session_ttl_s,
            settings.interim_ms / 1000,
        )
        self._connections: set[Connection] = set()
        self._owners: dict[str, Connection] = {}
        """Session id → the connection here that owns it."""
        self._background: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        self._heartbeat.start()
        self._heartbeat.ready()
        log.info("listening", host=self.settings.host, port=self.settings.port, tls=self.settings.tls_cert is not None)
        self._run(self._subscriber.run())
        self._run(self._partials.run())
        self._run(self._people.run())
        self._run(self._touch_all())
        self._run(self._watch_owners())

    async def stop(self) -> None:
        """Write down what is open, then let go of everything."""
        deadline = asyncio.get_running_loop().time() + SHUTDOWN_S
        self._stopping.set()
        self._run(self._leave_rooms(), name="finish")
        finishing = {task for task in self._background if task.get_name() == "finish"}
        await asyncio.wait(finishing, timeout=SHUTDOWN_S)
        await self._dispatcher.close(max(0.0, deadline - asyncio.get_running_loop().time()))
        for task in self._background:
            task.cancel()
        self._heartbeat.stop()
        await self._channels.aclose()
        await self.redis.aclose()

    async def serve(self, websocket: WebSocket) -> None:
        """One WebSocket from handshake to end."""
        if not self._allows(websocket.headers.get("origin"), websocket.headers.get("host", "")):
            metrics.REFUSED.labels("origin").inc()
            await websocket.close()  # before it is accepted: the handshake answers 403
            return
        await websocket.accept()
        connection = Connection(websocket, self)
        if len(self._connections) >= self.settings.max_sessions:
            metrics.REFUSED.labels("full").inc()
            connection.send_queue.send_error(errors.full(self.settings.max_sessions), fatal=True)
            connection.send_queue.close(CloseCode.TRY_LATER)
            await connection.send_queue.closed()
            return
        self._connections.add(connection)
        metrics.CONNECTIONS.set(len(self._connections))
        await connection.serve()

    async def open_session(self, start: Start, connection: Connection) -> tuple[Session, str | None]:
        """Begin or resume a session for a connection; the token comes with a new one only.

        Raises:
            ProtocolError: the session cannot be resumed.
        """
        token = None
        if start.session_id is None:
            record, token = await self.store.create(start)
        else:
            record = await self.store.resume(start)
        displaced = self._owners.get(record.session_id)
        if displaced is not None:
            displaced.displace()
        self._owners[record.session_id] = connection
        session = Session(
            record, self._options, self._ports, connection.send_queue.send, connection.send_queue.send_error
        )
        log.info("session begins", session=record.session_id, resumed=token is None, sample_rate=record.sample_rate)
        return session, token

    def leave(self, connection: Connection, *, wait_for_client: bool) -> None:
        """A connection ends. Its open utterance is written down now, or, if the line broke, after a while."""
        self._connections.discard(connection)
        metrics.CONNECTIONS.set(len(self._connections))
        session = connection.session
        if session is None:
            return
        for audience in _audiences(session.record):
            self.hub.leave(audience, connection.send_queue)
        if session.record.room is not None:
            self._people.leave(session.record.room, session.record.owner)
        if self._owners.get(session.record.session_id) is connection:
            del self._owners[session.record.session_id]
        self._run(self._finish(session, self.settings.resume_grace_s if wait_for_client else 0.0), name="finish")

    async def join(self, record: SessionRecord, send_queue: SendQueue, last_seq: int) -> None:
        """Bring what an audience missed and what comes; subscribe first, read then, so that nothing falls between."""
        for audience in _audiences(record):
            self.hub.join(audience, send_queue)
        if record.room is not None:
            self._people.join(record.room, record.owner)
        send_queue.follow(record.audience, last_seq)
        await self.read_statistics(record, send_queue)

    def heard(self, record: SessionRecord) -> None:
        """A session has sent audio."""
        if record.room is not None:
            self._people.talks(record.room, record.owner)

    async def read_statistics(self, record: SessionRecord, send_queue: SendQueue) -> None:
        """Tell a client the latest figures, if it does not know them: pub/sub may have lost them."""
        try:
            async with asyncio.timeout(READ_S):
                for audience in _audiences(record):
                    known = await self.store.statistics(audience)
                    if known is not None:
                        send_queue.on_statistics(known)
        except (RedisError, OSError) as error:  # the next utterance brings them; a TimeoutError is an OSError
            log.warning("statistics not read", error=type(error).__name__)

    async def outstanding(self, session: Session) -> int:
        """Utterances of a session without a result; results come in order, so the last ones are missing."""
        pending = 0
        for segment in range(session.segments - 1, -1, -1):
            try:
                if not await self.store.is_outstanding(session.record.session_id, segment):
                    break
            except (RedisError, OSError):
                return max(1, pending)
            pending += 1
        return pending

    async def _finish(self, session: Session, grace_s: float) -> None:
        """Flush a session whose connection is gone. If the client came back, the ledger refuses what it sends anew."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), grace_s)
        try:
            await session.finish()
        except SessionTakenOver:
            log.debug("session goes on elsewhere", session=session.record.session_id)
        except StoreError as error:
            log.warning("session not flushed", session=session.record.session_id, code=error.code)
        except Exception:  # the boundary: nobody waits for this task
            log.exception("session not flushed", session=session.record.session_id)
        log.info("session ends", session=session.record.session_id, segments=session.segments)

    async def _leave_rooms(self) -> None:
        try:
            await self._people.flush()
        except (RedisError, OSError) as error:  # the other gateways forget them in a while
            log.debug("rooms not left", error=type(error).__name__)

    async def _touch_all(self) -> None:
        while True:
            await asyncio.sleep(TOUCH_S)
            try:
                for connection in tuple(self._connections):
                    if connection.session is not None:
                        await self.store.touch(connection.session.record)
            except (RedisError, OSError) as error:
                log.warning("sessions not touched", error=type(error).__name__)

    async def _watch_owners(self) -> None:
        while True:
            await asyncio.sleep(OWNERS_S)
            try:
                await self._displace_taken_over()
            except (RedisError, OSError) as error:  # nothing can be taken over meanwhile
                log.debug("owners not read", error=type(error).__name__)

    async def _displace_taken_over(self) -> None:
        """Close the sockets of sessions that were resumed on another gateway: they may be silent, and never notice."""
        here = [(connection, connection.session.record) for connection in self._connections if connection.session]
        pipeline = self.redis.pipeline(transaction=False)
        for _, record in here:
            pipeline.hget(names.session(record.session_id), "owner")
        for (connection, record), owner in zip(here, await pipeline.execute(), strict=True):
            if owner not in (None, record.owner):
                connection.displace()

    def _allows(self, origin: str | None, host: str) -> bool:
        """Programs send no Origin; a page's must be our own or on the list."""
        if origin is None or "*" in self.settings.origins or origin in self.settings.origins:
            return True
        return origin.partition("://")[2] == host

    def _run(self, coroutine: Coroutine[Any, Any, None], name: str | None = None) -> None:
        task = asyncio.create_task(coroutine, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _audiences(record: SessionRecord) -> set[str]:
    """A session's own, for its statistics, and, where it shares one, its room's."""
    return {names.audience(record.session_id, None), record.audience}
