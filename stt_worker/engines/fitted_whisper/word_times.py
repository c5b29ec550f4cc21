"""When each word of a text is said: the path of the decoder's attention through the audio.

The method of https://github.com/openai/whisper/blob/main/whisper/timing.py, whose parts are used where they can be: the
heads that follow the audio, normalised and smoothed, give a cost for each token and position, and dynamic time warping
the cheapest way through it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from whisper.audio import TOKENS_PER_SECOND
from whisper.timing import WordTiming, dtw_cpu, median_filter, merge_punctuations
from whisper.tokenizer import Tokenizer

from stt_worker.engine import Word
from stt_worker.engines.fitted_whisper.decoder import Decoder, Memory

SMOOTHING = 7
"""Positions of the median filter, as in ``find_alignment``."""
OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word after it, and before it, as in ``add_word_timestamps``."""


def word_times(
    decoder: Decoder,
    memory: Memory,
    tokenizer: Tokenizer,
    heads: Sequence[tuple[int, int]],
    prompt: Sequence[int],
    tokens: Sequence[int],
    probabilities: Sequence[float],
    seconds: float,
) -> tuple[Word, ...]:
    """The words of a text.

    Args:
        memory: of this one utterance, with nothing decoded.
        heads: layer and head of each that follows the audio.
        prompt: what the decoder was told before the text, ``no_timestamps`` last.
        tokens: of the text, without special tokens.
        probabilities: one for each of them.
        seconds: length of the audio, without the silence after it.
    """
    if not tokens:
        return ()
    look: list[Tensor] = []
    decoder(torch.tensor([[*prompt, *tokens, tokenizer.eot]], device=memory.cross[0][0].device), memory, look)
    positions = max(1, min(look[0].shape[-1], round(seconds * TOKENS_PER_SECOND)))
    weights = torch.stack([look[layer][0, head, :, :positions] for layer, head in heads]).float().softmax(dim=-1)
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    weights = median_filter((weights - mean) / deviation.clamp(min=1e-6), SMOOTHING)
    cost = -weights.mean(dim=0)[len(prompt) - 1 : -1]
    path, times = dtw_cpu(np.ascontiguousarray(cost.double().cpu().numpy()))
    starts = times[np.pad(np.diff(path), (1, 0), constant_values=1).astype(bool)] / TOKENS_PER_SECOND

    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    bounds = np.cumsum([0, *(len(group) for group in groups[:-1])])
    found = []
    for text, group, begin, end in zip(texts, groups, bounds, bounds[1:], strict=False):
        probability = float(np.mean(probabilities[begin:end]))
        found.append(WordTiming(text, group, float(starts[begin]), float(starts[end]), probability))
    merge_punctuations(found, OPENING, CLOSING)
    return tuple(
        Word(word.word, min(word.start, seconds), min(max(word.start, word.end), seconds), word.probability)
        for word in found
        if word.word
    )
