"""Evidence that a sentence is over with a text: the decoder's choice between a full stop, a comma and more words.

Whisper closes most texts with a full stop, wherever the audio ends: of 213 pauses in English speech, it had one in all
that were ends and in 76 % of the others. Its probabilities behind the last word say more. The coefficients are those of
a logistic regression on 393 pauses of 200 ms in six languages (48 speakers). Over speakers that were left out, the area
under the ROC curve was 0.85 in English, 0.96 in Korean, and 0.91 in German, French, Spanish and Portuguese.
"""

import math
import re

from whisper.tokenizer import Tokenizer

from stt_worker.engines.whisper.greedy import Decoded

MARK, COMMA, WORDS, CONSTANT = 0.41, -0.58, 0.41, -4.64
"""Coefficients of the log-odds of a mark and of a comma, and of the logarithm of one more than the words of the last
sentence."""
LEAST = 1e-5
"""Smallest probability, and distance to one, that counts: the numbers of the decoder are not exact."""
SENTENCE = re.compile(r"[.!?。？！…]\s*")
WORD = re.compile(r"\w")


def sentence_end(decoded: Decoded, tokenizer: Tokenizer) -> float | None:
    """Return the log-odds that a sentence is over with a text; None for one that has no words of its own."""
    pieces = [tokenizer.decode([token]) for token in decoded.tokens]
    behind = next((index + 1 for index in reversed(range(len(pieces))) if WORD.search(pieces[index])), 0)
    step = behind - decoded.prefix_len
    if not 0 < step < len(decoded.marks):
        return None
    mark, comma = decoded.marks[step]
    words = len(_last_sentence(tokenizer.decode(decoded.tokens)).split())
    return MARK * _log_odds(mark) + COMMA * _log_odds(comma) + WORDS * math.log1p(words) + CONSTANT


def _last_sentence(text: str) -> str:
    return next((each for each in reversed(SENTENCE.split(text)) if each.strip()), "")


def _log_odds(probability: float) -> float:
    within = min(max(probability, LEAST), 1 - LEAST)
    return math.log(within / (1 - within))
