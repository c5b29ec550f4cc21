"""The tokenizer of multilingual-e5-small without a library: text → ids of XLM-RoBERTa's pieces.

A SentencePiece unigram model (arXiv:1808.06226, arXiv:1804.10959): of all ways to split a word into pieces, the one
with the highest sum of log-probabilities. The package ``tokenizers`` does the same and takes 283 MB for it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from analyzer_worker.weights.e5_file import Vocabulary

METASPACE = "▁"
"""Stands in front of every word, in the place of the space."""
UNKNOWN_PENALTY = 10.0
"""An unknown character scores this much less than the least probable piece; SentencePiece's ``kUnkPenalty``."""
CONTROL_SCORE = 0.0
"""Score of pieces that are no text: ``<s>``, ``<pad>``, ``</s>``, ``<unk>``, ``<mask>``."""
CACHED_WORDS = 20_000
"""Words whose pieces are remembered: some 7 MB in scripts with spaces."""


class UnigramTokenizer:
    """Splits text into token ids. Words are split one by one, as no piece reaches over a space."""

    def __init__(self, vocabulary: Vocabulary, max_tokens: int, cached_words: int = CACHED_WORDS) -> None:
        """Index the pieces; ``max_tokens`` counts ``<s>`` and ``</s>``."""
        self._pieces = _PieceIndex(vocabulary)
        self._normalizer = vocabulary.normalizer
        self._start, self._end, self._unknown = vocabulary.start, vocabulary.end, vocabulary.unknown
        self._unknown_score = float(vocabulary.scores.min()) - UNKNOWN_PENALTY
        self.max_tokens = max_tokens
        self.padding = vocabulary.padding
        self._pieces_of = lru_cache(cached_words)(self._split)

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``<s>``, ``text`` and ``</s>``; what exceeds the limit is cut off the text's end."""
        return self.encode_parts(text)[0]

    def encode_parts(self, text: str) -> list[list[int]]:
        """Return the ids as ``encode`` does, and those of what exceeds the limit in further parts; at least one."""
        content: list[int] = []
        limit = self.max_tokens - 2
        text = text.replace("\0", "")  # numpy takes it for the end of a string
        for word in unicodedata.normalize("NFC", text).translate(self._normalizer).split():
            content += self._pieces_of(METASPACE + word)
        starts = range(0, max(len(content), 1), limit)
        return [[self._start, *content[start : start + limit], self._end] for start in starts]

    def _split(self, word: str) -> tuple[int, ...]:
        """Find the best pieces of one word by the Viterbi algorithm."""
        best = [0.0] + [float("-inf")] * len(word)
        came_by = [(0, 0)] * (len(word) + 1)  # (start, id) of the last piece of the best split that ends here
        for start, found in enumerate(self._pieces.in_word(word)):
            here = best[start]
            for end, piece, score in [*found, (start + 1, self._unknown, self._unknown_score)]:
                if here + score > best[end]:
                    best[end] = here + score
                    came_by[end] = (start, piece)
        ids: list[int] = []
        end = len(word)
        while end > 0:
            end, piece = came_by[end]
            if not (ids and piece == ids[-1] == self._unknown):  # unknown characters in a row are one token
                ids.append(piece)
        return tuple(reversed(ids))


class _PieceIndex:
    """Pieces in alphabetical order, for a binary search: a quarter of the memory of a dictionary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        order = np.argsort(vocabulary.pieces)
        order = order[vocabulary.scores[order] != CONTROL_SCORE]
        self._sorted = vocabulary.pieces[order]
        self._ids = order.astype(np.int32)
        self._scores = vocabulary.scores[order]

    def in_word(self, word: str) -> Iterator[list[tuple[int, int, float]]]:
        """Yield for each place in ``word``: end, id and score of every piece that starts there."""
        letters = [letter.encode("utf-8", "replace") for letter in word]
        candidates = [list(self._beginnings(letters[start:])) for start in range(len(letters))]
        ids, scores = self._find([candidate for several in candidates for candidate in several])
        at = 0
        for start, several in enumerate(candidates):
            here = range(at, at + len(several))
            yield [(start + 1 + index - at, ids[index], scores[index]) for index in here if ids[index] >= 0]
            at += len(several)

    def _beginnings(self, letters: Sequence[bytes]) -> Iterator[bytes]:
        """Yield the first letter, the first two, and so on, up to the length of the longest piece."""
        beginning = b""
        for letter in letters:
            beginning += letter
            if len(beginning) > self._sorted.itemsize:
                return
            yield beginning

    def _find(self, candidates: list[bytes]) -> tuple[list[int], list[float]]:
        """Return ids, −1 for what is no piece, and scores."""
        wanted = np.array(candidates, self._sorted.dtype)
        places = np.searchsorted(self._sorted, wanted).clip(max=len(self._sorted) - 1)
        ids = np.where(self._sorted[places] == wanted, self._ids[places], -1)
        return ids.tolist(), self._scores[places].tolist()
