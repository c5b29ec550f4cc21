"""The frame of a worker process around its model: loads the model, claims jobs, handles failures, publishes results."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, Protocol, TypeVar

import structlog

from infra.heartbeat import HeartbeatWriter
from infra.ledger.entry import Stage
from infra.ledger.ledger import Claim, Ledger
from infra.ledger.resilient import ResilientLedger, retry_while_unavailable
from infra.memory import release_free_memory
from infra.redis_check import wait_while_unusable
from infra.redis_client import Redis, connect, connect_scratch
from infra.results import publish_result
from infra.watchdog import Limits, Watchdog
from wire.errors import WireError
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import Final, NoSpeech

RELOAD_S = 10.0
"""Seconds between attempts to load a model: its file may appear later."""

log = structlog.get_logger()


class Model(Protocol):
    """A loaded model of any kind, as the heartbeat describes it."""

    @property
    def name(self) -> str:
        """Name or path, as in the settings."""
        ...

    @property
    def revision(self) -> str:
        """Version of the model's files."""
        ...


M = TypeVar("M", bound=Model)


class Worker(Generic[M]):
    """One worker process: its model, its heartbeat, its watchdog, its side of the ledger.

    ``start`` and ``stop`` are called once, from the main thread. After ``start`` the attributes do not change, and all
    other methods may be called from any thread.
    """

    model: M
    """Set by ``start``. Shared by all threads."""

    def __init__(self, redis_url: str, service: str, limits: Limits, scratch_url: str | None = None) -> None:
        self._redis_url = redis_url
        self.redis: Redis = connect(redis_url)
        self.scratch: Redis = connect_scratch(scratch_url or redis_url)
        self.ledger: Ledger = ResilientLedger(self.redis)
        self.limits = limits
        self._heartbeat = HeartbeatWriter.at(redis_url, service)
        self._watchdog = Watchdog(limits)
        self._in_progress: set[tuple[str, int, Stage]] = set()
        """Sessions, segments and stages that threads of this process work on, or try to claim."""
        self._lock = threading.Lock()
        """Held while that is changed."""

    def start(self, load: Callable[[], M]) -> None:
        """Load the model, and try again until that succeeds. Celery takes no task before this returns.

        Celery ignores what its start hooks raise and would take tasks without a model, so a failure becomes the
        heartbeat's reason for not being ready. So does a Redis that cannot be used as it is.
        """
        self._heartbeat.start()
        wait_while_unusable(self._redis_url, self._heartbeat.not_ready)
        while True:
            self._heartbeat.not_ready("loading the model")
            try:
                self.model = load()
                break
            except WireError as error:
                log.error("model load failed", code=error.code, reason=error.message, remedy=error.remedy)
                self._heartbeat.not_ready(str(error))
            except Exception as error:  # the boundary: whatever a model library raises must become a reason
                log.exception("model load failed", error=str(error))
                self._heartbeat.not_ready(f"The model cannot be loaded ({type(error).__name__}); see the worker's log.")
            time.sleep(RELOAD_S)
        release_free_memory()
        wait_while_unusable(self._redis_url, self._heartbeat.not_ready)  # it may have come up meanwhile
        self._heartbeat.ready(self.model.name, self.model.revision)
        self._watchdog.start()
        log.info("model loaded", model=self.model.name, revision=self.model.revision)

    def stop(self) -> None:
        """Remove the heartbeat and the health file: readers no longer list the process."""
        self._heartbeat.stop()

    @contextmanager
    def claimed(self, job: TranscribeAudio | AnalyzeText, stage: Stage) -> Iterator[Claim]:
        """Hold a claim while working on a job. Check its ``verdict`` first: work only if it is ``claimed``.

        It is ``taken`` also while another thread of this process works on another copy of the job: a claim
        in the ledger is a process's, which gets it again, because the answer may have been lost.

        An exception inside gives the claim back and is not raised: the sweeper sends the job again until its attempts
        are used up.
        """
        work = (job.session_id, job.segment, stage)
        with self._lock:
            is_first = work not in self._in_progress
            self._in_progress.add(work)
        if not is_first:
            yield Claim("taken", 0, None)
            return
        try:
            with self._claimed(job, stage) as claim:
                yield claim
        finally:
            with self._lock:
                self._in_progress.remove(work)

    @contextmanager
    def _claimed(self, job: TranscribeAudio | AnalyzeText, stage: Stage) -> Iterator[Claim]:
        claim = self.ledger.claim(job, stage, self._heartbeat.key)
        where = {"session": job.session_id, "segment": job.segment, "attempt": claim.attempt}
        try:
            with self._heartbeat.busy():
                yield claim
        except WireError as error:
            log.warning("utterance failed", **where, code=error.code)
            self.ledger.abandon(job, self._heartbeat.key, error.message)
        except Exception as error:  # the boundary: one utterance must not end the worker
            log.exception("utterance failed", **where)
            self.ledger.abandon(job, self._heartbeat.key, f"internal error ({type(error).__name__})")

    @retry_while_unavailable
    def publish(self, result: Final | NoSpeech) -> None:
        """Send a result to the listener; repeated while Redis is unavailable."""
        publish_result(self.redis, result)

    def watched(self) -> AbstractContextManager[None]:
        """Put this around each use of the model: the watchdog ends the process if it takes far too long."""
        return self._watchdog.watched()

    def busy(self) -> AbstractContextManager[None]:
        """Mark the process as busy during work without a claim."""
        return self._heartbeat.busy()
