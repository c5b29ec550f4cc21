"""Fragments of sentences and transcripts: cut, joined and compared as in a conversation."""

from pathlib import Path

import pytest

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, Support
from bench.sentiment import transcripts
from bench.sentiment.flips import Spoken, by_language, measure_flips
from bench.sentiment.fragments import cut, measure_fragments, sentences_so_far
from bench.sentiment.models import Model

SENTENCE = "the bus is here, it is great, i love it"


class Words(SentimentAnalyzer):
    """Positive with "love", negative with "Hate" (in these letters), else neutral."""

    name = "words"
    revision = "1"
    languages = None

    def support(self, language: str) -> Support | None:
        return None if language == "mi" else "trained"

    def analyze(self, text: str, language: str) -> Probabilities:  # noqa: ARG002
        positive, negative = float("love" in text), float("Hate" in text)
        return {"negative": negative, "neutral": 1 - max(positive, negative), "positive": positive}


@pytest.fixture
def model() -> Model:
    return Model(Words(), 0.1)


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        (SENTENCE, ["the bus is here,", "it is great,", "i love it"]),
        ("it costs 3,000 at ten", []),
        ("oh, it is awful", []),
        ("no comma", []),
        ("the bus is here. it is great, i love it", []),
        ("雨が降っています。外には、出ません", []),
        ("雨が降っていますので、私は外には出ません。", ["雨が降っていますので、", "私は外には出ません。"]),
    ],
)
def test_sentences_are_cut_at_their_commas(text: str, fragments: list[str]) -> None:
    """Numbers stay whole; several sentences and very short fragments are left out."""
    assert cut(text) == fragments


def test_a_fragment_is_joined_with_the_beginning_of_its_sentence() -> None:
    """What ends with a full stop is no beginning."""
    assert sentences_so_far(["one two,", "three four.", "five"], "en") == ["one two,", "one two, three four.", "five"]


def test_fragments_are_compared_with_their_sentence(model: Model) -> None:
    """Alone, and with the beginning, only the last fragment has the word that counts."""
    figures = measure_fragments(model, [SENTENCE, SENTENCE, "no comma"], "en")
    assert figures is not None
    assert (figures.fragments, figures.joined_unfinished) == (3, 0)
    assert figures.alone == figures.joined == pytest.approx(1 / 3)


def test_there_may_be_no_fragments(model: Model) -> None:
    assert measure_fragments(model, ["no comma"], "en") is None


def test_flips_are_labels_that_differ(model: Model) -> None:
    """Capitals and punctuation do not count where both texts are normalised alike."""
    spoken = [
        Spoken("en", "i love it", "I love it."),
        Spoken("en", "i hate it", "I Hate it."),
        Spoken("en", "i love it", "I Hate it."),
        Spoken("en", "ten buses", "Ten buses."),
        Spoken("ko", "버스", "버스."),
        Spoken("mi", "kua tae mai te pahi", "Kua tae mai te pahi."),
    ]
    flips = measure_flips(model, spoken)
    assert list(flips) == ["en", "ko"]
    english = flips["en"]
    assert (english.clips, english.neutral) == (4, 0.5)
    assert (english.flips, english.normalised, english.swaps) == (0.5, 0.25, 0.25)
    assert by_language(flips, lambda each: each.flips) == {"en": 0.5, "ko": 0.0, "all": pytest.approx(0.4)}


def test_transcripts_belong_to_a_manifest(tmp_path: Path) -> None:
    """Those of another list of recordings are kept in another file."""
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text("{}")
    other.write_text("{} ")
    assert transcripts.digest(one) == transcripts.digest(one) != transcripts.digest(other)
