"""Heartbeats: each process writes every second that it runs, its model, and whether it is ready."""

import asyncio
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import RedisError

from infra.health_file import HealthFile
from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, Redis
from wire import names
from wire.messages.base import Message, now

BEAT_S = 1.0
TIME_TO_LIVE_S = 5
INDEX_TIME_TO_LIVE_S = 3_600
"""Seconds that the index of a service stays after its last process."""
LOOP_S = 5.0
"""An event loop that has not run for this long hangs."""

log = structlog.get_logger()


class Heartbeat(Message):
    """State of one process, as it describes itself."""

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
    """Writes this process's heartbeat to Redis, and its health file, from a thread of its own.

    Methods may be called from any thread. A change is written at once or, without Redis, with a later beat.
    """

    def __init__(self, redis: Redis, service: str, health_file: HealthFile | None = None) -> None:
        instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.key = names.heartbeat(service, instance)
        self._redis = redis
        self._health_file = health_file or HealthFile.from_environment()
        self._busy: dict[int, float] = {}
        """Thread id → Unix seconds since when it works."""
        self._beat = Heartbeat(service=service, instance=instance, started=now())
        self._loop_ran: float | None = None
        """When the event loop last ran, on the monotonic clock; None for processes without one."""
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread. The process counts as not ready until ``ready`` is called."""
        self._thread.start()

    def stop(self) -> None:
        """Remove the heartbeat and the health file: the process is gone from the listings at once."""
        self._stopped = True
        self._changed.set()
        self._thread.join(timeout=2 * BEAT_S)

    def ready(self, model: str | None = None, revision: str | None = None) -> None:
        """Announce that the process can work."""
        self._update(ready=True, reason=None, model=model, revision=revision)

    def not_ready(self, reason: str) -> None:
        """Announce that the process cannot work, and why."""
        self._update(ready=False, reason=reason)

    async def follow_loop(self) -> None:
        """Tie the health file to the running event loop: not ready when the loop hangs. Runs until cancelled."""
        while True:
            self._loop_ran = time.monotonic()
            await asyncio.sleep(BEAT_S)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Mark the process as busy while inside: the heartbeat carries since when it works."""
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
        outage = OutageLog("heartbeat")
        tidied = False
        while not self._stopped:
            self._changed.clear()
            try:
                self._write()
                if not tidied:
                    self._remove_dead()
                    tidied = True
                outage.recovered()
                self._health_file.write(self._not_healthy())
            except RedisError as error:
                outage.failed(error)
                self._health_file.write(f"Redis does not answer ({type(error).__name__})")
            self._changed.wait(BEAT_S)
        self._health_file.remove()
        try:
            self._redis.delete(self.key)
        except RedisError as error:
            log.debug("heartbeat not removed", error=type(error).__name__)

    def _write(self) -> None:
        index = names.heartbeat_index(self._beat.service)
        pipeline = self._redis.pipeline()
        pipeline.set(self.key, self._beat.model_dump_json(), ex=TIME_TO_LIVE_S)
        pipeline.sadd(index, self._beat.instance)
        pipeline.expire(index, INDEX_TIME_TO_LIVE_S)
        pipeline.execute()

    def _not_healthy(self) -> str | None:
        """Return why this process is not healthy although Redis answers; None if it is."""
        if self._loop_ran is not None and time.monotonic() - self._loop_ran > LOOP_S:
            return f"the event loop has not run for {LOOP_S:.0f} s"
        return None if self._beat.ready else self._beat.reason or "not ready"

    def _remove_dead(self) -> None:
        """Remove processes without a heartbeat from the index, once per start: some services are never listed."""
        index = names.heartbeat_index(self._beat.service)
        instances = sorted(self._redis.smembers(index))
        beats = self._redis.mget([names.heartbeat(self._beat.service, instance) for instance in instances])
        if dead := _without_beat(instances, beats):
            self._redis.srem(index, *dead)


async def alive_instances(redis: AsyncRedis, service: str) -> list[Heartbeat]:
    """Return the heartbeats of all running instances of a service, and remove the dead ones from its index."""
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
