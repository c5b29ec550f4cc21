"""What both kinds of worker do around their model: load it before the first task, claim, guard and report."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil
import stamina
import structlog
from redis.exceptions import RedisError

from infra.heartbeat import HeartbeatWriter
from infra.ledger.entry import Stage
from infra.ledger.ledger import Claim, Ledger
from infra.redis_client import Redis, connect
from wire.errors import WireError
from wire.messages.jobs import AnalyzeText, TranscribeAudio

RELOAD_S = 10.0
"""Pause between attempts to load a model that failed: the file may have appeared."""
OUTAGE_S = 60.0
"""How long a worker with a result in its hands waits for Redis to come back."""
WATCH_S = 1.0
EXIT_BY_WATCHDOG = 70  # EX_SOFTWARE of sysexits.h

log = structlog.get_logger()
M = TypeVar("M")


@dataclass(frozen=True)
class Limits:
    """What a worker process may use before the watchdog ends it for the supervisor to start another."""

    deadline_s: float
    """For one task; the engine checks it while decoding. The watchdog waits twice as long."""
    max_rss_mb: int
    """Resident memory; 0 for no limit."""


class Worker(Generic[M]):
    """One worker process: its model, its heartbeat, its claims.

    The solo pool of Celery enforces no time limit and recycles nothing, so a watchdog thread ends the process when a
    task is far over its deadline or memory over its limit. The ledger sends the utterance to another worker.
    """

    model: M

    def __init__(self, redis_url: str, service: str, limits: Limits) -> None:
        self.redis: Redis = connect(redis_url)
        self.ledger = Ledger(self.redis)
        self.limits = limits
        self._heartbeat = HeartbeatWriter(self.redis, service)
        self._model_since: dict[int, float] = {}
        """Thread → since when it uses the model."""
        self._max_rss_mb = limits.max_rss_mb

    def start(self, load: Callable[[], M], describe: Callable[[M], tuple[str, str]]) -> None:
        """Load the model; returns when there is one. Celery takes no task before that.

        Celery swallows what its start hooks raise and would take tasks without a model, so a failure is published
        as the reason for not being ready, and tried again.
        """
        self._heartbeat.start()
        while True:
            self._heartbeat.not_ready("loading the model")
            try:
                self.model = load()
                break
            except WireError as error:
                log.error("model not loaded", code=error.code, reason=error.message, remedy=error.remedy)
                self._heartbeat.not_ready(str(error))
            except Exception as error:  # the boundary: whatever a model library raises must become a reason
                log.exception("model not loaded")
                self._heartbeat.not_ready(f"The model cannot be loaded ({type(error).__name__}); see the worker's log.")
            time.sleep(RELOAD_S)
        self._make_room_for_the_model()
        name, revision = describe(self.model)
        self._heartbeat.ready(name, revision)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        log.info("model loaded", model=name, revision=revision)

    def stop(self) -> None:
        """Remove the heartbeat, so that the process counts as gone at once."""
        self._heartbeat.stop()

    @contextmanager
    def claimed(self, job: TranscribeAudio | AnalyzeText, stage: Stage) -> Iterator[Claim]:
        """Hold a claim while working on a job. Check ``verdict`` first: only ``claimed`` allows to go on.

        A failure inside gives the claim back, so that the sweeper sends the job again until its attempts are used up.
        """
        claim: Claim = retry_while_unavailable(lambda: self.ledger.claim(job, stage, self._heartbeat.key))
        try:
            with self._heartbeat.busy():
                yield claim
        except WireError as error:
            log.warning("utterance failed", **_where(job), attempt=claim.attempt, code=error.code)
            self._give_back(job, error.message)
        except Exception as error:  # the boundary: one utterance must not end the worker
            log.exception("utterance failed", **_where(job), attempt=claim.attempt)
            self._give_back(job, f"internal error ({type(error).__name__})")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around the use of the model, the only thing that can hang: waiting for Redis has time-outs of its own."""
        thread = threading.get_ident()
        self._model_since[thread] = time.monotonic()
        try:
            yield
        finally:
            del self._model_since[thread]

    def busy(self) -> AbstractContextManager[None]:
        """Around work that holds no claim."""
        return self._heartbeat.busy()

    def _give_back(self, job: TranscribeAudio | AnalyzeText, error: str) -> None:
        retry_while_unavailable(lambda: self.ledger.release(job, self._heartbeat.key, error))

    def _watch(self) -> None:
        retiring = False
        while True:
            time.sleep(WATCH_S)
            since, rss_mb = min(self._model_since.copy().values(), default=None), _rss_mb()
            if since is not None and time.monotonic() - since > 2 * self.limits.deadline_s:
                log.critical("task hangs: this process ends", limit_s=2 * self.limits.deadline_s)
                os._exit(EXIT_BY_WATCHDOG)
            if self._max_rss_mb and rss_mb > self._max_rss_mb:
                if since is not None and rss_mb > self._max_rss_mb * 1.25:
                    log.critical("memory far over the limit: this process ends", rss_mb=rss_mb, mb=self._max_rss_mb)
                    os._exit(EXIT_BY_WATCHDOG)
                if not retiring:
                    retiring = True
                    log.critical("memory over the limit: this process ends", rss_mb=rss_mb, mb=self._max_rss_mb)
                    os.kill(os.getpid(), signal.SIGTERM)  # Celery finishes the current task first

    def _make_room_for_the_model(self) -> None:
        """A limit below what the model itself takes would end every process as soon as it is ready."""
        if self._max_rss_mb and (needed := round(_rss_mb() * 1.25)) > self._max_rss_mb:
            log.warning("memory limit below what the model needs: raised", limit_mb=self._max_rss_mb, raised_mb=needed)
            self._max_rss_mb = needed


T = TypeVar("T")


def retry_while_unavailable(step: Callable[[], T]) -> T:
    """Do a step in Redis, again and again while Redis is away, for at most ``OUTAGE_S``."""
    for attempt in stamina.retry_context(on=RedisError, attempts=None, timeout=OUTAGE_S, wait_initial=0.1, wait_max=1):
        with attempt:
            return step()
    raise AssertionError("unreachable: the last attempt raises")


def _rss_mb() -> int:
    """Resident memory of this process, MiB."""
    return int(psutil.Process().memory_info().rss) >> 20


def _where(job: TranscribeAudio | AnalyzeText) -> dict[str, object]:
    return {"session": job.session_id, "segment": job.segment}
