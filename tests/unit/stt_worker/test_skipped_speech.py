"""Speech that a text skips is transcribed by itself, and its words are put where they were said."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from stt_worker.engines.base import (
    BatchEngine,
    Context,
    Hypothesis,
    Outcome,
    RecognitionConfig,
    RecognitionRequest,
    Word,
)
from stt_worker.engines.deadline import DeadlineExceeded
from stt_worker.engines.skipped_speech import Skipped, SkippedSpeech, find_skipped
from tests.support.utterances import outcomes_of
from wire.audio import SAMPLE_RATE, Samples

LENGTH_S = 12.0
AUDIO = np.zeros(round(LENGTH_S * SAMPLE_RATE), dtype=np.float32)


def spoken(text: str, *ends_s: float, language: str = "en", logprob: float = -0.3) -> Hypothesis:
    """Words that end at some times; each begins with the end of the one before."""
    starts = (0.0, *ends_s)
    words = tuple(
        Word(f" {word}", begin, end, 0.9) for word, begin, end in zip(text.split(), starts, ends_s, strict=False)
    )
    assert len(words) == len(text.split())
    return Hypothesis(text, language, 0.9, logprob, 0.02, words)


EVEN = spoken("one two three", 0.4, 0.8, 1.2)
LATE = spoken("and the rest follows", 7.0, 7.3, 7.6, 8.0)
"""Whatever was said in the first 6.5 s is missing."""
INSIDE = spoken("it was late and we went", 0.2, 0.4, 0.7, 7.0, 7.2, 7.5)


class Partly(BatchEngine):
    """Gives one text for the whole audio, and another for a part of it."""

    name, revision, max_batch_size = "partly", "1", 8

    def __init__(self, whole: Outcome, part: Outcome) -> None:
        self._whole, self._part = whole, part
        self.parts: list[RecognitionRequest] = []

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        for index, request in enumerate(requests):
            if len(request.audio) == len(AUDIO):
                yield index, self._whole
            else:
                self.parts.append(request)
                yield index, self._part


def all_voice(audio: Samples) -> float:
    return len(audio) / SAMPLE_RATE


def run(engine: Partly, config: RecognitionConfig | None = None, voice_s: float | None = None) -> Outcome:
    filled = SkippedSpeech(engine, all_voice if voice_s is None else lambda _: voice_s)
    (outcome,) = outcomes_of(filled, [(AUDIO, config or RecognitionConfig("en"))])
    return outcome


@pytest.mark.parametrize(
    ("hypothesis", "expected"),
    [
        (EVEN, None),
        (spoken("Hm well", 2.8, 3.2), None),
        (spoken("So so so", 1.9, 3.8, 5.7), None),
        (LATE, (0.0, 6.5, 0)),
        (INSIDE, (0.7, 6.5, 3)),
        (spoken("또 가족은 스펀지", 6.1, 8.7, 9.2, language="ko"), (0.0, 8.0, 0)),
        (Hypothesis("", "en", 0.9, -0.3, 0.02), None),
    ],
)
def test_words_that_take_seconds_have_skipped_speech_before_them(
    hypothesis: Hypothesis, expected: tuple[float, float, int] | None
) -> None:
    found = find_skipped(hypothesis.words)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(Skipped(*expected), abs=0.05)


@pytest.mark.parametrize(
    ("whole", "text"),
    [(LATE, "one two three and the rest follows"), (INSIDE, "it was late one two three and we went")],
)
def test_its_words_are_put_where_they_were_said(whole: Hypothesis, text: str) -> None:
    outcome = run(Partly(whole, EVEN))
    assert isinstance(outcome, Hypothesis)
    assert outcome.text == text
    assert [word.text.strip() for word in outcome.words] == text.split()
    ends = [word.end_s for word in outcome.words]
    assert ends == sorted(ends)
    assert all(word.start_s <= word.end_s for word in outcome.words)


@pytest.mark.parametrize(
    "part",
    [
        replace(EVEN, avg_logprob=-0.9),
        replace(EVEN, language="de"),
        spoken("the rest", 0.4, 0.8),
        replace(EVEN, text="", words=()),
        DeadlineExceeded("late", "It took too long.", "Try again."),
    ],
    ids=["improbable", "another language", "the same again", "nothing", "failed"],
)
def test_a_part_without_words_of_its_own_changes_nothing(part: Outcome) -> None:
    assert run(Partly(LATE, part)) == LATE


def test_what_is_no_voice_is_not_transcribed_again() -> None:
    """Music, or a fan."""
    engine = Partly(LATE, EVEN)
    assert run(engine, voice_s=1.0) == LATE
    assert engine.parts == []


@pytest.mark.parametrize(
    "config",
    [
        RecognitionConfig("en", allow_fallback=False),
        RecognitionConfig("en", prefix="and"),
        RecognitionConfig("en", task="translate"),
    ],
    ids=["interim", "prefix", "translation"],
)
def test_other_texts_stay_as_they_are(config: RecognitionConfig) -> None:
    engine = Partly(LATE, EVEN)
    assert run(engine, config) == LATE
    assert engine.parts == []


@pytest.mark.parametrize(("whole", "is_first"), [(LATE, True), (INSIDE, False)])
def test_only_the_beginning_continues_the_context(whole: Hypothesis, *, is_first: bool) -> None:
    context = Context(AUDIO[:SAMPLE_RATE], "So it was.", "en")
    engine = Partly(replace(whole, continues=False), replace(EVEN, continues=True))
    outcome = run(engine, RecognitionConfig("en", context=context))
    (part,) = engine.parts
    assert part.config.context is (context if is_first else None)
    assert isinstance(outcome, Hypothesis)
    assert outcome.continues is is_first


def test_failures_stay_what_they_are() -> None:
    error = ValueError("broken")
    assert run(Partly(error, EVEN)) is error
