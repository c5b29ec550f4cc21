"""Requests of several threads become batches: a single one starts at once, those that wait form the next batch."""

import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, cast

import numpy as np
import pytest
from structlog.testing import capture_logs

from infra.watchdog import EXIT_BY_WATCHDOG
from stt_worker.engines.base import BatchEngine, DeviceLost, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline, Preempted, PreemptibleDeadline
from stt_worker.scheduling.batcher import Batcher
from tests.support.eventually import eventually
from wire.errors import ModelError, WireError

ENGLISH = RecognitionConfig("en")


class Held(BatchEngine):
    """Returns the number of samples, once per release of ``go``."""

    name, revision = "held", "1"

    def __init__(self, max_batch_size: int = 64, memory: int = 64) -> None:
        self.max_batch_size = max_batch_size
        self.memory = memory
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        self.batches.append([len(request.audio) for request in requests])
        self.begun.release()
        assert self.go.acquire(timeout=10)
        if len(requests) > self.memory:
            raise MemoryError
        if any(request.config.language == "cuda" for request in requests):
            raise DeviceLost
        for index, request in enumerate(requests):
            language = request.config.language
            if language == "xx":
                raise ValueError("broken")
            if language == "slow":
                assert self.go.acquire(timeout=10)
            if language != "forgotten":
                text = Hypothesis(str(len(request.audio)), "en", None, 0.0, 0.0)
                yield index, text if language != "ko" else WireError("stt_language", "No.", "English.")
            if language == "quick":
                assert self.go.acquire(timeout=10)


def ask(batcher: Batcher, samples: int, config: RecognitionConfig = ENGLISH, deadline: Deadline | None = None) -> str:
    audio = np.zeros(samples, dtype=np.float32)
    return batcher.transcribe(audio, config, deadline or Deadline.after(60)).text


def wait_for(batcher: Batcher, waiting: int) -> None:
    eventually(lambda: batcher._thread.waiting() >= waiting)


def test_an_engine_is_used_on_the_thread_that_loaded_it() -> None:
    """So that torch has one set of threads."""
    threads = []

    class Noting(Held):
        def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
            threads.append(threading.current_thread())
            return super().transcribe_all(requests)

    def load() -> Noting:
        threads.append(threading.current_thread())
        engine = Noting()
        engine.go.release()
        return engine

    assert ask(Batcher(load), 7) == "7"
    loaded, used = threads
    assert loaded is used is not threading.current_thread()


def test_the_error_of_loading_is_raised_by_the_constructor() -> None:
    def load() -> BatchEngine:
        raise ModelError("model_missing", "There is none.", "Bring one.")

    with pytest.raises(ModelError, match="There is none"):
        Batcher(load)


def test_nothing_is_begun_once_the_batcher_is_closed() -> None:
    """Closing waits for the running batch."""
    engine = Held(max_batch_size=1)
    batcher = Batcher(lambda: engine)
    threads = [threading.Thread(target=ask, args=(batcher, samples), daemon=True) for samples in (1, 2)]
    threads[0].start()
    assert engine.begun.acquire(timeout=10)
    threads[1].start()
    wait_for(batcher, 1)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    engine.go.release(2)
    closing.join(10)
    assert not closing.is_alive()
    assert engine.batches == [[1]]


def test_a_process_exits_with_0_while_the_engine_works() -> None:
    """A thread inside torch would abort it."""
    program = """
import threading, time
from stt_worker.scheduling.batcher import Batcher
from stt_worker.engines.base import BatchEngine, Deadline, Hypothesis, RecognitionConfig

class Slow(BatchEngine):
    name, revision, max_batch_size = "slow", "1", 1

    def transcribe_all(self, requests):
        yield 0, Hypothesis("", "en", None, 0.0, 0.0)
        time.sleep(0.5)
        print("done", flush=True)

Batcher(Slow).transcribe([], RecognitionConfig(), Deadline.after(60))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_batch_forms_while_the_one_before_it_runs() -> None:
    """Each caller gets the text of its own audio."""
    engine = Held()
    batcher = Batcher(lambda: engine)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10), "a single utterance does not wait for others"
        others = [threads.submit(ask, batcher, samples) for samples in range(2, 7)]
        wait_for(batcher, 5)
        engine.go.release(2)
        assert [first.result(10), *(other.result(10) for other in others)] == ["1", "2", "3", "4", "5", "6"]
    assert [len(batch) for batch in engine.batches] == [1, 5]


def test_an_outcome_arrives_before_its_batch_is_over() -> None:
    engine = Held()
    batcher = Batcher(lambda: engine)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ask, batcher, 1, RecognitionConfig("quick"))
        engine.go.release()
        assert first.result(10) == "1", "the engine is still at its batch"
        engine.go.release()


def test_a_fast_neighbours_text_arrives_before_the_slow_ones() -> None:
    """Of the same batch, while the engine still works on the other."""
    engine = Held()
    batcher = Batcher(lambda: engine)
    with ThreadPoolExecutor(3) as threads:
        threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10)
        fast = threads.submit(ask, batcher, 2)
        wait_for(batcher, 1)
        slow = threads.submit(ask, batcher, 3, RecognitionConfig("slow"))
        wait_for(batcher, 2)
        engine.go.release(2)
        assert fast.result(10) == "2"
        assert not slow.done()
        engine.go.release()
        assert slow.result(10) == "3"
    assert engine.batches == [[1], [2, 3]]


def test_urgent_requests_go_first_and_sessions_take_turns() -> None:
    """One after the other, as on a CPU."""
    engine = Held(max_batch_size=1)
    batcher = Batcher(lambda: engine)
    asked = [
        RecognitionConfig(session="alice", priority=9),
        RecognitionConfig(session="alice"),
        RecognitionConfig(session="alice"),
        RecognitionConfig(session="bob"),
    ]
    with ThreadPoolExecutor(5) as threads:
        threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10)
        for number, request in enumerate(asked):
            threads.submit(ask, batcher, 2 + number, request)
            wait_for(batcher, number + 1)
        engine.go.release(5)
    assert engine.batches == [[1], [3], [5], [4], [2]]


def test_an_interim_text_is_preempted_by_a_final_one_in_this_process() -> None:
    """Before it costs anything; the final text is transcribed."""
    engine = Held(max_batch_size=1)
    batcher = Batcher(lambda: engine)
    deadline = batcher._preempted_by_own_queue(PreemptibleDeadline.after(60), 9)
    deadline.check()
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10)
        final = threads.submit(ask, batcher, 2)
        wait_for(batcher, 1)
        with pytest.raises(Preempted):
            deadline.check()
        engine.go.release(2)
        assert (first.result(10), final.result(10)) == ("1", "2")
    deadline.check()


def test_a_request_after_its_deadline_is_not_begun() -> None:
    engine = Held()
    with pytest.raises(WireError, match="longer than"):
        ask(Batcher(lambda: engine), 1, deadline=Deadline(seconds=1.0, started=0.0))
    assert engine.batches == []


def together(engine: Held, *requests: RecognitionConfig) -> list[str | BaseException | None]:
    """Return the outcomes of a batch: the first request has 2 samples, the next 3 and so on."""
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
    good, bad = together(Held(), RecognitionConfig("en"), RecognitionConfig("ko"))
    assert good == "2"
    assert isinstance(bad, WireError)


def test_a_request_that_breaks_the_engine_fails_alone() -> None:
    """Requests with an outcome are not transcribed again."""
    engine = Held()
    *first, broken, last = together(
        engine, RecognitionConfig("en"), RecognitionConfig("en"), RecognitionConfig("xx"), RecognitionConfig("en")
    )
    assert (first, last) == (["2", "3"], "5")
    assert isinstance(broken, ValueError)
    assert engine.batches == [[1], [2, 3, 4, 5], [4], [5]]


def test_a_batch_too_large_for_the_memory_is_halved() -> None:
    engine = Held(memory=2)
    assert together(engine, *[RecognitionConfig("en")] * 5) == ["2", "3", "4", "5", "6"]
    assert [len(batch) for batch in engine.batches] == [1, 5, 3, 2, 1, 2]


def test_a_failed_batch_is_freed_before_its_halves_are_tried() -> None:
    """What the engine held when it failed would otherwise take the memory that the halves need."""

    class Tensor: ...

    class Tight(Held):
        def __init__(self) -> None:
            super().__init__()
            self.made: list[weakref.ref[Tensor]] = []

        def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
            if any(tensor() is not None for tensor in self.made):
                raise MemoryError
            held = Tensor()
            self.made.append(weakref.ref(held))
            if len(requests) > 1:
                raise MemoryError
            yield from super().transcribe_all(requests)

    engine = Tight()
    with capture_logs():  # structlog's own rendering, which no service uses, keeps the frames of a traceback
        assert together(engine, *[RecognitionConfig("en")] * 3) == ["2", "3", "4"]
    assert len(engine.made) > 3


def test_a_request_without_an_outcome_fails() -> None:
    """The others get their own texts."""
    first, forgotten, last = together(
        Held(), RecognitionConfig("en"), RecognitionConfig("forgotten"), RecognitionConfig("en")
    )
    assert (first, last) == ("2", "4")
    assert isinstance(forgotten, AssertionError)


def test_an_engine_that_failed_is_used_again() -> None:
    """Later requests get their texts."""
    engine = Held()
    batcher = Batcher(lambda: engine)
    engine.go.release(10)
    with pytest.raises(ValueError, match="broken"):
        ask(batcher, 7, RecognitionConfig("xx"))
    assert ask(batcher, 8) == "8"


def test_a_lost_gpu_ends_the_process() -> None:
    """The ledger gives its utterances to another process; here each would fail and cost an attempt."""
    ended: list[int] = []
    over, gone = threading.Event(), threading.Event()

    def end(status: int) -> None:
        ended.append(status)
        over.set()
        gone.wait(10)  # as the process would be by now

    engine = Held()
    batcher = Batcher(lambda: engine, cast("Callable[[int], NoReturn]", end))
    engine.go.release()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, batcher, 1, RecognitionConfig("cuda"))
        assert over.wait(10)
        assert ended == [EXIT_BY_WATCHDOG]
        assert not asked.done()
        gone.set()
        with pytest.raises(AssertionError):
            asked.result(10)
