"""Streams of ``make bench-languages``, and its figures; the engine is not asked."""

from pathlib import Path

import numpy as np
import pytest

from bench.clips import Clip
from bench.languages import Result, figures, report, speech_s
from bench.turns import COUGHS, PAUSE_S, SENTENCES, Said, in_turn, index_at, join, openings
from fastapi_service.endpointing.events import Utterance
from stt_worker.engines.base import Hypothesis
from wire.audio import SAMPLE_RATE

COUNTS = {"en": 9, "ko": 5, "de": 2}
RECORDINGS = {
    language: [Clip(Path(f"{language}-{number}.wav"), language, "text", 3.0) for number in range(count)]
    for language, count in COUNTS.items()
}


@pytest.mark.parametrize("languages", [("en", "ko"), ("de", "en"), ("en", "ko", "de")])
def test_languages_take_turns_and_each_recording_comes_before_any_is_repeated(languages: tuple[str, ...]) -> None:
    """Each stream begins with the next language."""
    streams = in_turn(RECORDINGS, languages, 6)
    assert streams == in_turn(RECORDINGS, languages, 6)
    for number, stream in enumerate(streams):
        assert [clip.language for clip in stream] == [
            languages[(number + place) % len(languages)] for place in range(SENTENCES)
        ]
    files = [clip.file for stream in streams for clip in stream]
    for language in languages:
        counts = [files.count(clip.file) for clip in RECORDINGS[language]]
        assert min(counts) > 0
        assert max(counts) - min(counts) <= 1


def said(language: str, seconds: float) -> Said:
    return Said(language, np.full(round(seconds * SAMPLE_RATE), 0.5, dtype=np.float32))


def test_parts_lie_where_their_spans_say() -> None:
    """With quiet before, between and behind them."""
    audio, spans = join([said("en", 2.0), said("ko", 3.0)])
    assert len(audio) == round((3 * PAUSE_S + 5) * SAMPLE_RATE)
    for (first, last), seconds in zip(spans, (2, 3), strict=True):
        assert last - first == seconds * SAMPLE_RATE
        assert (audio[first:last] == 0.5).all()
    rest = np.ones(len(audio), dtype=bool)
    for first, last in spans:
        rest[first:last] = False
    assert np.abs(audio[rest]).max() < 0.01


@pytest.mark.parametrize(
    ("start", "end", "index"), [(0, 90, 0), (95, 210, 0), (150, 400, 1), (290, 310, 1), (180, 290, 1), (500, 600, 2)]
)
def test_an_utterance_belongs_to_the_part_that_most_of_it_is_from(start: int, end: int, index: int) -> None:
    """Or to the nearest one, of a noise between two."""
    assert index_at([(100, 200), (250, 400), (450, 550)], start, end) == index


def test_the_silence_around_speech_is_no_speech() -> None:
    """0.3 s of pre-roll and what is behind the speech."""
    utterance = Utterance(0, 3 * SAMPLE_RATE, b"", "silence", 0.0, 0.0, 0.0, silence=SAMPLE_RATE // 2)
    assert speech_s(utterance) == pytest.approx(2.2)


def test_openings_are_in_other_languages_and_not_judged() -> None:
    words = {language: [Said(language, np.zeros(1, dtype=np.float32), judged=False)] * 2 for language in COUNTS}
    for number in range(4):
        found = openings(words, "ko", number)
        assert found.keys() == {"word", "hum", "cough"}
        assert {each.language for each in found["word"]} <= {"en", "de"}
        assert len(found["cough"]) in COUGHS
        assert not any(part.judged for parts in found.values() for part in parts)
    assert openings({"ko": words["ko"]}, "ko", 0).keys() == {"hum", "cough"}


def result(said_in: str, found: str, probability: float, *, shown: bool = True) -> Result:
    return Result(said_in, Hypothesis("text", found, probability, -0.2, 0.0), shown)


RESULTS = [
    result("en", "en", 0.9),
    result("en", "en", 0.4),
    result("en", "cy", 0.6),
    result("ko", "en", 0.3),
    result("ko", "en", 0.7, shown=False),
]


def test_what_is_not_shown_is_neither_right_nor_wrong() -> None:
    assert figures(RESULTS) == {
        "sentences": 5,
        "own_language": 0.4,
        "wrong": 2,
        "wrong_and_sure": 1,
        "not_shown": 1,
        "right_and_unsure": 1,
    }
    assert figures([])["own_language"] is None


def test_a_report_has_each_language_each_kind_of_stream_and_the_mistakes() -> None:
    whole = report({"en ko": RESULTS[:3], "after a hum": RESULTS[3:]})
    assert whole["all"] == figures(RESULTS)
    assert whole["streams"] == {"en ko": figures(RESULTS[:3]), "after a hum": figures(RESULTS[3:])}
    assert whole["languages"] == {"en": figures(RESULTS[:3]), "ko": figures(RESULTS[3:])}
    assert whole["confusions"] == {"en → cy": 1, "ko → en": 1}
