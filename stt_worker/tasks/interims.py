"""Threads of interim texts beside Celery's: they take requests from the scratch Redis while no task runs."""

import threading
from collections.abc import Callable
from typing import Protocol

import structlog
from redis.exceptions import RedisError

from infra.interim_requests import Turn
from infra.outage_log import OutageLog
from infra.worker import Worker
from stt_worker.engines.base import Transcriber
from stt_worker.scheduling.finals_first import FinalsFirst
from wire.messages.jobs import TranscribePartial

WAIT_S = 0.5
"""Seconds that a thread waits for a request, or for room; shorter than the time-out of its client."""
RETRY_S = 1.0
"""Seconds between two attempts while the scratch Redis is away."""
MAX_THREADS = 8

log = structlog.get_logger()


class Requests(Protocol):
    """See :class:`infra.interim_requests.WaitingInterims`."""

    def wait(self, seconds: float) -> Turn | None:
        """Return the next turn, or None after some seconds."""
        ...

    def next(self) -> Turn | None:
        """Return the next turn, or None at once."""
        ...

    def give_back(self, turn: Turn) -> None:
        """Let another worker have a turn."""
        ...

    def begin(self, turn: Turn) -> tuple[TranscribePartial, bytes] | None:
        """Take the request of a turn, unless it is gone."""
        ...


class InterimTexts:
    """Serves requests for interim texts; one instance per process.

    A task of the queue that comes meanwhile is begun at once by Celery's thread, and preempts an interim text in front
    of the model (``Batcher``).
    """

    def __init__(
        self,
        worker: Worker[Transcriber],
        requests: Requests,
        finals: FinalsFirst,
        run: Callable[[TranscribePartial, bytes], None],
    ) -> None:
        """Begin when ``start`` is called.

        Args:
            worker: has the model.
            requests: of all sessions.
            finals: counts the tasks of the queue.
            run: transcribes Int16 PCM and answers.
        """
        self._worker = worker
        self._finals = finals
        self._run = run
        self._requests = requests
        self._outage = OutageLog("interim requests")
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start the threads; the model is loaded."""
        for number in range(min(self._room, MAX_THREADS)):
            threading.Thread(target=self._serve, name=f"interims-{number}", daemon=True).start()

    def stop(self) -> None:
        """Begin no further request."""
        self._stopping.set()

    def serve_one(self) -> None:
        """Serve the request that has waited longest, if there is one, on this thread.

        For tasks that wait behind interim texts: those of files.
        """
        try:
            if (turn := self._requests.next()) is not None:
                self._begin(turn)
        except RedisError as error:
            self._outage.failed(error)

    @property
    def _room(self) -> int:
        """Number of utterances that are transcribed at once."""
        return max(1, getattr(self._worker.model, "max_batch_size", 1))

    def _serve(self) -> None:
        while not self._stopping.is_set():
            if not self._finals.wait_for_room(self._room, WAIT_S):
                continue
            try:
                if (turn := self._requests.wait(WAIT_S)) is not None:
                    self._begin_if_there_is_room(turn)
                self._outage.recovered()
            except RedisError as error:
                self._outage.failed(error)
                self._stopping.wait(RETRY_S)
            except Exception:  # the boundary: one request must not end the thread
                log.exception("interim failed")

    def _begin_if_there_is_room(self, turn: Turn) -> None:
        """Serve a request, or leave it to another worker if a task has come while this one waited."""
        with self._finals.interim(self._room) as fits:
            if fits and not self._stopping.is_set():
                self._begin(turn)
                return
        self._requests.give_back(turn)

    def _begin(self, turn: Turn) -> None:
        if (begun := self._requests.begin(turn)) is not None:
            self._run(*begun)
