"""The projection of the decoder's state onto the vocabulary."""

import torch
from torch import Tensor
from torch.nn.functional import linear

from stt_worker.engines.whisper.linear import PACKS
from stt_worker.numerics import INT8, Format

SHORTLIST = 16
"""Best tokens by int8 scores that are scored again; in 560 real states the best by float32 was among the best 2."""


class Vocabulary:
    """Scores of the next token, in the type of the weights."""

    def __init__(self, embedding: Tensor) -> None:
        """Use the token embedding, shape (tokens, state)."""
        self._embedding = embedding

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        """(batch, state) → logits (batch, tokens), float32; −∞ at the indices ``suppressed`` (batch, count)."""
        logits = linear(states, self._embedding).float()
        return logits if suppressed is None else logits.scatter_(1, suppressed, -torch.inf)


class ShortlistVocabulary(Vocabulary):
    """All scores in int8, the best again in the type of the weights.

    The best token is the same, for a quarter of the memory traffic.
    """

    def __init__(self, embedding: Tensor, numbers: Format) -> None:
        """Pack the token embedding, shape (tokens, state), in an int8 format."""
        super().__init__(embedding)
        self._rough = PACKS[numbers](embedding, None)

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        """See ``Vocabulary``."""
        rows = [self._rough(states[row : row + 1]) for row in range(len(states))]
        logits = rows[0] if len(rows) == 1 else torch.cat(rows)
        if suppressed is not None:
            logits.scatter_(1, suppressed, -torch.inf)
        best = logits.topk(SHORTLIST, dim=-1, sorted=False).indices
        exact = (self._embedding[best] @ states.unsqueeze(-1)).squeeze(-1)
        return logits.scatter_(1, best, exact)


def make_vocabulary(embedding: Tensor, numbers: Format) -> Vocabulary:
    """Return the projection in a number format; ``embedding`` has shape (tokens, state)."""
    return ShortlistVocabulary(embedding, numbers) if numbers in INT8 else Vocabulary(embedding)
