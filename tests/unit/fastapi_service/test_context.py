"""The context of an utterance: the newest speech before it whose text is known, believed, and of one language."""

import pytest

from fastapi_service.endpointing.events import Utterance
from fastapi_service.recognition.context import MAX_GAP_S, MIN_LANGUAGE_PROB, MIN_LOGPROB, RecentSpeech
from tests.support.sounds import speech
from wire.audio import SAMPLE_RATE, samples_to_ms
from wire.messages.transcript import Transcript, Word

SECOND = SAMPLE_RATE


def utterance(start_s: float, end_s: float) -> Utterance:
    start, end = round(start_s * SECOND), round(end_s * SECOND)
    return Utterance(start, end, speech(end - start), "silence", speech_end=0.0, ended=0.0, audio_end=0.0, silence=0)


def said(text: str, start_s: float = 0.0, **fields: object) -> Transcript:
    """A text of one word a second."""
    start_ms = samples_to_ms(round(start_s * SECOND))
    words = tuple(
        Word(text=f" {word}", start_ms=start_ms + 1000 * i, end_ms=start_ms + 1000 * (i + 1), probability=0.9)
        for i, word in enumerate(text.split())
    )
    certain = {"language": "en", "language_probability": 0.9, "avg_logprob": -0.1, "no_speech_prob": 0.0}
    return Transcript.model_validate(certain | {"text": text, "model": "base", "words": words} | fields)


def history(*texts: Transcript | None, most_s: float = 12.0) -> RecentSpeech:
    """Utterances of three seconds with a second between them; the first begins with the session."""
    made = RecentSpeech(most_s)
    for segment, text in enumerate(texts):
        made.add(segment, utterance(4 * segment, 4 * segment + 3))
        made.note(segment, None if text is None else later(text, 4_000 * segment))
    return made


def later(text: Transcript, ms: int) -> Transcript:
    words = [
        word.model_copy(update={"start_ms": word.start_ms + ms, "end_ms": word.end_ms + ms}) for word in text.words
    ]
    return text.model_copy(update={"words": tuple(words)})


def words_before(made: RecentSpeech, segment: int) -> str | None:
    context = made.before(segment, 4 * segment * SECOND)
    return None if context is None else context.text


def test_it_is_the_speech_before_without_the_silence_between() -> None:
    context = history(said("One two three."), said("Four five six,")).before(2, 8 * SECOND)
    assert context is not None
    assert context.text == "One two three. Four five six,"
    assert context.pcm == speech(3 * SECOND) * 2


@pytest.mark.parametrize(
    ("most_s", "text"), [(0, None), (3, "c c c"), (5.9, "c c c"), (6, "b b b c c c"), (20, "a a a b b b c c c")]
)
def test_it_begins_with_an_utterance_and_is_not_too_long(most_s: float, text: str | None) -> None:
    assert words_before(history(said("a a a"), said("b b b"), said("c c c"), most_s=most_s), 3) == text


@pytest.mark.parametrize(("most_s", "seconds"), [(12, 12), (2.5, 2), (1, 1), (0.5, 0)])
def test_of_a_long_utterance_it_has_the_last_words(most_s: float, seconds: int) -> None:
    """It begins with a word, at the word's time."""
    long = said(" ".join(map(str, range(20))))
    made = RecentSpeech(most_s)
    made.add(0, utterance(0, 20))
    made.note(0, long)
    context = made.before(1, 21 * SECOND)
    if seconds == 0:
        assert context is None
        return
    assert context is not None
    assert context.text == " ".join(str(word) for word in range(20) if word >= 20 - seconds)
    assert len(context.pcm) == 2 * seconds * SECOND


def test_a_long_utterance_does_not_displace_its_own_context() -> None:
    """It is over, and transcribed after the ones before it."""
    made = history(said("a a a"), said("b b b"))
    made.add(2, utterance(8, 28))
    assert words_before(made, 2) == "a a a b b b"


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param(None, id="not known, or no speech"),
        pytest.param(said("x x x", avg_logprob=MIN_LOGPROB - 0.01), id="doubtful"),
        pytest.param(said("x x x", language_probability=MIN_LANGUAGE_PROB - 0.01), id="of a doubtful language"),
        pytest.param(said("x x x", language="ko"), id="of another language"),
        pytest.param(said(""), id="without words"),
    ],
)
def test_it_ends_at_a_text_that_is_not_continued(middle: Transcript | None) -> None:
    """Nothing of before it is used."""
    assert words_before(history(said("a a a"), middle, said("c c c")), 3) == "c c c"
    if middle is None or middle.language == "en":
        assert words_before(history(said("a a a"), middle), 2) is None


@pytest.mark.parametrize(("start_s", "words"), [(0, 12), (8, 12), (2, 15)], ids=["end", "beginning", "neither"])
def test_a_text_that_is_not_all_that_was_said_is_not_continued(start_s: int, words: int) -> None:
    """As when it was a loop, of which one saying is left."""
    made = RecentSpeech(6.0)
    made.add(0, utterance(0, 20))
    made.note(0, said(" ".join(["so"] * 20)))
    assert made.before(1, 20 * SECOND) is not None
    made.note(0, said(" ".join(["so"] * words), start_s))
    assert (made.before(1, 20 * SECOND) is None) == (start_s != 2)


def test_the_texts_of_a_language_that_was_fixed_are_believed() -> None:
    assert words_before(history(said("a a a", language_probability=None)), 1) == "a a a"


@pytest.mark.parametrize(("gap_s", "text"), [(MAX_GAP_S, "a a a"), (MAX_GAP_S + 0.1, None)])
def test_it_ends_at_a_long_silence(gap_s: float, text: str | None) -> None:
    context = history(said("a a a")).before(1, round((3 + gap_s) * SECOND))
    assert (None if context is None else context.text) == text


def test_it_ends_at_an_utterance_that_it_has_not_seen() -> None:
    """As after a resume."""
    assert words_before(history(said("a a a")), 2) is None


def test_a_text_may_come_late() -> None:
    made = history(said("a a a"), None)
    assert words_before(made, 2) is None
    made.note(1, later(said("b b b"), 4_000))
    assert words_before(made, 2) == "a a a b b b"


def test_nothing_is_left_after_a_change() -> None:
    made = history(said("a a a"))
    made.clear()
    assert words_before(made, 1) is None


def test_it_keeps_no_more_than_it_needs() -> None:
    """An hour of speech takes no memory."""
    made = history(*[said("a a a")] * 200)
    assert len(made._utterances) <= 6
    assert sum(len(each.pcm) for each in made._utterances) <= 2 * 18 * SECOND


def test_of_a_very_long_utterance_it_keeps_the_end() -> None:
    """The newest one and the one before: no more than two contexts."""
    made = RecentSpeech(6.0)
    for segment in range(3):
        made.add(segment, utterance(20 * segment, 20 * segment + 20))
    assert sum(len(each.pcm) for each in made._utterances) <= 2 * 3 * 6 * SECOND
