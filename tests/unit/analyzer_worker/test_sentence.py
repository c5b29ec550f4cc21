"""Fragments of a sentence are judged together: an unfinished text and what follows it closely."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
import stamina
from redis.exceptions import ConnectionError as RedisUnreachable

from analyzer_worker.tasks.sentence import LONGEST, LONGEST_WITHOUT_SPACES, MAX_PAUSE_S, Sentence, Sentences, continued
from tests.unit.analyzer_worker.fragments import BEGAN, Ledger, Redis, said
from wire.messages.jobs import AnalyzeText
from wire.sentence_ends import is_finished

BEFORE = Sentence(text="Ask not", language="en", end_ms=10_000, ended_at=BEGAN + 10)


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
        ("یہ اچھا ہے۔", True),
        ("Πού είσαι;", True),
        ("first this; then that;", False),
        ("यह अच्छा है॥", True),
        ("„Das ist gut.“", True),
        ("‹C'est bien.›", True),
        ("(He left.)", True),
        ("Սա լավ է։", True),
        ("ጥሩ ነው።", True),
        ("ကောင်းတယ်။", True),
        ("ល្អណាស់។", True),
        ("(He left)", False),
        ("", False),
    ],
)
def test_a_sentence_is_finished_by_its_last_mark(text: str, finished: bool) -> None:
    assert is_finished(text) is finished


def test_an_unfinished_sentence_goes_on() -> None:
    assert continued(BEFORE, said("what your country")) == Sentence(
        text="Ask not what your country", language="en", end_ms=12_000, ended_at=BEGAN + 12
    )


@pytest.mark.parametrize(
    ("before", "job"),
    [
        (None, said("what")),
        (BEFORE.model_copy(update={"text": ""}), said("what")),
        (BEFORE, said("what", start_ms=10_001 + int(1000 * MAX_PAUSE_S))),
        (BEFORE, said("what", start_ms=10_000, late_s=MAX_PAUSE_S + 0.1)),
        (BEFORE, said("what", language="ko")),
        (BEFORE.model_copy(update={"text": "a" * LONGEST}), said("what")),
    ],
    ids=["first", "finished", "long pause", "long pause without audio", "other language", "too long"],
)
def test_anything_else_begins_a_sentence(before: Sentence | None, job: AnalyzeText) -> None:
    assert continued(before, job).text == "what"


def test_a_sentence_is_read_up_to_each_of_its_fragments() -> None:
    """Of three fragments the last is judged with both others; then a new sentence begins."""
    sentences = Sentences(Redis())
    jobs = [said(text, number, 1_500 * number) for number, text in enumerate(["Ask not", "what they", "do.", "Ask"])]
    assert [sentences.sentence_so_far(job).text for job in jobs] == [
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
    assert sentences.sentence_so_far(second).text == sentences.sentence_so_far(second).text == "Ask not what"
    assert sentences.sentence_so_far(first).text == "Ask not"


def test_an_outage_of_redis_is_waited_out() -> None:
    """As in all other steps of a worker: it costs no attempt."""

    class Restarted(Redis):
        refused = 2

        def mget(self, names: list[str]) -> list[str | None]:
            if self.refused:
                self.refused -= 1
                raise RedisUnreachable("Connection refused")
            return super().mget(names)

    with stamina.set_testing(True, attempts=3):
        assert Sentences(Restarted()).sentence_so_far(said("what", 1, 1_500)).text == "what"


def test_a_finished_sentence_is_over_for_an_older_worker() -> None:
    """It would put the text that it finds in front of the next one."""
    redis = Redis()
    Sentences(redis).sentence_so_far(said("That is all.", 0, 0))
    assert [Sentence.model_validate_json(value).text for value in redis.kept.values()] == [""]


def test_an_utterance_without_words_does_not_break_a_sentence() -> None:
    """A cough between two halves has no text; what a finished sentence began is over."""
    sentences = Sentences(Redis())
    assert sentences.sentence_so_far(said("Ask not", 0, 0)).text == "Ask not"
    assert sentences.sentence_so_far(said("what they do.", 2, 2_500)).text == "Ask not what they do."
    assert sentences.sentence_so_far(said("Well", 4, 5_000)).text == "Well"


def test_an_utterance_far_behind_begins_a_sentence() -> None:
    sentences = Sentences(Redis())
    sentences.sentence_so_far(said("Ask not", 0, 0))
    assert sentences.sentence_so_far(said("what", 4, 1_500)).text == "what"


@pytest.mark.parametrize(
    ("language", "texts", "sentence"),
    [
        ("ja", ["電車は", "三番線から出ます"], "電車は三番線から出ます"),
        ("zh", ["这里的", "服务很好"], "这里的服务很好"),
        ("ko", ["회의는 다섯 시에", "시작합니다"], "회의는 다섯 시에 시작합니다"),
    ],
)
def test_scripts_without_spaces_are_joined_without(language: str, texts: list[str], sentence: str) -> None:
    sentences = Sentences(Redis())
    jobs = [said(text, number, 1_500 * number, language) for number, text in enumerate(texts)]
    assert [sentences.sentence_so_far(job).text for job in jobs][-1] == sentence


def test_scripts_without_spaces_have_shorter_sentences() -> None:
    before = Sentence(text="电" * LONGEST_WITHOUT_SPACES, language="zh", end_ms=10_000, ended_at=BEGAN + 10)
    assert continued(before, said("车", language="zh")).text == "车"


def test_a_file_that_is_read_fast_has_the_pauses_of_its_audio() -> None:
    """The wall clock says that hardly any time passed."""
    assert continued(BEFORE, said("what", start_ms=14_000, late_s=-3.9)).text == "what"
    assert continued(BEFORE, said("what", start_ms=12_000, late_s=-1.9)).text == "Ask not what"


def test_an_utterance_waits_for_the_one_before_that_another_thread_works_on() -> None:
    """However long that takes to begin; the threads start in the order of the queue."""
    sentences = Sentences(Redis())
    first, second = said("Ask not", 0, start_ms=9_000), said("what your country", 1)
    with ThreadPoolExecutor(1) as pool, sentences.in_order(first):
        following = pool.submit(joined, sentences, second)
        sleep(0.05)
        assert not following.done()
        assert sentences.sentence_so_far(first).text == "Ask not"
        assert following.result(10) == "Ask not what your country"


def test_an_utterance_goes_on_when_the_one_before_fails() -> None:
    sentences = Sentences(Redis())
    with ThreadPoolExecutor(1) as pool:
        with sentences.in_order(said("Ask not", 0)):  # and its text is never joined
            following = pool.submit(joined, sentences, said("what your country", 1))
        assert following.result(10) == "what your country"


def joined(sentences: Sentences, job: AnalyzeText) -> str:
    with sentences.in_order(job):
        return sentences.sentence_so_far(job).text


FRAGMENTS = [said(text, number, 1_500 * number) for number, text in enumerate(["Ask not", "what they", "can", "do."])]


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [0, 3, 1, 2], [2, 0, 1, 3], [1, 3, 0, 2]])
def test_fragments_are_joined_in_the_order_of_speech_in_whatever_order_they_are_analysed(order: list[int]) -> None:
    """After a worker has died, those that it had come last."""
    sentences = Sentences(Redis(), Ledger(*FRAGMENTS).find)
    found = {segment: sentences.sentence_so_far(FRAGMENTS[segment]).text for segment in order}
    assert found == {0: "Ask not", 1: "Ask not what they", 2: "Ask not what they can", 3: "Ask not what they can do."}


@pytest.mark.parametrize("cough", [0, 1, 2])
def test_an_utterance_without_words_does_not_end_a_sentence_that_is_looked_up(cough: int) -> None:
    """It has left the ledger."""
    ledger = Ledger(*(job for job in FRAGMENTS if job.segment != cough))
    expected = " ".join(job.transcript.text for job in FRAGMENTS if job.segment != cough)
    assert Sentences(Redis(), ledger.find).sentence_so_far(FRAGMENTS[3]).text == expected


def test_a_finished_sentence_that_is_looked_up_is_over() -> None:
    before = said("He left.", 0, 0)
    assert Sentences(Redis(), Ledger(before).find).sentence_so_far(said("We stay", 1, 1_500)).text == "We stay"


def test_the_ledger_is_read_only_for_what_is_not_kept() -> None:
    """One round trip for each utterance otherwise."""
    ledger = Ledger(*FRAGMENTS)
    sentences = Sentences(Redis(), ledger.find)
    for job in FRAGMENTS:
        sentences.sentence_so_far(job)
    assert ledger.calls == 0


def test_look_up_of_many_utterances_ends() -> None:
    """However long nobody has come to any of them."""
    jobs = [said("and", number, 1_200 * number) for number in range(60)]
    text = Sentences(Redis(), Ledger(*jobs).find).sentence_so_far(jobs[-1]).text
    assert text == " ".join(["and"] * 17)
