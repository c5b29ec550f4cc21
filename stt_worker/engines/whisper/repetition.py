"""Finds repetitions in a decoded text: greedy decoding that lost the audio repeats itself. Pure."""

import math
import zlib
from collections.abc import Sequence

MAX_COMPRESSION_RATIO = 2.4
"""As in ``whisper/transcribe.py``: a text that compresses better is a loop."""
LONGEST_PHRASE = 20
"""Tokens of the longest phrase whose loop is found."""
LOOP_TOKENS = 12
"""A phrase is a loop if it is written at least three times and fills at least this many tokens: "no, no, no" is
none."""
REPEATED_TOKENS = 4
"""A phrase of at least this many tokens twice in a row is suspicious: after short padding the model sometimes writes a
whole sentence twice, and the second is as probable as the first."""
SPOKEN_ONCE, SPOKEN_TWICE = 0.5, 0.75
"""Audio after a phrase, per duration of the phrase: up to the first it was spoken once, from the second on twice. It
was at most 0.2 where the model looped, and at least 1 where each of 50 recordings was played twice."""
SILENCE_S = 0.5
"""Silence in that audio with which every utterance ends."""
SLOWEST_TOKENS_PER_SECOND, FASTEST_TOKENS_PER_SECOND = 2, 25
"""A slower phrase has times that are stretched over two repetitions; a faster one was not spoken."""
USUAL_TOKENS_PER_SECOND = 14
MANY_TOKENS_PER_SECOND = 50
"""For scripts that are rare in Whisper's vocabulary: 3 tokens a letter in Lao and Tibetan, at 16 letters a second."""
_MANY = "am as ba bn bo gu hi hy ka km kn lo ml mr my ne pa sa sd si ta te tg th tt ur yi yo"
MANY_TOKENS = frozenset(_MANY.split())
"""Languages whose fast speech may have more than ``USUAL_TOKENS_PER_SECOND``, or nearly. English has 0.2 tokens a
letter; Mongolian and Kazakh have up to 0.8, which is still less at 16 letters a second; Chinese, Japanese and Korean
have 0.5 to 0.9, with fewer letters a second."""
SPARE_TOKENS = 16


def token_limit(seconds: float, language: str) -> int:
    """Return more tokens than anyone speaks in an audio of this duration."""
    rate = MANY_TOKENS_PER_SECOND if language in MANY_TOKENS else USUAL_TOKENS_PER_SECOND
    return SPARE_TOKENS + round(rate * seconds)


def loop_length(tokens: Sequence[int]) -> int:
    """Return the length in tokens of the phrase that the text loops in at its end; 0 if it does not."""
    for length in range(1, min(LONGEST_PHRASE, len(tokens) // 3) + 1):
        needed = max(3, math.ceil(LOOP_TOKENS / length)) * length
        if len(tokens) >= needed and all(tokens[-i] == tokens[-i - length] for i in range(1, needed - length + 1)):
            return length
    return 0


def collapse_loop(tokens: Sequence[int]) -> list[int]:
    """Return the text with the phrase of the loop at its end written once."""
    tokens = list(tokens)
    length = loop_length(tokens)
    if not length:
        return tokens
    while len(tokens) > length and tokens[-1] == tokens[-1 - length]:
        tokens.pop()
    while len(tokens) >= 2 * length and tokens[-length:] == tokens[-2 * length : -length]:
        del tokens[-length:]
    return tokens


def has_repetition(tokens: Sequence[int]) -> bool:
    """True if a phrase of at least ``REPEATED_TOKENS`` is written twice in a row anywhere."""
    for length in range(REPEATED_TOKENS, len(tokens) // 2 + 1):
        same = 0
        for token, later in zip(tokens, tokens[length:], strict=False):
            same = same + 1 if token == later else 0
            if same == length:
                return True
    return False


def final_repetition(tokens: Sequence[int]) -> tuple[int, int]:
    """Find the phrase of at least ``REPEATED_TOKENS`` that the text ends in more than once.

    Returns:
        Length of the phrase, and number of tokens that repeat it; (0, 0) if there is none, or if it is itself a shorter
        phrase several times.
    """
    for length in range(REPEATED_TOKENS, len(tokens) // 2 + 1):
        repeated = 0
        while repeated < len(tokens) - length and tokens[-1 - repeated] == tokens[-1 - repeated - length]:
            repeated += 1
        if repeated >= length:
            return (length, repeated) if _smallest_period(tokens[-length:]) == length else (0, 0)
    return 0, 0


def _smallest_period(tokens: Sequence[int]) -> int:
    """Return the length of the shortest phrase that the tokens are multiples of."""
    whole = list(tokens)
    lengths = (length for length in range(1, len(whole) + 1) if len(whole) % length == 0)
    return next(length for length in lengths if whole[:length] * (len(whole) // length) == whole)


def spoken_repetitions(tokens: int, phrase_s: float, left_s: float) -> int | None:
    """Estimate how often a phrase was spoken, 1 or 2; None: uncertain.

    Args:
        tokens: length of the phrase.
        phrase_s: seconds in which it is spoken once.
        left_s: seconds of audio after that.
    """
    if not SLOWEST_TOKENS_PER_SECOND * phrase_s <= tokens <= FASTEST_TOKENS_PER_SECOND * phrase_s:
        return None
    if left_s - SILENCE_S >= SPOKEN_TWICE * phrase_s:
        return 2
    return 1 if left_s <= SPOKEN_ONCE * phrase_s else None


def compression_ratio(text: str) -> float:
    """Return the size of a text before zlib per size after it, as ``whisper/utils.py`` does."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))
