"""Tasks of several threads become batches: a lone one at once, the others with whoever waits beside them."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stt_worker.batcher import Batcher
from stt_worker.engine import BatchEngine, Deadline, Hypothesis, Request, Task
from wire.errors import WireError


class Held(BatchEngine):
    """Hears how long an utterance is, when it is let."""

    name, revision = "held", "1"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def transcribe_all(self, tasks: Sequence[Task]) -> list[Hypothesis | Exception]:
        self.batches.append(len(tasks))
        self.begun.release()
        assert self.go.acquire(timeout=10)
        if any(task.request.language == "xx" for task in tasks):
            raise ValueError("broken")
        return [
            Hypothesis(str(len(task.audio)), "en", None, 0.0, 0.0)
            if task.request.language != "ko"
            else WireError("stt_language", "No.", "Choose English.")
            for task in tasks
        ]


@pytest.fixture
def engine() -> Held:
    return Held()


def ask(batcher: Batcher, samples: int, language: str | None = None) -> str:
    audio = np.zeros(samples, dtype=np.float32)
    return batcher.transcribe(audio, Request(language), Deadline.after(60)).text


def test_a_batch_forms_while_the_one_before_it_runs(engine: Held) -> None:
    """Everybody gets the text of their own audio."""
    batcher = Batcher(engine)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(ask, batcher, 1)
        assert engine.begun.acquire(timeout=10), "a lone utterance does not wait for company"
        others = [threads.submit(ask, batcher, samples) for samples in range(2, 7)]
        while batcher._waiting.qsize() < 5:
            threading.Event().wait(0.01)
        engine.go.release(2)
        assert [first.result(10), *(other.result(10) for other in others)] == ["1", "2", "3", "4", "5", "6"]
    assert engine.batches == [1, 5]


def test_one_utterance_fails_alone(engine: Held) -> None:
    batcher = Batcher(engine)
    engine.go.release(10)
    with ThreadPoolExecutor(2) as threads:
        good, bad = threads.submit(ask, batcher, 7), threads.submit(ask, batcher, 8, "ko")
        assert good.result(10) == "7"
        with pytest.raises(WireError, match="English"):
            bad.result(10)


def test_a_broken_engine_keeps_nobody_waiting(engine: Held) -> None:
    """Also not those who come later."""
    batcher = Batcher(engine)
    engine.go.release(10)
    with pytest.raises(ValueError, match="broken"):
        ask(batcher, 7, "xx")
    assert ask(batcher, 8) == "8"


def test_an_engine_that_forgets_somebody_keeps_nobody_waiting(engine: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does anybody get the text of somebody else."""
    batcher = Batcher(engine)
    monkeypatch.setattr(engine, "transcribe_all", lambda _: [])
    with pytest.raises(ValueError, match="zip"):
        ask(batcher, 7)
