"""Pure: can a decoded text be trusted? Greedy decoding that lost the audio repeats itself or guesses."""

import zlib
from collections.abc import Sequence

MAX_COMPRESSION_RATIO = 2.4
"""As in ``whisper/transcribe.py``: a text that zip makes smaller than this is a loop."""
LONGEST_PHRASE = 20
"""Tokens of a phrase whose repetition is looked for."""
LOOP_TOKENS = 12
"""A phrase is a loop when it is said three times or more and fills this many tokens: "no, no, no" is not."""
REPEATED_TOKENS = 4
"""A phrase of this many tokens said twice in a row is suspicious: with a short tail of silence the model sometimes
writes a whole sentence twice, and is as sure of it as of the first."""
ROOM_FOR_NONE, ROOM_FOR_ANOTHER = 0.5, 0.75
"""Audio after a phrase, in lengths of the phrase, up to which it was not said again, and from which it was: at most 0.2
where the model looped, at least 1 where each of 50 recordings was played twice."""
SILENCE_S = 0.5
"""Of that audio, what an utterance ends with anyway."""
SLOWEST_TOKENS_PER_SECOND, FASTEST_TOKENS_PER_SECOND = 2, 25
"""A phrase that takes longer is one whose times are stretched over two sayings of it; one that takes less was not said
at all."""
TOKENS_PER_SECOND = 14
MANY_TOKENS_PER_SECOND = 50
"""In scripts that Whisper's vocabulary hardly holds: 3 tokens a letter in Lao and Tibetan, at 16 letters a second."""
_MANY = "am as ba bn bo gu hi hy ka km kn lo ml mr my ne pa sa sd si ta te tg th tt ur yi yo"
MANY_TOKENS = frozenset(_MANY.split())
"""Languages of which a letter is more than 0.65 tokens; 0.2 in English, 0.6 in Korean, which has fewer letters."""
SPARE_TOKENS = 16


def token_cap(seconds: float, language: str) -> int:
    """More tokens than anybody says in so many seconds of audio."""
    rate = MANY_TOKENS_PER_SECOND if language in MANY_TOKENS else TOKENS_PER_SECOND
    return SPARE_TOKENS + round(rate * seconds)


def loop_length(tokens: Sequence[int]) -> int:
    """Tokens of the phrase that the text ends in again and again; 0 when it does not."""
    for length in range(1, min(LONGEST_PHRASE, len(tokens) // 3) + 1):
        needed = max(3, -(-LOOP_TOKENS // length)) * length
        if len(tokens) >= needed and all(tokens[-i] == tokens[-i - length] for i in range(1, needed - length + 1)):
            return length
    return 0


def without_loop(tokens: Sequence[int]) -> list[int]:
    """The text with the phrase it ends in said once."""
    tokens = list(tokens)
    length = loop_length(tokens)
    if not length:
        return tokens
    while len(tokens) > length and tokens[-1] == tokens[-1 - length]:
        tokens.pop()
    while len(tokens) >= 2 * length and tokens[-length:] == tokens[-2 * length : -length]:
        del tokens[-length:]
    return tokens


def repeats_itself(tokens: Sequence[int]) -> bool:
    """Whether a phrase of ``REPEATED_TOKENS`` or more is said twice in a row anywhere."""
    for length in range(REPEATED_TOKENS, len(tokens) // 2 + 1):
        same = 0
        for token, later in zip(tokens, tokens[length:], strict=False):
            same = same + 1 if token == later else 0
            if same == length:
                return True
    return False


def repetition(tokens: Sequence[int]) -> tuple[int, int]:
    """Length of the phrase that the text ends in more than once, ``REPEATED_TOKENS`` at least, and how many tokens say
    it again; (0, 0) when it does not, or when the phrase is only a shorter one over and over."""
    for length in range(REPEATED_TOKENS, len(tokens) // 2 + 1):
        again = 0
        while again < len(tokens) - length and tokens[-1 - again] == tokens[-1 - again - length]:
            again += 1
        if again >= length:
            return (length, again) if _smallest_period(tokens[-length:]) == length else (0, 0)
    return 0, 0


def _smallest_period(tokens: Sequence[int]) -> int:
    """Of a phrase that may itself be nothing but a shorter one, said several times."""
    whole = list(tokens)
    lengths = (length for length in range(1, len(whole) + 1) if len(whole) % length == 0)
    return next(length for length in lengths if whole[:length] * (len(whole) // length) == whole)


def sayings(tokens: int, phrase_s: float, left_s: float) -> int | None:
    """How often a phrase can have been said, 1 or 2; None: that is hard to tell.

    Args:
        tokens: of the phrase.
        phrase_s: how long it takes to say it once.
        left_s: audio after that.
    """
    if not SLOWEST_TOKENS_PER_SECOND * phrase_s <= tokens <= FASTEST_TOKENS_PER_SECOND * phrase_s:
        return None
    if left_s - SILENCE_S >= ROOM_FOR_ANOTHER * phrase_s:
        return 2
    return 1 if left_s <= ROOM_FOR_NONE * phrase_s else None


def compression_ratio(text: str) -> float:
    """Bytes of a text before and after zlib, as in ``whisper/utils.py``."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))
