"""Tokens that cannot be written at a step: special ones, and signs that are not spoken.

The library suppresses the signs at every step, against notes such as "♪♪♪", "(MUSIC)" or "DAVID: Hey". Some of them are
part of numbers, times and addresses ("5/12/2024", "10:30", "a@b.com"), so they may follow a letter or a digit directly.
"""

from enum import IntEnum

import torch
from torch import Tensor
from whisper.tokenizer import Tokenizer

AFTER_LETTERS_AND_DIGITS = "/@_"
AFTER_DIGITS = ":"
"""A colon after a word ends the name of a speaker."""


class _Before(IntEnum):
    """Last character before a token; letters and digits are those of ASCII."""

    NOTHING, OTHER, LETTER, DIGIT = range(4)


class Suppression:
    """The suppressed tokens of each step. Rows of a batch differ, so they are looked up on the device."""

    def __init__(self, tokenizer: Tokenizer, device: torch.device) -> None:
        """Use the vocabulary of ``tokenizer``; its language and task do not matter."""
        # ``whisper.decoding.DecodingTask._get_suppress_tokens`` for "-1", and ``SuppressBlank``.
        special = (
            tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm,
            tokenizer.no_speech,
        )  # fmt: skip
        always = {*tokenizer.non_speech_tokens, *special}
        after_letter = always - _single(tokenizer, AFTER_LETTERS_AND_DIGITS)
        suppressed = {
            _Before.NOTHING: always | {*tokenizer.encode(" "), tokenizer.eot},
            _Before.OTHER: always,
            _Before.LETTER: after_letter,
            _Before.DIGIT: after_letter - _single(tokenizer, AFTER_DIGITS),
        }
        length = max(map(len, suppressed.values()))
        rows = [sorted(tokens) + [tokenizer.sot] * (length - len(tokens)) for _, tokens in sorted(suppressed.items())]
        self._tokens = torch.tensor(rows, device=device)
        encoding = tokenizer.encoding
        before = [_before(encoding.decode_single_token_bytes(token)) for token in range(encoding.n_vocab)]
        self._before = torch.tensor(before, device=device)

    def first(self, count: int) -> Tensor:
        """Return the tokens with which none of ``count`` texts can begin, (texts, suppressed tokens)."""
        return self._tokens[_Before.NOTHING].expand(count, -1)

    def after(self, tokens: Tensor) -> Tensor:
        """Return the tokens that cannot follow: (batch,) → (batch, suppressed tokens)."""
        return self._tokens[self._before[tokens]]


def _single(tokenizer: Tokenizer, signs: str) -> set[int]:
    """Return the tokens of the signs without a space before them."""
    return {token for sign in signs for token in tokenizer.encode(sign)}


def _before(token: bytes) -> _Before:
    last = token[-1:]
    if last.isdigit():
        return _Before.DIGIT
    return _Before.LETTER if last.isalpha() else _Before.OTHER
