"""A worker on the clock of the audio: each job begins after the one before, and takes as long as it really does."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from stt_worker.engines.base import Context, Hypothesis
from wire.audio import Samples


@dataclass(frozen=True)
class Cost:
    """Seconds that some work took."""

    wall_s: float
    cpu_s: float
    """CPU time of all threads of this process."""

    @classmethod
    def of(cls, work: Callable[[], None]) -> "Cost":
        """Do some work and measure it."""
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        return cls(time.perf_counter() - wall, time.process_time() - cpu)

    @classmethod
    def by_cpu(cls, work: Callable[[], None]) -> "Cost":
        """Do some work; its CPU time counts as the time that it took, so that other work of the machine hardly does."""
        cost = cls.of(work)
        return cls(cost.cpu_s, cost.cpu_s)


@dataclass(eq=False)
class Job:
    """Audio to transcribe."""

    arrived_s: float
    audio: Samples
    context: Context | None = None
    start: int = 0
    """Its first sample in the stream."""
    segment: int = 0
    """Number of its utterance."""
    hypothesis: Hypothesis | None = None
    """None: it has not begun."""
    finished_s: float = 0.0
    cost: Cost = Cost(0.0, 0.0)
    prefix: str | None = None
    """Beginning of an interim text; None: it is not for one."""
    is_preempted: bool = False
    """True for an interim text that gave way to a final one."""


class ModelledWorker:
    """Runs jobs in their order. It is free from the stream's beginning."""

    def __init__(
        self, transcribe: Callable[[Job], Hypothesis], measure: Callable[[Callable[[], None]], Cost] = Cost.of
    ) -> None:
        """Use an engine.

        Args:
            transcribe: called when a job begins on the modelled clock, in that order.
            measure: does the work and returns what it took.
        """
        self._transcribe = transcribe
        self._measure = measure
        self._queue: deque[Job] = deque()
        self._free_s = 0.0
        self.cpu_s = 0.0
        """CPU seconds of all jobs."""
        self.busy_s = 0.0
        """Time that all jobs took on the modelled clock, but for interim texts."""
        self.interim_cpu_s = 0.0
        self._interim: Job | None = None

    def put(self, job: Job) -> None:
        """Add a job behind those that wait; none of them came later."""
        self._queue.append(job)

    def offer(self, job: Job) -> bool:
        """Run the job of an interim text at once; False if the worker is busy. It gives way to jobs that come later."""
        if self._queue or self._free_s > job.arrived_s:
            return False
        job.cost = self._measure(partial(self._run, job))
        job.finished_s = job.arrived_s + job.cost.wall_s
        self.interim_cpu_s += job.cost.cpu_s
        self._interim = job
        return True

    def withdraw(self, job: Job) -> bool:
        """Take a job back; False if it has begun."""
        if job not in self._queue:
            return False
        self._queue.remove(job)
        return True

    def run_until(self, until_s: float) -> None:
        """Run all jobs that begin before a time."""
        while self._queue and max(self._free_s, self._queue[0].arrived_s) < until_s:
            job = self._queue.popleft()
            if self._interim is not None and self._interim.finished_s > max(self._free_s, job.arrived_s):
                self._interim.is_preempted = True
            job.cost = self._measure(partial(self._run, job))
            self._free_s = job.finished_s = max(self._free_s, job.arrived_s) + job.cost.wall_s
            self.cpu_s += job.cost.cpu_s
            self.busy_s += job.cost.wall_s

    def _run(self, job: Job) -> None:
        job.hypothesis = self._transcribe(job)
