"""Entry point: ``python -m listener_service.listener_service``."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import structlog
from redis.exceptions import RedisError

from infra.celery_app import make_celery, send_job
from infra.heartbeat import HeartbeatWriter
from infra.logs import configure_logs
from infra.redis_client import connect
from infra.settings import load_settings_or_exit
from listener_service.consumer import ABANDONED_MS, Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from listener_service.sweeper import PERIOD_S, Sweeper
from wire import names

RETRY_S = 0.5

log = structlog.get_logger()


class Listener:
    """Two loops, one thread each: releasing results, and sweeping the ledger."""

    def __init__(self, settings: Settings) -> None:
        redis = connect(settings.redis_url)
        celery = make_celery(names.LISTENER, settings.redis_url)
        self._heartbeat = HeartbeatWriter(redis, names.LISTENER)
        self._consumer = Consumer(redis, self._heartbeat.key, Releaser(redis, settings))
        self._sweeper = Sweeper(redis, self._heartbeat.key, lambda job: send_job(celery, job))
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until a signal asks to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._heartbeat.start()
        sweeping = threading.Thread(target=self._loop, args=(self._sweep,), name="sweeper")
        sweeping.start()
        self._loop(self._consume)
        sweeping.join()
        self._heartbeat.stop()

    def _consume(self) -> None:
        self._consumer.join()
        self._heartbeat.ready()
        log.info("listening")
        takeovers = _every(ABANDONED_MS / 1000, self._consumer.take_over)
        while not self._stopping.is_set():
            takeovers()
            self._consumer.consume()

    def _sweep(self) -> None:
        while not self._stopping.wait(PERIOD_S):
            self._sweeper.sweep()

    def _loop(self, step: Callable[[], None]) -> None:
        """Run a loop again, after a moment, whenever something failed under it."""
        while not self._stopping.is_set():
            try:
                step()
            except RedisError as error:
                log.debug("redis failed", error=type(error).__name__)  # the heartbeat tells of outages
            except Exception:  # the boundary: results stay in the stream and are taken over
                log.exception("internal error")
            self._stopping.wait(RETRY_S)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping.set()


def _every(seconds: float, step: Callable[[], None]) -> Callable[[], None]:
    """A function that does a step when it is called for the first time and then at most every so often."""
    last = -seconds

    def due() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            step()

    return due


def main() -> None:
    settings = load_settings_or_exit(Settings)
    configure_logs(settings, names.LISTENER)
    Listener(settings).run()


if __name__ == "__main__":
    main()
