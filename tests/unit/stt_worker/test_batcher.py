"""Tasks of several threads become batches: a lone one at once, the others with whoever waits beside them."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import numpy as np
import pytest

from infra.worker import EXIT_BY_WATCHDOG
from stt_worker.engines.base import BatchEngine, Deadline, DeviceLost, Hypothesis, Outranked, Request, Task, Yielding
from stt_worker.scheduling.batcher import Batcher
from wire.errors import ModelError, WireError

ENGLISH = Request("en")


class Held(BatchEngine):
    """Hears how long an utterance is, when it is let."""

    name, revision = "held", "1"

    def __init__(self, at_once: int = 64, memory: int = 64) -> None:
        self.at_once = at_once
        self.memory = memory
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def transcribe_all(self, tasks: Sequence[Task]) -> None:
        self.batches.append([len(task.audio) for task in tasks])
        self.begun.release()
        assert self.go.acquire(timeout=10)
        if len(tasks) > self.memory:
            raise MemoryError
        if any(task.request.language == "cuda" for task in tasks):
            raise DeviceLost
        for task in tasks:
            if task.request.language == "xx":
                raise ValueError("broken")
            if task.request.language != "forgotten":
                text = Hypothesis(str(len(task.audio)), "en", None, 0.0, 0.0)
                task.tell(text if task.request.language != "ko" else WireError("stt_language", "No.", "English."))
            if task.request.language == "quick":
                assert self.go.acquire(timeout=10)


def ask(batcher: Batcher, samples: int, request: Request = ENGLISH, deadline: Deadline | None = None) -> str:
    audio = np.zeros(samples, dtype=np.float32)
    return batcher.transcribe(audio, request, deadline or Deadline.after(60)).text


def wait_for(batcher: Batcher, waiting: int) -> None:
    while len(batcher._waiting) < waiting:
        threading.Event().wait(0.01)


def test_an_engine_is_used_on_the_thread_that_loaded_it() -> None:
    """So that torch has one set of threads."""
    threads = []

    class Noting(Held):
        def transcribe_all(self, tasks: Sequence[Task]) -> None:
            threads.append(threading.current_thread())
            super().transcribe_all(tasks)

    def load() -> Noting:
        threads.append(threading.current_thread())
        engine = Noting()
        engine.go.release()
        return engine

    assert ask(Batcher(load), 7) == "7"
    loaded, used = threads
    assert loaded is used is not threading.current_thread()


def test_an_engine_that_cannot_be_loaded_says_why() -> None:
    def load() -> BatchEngine:
        raise ModelError("model_missing", "There is none.", "Bring one.")

    with pytest.raises(ModelError, match="There is none"):
        Batcher(load)


def test_a_process_ends_in_order_while_an_engine_is_at_work() -> None:
    """A thread inside torch would abort it."""
    program = """
import threading, time
from stt_worker.scheduling.batcher import Batcher
from stt_worker.engines.base import BatchEngine, Deadline, Hypothesis, Request

class Slow(BatchEngine):
    name, revision, at_once = "slow", "1", 1

    def transcribe_all(self, tasks):
        tasks[0].tell(Hypothesis("", "en", None, 0.0, 0.0))
        time.sleep(0.5)
        print("done", flush=True)

Batcher(Slow).transcribe([], Request(), Deadline.after(60))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_batch_forms_while_the_one_before_it_runs() -> None:
    """Everybody gets the text of their own audio."""
    engine = Held()
    batcher = Batcher(lambda: engine)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10), "a lone utterance does not wait for company"
        others = [threads.submit(ask, batcher, samples) for samples in range(2, 7)]
        wait_for(batcher, 5)
        engine.go.release(2)
        assert [first.result(10), *(other.result(10) for other in others)] == ["1", "2", "3", "4", "5", "6"]
    assert [len(batch) for batch in engine.batches] == [1, 5]


def test_nobody_waits_for_the_slowest_of_their_batch() -> None:
    engine = Held()
    batcher = Batcher(lambda: engine)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ask, batcher, 1, Request("quick"))
        engine.go.release()
        assert first.result(10) == "1", "the engine is still at its batch"
        engine.go.release()


def test_the_urgent_go_first_and_sessions_take_turns() -> None:
    """One after the other, as on a CPU."""
    engine = Held(at_once=1)
    batcher = Batcher(lambda: engine)
    asked = [
        Request(session="alice", priority=9),
        Request(session="alice"),
        Request(session="alice"),
        Request(session="bob"),
    ]
    with ThreadPoolExecutor(5) as threads:
        threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10)
        for number, request in enumerate(asked):
            threads.submit(ask, batcher, 2 + number, request)
            wait_for(batcher, number + 1)
        engine.go.release(5)
    assert engine.batches == [[1], [3], [5], [4], [2]]


def test_an_interim_text_gives_way_to_who_waits_in_this_process() -> None:
    """Before it costs anything; a final text beside it is heard."""
    engine = Held(at_once=1)
    batcher = Batcher(lambda: engine)
    yielding = batcher._also_for_who_waits_here(Yielding.after(60), 9)
    yielding.check()
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10)
        final = threads.submit(ask, batcher, 2)
        wait_for(batcher, 1)
        with pytest.raises(Outranked):
            yielding.check()
        engine.go.release(2)
        assert (first.result(10), final.result(10)) == ("1", "2")
    yielding.check()


def test_what_is_too_late_is_not_begun() -> None:
    engine = Held()
    with pytest.raises(WireError, match="longer than"):
        ask(Batcher(lambda: engine), 1, deadline=Deadline(seconds=1.0, started=0.0))
    assert engine.batches == []


def together(engine: Held, *requests: Request) -> list[str | BaseException | None]:
    """What a batch of these hears, the first of 2 samples, the next of 3 and so on."""
    batcher = Batcher(lambda: engine)
    with ThreadPoolExecutor(len(requests) + 1) as threads:
        threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10)
        futures = []
        for number, request in enumerate(requests):
            futures.append(threads.submit(ask, batcher, 2 + number, request))
            wait_for(batcher, number + 1)
        engine.go.release(50)
        return [future.exception(10) or future.result() for future in futures]


def test_one_utterance_fails_alone() -> None:
    good, bad = together(Held(), Request("en"), Request("ko"))
    assert good == "2"
    assert isinstance(bad, WireError)


def test_who_breaks_the_engine_breaks_it_alone() -> None:
    """What was heard before is not heard again."""
    engine = Held()
    *first, broken, last = together(engine, Request("en"), Request("en"), Request("xx"), Request("en"))
    assert (first, last) == (["2", "3"], "5")
    assert isinstance(broken, ValueError)
    assert engine.batches == [[1], [2, 3, 4, 5], [4], [5]]


def test_a_batch_too_large_for_the_memory_is_halved() -> None:
    engine = Held(memory=2)
    assert together(engine, *[Request("en")] * 5) == ["2", "3", "4", "5", "6"]
    assert [len(batch) for batch in engine.batches] == [1, 5, 3, 2, 1, 2]


def test_an_engine_that_forgets_somebody_keeps_nobody_waiting() -> None:
    """Nor does anybody get the text of somebody else."""
    first, forgotten, last = together(Held(), Request("en"), Request("forgotten"), Request("en"))
    assert (first, last) == ("2", "4")
    assert isinstance(forgotten, AssertionError)


def test_a_broken_engine_keeps_nobody_waiting() -> None:
    """Also not those who come later."""
    engine = Held()
    batcher = Batcher(lambda: engine)
    engine.go.release(10)
    with pytest.raises(ValueError, match="broken"):
        ask(batcher, 7, Request("xx"))
    assert ask(batcher, 8) == "8"


def test_a_lost_gpu_ends_the_process() -> None:
    """The ledger gives its utterances to another; here each would only cost one of its attempts."""
    ended: list[int] = []
    over, gone = threading.Event(), threading.Event()

    def end(status: int) -> NoReturn:
        ended.append(status)
        over.set()
        gone.wait(10)  # as the process would be by now
        return None  # type: ignore[misc]

    engine = Held()
    batcher = Batcher(lambda: engine, end)
    engine.go.release()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, batcher, 1, Request("cuda"))
        assert over.wait(10)
        assert ended == [EXIT_BY_WATCHDOG]
        assert not asked.done()
        gone.set()
        with pytest.raises(AssertionError):
            asked.result(10)
