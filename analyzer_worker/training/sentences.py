"""Labelled sentences: JSON lines with ``text`` and ``label``, batched by length."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from wire.messages.results import LABELS


@dataclass(frozen=True)
class Batch:
    """Sentences of similar length."""

    ids: Tensor
    """(batch, tokens) int64, padded with 0."""
    mask: Tensor
    """(batch, tokens) int64, 1 for a token."""
    targets: Tensor
    """(batch,) int64, index into ``LABELS``."""


@dataclass(frozen=True)
class Sentences:
    """One labelled set; ``targets`` are indices into ``LABELS``."""

    name: str
    texts: list[str]
    targets: list[int]

    def __add__(self, other: "Sentences") -> "Sentences":
        """Concatenate two sets."""
        return Sentences(f"{self.name}+{other.name}", self.texts + other.texts, self.targets + other.targets)


def read_sentences(folder: Path, name: str) -> Sentences:
    """Read the set ``name`` from ``folder/name.jsonl``."""
    rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return Sentences(name, [row["text"] for row in rows], [LABELS.index(row["label"]) for row in rows])


def replace_exclamation_marks(sentences: Sentences, seed: int, share: float = 0.5) -> Sentences:
    """Replace ``!`` by ``.`` in a share (0–1) of the texts, as speech recognition rarely writes exclamation marks."""
    generator = random.Random(seed)
    texts = [text.replace("!", ".") if generator.random() < share else text for text in sentences.texts]
    return Sentences(sentences.name, texts, sentences.targets)


def batches(sentences: Sentences, tokenizer: Tokenizer, size: int, shuffle: random.Random | None) -> Iterator[Batch]:
    """Yield ``sentences`` in batches of ``size`` or less, each of similar length; in random order with ``shuffle``."""
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(sentences.texts)]
    for group in groups_by_length([len(ids) for ids in encoded], size, shuffle):
        ids, mask = pad([encoded[index] for index in group])
        yield Batch(ids, mask, torch.tensor([sentences.targets[index] for index in group]))


def groups_by_length(lengths: Sequence[int], size: int, shuffle: random.Random | None) -> list[list[int]]:
    """Group indices of sentences by ``size`` or less, so that lengths in a group are similar.

    Sorting by length inside random pools of 50 groups keeps the padding small and the order random.

    Args:
        lengths: tokens of each sentence.
        size: sentences per group.
        shuffle: source of the random order; None to sort all sentences by length.
    """
    order = list(range(len(lengths)))
    pool = len(order)
    if shuffle:
        shuffle.shuffle(order)
        pool = 50 * size
    groups = []
    for start in range(0, len(order), pool):
        near = sorted(order[start : start + pool], key=lambda index: lengths[index])
        groups += [near[at : at + size] for at in range(0, len(near), size)]
    if shuffle:
        shuffle.shuffle(groups)
    return groups


def pad(rows: Sequence[Sequence[int]], padding: int = 0) -> tuple[Tensor, Tensor]:
    """Return ids padded at their end, and the mask with 1 for a token; both (rows, longest) int64."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[padding] * (width - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return ids, mask
