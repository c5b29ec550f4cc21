"""Entry point: ``python -m listener_service.listener_service``."""

import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog
from celery import Celery
from redis.exceptions import RedisError

from infra.celery_app import AGED, make_celery, queue_depth, send_job
from infra.heartbeat import HeartbeatWriter
from infra.logs import configure_logs
from infra.outage_log import OutageLog
from infra.redis_check import wait_while_unusable
from infra.redis_client import connect, connect_scratch
from infra.redis_url import is_amqp
from infra.settings import load_settings_or_exit
from listener_service.append_only_file import AppendOnlyFile
from listener_service.consumer import ABANDONED_MS, Consumer
from listener_service.leftovers import Leftovers
from listener_service.queued_jobs import JobsAtRabbitMq, JobsAtRedis, QueuedJobs
from listener_service.release import Releaser
from listener_service.scratch_leftovers import ScratchLeftovers
from listener_service.settings import Settings
from listener_service.sweeper import PERIOD_S, Sweeper
from wire import names

RETRY_S = 0.5
"""Pause before a failed loop starts again."""

CONSUMING = "result stream"
SWEEPING = "ledger sweep"

log = structlog.get_logger()


class _Readiness:
    """Makes the heartbeat ready while all loops work. Safe to use from any thread."""

    def __init__(self, heartbeat: HeartbeatWriter) -> None:
        self._heartbeat = heartbeat
        self._lock = threading.Lock()
        self._failing = {CONSUMING}
        """Loops that have not got through since their last failure, or since the start."""

    def works(self, loop: str) -> None:
        """Note that a loop has got through once."""
        with self._lock:
            if loop in self._failing:
                self._failing.remove(loop)
                if not self._failing:
                    self._heartbeat.ready()

    def fails(self, loop: str, error: Exception) -> None:
        """Note that a loop has failed."""
        with self._lock:
            self._failing.add(loop)
            self._heartbeat.not_ready(f"The {loop} fails ({type(error).__name__}); see the listener's log.")


class Listener:
    """Runs two loops, each in a thread: one releases results, the other sweeps the ledger."""

    def __init__(self, settings: Settings) -> None:
        """Build the parts; ``run`` starts them."""
        self._redis_url = settings.redis_url
        redis = connect(settings.redis_url)
        celery = make_celery(names.LISTENER, settings.broker_url)
        self._heartbeat = HeartbeatWriter.at(settings.redis_url, names.LISTENER)
        self._readiness = _Readiness(self._heartbeat)
        self._consumer = Consumer(redis, self._heartbeat.key, Releaser(redis, settings))
        self._sweeper = Sweeper(
            redis,
            self._heartbeat.key,
            partial(send_job, celery),
            depth=partial(queue_depth, celery),
            send_aged=partial(send_job, celery, step=AGED),
        )
        self._leftovers = Leftovers(redis, _scratch_leftovers(settings), _queued_jobs(settings, celery))
        self._file = AppendOnlyFile(redis, settings.rewrite_s, self._heartbeat.warn)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._heartbeat.start()
        wait_while_unusable(self._redis_url, self._heartbeat.not_ready, self._stopping)
        sweeping = threading.Thread(target=self._restart, args=(SWEEPING, self._sweep), name="sweeper")
        sweeping.start()
        self._restart(CONSUMING, self._consume)
        sweeping.join()
        self._heartbeat.stop()

    def _consume(self, outage: OutageLog) -> None:
        self._consumer.join()
        log.info("result stream joined")
        take_over = _at_most_every(ABANDONED_MS / 1000, self._consumer.take_over)
        while not self._stopping.is_set():
            take_over()
            self._consumer.consume()
            outage.recovered()
            self._readiness.works(CONSUMING)

    def _sweep(self, outage: OutageLog) -> None:
        while not self._stopping.wait(PERIOD_S):
            if self._sweeper.sweep():
                if self._leftovers.remove():
                    self._file.note_deletion()
                self._file.rewrite_if_due()
            outage.recovered()
            self._readiness.works(SWEEPING)

    def _restart(self, event: str, loop: Callable[[OutageLog], None]) -> None:
        """Run ``loop`` until the process stops; after an error start it again in ``RETRY_S``.

        The listener is not ready until it works again.
        """
        outage = OutageLog(event)
        while not self._stopping.is_set():
            try:
                loop(outage)
            except RedisError as error:
                outage.failed(error)
                self._readiness.fails(event, error)
            except Exception as error:  # the process must go on; results stay in the stream and are taken over
                log.exception("loop failed", loop=event)
                self._readiness.fails(event, error)
            self._stopping.wait(RETRY_S)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping.set()


def _scratch_leftovers(settings: Settings) -> ScratchLeftovers | None:
    """Return None if the scratch Redis is that of the sessions."""
    if settings.scratch_redis_url == settings.redis_url:
        return None
    return ScratchLeftovers(connect_scratch(settings.scratch_redis_url))


def _queued_jobs(settings: Settings, celery: Celery) -> QueuedJobs:
    if is_amqp(settings.broker_url):
        return JobsAtRabbitMq(celery)
    return JobsAtRedis(connect(settings.broker_url))


def _at_most_every(seconds: float, step: Callable[[], None]) -> Callable[[], None]:
    """Return a function that runs ``step`` on its first call, then at most once in ``seconds``."""
    last = -seconds

    def throttled() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            step()

    return throttled


def main() -> None:
    """Read the settings and run the listener."""
    settings = load_settings_or_exit(Settings)
    configure_logs(settings, names.LISTENER)
    Listener(settings).run()


if __name__ == "__main__":
    main()
