"""Probabilities of the signs behind a sentence and inside of it."""

import torch
from torch import Tensor
from whisper.tokenizer import Tokenizer

MARKS = frozenset({".", "!", "?", "...", "。", "…", "?!", "!!", "..", '."', ".'"})
COMMAS = frozenset({",", ";", ":", "-", "、", "—", " -", " —", " –"})
"""Each is one token. The wide marks of Chinese and Japanese but the full stop are several."""


class Marks:
    """The tokens of marks and commas."""

    def __init__(self, tokenizer: Tokenizer, device: torch.device) -> None:
        """Find the tokens of a multilingual or English vocabulary."""
        signs = [tokenizer.encoding.decode_single_token_bytes(token) for token in range(tokenizer.eot)]
        self._marks, self._commas = (
            torch.tensor([token for token, sign in enumerate(signs) if sign in wanted], device=device)
            for wanted in ({sign.encode() for sign in MARKS}, {sign.encode() for sign in COMMAS})
        )
        self._comma_of = {
            token: tokenizer.encode("、" if signs[token].decode() == "。" else ",")[0] for token in self._marks.tolist()
        }

    def comma(self, token: int | None) -> int | None:
        """Return the comma of the same script as a mark; None if the token is no mark."""
        return self._comma_of.get(token) if token is not None else None

    def __call__(self, logits: Tensor, total: Tensor) -> list[tuple[float, float]]:
        """Return the probabilities of a mark and of a comma as the next token, for each row.

        Args:
            logits: (batch, vocabulary).
            total: their ``logsumexp``, (batch,).
        """
        found = [(logits[:, each] - total[:, None]).exp().sum(dim=-1).tolist() for each in (self._marks, self._commas)]
        return list(zip(*found, strict=True))
