"""Utterances of several threads become batches, sessions take turns, and one that breaks a model fails alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer
from analyzer_worker.engines.routing import Routing
from analyzer_worker.scheduling.batcher import Batcher
from tests.support.eventually import eventually
from wire.errors import ModelError

SURE: Probabilities = {"negative": 0.0, "neutral": 0.0, "positive": 1.0}


class Held(SentimentAnalyzer):
    """Positive for every text, once per release of ``go``; "bad" breaks it."""

    languages, revision, max_batch = None, "1", 8

    def __init__(self, name: str = "held") -> None:
        self.name = name
        self.batches: list[list[str]] = []
        self.threads: list[threading.Thread] = []
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def analyze(self, text: str, language: str) -> Probabilities:
        return self.analyze_all([(text, language)])[0]

    def analyze_all(self, utterances: Sequence[tuple[str, str]]) -> list[Probabilities]:
        self.batches.append([text for text, _ in utterances])
        self.threads.append(threading.current_thread())
        self.begun.release()
        assert self.go.acquire(timeout=10)
        if any(text == "bad" for text, _ in utterances):
            raise ValueError(len(utterances))
        return [SURE] * len(utterances)


class Waiting:
    """A batcher with texts that wait behind one that runs."""

    def __init__(
        self,
        model: Held,
        pool: ThreadPoolExecutor,
        watched: Callable[[], AbstractContextManager[None]] = nullcontext,
        **other: Held,
    ) -> None:
        self.model, self.pool = model, pool
        self.batcher = Batcher(lambda: Routing({"*": model, **other}), watched)
        pool.submit(self.batcher.analyze, model, "first", "en", "z")
        assert model.begun.acquire(timeout=10)

    def add(self, text: str, session: str, model: Held | None = None) -> Future[Probabilities]:
        before = self.batcher.waiting
        future = self.pool.submit(self.batcher.analyze, model or self.model, text, "en", session)
        eventually(lambda: self.batcher.waiting > before)
        return future


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(32)


def test_texts_that_wait_are_the_next_batch(pool: ThreadPoolExecutor) -> None:
    """A single one starts at once; no batch is larger than the model's limit."""
    model = Held()
    waiting = Waiting(model, pool)
    futures = [waiting.add(str(number), "a") for number in range(10)]
    model.go.release(3)
    assert [future.result(10) for future in futures] == [SURE] * len(futures)
    assert [len(batch) for batch in model.batches] == [1, 8, 2]


def test_sessions_take_turns(pool: ThreadPoolExecutor) -> None:
    """The only text of a session does not wait for the many of another."""
    model = Held()
    waiting = Waiting(model, pool)
    many = [waiting.add(str(number), "many") for number in range(9)]
    one = waiting.add("one", "few")
    model.go.release(3)
    assert one.result(10) == SURE
    assert all(future.result(10) for future in many)
    assert model.batches[1][:2] == ["0", "one"]


def test_a_text_that_breaks_the_model_fails_alone(pool: ThreadPoolExecutor) -> None:
    model = Held()
    waiting = Waiting(model, pool)
    good, bad, other = (waiting.add(text, text) for text in ("good", "bad", "other"))
    model.go.release(5)
    assert (good.result(10), other.result(10)) == (SURE, SURE)
    with pytest.raises(ValueError, match="1"):
        bad.result(10)


def test_each_model_gets_its_own_texts(pool: ThreadPoolExecutor) -> None:
    one, other = Held("one"), Held("other")
    waiting = Waiting(one, pool, ko=other)
    futures = [waiting.add(text, text, model) for text, model in (("a", one), ("b", other), ("c", one))]
    one.go.release(2)
    other.go.release()
    assert all(future.result(10) for future in futures)
    assert (one.batches, other.batches) == ([["first"], ["a", "c"]], [["b"]])


def test_the_thread_that_loads_a_model_uses_it() -> None:
    """So that torch has one set of threads."""
    loaded: list[threading.Thread] = []
    model = Held()
    model.go.release()

    def load() -> Routing:
        loaded.append(threading.current_thread())
        return Routing({"*": model})

    batcher = Batcher(load)
    assert batcher.analyze(model, "fine", "en", "a") == SURE
    assert loaded == model.threads != [threading.current_thread()]
    assert (batcher.name, batcher.revision) == ("held", "1")


def test_the_error_of_loading_is_raised_by_the_constructor() -> None:
    def load() -> Routing:
        raise ModelError("model_missing", "There is none.", "Bring one.")

    with pytest.raises(ModelError, match="There is none"):
        Batcher(load)


def test_a_model_that_does_not_batch_gets_one_text_at_a_time(pool: ThreadPoolExecutor) -> None:
    """Each is watched alone: the time limit is that of one text, and waiting does not count."""
    entered: list[int] = []

    @contextmanager
    def watched() -> Iterator[None]:
        entered.append(len(model.batches))
        yield

    model = Held()
    model.max_batch = 1
    waiting = Waiting(model, pool, watched)
    futures = [waiting.add(str(number), "a") for number in range(3)]
    assert entered == [0]
    model.go.release(4)
    assert all(future.result(10) for future in futures)
    assert [len(batch) for batch in model.batches] == [1] * 4
    assert entered == [0, 1, 2, 3]
