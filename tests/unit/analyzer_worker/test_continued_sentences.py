"""Fragments that are one sentence for the reader: which they are, and what shows it against the marks of the text."""

import json

import pytest
from pydantic import BaseModel

from analyzer_worker.tasks.sentence import LONGEST, LONGEST_WITHOUT_SPACES, MAX_PAUSE_S, Sentence, Sentences, continued
from tests.unit.analyzer_worker.fragments import BEGAN, Ledger, Redis, said
from wire import names
from wire.messages.base import STORED
from wire.messages.jobs import AnalyzeText

STOPPED = [
    said(text, number, 1_500 * number, continues=shown)
    for number, (text, shown) in enumerate(
        [("Ask not.", None), ("what they.", True), ("can do!", True), ("Ask them.", False), ("now.", True)]
    )
]
"""Each with a full stop, as the recognition makes them; three are a sentence, then two."""
FOUND = {
    0: ("Ask not.", (0,)),
    1: ("Ask not what they.", (0, 1)),
    2: ("Ask not what they can do!", (0, 1, 2)),
    3: ("Ask them.", (3,)),
    4: ("Ask them now.", (3, 4)),
}


def found(sentence: Sentence) -> tuple[str, tuple[int, ...]]:
    return sentence.text, sentence.segments


@pytest.mark.parametrize(
    ("before", "continues", "sentence"),
    [
        ("Ask not.", True, "Ask not what"),
        ("Ask not.", None, "what"),
        ("Ask not.", False, "what"),
        ("Ask not,", True, "Ask not, what"),
        ("Ask not,", None, "Ask not, what"),
        ("Ask not,", False, "what"),
        ("Ask not", True, "Ask not what"),
        ("Ask not", None, "Ask not what"),
        ("Ask not", False, "what"),
        ("...", True, "what"),
    ],
)
def test_what_the_speech_shows_is_above_the_marks_of_the_text(
    before: str, continues: bool | None, sentence: str
) -> None:
    """Without it, a sentence goes on unless its last mark is there."""
    sentences = Sentences(Redis())
    sentences.sentence_so_far(said(before, 0, 0))
    assert sentences.sentence_so_far(said("what", 1, 1_500, continues=continues)).text == sentence


@pytest.mark.parametrize(
    "job",
    [
        said("what", 1, 1_001 + int(1000 * MAX_PAUSE_S), continues=True),
        said("what", 1, 1_000, late_s=MAX_PAUSE_S + 0.1, continues=True),
        said("what", 1, 1_500, language="ko", continues=True),
        said("w" * (LONGEST - len("Ask not.") + 1), 1, 1_500, continues=True),
        said("what", 4, 1_500, continues=True),
    ],
    ids=["long pause", "long pause without audio", "other language", "too long", "far behind"],
)
def test_what_the_speech_shows_is_not_above_anything_else(job: AnalyzeText) -> None:
    """Pause, language and length limit a sentence as before."""
    sentences = Sentences(Redis())
    sentences.sentence_so_far(said("Ask not.", 0, 0))
    assert found(sentences.sentence_so_far(job)) == (job.transcript.text, (job.segment,))


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [0, 3, 1, 4, 2], [2, 0, 4, 1, 3]])
def test_sentences_are_the_same_in_whatever_order_they_are_analysed(order: list[int]) -> None:
    """Marks within them are left out, those at their ends stay; after a worker has died, what it had comes last."""
    sentences = Sentences(Redis(), Ledger(*STOPPED).find)
    assert {segment: found(sentences.sentence_so_far(STOPPED[segment])) for segment in order} == FOUND


def test_a_repeated_job_is_the_same_fragment() -> None:
    """A worker died after it had kept the sentence."""
    sentences = Sentences(Redis())
    for job in (*STOPPED, *STOPPED[::-1], *STOPPED):
        assert found(sentences.sentence_so_far(job)) == FOUND[job.segment]


def test_a_fragment_goes_on_behind_utterances_without_words() -> None:
    """Its segment is two higher: the final before it is the one that it continues."""
    sentences = Sentences(Redis())
    sentences.sentence_so_far(said("Ask not.", 3, 0))
    assert found(sentences.sentence_so_far(said("what", 5, 2_500, continues=True))) == ("Ask not what", (3, 5))
    assert found(sentences.sentence_so_far(said("they do.", 7, 5_000))) == ("Ask not what they do.", (3, 5, 7))


@pytest.mark.parametrize(
    ("language", "longest", "beginnings"),
    [("en", LONGEST, [0, 9, 18]), ("zh", LONGEST_WITHOUT_SPACES, [0, 10, 20])],
)
def test_a_sentence_that_is_long_enough_ends(language: str, longest: int, beginnings: list[int]) -> None:
    """The next fragment begins another one, however the speech goes on; spaces between fragments count."""
    sentences, size = Sentences(Redis()), longest // 10
    jobs = [said("字" * size, number, 1_500 * number, language, continues=True) for number in range(25)]
    kept = [sentences.sentence_so_far(job) for job in jobs]
    assert max(len(sentence.text) for sentence in kept) <= longest
    assert [sentence.segments[-1] for sentence in kept if len(sentence.segments) == 1] == beginnings


def test_a_sentence_that_an_older_worker_began_is_joined_for_the_model_only() -> None:
    """Its finals do not say that they belong together, so none of the following does until a sentence begins."""
    redis = Redis()
    older = {"text": "Ask not", "language": "en", "end_ms": 1_000, "ended_at": BEGAN + 1}
    redis.kept[names.sentence("a" * 32, 0)] = json.dumps(older)
    sentences = Sentences(redis)
    assert found(sentences.sentence_so_far(said("what they", 1, 1_500))) == ("Ask not what they", ())
    assert found(sentences.sentence_so_far(said("can do.", 2, 3_000))) == ("Ask not what they can do.", ())
    assert found(sentences.sentence_so_far(said("Ask", 3, 4_500))) == ("Ask", (3,))
    assert found(sentences.sentence_so_far(said("them.", 4, 6_000))) == ("Ask them.", (3, 4))


def test_an_older_worker_reads_the_sentences_of_this_one() -> None:
    """Those that are finished as such: what follows is not joined there, whatever the speech shows."""

    class Older(BaseModel):
        model_config = STORED

        text: str
        language: str
        end_ms: int
        ended_at: float

    redis = Redis()
    sentences = Sentences(redis)
    for job in STOPPED[:2]:
        sentences.sentence_so_far(job)
    sentences.sentence_so_far(said("Ask", 2, 3_000))
    assert [Older.model_validate_json(kept).text for kept in redis.kept.values()] == ["", "", "Ask"]


def test_two_sessions_do_not_share_a_sentence() -> None:
    """Their utterances have the same numbers."""
    sentences = Sentences(Redis())
    for session, text in (("a" * 32, "Ask not."), ("b" * 32, "Well.")):
        sentences.sentence_so_far(said(text, 0, 0).model_copy(update={"session_id": session}))
    for session, text in (("a" * 32, "Ask not then"), ("b" * 32, "Well then")):
        job = said("then", 1, 1_500, continues=True).model_copy(update={"session_id": session})
        assert found(sentences.sentence_so_far(job)) == (text, (0, 1))


def test_a_sentence_of_unknown_beginning_has_no_segments() -> None:
    """Also when it is finished and goes on all the same."""
    before = Sentence(text="", finished="Ask not.", language="en", end_ms=10_000, ended_at=BEGAN + 10)
    assert found(continued(before, said("what", continues=True))) == ("Ask not what", ())
