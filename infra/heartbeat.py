"""Heartbeats: each process says every second that it lives, what it runs and whether it is ready."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import RedisError

from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, Redis
from wire import names
from wire.messages.base import Message, now

BEAT_S = 1.0
TIME_TO_LIVE_S = 5
INDEX_TIME_TO_LIVE_S = 3_600
"""The index of a service of which nobody lives any more."""

log = structlog.get_logger()


class Heartbeat(Message):
    """What a process says of itself."""

    service: str
    instance: str
    """Host, process id and a random part: a restarted process is another instance."""
    started: float
    ready: bool = False
    reason: str | None = "starting"
    """Why it is not ready."""
    model: str | None = None
    revision: str | None = None
    busy_since: float | None = None
    """Unix seconds; None when idle."""


class HeartbeatWriter:
    """Writes this process's heartbeat from a thread of its own.

    Methods may be called from any thread; a change is written at once or, when Redis is away, with a later beat.
    """

    def __init__(self, redis: Redis, service: str) -> None:
        instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.key = names.heartbeat(service, instance)
        self._redis = redis
        self._busy: dict[int, float] = {}
        """Thread → since when it works."""
        self._beat = Heartbeat(service=service, instance=instance, started=now())
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Begin to write heartbeats."""
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye: the process is gone from the listings at once."""
        self._stopped = True
        self._changed.set()
        self._thread.join(timeout=2 * BEAT_S)

    def ready(self, model: str | None = None, revision: str | None = None) -> None:
        """Publish that this process is ready, with the model that it loaded."""
        self._update(ready=True, reason=None, model=model, revision=revision)

    def not_ready(self, reason: str) -> None:
        """Publish why this process is not ready."""
        self._update(ready=False, reason=reason)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While inside, the heartbeat carries since when the process works."""
        thread = threading.get_ident()
        self._busy[thread] = now()
        self._note_busy()
        try:
            yield
        finally:
            del self._busy[thread]
            self._note_busy()

    def _note_busy(self) -> None:
        since = min(self._busy.copy().values(), default=None)
        self._beat = self._beat.model_copy(update={"busy_since": since})

    def _update(self, **fields: object) -> None:
        self._beat = self._beat.model_copy(update=fields)
        self._changed.set()

    def _run(self) -> None:
        index = names.heartbeat_index(self._beat.service)
        tidied = False
        outage = OutageLog("heartbeat")
        while not self._stopped:
            self._changed.clear()
            try:
                pipeline = self._redis.pipeline()
                pipeline.set(self.key, self._beat.model_dump_json(), ex=TIME_TO_LIVE_S)
                pipeline.sadd(index, self._beat.instance)
                pipeline.expire(index, INDEX_TIME_TO_LIVE_S)
                pipeline.execute()
                if not tidied:
                    self._forget_dead(index)
                    tidied = True
                outage.recovered()
            except RedisError as error:
                outage.failed(error)
            self._changed.wait(BEAT_S)
        try:
            self._redis.delete(self.key)
        except RedisError as error:
            log.debug("goodbye not written", error=type(error).__name__)

    def _forget_dead(self, index: str) -> None:
        """Each start removes who died before: some services are never listed."""
        instances = sorted(self._redis.smembers(index))
        beats = self._redis.mget([names.heartbeat(self._beat.service, instance) for instance in instances])
        if dead := _without_beat(instances, beats):
            self._redis.srem(index, *dead)


async def alive_instances(redis: AsyncRedis, service: str) -> list[Heartbeat]:
    """Heartbeats of all living instances of a service; the dead ones are removed from its index."""
    index = names.heartbeat_index(service)
    instances = sorted(await redis.smembers(index))
    if not instances:
        return []
    beats = await redis.mget([names.heartbeat(service, instance) for instance in instances])
    if dead := _without_beat(instances, beats):
        await redis.srem(index, *dead)
    return [Heartbeat.model_validate_json(beat) for beat in beats if beat is not None]


def _without_beat(instances: list[str], beats: list[str | None]) -> list[str]:
    return [instance for instance, beat in zip(instances, beats, strict=True) if beat is None]
