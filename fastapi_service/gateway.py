"""The parts of the gateway: what they are made of, and the order in which they start and stop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog
from redis.exceptions import RedisError

from fastapi_service.access.access import Access
from fastapi_service.access.first_start import make_passphrase
from fastapi_service.api.acceptor import Acceptor
from fastapi_service.delivery.hub import Hub
from fastapi_service.delivery.ports import Sender
from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.delivery.room_occupancy import RoomOccupancy
from fastapi_service.delivery.slow_poll import SlowPoll
from fastapi_service.delivery.subscriber import Subscriber
from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.endpointing.voice import VoiceModel
from fastapi_service.monitoring.addresses import OtherAddresses
from fastapi_service.monitoring.redis_watch import watch_redis
from fastapi_service.recognition.dispatcher import Dispatcher
from fastapi_service.recognition.partials import Partials
from fastapi_service.recognition.ports import SessionOptions, SessionPorts
from fastapi_service.recognition.session import Session
from fastapi_service.recognition.transports import InterimTransport, QueueTransport
from fastapi_service.sessions.registry import SessionRegistry
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.session_list import SessionList
from fastapi_service.storage.sessions import SessionStore
from fastapi_service.tasks import TaskSet
from infra.celery_app import make_celery, send_job
from infra.context import Contexts
from infra.heartbeat import HeartbeatWriter
from infra.ledger.admission import Admission
from infra.redis_client import connect_async, connect_scratch_async
from wire import names

CLOSING_S = 8
"""Seconds that connections may take to end at a shutdown."""
SHUTDOWN_S = 8.0
"""Seconds to flush open utterances after that. ``CLOSING_S + SHUTDOWN_S``, the last heartbeat and a job that is just
being sent must stay below ``stopwaitsecs`` in supervisord.conf."""

log = structlog.get_logger()


class Gateway:
    """The composition root. Connects to nothing before it is started."""

    def __init__(self, settings: Settings, voice: VoiceModel | None = None) -> None:
        """Build the parts.

        Args:
            settings: of the gateway.
            voice: model for all sessions; None: they find voice by its level alone.
        """
        self._settings = settings
        self._voice = voice
        self.redis = connect_async(settings.redis_url)
        self._scratch = connect_scratch_async(settings.scratch_redis_url)
        self._channels = connect_async(settings.redis_url, max_connections=6, retries=0)
        self.store = SessionStore(self.redis, settings.session_ttl_s)
        self.session_list = SessionList(self.redis, settings.session_ttl_s)
        hub = Hub()
        celery = make_celery(names.GATEWAY, settings.broker_url)
        self.addresses = OtherAddresses(settings, celery)
        self._dispatcher = Dispatcher(lambda job: send_job(celery, job))
        self._occupancy = RoomOccupancy(self.redis, self._channels, hub.people)
        queue = QueueTransport(self._scratch, self._dispatcher, has_contexts=settings.context_s > 0)
        partials = Partials(self.redis, self._channels, {"interim": InterimTransport(self._scratch), "final": queue})
        results = ResultLog(self.redis)
        poll = SlowPoll(hub, results, self.store)
        subscriber = Subscriber(self._channels, hub, poll)
        self._flushes = TaskSet()
        self._first_start = TaskSet()
        make_session = self._session_factory(partials)
        self.registry = SessionRegistry(self.store, subscriber, self._occupancy, make_session, self._flushes, settings)
        self.access = Access.at(self.redis, self._channels, settings)
        self.acceptor = Acceptor(self.registry, results, settings, self.access)
        self._heartbeat = HeartbeatWriter.at(settings.redis_url, names.GATEWAY, has_event_loop=True)
        self._loops = TaskSet(self._on_loop_end)
        self._endless: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "event loop": self._heartbeat.follow_loop,
            "redis": partial(watch_redis, self.redis, settings.redis_url),
            "addresses": self.addresses.watch,
            "subscriber": subscriber.run,
            "slow poll": poll.run,
            "partials": partials.run,
            "room occupancy": self._occupancy.run,
            "session TTL": self.registry.touch_all,
            "owners": self.registry.watch_owners,
            "session list": self.session_list.run,
            "access": self.access.guard.run,
        }

    async def start(self) -> None:
        """Start the heartbeat and the endless tasks."""
        self._heartbeat.start()
        self._heartbeat.ready()
        settings = self._settings
        log.info("gateway started", host=settings.host, port=settings.port, tls=settings.tls_cert is not None)
        for name, run in self._endless.items():
            self._loops.start(run(), name)
        if settings.closed:
            self._first_start.start(make_passphrase(self.access.logins, settings.page_url), "passphrase")

    async def stop(self) -> None:
        """Flush the sessions, send the jobs under way, and close everything; takes ``SHUTDOWN_S`` at most."""
        deadline = asyncio.get_running_loop().time() + SHUTDOWN_S
        self.registry.stop_waiting()
        self._flushes.start(self._leave_rooms(), "leave rooms")
        await self._flushes.wait(SHUTDOWN_S)
        await self._dispatcher.close(max(0.0, deadline - asyncio.get_running_loop().time()))
        await self.access.guard.stop(max(0.0, deadline - asyncio.get_running_loop().time()))
        self._flushes.cancel()
        self._first_start.cancel()
        self._loops.cancel()
        self._heartbeat.stop()
        await self._channels.aclose()
        await self._scratch.aclose()
        await self.redis.aclose()

    def _on_loop_end(self, name: str) -> None:
        """End the process, as at a shutdown: without its endless tasks it only seems to work. It is started again."""
        log.critical("endless task ended, exiting", task=name)
        self._heartbeat.not_ready(f"The task {name!r} of the gateway has ended; see its log.")
        signal.raise_signal(signal.SIGTERM)

    async def _leave_rooms(self) -> None:
        try:
            await self._occupancy.flush()
        except (RedisError, OSError) as error:  # the other gateways forget them in a while
            log.debug("room occupancy update failed", error=type(error).__name__)

    def _session_factory(self, partials: Partials) -> Callable[[SessionRecord, Sender], Session]:
        settings = self._settings
        contexts = Contexts(self._scratch)
        ports = SessionPorts(self.store, Admission(self.redis), self._dispatcher, partials, contexts, voice=self._voice)
        options = SessionOptions(
            endpointer_options(settings),
            settings.session_ttl_s,
            audio_timeout_s=settings.audio_timeout_s,
            interim_every_s=settings.interim_ms / 1000,
            context_s=settings.context_s,
        )
        return lambda record, client: Session(record, options, ports, client.send, client.send_error)


def endpointer_options(settings: Settings) -> EndpointerOptions:
    """Return the settings for the ends of utterances; ``manual`` is of single sessions."""
    found = [name for name in EndpointerOptions.__dataclass_fields__ if name != "manual"]
    return EndpointerOptions(**{name: getattr(settings, name) for name in found})
