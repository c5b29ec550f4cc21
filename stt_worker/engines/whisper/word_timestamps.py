"""Times of the words of a text, from the decoder's attention to the audio.

The method of https://github.com/openai/whisper/blob/main/whisper/timing.py, some of whose functions are used: the
scores of the alignment heads, normalised and smoothed, are the cost of each token and position, and dynamic time
warping finds the cheapest path.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad
from whisper.audio import TOKENS_PER_SECOND
from whisper.timing import WordTiming, merge_punctuations
from whisper.tokenizer import Tokenizer

from stt_worker.engines.base import Word
from stt_worker.engines.whisper.greedy import Decoded
from stt_worker.engines.whisper.time_warping import first_columns

SMOOTHING = 7
"""Positions of the median filter, as in ``find_alignment``; ``EXCHANGES`` are for seven."""
EXCHANGES = ((0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4))
"""Pairs to sort, one after the other, that move the median of seven numbers into the middle: ``opt_med7`` of
N. Devillard, http://ndevilla.free.fr/median/median.pdf."""
Times = NDArray[np.float64]
UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages without spaces between words, as in ``Tokenizer.split_to_word_tokens``: their words are tokens."""
OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word after it, and before it, as in ``add_word_timestamps``."""


def token_times(decoded: Decoded, seconds: float) -> Times:
    """Return when each token begins, and when the last one ends: (tokens + 1,), seconds.

    Args:
        decoded: with attention.
        seconds: duration of the audio, without padding.
    """
    if decoded.times is None:
        decoded.times = _token_times(decoded, seconds)
    return decoded.times


def _token_times(decoded: Decoded, seconds: float) -> Times:
    assert decoded.attention is not None
    offset, count = decoded.attention_offset, len(decoded.tokens)
    positions = max(1, min(decoded.attention.shape[-1], round(seconds * TOKENS_PER_SECOND)))
    weights = decoded.attention[:, : offset + count + 1, :positions].float().softmax(dim=-1)
    if weights.shape[1] == offset + count:  # the text has no end, so its last token was not read
        weights = torch.cat([weights, weights[:, -1:]], dim=1)
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    weights = _median((weights - mean) / deviation.clamp(min=1e-6))
    starts = first_columns(-weights.mean(dim=0)[offset:].double().cpu().numpy())
    times: Times = np.minimum(starts / TOKENS_PER_SECOND, seconds)
    return times


def _median(x: Tensor) -> Tensor:
    """Compute ``whisper.timing.median_filter`` over the last dimension, in a tenth of its time: that one sorts."""
    margin = SMOOTHING // 2
    if x.shape[-1] <= margin:
        return x
    window = list(pad(x, (margin, margin), mode="reflect").unfold(-1, SMOOTHING, 1).unbind(-1))
    for low, high in EXCHANGES:
        window[low], window[high] = torch.minimum(window[low], window[high]), torch.maximum(window[low], window[high])
    return window[margin]


def word_times(
    times: Times, tokenizer: Tokenizer, tokens: Sequence[int], probabilities: Sequence[float]
) -> tuple[Word, ...]:
    """Group the tokens of a text to words.

    Args:
        times: from ``token_times``.
        tokenizer: of the text's language.
        tokens: of the text, without special tokens.
        probabilities: one per token.
    """
    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    bounds = np.cumsum([0, *(len(group) for group in groups[:-1])])
    found = []
    for text, group, begin, end in zip(texts, groups, bounds, bounds[1:], strict=False):
        probability = float(np.mean(probabilities[begin:end]))
        found.append(WordTiming(text, group, float(times[begin]), float(times[end]), probability))
    merge_punctuations(found, OPENING, CLOSING)
    words: list[WordTiming] = []
    for word in found:
        if words and word.word[:1] not in {"", " "} and tokenizer.language not in UNSPACED:
            words[-1] = _joined(words[-1], word)
        elif word.word:
            words.append(word)
    return tuple(Word(word.word, word.start, max(word.start, word.end), word.probability) for word in words)


def _joined(first: WordTiming, second: WordTiming) -> WordTiming:
    """Join two parts of a word that the tokenizer separates at a sign, such as "10" and ":30"."""
    tokens = [*first.tokens, *second.tokens]
    weighted = first.probability * len(first.tokens) + second.probability * len(second.tokens)
    return WordTiming(first.word + second.word, tokens, first.start, second.end, weighted / len(tokens))
