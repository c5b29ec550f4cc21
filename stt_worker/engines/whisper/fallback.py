"""The padding schedule: with how much silence an utterance is decoded, and when it is decoded again with more."""

from whisper.tokenizer import Tokenizer

from stt_worker.engines.base import MIN_AVG_LOGPROB, is_silent
from stt_worker.engines.whisper.greedy import Decoded
from stt_worker.engines.whisper.repetition import (
    MAX_COMPRESSION_RATIO,
    collapse_loop,
    compression_ratio,
    final_repetition,
    has_repetition,
    spoken_repetitions,
    token_limit,
)
from stt_worker.engines.whisper.word_timestamps import token_times

FURTHER_PADDING_S = 5.0
"""Silence that the second attempt adds, after a text that was not accepted."""
ATTEMPTS = 2


def padding_s(attempt: int, first_s: float) -> float:
    """Return the silence after the speech in an attempt, counted from 1, in seconds.

    The rest of Whisper's window of 30 s is represented by some of its positions (see ``silence``).
    """
    return first_s + (attempt - 1) * FURTHER_PADDING_S


def is_last(attempt: int, *, allow_fallback: bool) -> bool:
    """True for the last attempt, counted from 1. Without fallback there is only the first one."""
    return attempt == (ATTEMPTS if allow_fallback else 1)


def max_tokens(attempt: int, seconds: float, language: str, n_ctx: int) -> int:
    """Return the most tokens of a text. The last attempt is not corrected, so it may use the whole context."""
    return n_ctx if attempt == ATTEMPTS else token_limit(seconds, language)


def accepted(decoded: Decoded, tokenizer: Tokenizer, seconds: float) -> Decoded | None:
    """Return the acceptable part of a text: all of it, all but a repetition that was not spoken, or None.

    After short padding the model sometimes writes a whole sentence twice instead of ending.

    Args:
        decoded: with attention, from which it follows when the sentence was spoken.
        tokenizer: decodes its tokens.
        seconds: duration of the audio without padding.
    """
    if not needs_fallback(decoded, tokenizer.decode(decoded.tokens)):
        return decoded
    phrase, repeated = final_repetition(decoded.tokens)
    if not repeated or len(decoded.tokens) - repeated < decoded.prefix_len:
        return None
    once = decoded.first(len(decoded.tokens) - repeated)
    times = token_times(once, seconds)
    spoken = spoken_repetitions(phrase, times[-1] - times[-1 - phrase], seconds - times[-1])
    if spoken == 1:
        is_certain = once.avg_logprob >= MIN_AVG_LOGPROB and not needs_fallback(once, tokenizer.decode(once.tokens))
        return once if is_certain else None
    if spoken == 2 and phrase == repeated:
        text = tokenizer.decode(decoded.tokens)
        return None if needs_fallback(decoded, text, check_repetition=False) else decoded
    return None


def without_loop(decoded: Decoded) -> Decoded:
    """Return a text that is used although it was not accepted, with the loop at its end written once."""
    return decoded.first(max(decoded.prefix_len, len(collapse_loop(decoded.tokens))))


def needs_fallback(decoded: Decoded, text: str, *, check_repetition: bool = True) -> bool:
    """True if a text is a guess or repeats itself. Silence is neither: another attempt would only invent something."""
    if is_silent(decoded.no_speech_prob, decoded.avg_logprob):
        return False
    return (
        decoded.stop != "end"
        or decoded.avg_logprob < MIN_AVG_LOGPROB
        or (check_repetition and has_repetition(decoded.tokens))
        or compression_ratio(text) > MAX_COMPRESSION_RATIO
    )
