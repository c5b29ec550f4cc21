"""Fragments of a sentence are judged together: an unfinished text and what follows it closely."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
import stamina
from redis.exceptions import ConnectionError as RedisUnreachable

from analyzer_worker.tasks.sentence import MAX_CHARACTERS, MAX_PAUSE_MS, Sentence, Sentences, continued, is_finished
from tests.support.speakers import text_job
from wire.messages.jobs import AnalyzeText

BEFORE = Sentence(text="Ask not", language="en", end_ms=10_000)


class Redis:
    """Keys without expiry."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def set(self, key: str, value: str, *, ex: int) -> None:
        assert 0 < ex <= 60
        self.kept[key] = value


def said(text: str, segment: int = 1, start_ms: int = 11_000, language: str = "en") -> AnalyzeText:
    job = text_job(segment, text=text, language=language)
    return job.model_copy(update={"start_ms": start_ms, "end_ms": start_ms + 1_000})


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("Ask not!", True),
        ("Ask not", False),
        ("Ask not,", False),
        ("Well…", True),
        ('He said "no."', True),
        ("회의는 다섯 시에 시작합니다.", True),
        ("회의는 다섯 시에", False),
        ("今日は、", False),
        ("今日は休みです。", True),
        ("「行きます。」", True),
        ("क्या हुआ।", True),
        ("هل أنت هنا؟", True),
        ("", False),
    ],
)
def test_a_sentence_is_finished_by_its_last_mark(text: str, finished: bool) -> None:
    assert is_finished(text) is finished


def test_an_unfinished_sentence_goes_on() -> None:
    assert continued(BEFORE, said("what your country")) == Sentence(
        text="Ask not what your country", language="en", end_ms=12_000
    )


@pytest.mark.parametrize(
    ("before", "job"),
    [
        (None, said("what")),
        (BEFORE.model_copy(update={"text": "Ask not!"}), said("what")),
        (BEFORE, said("what", start_ms=10_001 + MAX_PAUSE_MS)),
        (BEFORE, said("what", language="ko")),
        (BEFORE.model_copy(update={"text": "a" * MAX_CHARACTERS}), said("what")),
    ],
    ids=["first", "finished", "long pause", "other language", "too long"],
)
def test_anything_else_begins_a_sentence(before: Sentence | None, job: AnalyzeText) -> None:
    assert continued(before, job).text == "what"


def test_a_sentence_is_read_up_to_each_of_its_fragments() -> None:
    """Of three fragments the last is judged with both others; then a new sentence begins."""
    sentences = Sentences(Redis())
    jobs = [said(text, number, 1_500 * number) for number, text in enumerate(["Ask not", "what they", "do.", "Ask"])]
    assert [sentences.sentence_so_far(job) for job in jobs] == [
        "Ask not",
        "Ask not what they",
        "Ask not what they do.",
        "Ask",
    ]


def test_a_repeated_job_gets_the_same_sentence() -> None:
    """A worker died after reading: its successor must not put the fragment behind itself."""
    sentences = Sentences(Redis())
    first, second = said("Ask not", 0, 0), said("what", 1, 1_500)
    sentences.sentence_so_far(first)
    assert sentences.sentence_so_far(second) == sentences.sentence_so_far(second) == "Ask not what"
    assert sentences.sentence_so_far(first) == "Ask not"


def test_an_outage_of_redis_is_waited_out() -> None:
    """As in all other steps of a worker: it costs no attempt."""

    class Restarted(Redis):
        refused = 2

        def get(self, key: str) -> str | None:
            if self.refused:
                self.refused -= 1
                raise RedisUnreachable("Connection refused")
            return super().get(key)

    with stamina.set_testing(True, attempts=3):
        assert Sentences(Restarted()).sentence_so_far(said("what", 1, 1_500)) == "what"


def test_a_finished_sentence_is_not_kept() -> None:
    """No text lies in Redis that nothing needs."""
    redis = Redis()
    Sentences(redis).sentence_so_far(said("That is all.", 0, 0))
    assert redis.kept == {}


def test_an_utterance_waits_for_the_one_before_that_another_thread_works_on() -> None:
    """However long that takes to begin; the threads start in the order of the queue."""
    sentences = Sentences(Redis())
    first, second = said("Ask not", 0, start_ms=9_000), said("what your country", 1)
    with ThreadPoolExecutor(1) as pool, sentences.in_order(first):
        following = pool.submit(joined, sentences, second)
        sleep(0.05)
        assert not following.done()
        assert sentences.sentence_so_far(first) == "Ask not"
        assert following.result(10) == "Ask not what your country"


def test_an_utterance_goes_on_when_the_one_before_fails() -> None:
    sentences = Sentences(Redis())
    with ThreadPoolExecutor(1) as pool:
        with sentences.in_order(said("Ask not", 0)):  # and its text is never joined
            following = pool.submit(joined, sentences, said("what your country", 1))
        assert following.result(10) == "what your country"


def joined(sentences: Sentences, job: AnalyzeText) -> str:
    with sentences.in_order(job):
        return sentences.sentence_so_far(job)
