"""Words as people write them, with the times of their tokens."""

import numpy as np
import pytest
from whisper.tokenizer import get_tokenizer

from stt_worker.engines.base import Word
from stt_worker.engines.whisper.word_timestamps import word_times

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")


def words_of(text: str, language: str = "en") -> tuple[Word, ...]:
    """The words of a text whose tokens last a second each, the first with a probability of 0.9, each later one half."""
    tokenizer = get_tokenizer(True, num_languages=99, language=language, task="transcribe")
    tokens = tokenizer.encode(text)
    probabilities = [0.9 / 2**number for number in range(len(tokens))]
    return word_times(np.arange(len(tokens) + 1.0), tokenizer, tokens, probabilities)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" on 5/12/2024, at 10:30.", [" on", " 5/12/2024,", " at", " 10:30."]),
        (" 3,000 or 3.5", [" 3,000", " or", " 3.5"]),
        (" mail anna.b@web.de now", [" mail", " anna.b@web.de", " now"]),
        (" it's well-known", [" it's", " well-known"]),
        (" AT&T, 50% $5", [" AT&T,", " 50%", " $5"]),
        ("Yes", ["Yes"]),
        ("", []),
    ],
)
def test_a_word_goes_to_the_next_space(text: str, expected: list[str]) -> None:
    assert [word.text for word in words_of(text)] == expected


def test_a_joined_word_lasts_from_its_first_token_to_its_last() -> None:
    """Its probability is the mean of its tokens, as of any word."""
    at, time = words_of(" at 10:30")
    assert (at.start_s, at.end_s, at.probability) == (0.0, 1.0, 0.9)
    assert (time.start_s, time.end_s) == (1.0, 4.0)
    assert time.probability == pytest.approx(0.9 * (1 / 2 + 1 / 4 + 1 / 8) / 3)


def test_languages_without_spaces_keep_their_tokens() -> None:
    words = words_of("今日は10:30です", "ja")
    assert len(words) > 2
    assert "".join(word.text for word in words) == "今日は10:30です"
