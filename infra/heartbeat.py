"""Heartbeats: each process writes its state to Redis every second; readers list the processes that run."""

import asyncio
import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
from pydantic import Field, ValidationError
from redis.exceptions import RedisError

from infra.clock import RedisClock, now, process_clock
from infra.health_file import HealthFile
from infra.outage_log import OutageLog
from infra.redis_client import AsyncRedis, Redis, connect
from infra.redis_errors import store_error
from wire import names
from wire.messages.base import Message

BEAT_S = 1.0
"""Seconds between two heartbeats."""
TIME_TO_LIVE_S = 5
"""Seconds after its last heartbeat at which a process counts as gone."""
INDEX_TIME_TO_LIVE_S = 3_600
"""Seconds after which the index of a service without processes expires."""
LOOP_S = 5.0
"""Seconds without a run after which an event loop counts as hanging."""
TIMEOUT_S = 2
"""Seconds that a heartbeat waits for Redis: the reason must be in the health file before the file is too old (10 s)."""

log = structlog.get_logger()


class Heartbeat(Message):
    """State of one process, written by itself."""

    service: str
    instance: str
    """Host, process id and a random part: a restarted process is another instance."""
    started: float
    """Unix seconds."""
    clock_skew_s: Annotated[float | None, Field(exclude_if=lambda skew: skew is None)] = None
    """Seconds that the clock of its host is ahead of Redis'; None before it was measured."""
    clock_differs: Annotated[bool | None, Field(exclude_if=lambda differs: differs is None)] = None
    """True if that is too much, by the process's own judgement; None in versions that do not say."""
    ready: bool = False
    reason: str | None = "starting"
    """Reason for not being ready; None when ready."""
    warning: Annotated[str | None, Field(exclude_if=lambda warning: warning is None)] = None
    """Fault that keeps nothing from being ready, for operators; None without one."""
    model: str | None = None
    """Name of the loaded model; None for services without one."""
    revision: str | None = None
    """Version of the model's files."""
    busy_since: float | None = None
    """Unix seconds; None when idle."""


class HeartbeatWriter:
    """Writes this process's heartbeat to Redis, and its health file, from a thread of its own.

    Methods may be called from any thread. A change is written at once, or after an outage of Redis.
    """

    def __init__(
        self,
        redis: Redis,
        service: str,
        health_file: HealthFile | None = None,
        *,
        has_event_loop: bool = False,
        clock: RedisClock | None = None,
    ) -> None:
        """Write nothing yet.

        Args:
            redis: a client without retries and with a short time-out, see ``at``.
            service: name of this process's service.
            health_file: by default the one that ``HEALTH_FILE`` names.
            has_event_loop: the process is healthy only while ``follow_loop`` runs.
            clock: is measured with each heartbeat.
        """
        instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.key = names.heartbeat(service, instance)
        self._redis = redis
        self._health_file = health_file or HealthFile.from_environment()
        self._clock = clock
        self._busy: dict[int, float] = {}
        """Thread id → Unix seconds at which it became busy."""
        self._lock = threading.Lock()
        """Held while the state is changed."""
        self._beat = Heartbeat(service=service, instance=instance, started=now())
        self._loop_ran = -math.inf if has_event_loop else None
        """Monotonic seconds of the last run of the event loop; None for processes without one."""
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    @classmethod
    def at(cls, url: str, service: str, *, has_event_loop: bool = False) -> "HeartbeatWriter":
        """Return the writer of this process, with a client of its own, which gives up after ``TIMEOUT_S``.

        It measures the clock of the process.
        """
        redis = connect(url, timeout_s=TIMEOUT_S, retries=0)
        return cls(redis, service, has_event_loop=has_event_loop, clock=process_clock)

    def start(self) -> None:
        """Start the thread. The process is not ready until ``ready`` is called."""
        self._thread.start()

    def stop(self) -> None:
        """Remove the heartbeat and the health file, so that readers no longer list the process."""
        self._stopped = True
        self._changed.set()
        self._thread.join(timeout=2 * BEAT_S)

    def ready(self, model: str | None = None, revision: str | None = None) -> None:
        """Set the state to ready."""
        self._update(ready=True, reason=None, model=model, revision=revision)

    def not_ready(self, reason: str) -> None:
        """Set the state to not ready, with the reason."""
        self._update(ready=False, reason=reason)

    def warn(self, warning: str | None) -> None:
        """Set the fault that operators are shown although the process is ready; None: there is none."""
        with self._lock:
            self._beat = self._beat.model_copy(update={"warning": warning})

    async def follow_loop(self) -> None:
        """Make the health file depend on the running event loop: not ready if it hangs. Runs until cancelled."""
        while True:
            self._loop_ran = time.monotonic()
            await asyncio.sleep(BEAT_S)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Mark the process as busy inside the context: the heartbeat has the time of its beginning."""
        thread = threading.get_ident()
        self._set_busy(thread, now())
        try:
            yield
        finally:
            self._set_busy(thread, None)

    def _set_busy(self, thread: int, since: float | None) -> None:
        with self._lock:
            if since is None:
                del self._busy[thread]
            else:
                self._busy[thread] = since
            self._beat = self._beat.model_copy(update={"busy_since": min(self._busy.values(), default=None)})

    def _update(self, **fields: object) -> None:
        with self._lock:
            self._beat = self._beat.model_copy(update=fields)
        self._changed.set()

    def _run(self) -> None:
        outage = OutageLog("heartbeat")
        is_index_clean = False
        while not self._stopped:
            self._changed.clear()
            try:
                self._write()
                self._note_clock()
                if not is_index_clean:
                    self._remove_dead()
                    is_index_clean = True
                outage.recovered()
                self._health_file.write(self._health_problem())
            except RedisError as error:
                outage.failed(error)
                self._health_file.write(store_error(error, "").message.rstrip("."))
            self._changed.wait(BEAT_S)
        self._health_file.remove()
        try:
            self._redis.delete(self.key)
        except RedisError as error:
            log.debug("heartbeat removal failed", error=type(error).__name__)

    def _write(self) -> None:
        index = names.heartbeat_index(self._beat.service)
        pipeline = self._redis.pipeline()
        pipeline.set(self.key, self._beat.model_dump_json(), ex=TIME_TO_LIVE_S)
        pipeline.sadd(index, self._beat.instance)
        pipeline.expire(index, INDEX_TIME_TO_LIVE_S)
        pipeline.execute()

    def _note_clock(self) -> None:
        """Put this host's clock into the next heartbeat."""
        if self._clock is None:
            return
        try:
            skew_s = round(self._clock.measure(self._redis), 3)
        except RedisError:  # the next heartbeat reports the outage
            return
        with self._lock:
            self._beat = self._beat.model_copy(update={"clock_skew_s": skew_s, "clock_differs": self._clock.differs})

    def _health_problem(self) -> str | None:
        """Return the reason why this process is not healthy although Redis answers; None if it is healthy."""
        if self._loop_ran is not None and time.monotonic() - self._loop_ran > LOOP_S:
            return f"the event loop has not run for {LOOP_S:.0f} s"
        return None if self._beat.ready else self._beat.reason or "not ready"

    def _remove_dead(self) -> None:
        """Remove processes without a heartbeat from the index. Done once per start: no reader lists some services."""
        index = names.heartbeat_index(self._beat.service)
        instances = sorted(self._redis.smembers(index))
        beats = self._redis.mget([names.heartbeat(self._beat.service, instance) for instance in instances])
        if dead := _without_beat(instances, beats):
            self._redis.srem(index, *dead)


async def alive_instances(redis: AsyncRedis, service: str) -> list[Heartbeat]:
    """Return the heartbeats of all running instances of a service, and remove the dead ones from its index.

    One that cannot be read counts as missing: it must not hide the others.
    """
    index = names.heartbeat_index(service)
    instances = sorted(await redis.smembers(index))
    if not instances:
        return []
    beats = await redis.mget([names.heartbeat(service, instance) for instance in instances])
    if dead := _without_beat(instances, beats):
        await redis.srem(index, *dead)
    return [read for beat in beats if beat is not None and (read := _read(beat)) is not None]


def _read(beat: str) -> Heartbeat | None:
    try:
        return Heartbeat.model_validate_json(beat)
    except ValidationError as refused:
        log.warning("heartbeat unreadable", problems=refused.error_count())
        return None


def _without_beat(instances: list[str], beats: list[str | None]) -> list[str]:
    return [instance for instance, beat in zip(instances, beats, strict=True) if beat is None]
