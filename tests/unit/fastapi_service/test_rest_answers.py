"""The results of a file in each format, and its text piece by piece."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_service.api.openai_rest.answers import body, written
from fastapi_service.api.openai_rest.order import Order
from fastapi_service.api.openai_rest.text import GrowingText, text_of
from fastapi_service.api.openai_rest.transcript import Transcript
from fastapi_service.export.sentences import Sentences
from tests.support.speakers import ALICE, final, no_speech
from wire.errors import StoreError
from wire.messages.results import Final, SegmentFailed, Sentiment
from wire.messages.transcript import Word

MARKS = st.sampled_from(["", ".", "?", "...", ".”", "。"])
SAID = st.tuples(st.text("ab ", max_size=6), MARKS, st.booleans(), st.sampled_from(["en", "zh"]))


def said(segment: int, text: str, *, continues: bool = False, language: str = "en", positive: float = 0.7) -> Final:
    rest = (1 - positive) / 2
    probabilities = {"negative": rest, "neutral": rest, "positive": positive}
    label = max(probabilities, key=lambda name: probabilities[name])
    sentiment = Sentiment.model_validate({"label": label, "score": probabilities[label], "probabilities": probabilities,
                                          "model": "m", "language": "en"})  # fmt: skip
    start_ms = segment * 5_000
    words = tuple(
        Word(text=f" {word}", start_ms=start_ms + number * 100, end_ms=start_ms + number * 100 + 90, probability=0.5)
        for number, word in enumerate(text.split())
    )
    update = {"text": text, "language": language, "sentiment": sentiment, "continues": continues, "words": words,
              "start_ms": start_ms, "end_ms": start_ms + 4_000, "first_segment": 0 if continues else None}  # fmt: skip
    return final(segment, ALICE).model_copy(update=update)


def transcript(order: Order, *results: Any) -> Transcript:
    found = Transcript(order, seconds=12.5)
    for result in results:
        found.add(result)
    return found


HELLO = (said(0, "Hello there."), said(1, "How are you?", positive=0.1))


@given(st.lists(SAID, max_size=8))
def test_pieces_make_up_the_text(texts: list[tuple[str, str, bool, str]]) -> None:
    """However sentences go on: nothing that was given is taken back."""
    finals = [
        said(number, text + mark, continues=continues, language=language)
        for number, (text, mark, continues, language) in enumerate(texts)
    ]
    growing, pieces = GrowingText(), []
    for each in finals:
        pieces.append(growing.add(each))
        assert growing.text.startswith("".join(pieces))
    pieces.append(growing.rest())
    assert "".join(pieces) == growing.text == text_of(finals)


def test_mark_within_a_sentence_is_left_out() -> None:
    """It is not given before the next text shows that the sentence was over."""
    growing = GrowingText()
    assert growing.add(said(0, "I went.")) == "I went"
    assert growing.add(said(1, "Home.", continues=True)) == " Home"
    assert growing.add(said(2, "Then I slept.")) == ". Then I slept"
    assert growing.rest() == "."
    assert growing.text == "I went Home. Then I slept."


def test_json_has_text_languages_and_usage() -> None:
    """In the shape of OpenAI's ``Transcription``."""
    assert body(transcript(Order(), *HELLO, no_speech(2))) == {
        "text": "Hello there. How are you?",
        "usage": {"type": "duration", "seconds": 12.5},
        "languages": [{"code": "en"}],
    }


def test_verbose_json_has_segments_or_words() -> None:
    """As the granularities say."""
    found = body(transcript(Order(response_format="verbose_json"), *HELLO))
    assert list(found) == ["task", "language", "duration", "text", "usage", "segments"]
    first, second = found["segments"]
    assert (first["id"], first["start"], first["end"], first["text"]) == (0, 0.0, 4.0, " Hello there.")
    assert second["seek"] == 500
    assert "sentiment" not in first
    words = body(transcript(Order(response_format="verbose_json", granularities=frozenset({"word"})), *HELLO))
    assert "segments" not in words
    assert words["words"][1] == {"word": "there.", "start": 0.1, "end": 0.19, "probability": 0.5}


def test_sentiment_is_added_if_it_is_wanted() -> None:
    """For each sentence, and as the mean of all."""
    found = body(transcript(Order(sentiment=True), *HELLO))
    assert [segment["sentiment"]["label"] for segment in found["segments"]] == ["positive", "negative"]
    assert found["sentiment"]["probabilities"] == {"negative": 0.3, "neutral": 0.3, "positive": 0.4}
    assert (found["sentiment"]["label"], found["sentiment"]["sentences"]) == ("positive", 2)


def test_sentence_of_two_utterances_is_one_segment() -> None:
    """With the sentiment of the whole."""
    whole = (said(0, "I went."), said(1, "Home.", continues=True), said(2, "Then I slept."))
    found = body(transcript(Order(response_format="verbose_json"), *whole))
    assert [segment["text"] for segment in found["segments"]] == [" I went Home.", " Then I slept."]
    assert found["text"] == "I went Home. Then I slept."


def test_subtitles_are_plain_unless_sentiment_is_wanted() -> None:
    """Then they are those of an export."""
    media_type, srt = written(transcript(Order(response_format="srt"), *HELLO), {})
    assert media_type.startswith("application/x-subrip")
    assert srt.startswith("1\n00:00:00,000 --> 00:00:04,000\nHello there.\n")
    assert "[positive]" in written(transcript(Order(response_format="srt", sentiment=True), *HELLO), {})[1]
    assert written(transcript(Order(response_format="vtt"), *HELLO), {})[1].startswith("WEBVTT\n")


def test_logprobs_are_those_of_words() -> None:
    """With the bytes of each."""
    found = body(transcript(Order(logprobs=True), said(0, "Hi")))
    assert found["logprobs"] == [{"token": " Hi", "bytes": [32, 72, 105], "logprob": pytest.approx(-0.693, abs=0.001)}]


def test_voices_are_letters() -> None:
    """A is the first, and the only one where none are distinguished."""
    found = [each.said_by(voice, {}) for each, voice in zip(HELLO, (1, 2), strict=True)]
    turns = body(transcript(Order(response_format="diarized_json"), *found))["segments"]
    assert [turn["speaker"] for turn in turns] == ["A", "B"]
    alone = body(transcript(Order(response_format="diarized_json"), *HELLO))["segments"]
    assert [turn["speaker"] for turn in alone] == ["A", "A"]


def failed(segment: int) -> SegmentFailed:
    fields = final(segment, ALICE).model_dump(include={*SegmentFailed.model_fields} - {"type"})
    return SegmentFailed.model_validate(fields | {"code": "x", "message": "m.", "remedy": "r.", "attempts": 3})


def test_failed_utterance_is_named() -> None:
    """The rest is the answer, unless there is none."""
    found = body(transcript(Order(), HELLO[0], failed(1)))
    assert found["text"] == "Hello there."
    assert [each["code"] for each in found["failed_segments"]] == ["x"]
    with pytest.raises(StoreError, match=r"m\. r\."):
        transcript(Order(), failed(0)).check()


def test_file_without_speech_is_an_empty_text() -> None:
    """In every format."""
    nothing = transcript(Order(response_format="verbose_json", sentiment=True), no_speech(0))
    found = body(nothing)
    assert (found["text"], found["segments"], found["language"], found["sentiment"]) == ("", [], "", None)
    assert written(transcript(Order(response_format="text")), {}) == ("text/plain; charset=utf-8", "\n")
    assert written(transcript(Order(response_format="srt")), {})[1] == ""


def test_kept_session_is_in_the_answer() -> None:
    """Beside the text."""
    media_type, text = written(transcript(Order(), *HELLO), {"session": {"id": "a", "token": "b"}})
    assert media_type == "application/json"
    assert json.loads(text)["session"] == {"id": "a", "token": "b"}
    assert Sentences().rest() == []
