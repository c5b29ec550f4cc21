"""Texts that repeat themselves, and how often their words were spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whisper.tokenizer import get_tokenizer

from stt_worker.engines.whisper.repetition import (
    collapse_loop,
    compression_ratio,
    final_repetition,
    has_repetition,
    loop_length,
    spoken_repetitions,
    token_limit,
)

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize(
    ("tokens", "length"),
    [
        ([1, 2, 3, 4, 5], 0),
        ([9, 7, 7, 7], 0),  # "no, no, no"
        ([9, *[7] * 12], 1),
        ([9, *[7, 8] * 6], 2),
        ([9, *[1, 2, 3, 4, 5] * 3], 5),
        ([9, *[1, 2, 3, 4, 5] * 2], 0),  # said twice
        ([*[7] * 12, 1], 0),  # it got out of it
    ],
)
def test_a_loop_is_a_phrase_said_again_and_again(tokens: list[int], length: int) -> None:
    assert loop_length(tokens) == length


def test_a_loop_is_said_once() -> None:
    assert collapse_loop([9, 1, 2, 3, 4, *[1, 2, 3, 4] * 2]) == [9, 1, 2, 3, 4]
    assert collapse_loop([9, *[7] * 20]) == [9, 7]
    assert collapse_loop([1, 2, 3]) == [1, 2, 3]


@given(st.lists(st.integers(0, 3), max_size=80))
def test_without_its_loop_a_text_is_a_beginning_of_it(tokens: list[int]) -> None:
    kept = collapse_loop(tokens)
    assert kept == tokens[: len(kept)]
    assert bool(kept) == bool(tokens)


@pytest.mark.parametrize(
    ("tokens", "repeated"),
    [
        ([1, 2, 3, 4, 1, 2, 3, 4], True),
        ([9, *[1, 2, 3, 4, 5, 6] * 2, 8], True),
        ([9, *[1, 2, 3] * 2, 8], False),  # "very good, very good"
        ([1, 2, 3, 4, 9, 1, 2, 3, 4], False),
        ([], False),
    ],
)
def test_a_sentence_written_twice_is_looked_at_again(tokens: list[int], repeated: bool) -> None:
    assert has_repetition(tokens) is repeated


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ([9, *[1, 2, 3, 4] * 2], (4, 4)),
        ([9, *[1, 2, 3, 4] * 3, 1, 2], (4, 10)),  # broken off in the middle of the fourth
        ([*[1, 2, 3, 4] * 2, 9], (0, 0)),  # it went on
        ([9, *[1, 2, 3] * 2], (0, 0)),
        ([9, *[5] * 12], (0, 0)),  # nothing but a shorter one, over and over
        ([9, *[1, 2] * 6], (0, 0)),
        ([9, *[1, 2, 3] * 4], (0, 0)),
        ([], (0, 0)),
    ],
)
def test_a_repetition_is_how_a_text_ends(tokens: list[int], found: tuple[int, int]) -> None:
    assert final_repetition(tokens) == found


@pytest.mark.parametrize(
    ("tokens", "phrase_s", "left_s", "said"),
    [
        (10, 3.0, 0.5, 1),  # the silence that ends an utterance
        (10, 3.0, 3.4, 2),
        (10, 3.0, 2.0, None),
        (4, 0.6, 0.5, None),  # is that room, or only the silence at the end?
        (6, 0.0, 0.0, None),  # not said at all
        (8, 0.2, 0.16, None),
        (6, 4.0, 0.5, None),  # slower than anybody speaks: it is stretched over two
    ],
)
def test_the_audio_tells_how_often_a_phrase_was_said(
    tokens: int, phrase_s: float, left_s: float, said: int | None
) -> None:
    assert spoken_repetitions(tokens, phrase_s, left_s) == said


def test_the_cap_grows_with_the_audio() -> None:
    """Room for the quickest speech: 5 syllables a second in Korean are about 8 tokens."""
    assert token_limit(0.3, "ko") > 16
    assert token_limit(10, "ko") > 100


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the weather is very nice today"),
        ("ko", "오늘은날씨가아주좋습니다"),
        ("zh", "今天天气非常好我们去公园"),
        ("ru", "сегодня очень хорошая погода в городе"),
        ("ar", "الطقس جميل جدا اليوم"),
        ("hi", "यह एक बहुत अच्छा दिन है और मैं खुश हूँ"),
        ("te", "తెలుగు భాష చాలా అందమైనది"),
        ("ka", "საქართველო არის ძალიან ლამაზი ქვეყანა"),
        ("my", "မြန်မာနိုင်ငံတွင် နေထိုင်သော"),
        ("bo", "བོད་ཡིག"),
    ],
)
def test_the_cap_has_room_for_every_script(language: str, text: str) -> None:
    """16 letters a second, or 7 where one is a syllable; Whisper's vocabulary spends up to 3 tokens on one."""
    letters_per_s = 7 if language in ("ko", "zh") else 16
    tokens = get_tokenizer(multilingual=True).encode(text)
    assert letters_per_s * 10 * len(tokens) / len(text) < token_limit(10, language)


def test_repetition_compresses() -> None:
    assert compression_ratio("thank you. " * 20) > 2.4
    assert compression_ratio("The birch canoe slid on the smooth planks.") < 1.2
