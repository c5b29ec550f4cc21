"""Labelled sentences: JSON lines with ``text`` and ``label``, batched by length."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from analyzer_worker.engines.pooled_net import PooledNet, pad
from wire.messages.results import LABELS

LANGUAGES = {
    "goemotions_ko": "ko",
    "nsmc": "ko",
    "kote": "ko",
    "xed_de": "de",
    "xed_fr": "fr",
    "xed_es": "es",
}
"""Beginning of a set's name → ISO 639-1 code; all others are English."""
BINARY_SETS = frozenset({"nsmc_train", "kote_val"})
"""Training sets without a neutral label."""


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


def calmed(sentences: Sentences) -> Sentences:
    """Return the set with every ``!`` made a full stop, as a transcript would have it."""
    return replace(replace_exclamation_marks(sentences, seed=0, share=1.0), name=f"{sentences.name}_calmed")


def language_of(name: str) -> str:
    """Return the ISO 639-1 code of a set."""
    return next((code for beginning, code in LANGUAGES.items() if name.startswith(beginning)), "en")


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


@torch.inference_mode()
def logits_in_batches(net: PooledNet, encoded: Sequence[list[int]], size: int, padding: int = 0) -> Tensor:
    """Compute the logits of tokenized sentences, ``size`` of similar length at once: (sentences, 3) float32."""
    logits = torch.empty(len(encoded), len(LABELS))
    for group in groups_by_length([len(ids) for ids in encoded], size, None):
        logits[group] = net(*pad([encoded[index] for index in group], padding)).float()
    return logits
