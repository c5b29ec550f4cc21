"""When each word of a text is said: the path of the decoder's attention through the audio.

The method of https://github.com/openai/whisper/blob/main/whisper/timing.py, whose parts are used where they can be: the
heads that follow the audio, normalised and smoothed, give a cost for each token and position, and dynamic time warping
the cheapest way through it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad
from whisper.audio import TOKENS_PER_SECOND
from whisper.timing import WordTiming, dtw_cpu, merge_punctuations
from whisper.tokenizer import Tokenizer

from stt_worker.engines.base import Word

SMOOTHING = 7
"""Positions of the median filter, as in ``find_alignment``; ``EXCHANGES`` are for seven."""
EXCHANGES = ((0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4))
"""Which of seven numbers to put in order, one pair after the other, to have the median in the middle: ``opt_med7`` of
N. Devillard, http://ndevilla.free.fr/median/median.pdf."""
Times = NDArray[np.float64]
OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word after it, and before it, as in ``add_word_timestamps``."""


def token_times(attention: Tensor, before: int, count: int, seconds: float) -> Times:
    """When each token begins, and when the last one ends: (count + 1), seconds.

    Args:
        attention: of the heads that follow the audio, before softmax: (heads, rows, audio positions), a row for each
            token that the decoder took in from the start of the transcript on.
        before: how many of them were followed by another token of the prompt; the next row chose the text's first.
        count: of the text's tokens.
        seconds: length of the audio, without the silence after it.
    """
    heard = max(1, min(attention.shape[-1], round(seconds * TOKENS_PER_SECOND)))
    weights = attention[:, : before + count + 1, :heard].float().softmax(dim=-1)
    if weights.shape[1] == before + count:  # the text was broken off at its last token
        weights = torch.cat([weights, weights[:, -1:]], dim=1)
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    weights = _median((weights - mean) / deviation.clamp(min=1e-6))
    path, positions = dtw_cpu(np.ascontiguousarray(-weights.mean(dim=0)[before:].double().cpu().numpy()))
    starts = positions[np.pad(np.diff(path), (1, 0), constant_values=1).astype(bool)]
    times: Times = np.minimum(starts / TOKENS_PER_SECOND, seconds)
    return times


def _median(x: Tensor) -> Tensor:
    """``whisper.timing.median_filter``, over the last dimension, on a CPU in a tenth of the time: that one sorts."""
    margin = SMOOTHING // 2
    if x.shape[-1] <= margin:
        return x
    around = list(pad(x, (margin, margin), mode="reflect").unfold(-1, SMOOTHING, 1).unbind(-1))
    for low, high in EXCHANGES:
        around[low], around[high] = torch.minimum(around[low], around[high]), torch.maximum(around[low], around[high])
    return around[margin]


def word_times(
    times: Times, tokenizer: Tokenizer, tokens: Sequence[int], probabilities: Sequence[float]
) -> tuple[Word, ...]:
    """The words of a text.

    Args:
        times: from ``token_times``.
        tokens: of the text, without special tokens.
        probabilities: one for each of them.
    """
    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    bounds = np.cumsum([0, *(len(group) for group in groups[:-1])])
    found = []
    for text, group, begin, end in zip(texts, groups, bounds, bounds[1:], strict=False):
        probability = float(np.mean(probabilities[begin:end]))
        found.append(WordTiming(text, group, float(times[begin]), float(times[end]), probability))
    merge_punctuations(found, OPENING, CLOSING)
    return tuple(
        Word(word.word, word.start, max(word.start, word.end), word.probability) for word in found if word.word
    )
