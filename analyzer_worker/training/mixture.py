"""Training sentences of the multilingual model: those of several sets, and others made by rules.

Sets without a neutral label (films, comments in Korean) teach only negative against positive; see ``Example.binary``.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from analyzer_worker.engines.base import NEUTRAL
from analyzer_worker.engines.pooled_net import pad
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.training.asr_noise import as_recognized
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.rules.spoken import KINDS, spoken_sentences
from analyzer_worker.training.sentences import (
    BINARY_SETS,
    Sentences,
    groups_by_length,
    language_of,
    read_sentences,
)
from analyzer_worker.training.teachers import Taught
from wire.messages.results import LABELS

HELD_OUT = {"nsmc_train": 1_000, "kote_val": 500}
"""Sentences of sets without a dev part that are kept for evaluation during training."""
HELD_OUT_SEED = 7
KOREAN_NAMES = ("민수", "지은", "서준", "유진", "하늘", "지훈", "수현", "영호", "은정", "도윤")
"""For the ``[NAME]`` of the Korean GoEmotions."""
NAME_KEPT = 0.3
"""Share of sentences that keep it, 0–1, as the dev and test parts have it."""


@dataclass(frozen=True)
class Example:
    """One training sentence."""

    text: str
    language: str
    """ISO 639-1 code."""
    target: int
    """Index into ``LABELS``."""
    weight: float
    """Factor of its loss; 1 on average over a set."""
    binary: bool
    """The loss compares negative and positive only."""
    taught: Sequence[float]
    """Probabilities of the labels by the teachers; those of ``target`` itself where there are none."""
    whole: bool = False
    """The sentence is not cut: its end decides."""


@dataclass(frozen=True)
class TrainingBatch:
    """Examples of similar length."""

    ids: Tensor
    """(batch, tokens) int64."""
    mask: Tensor
    """(batch, tokens) int64, 1 for a token."""
    targets: Tensor
    """(batch,) int64, index into ``LABELS``."""
    weights: Tensor
    """(batch,) float32."""
    binary: Tensor
    """(batch,) bool."""
    taught: Tensor
    """(batch, 3) float32, probabilities of the labels by the teachers."""


def without_neutral(sentences: Sentences) -> Sentences:
    """Drop the neutral sentences of a set that has hardly any."""
    kept = [pair for pair in zip(sentences.texts, sentences.targets, strict=True) if LABELS[pair[1]] != NEUTRAL]
    return Sentences(sentences.name, [text for text, _ in kept], [target for _, target in kept])


def split_held_out(sentences: Sentences) -> tuple[Sentences, Sentences]:
    """Split a set into its training part and the part that is kept for evaluation, which may be empty."""
    order = list(range(len(sentences.texts)))
    random.Random(HELD_OUT_SEED).shuffle(order)
    count = HELD_OUT.get(sentences.name, 0)
    return _part(sentences, sorted(order[count:])), _part(sentences, sorted(order[:count]))


def read_training_set(folder: Path, name: str) -> tuple[Sentences, Sentences]:
    """Read a set and return its training part and its held-out part."""
    sentences = read_sentences(folder, name)
    return split_held_out(without_neutral(sentences) if name in BINARY_SETS else sentences)


class Mixture:
    """The training sentences, epoch by epoch; each epoch is determined by the recipe's seed and its number."""

    def __init__(self, folder: Path, recipe: E5Recipe, taught: Taught) -> None:
        """Read the sets of ``recipe`` from ``folder``; ``taught`` are the teachers' probabilities, if there are any."""
        self._recipe = recipe
        self._taught = taught
        self._sets = [(read_training_set(folder, name)[0], count) for name, count in recipe.mixture]

    def epoch(self, number: int) -> list[Example]:
        """Return the sentences of an epoch, from 0, with noise, in no particular order."""
        chance = random.Random(f"{self._recipe.order} {number}")
        examples = [
            example
            for sentences, count in self._sets
            for example in self._examples(_cycle_part(sentences, count, number, self._recipe.order), chance)
        ]
        examples += self._spoken(number)
        return [self._noisy(example, chance) for example in examples]

    def _examples(self, sentences: Sentences, chance: random.Random) -> Iterator[Example]:
        natural = sentences.name in self._recipe.natural
        weights = label_weights(sentences.targets, 0 if natural else self._recipe.balance)
        taught = self._taught.get(sentences.name, {})
        language, binary = language_of(sentences.name), sentences.name in BINARY_SETS
        for original, target in zip(sentences.texts, sentences.targets, strict=True):
            text = original
            if sentences.name.startswith("meld") and chance.random() < self._recipe.calmed:
                text = text.replace("!", ".")
            if "[NAME]" in text and chance.random() >= NAME_KEPT:
                text = text.replace("[NAME]", chance.choice(KOREAN_NAMES))
            yield Example(text, language, target, weights[target], binary, taught.get(original) or certain(target))

    def _spoken(self, number: int) -> Iterator[Example]:
        for language, kind, count in self._recipe.spoken:
            target = LABELS.index(KINDS[kind])
            for text in spoken_sentences(language, kind, count, self._recipe.order + number):
                yield Example(text, language, target, 1.0, binary=False, taught=certain(target), whole=True)

    def _noisy(self, example: Example, chance: random.Random) -> Example:
        if chance.random() >= self._recipe.noise:
            return example
        text = as_recognized(example.text, example.language, chance, whole=example.whole)
        return replace(example, text=text)


def certain(target: int) -> list[float]:
    """Return the probabilities of a label that is sure."""
    return [float(index == target) for index in range(len(LABELS))]


def label_weights(targets: Sequence[int], balance: float) -> dict[int, float]:
    """Return the loss weight of each label, its frequency ** -``balance``, scaled to a mean of 1 over ``targets``."""
    raw = {target: count**-balance for target, count in Counter(targets).items()}
    mean = sum(raw[target] for target in targets) / len(targets)
    return {target: weight / mean for target, weight in raw.items()}


def training_batches(
    examples: Sequence[Example], tokenizer: UnigramTokenizer, padding: int, size: int, shuffle: random.Random
) -> Iterator[TrainingBatch]:
    """Yield ``examples`` in random batches of ``size`` or less, each of similar length; ``padding`` is a token id."""
    encoded = [tokenizer.encode(example.text) for example in examples]
    for group in groups_by_length([len(ids) for ids in encoded], size, shuffle):
        ids, mask = pad([encoded[index] for index in group], padding)
        chosen = [examples[index] for index in group]
        yield TrainingBatch(
            ids,
            mask,
            torch.tensor([example.target for example in chosen]),
            torch.tensor([example.weight for example in chosen]),
            torch.tensor([example.binary for example in chosen]),
            torch.tensor([example.taught for example in chosen]),
        )


def _part(sentences: Sentences, indices: Sequence[int]) -> Sentences:
    return Sentences(
        sentences.name, [sentences.texts[index] for index in indices], [sentences.targets[index] for index in indices]
    )


def _cycle_part(sentences: Sentences, count: int, number: int, seed: int) -> Sentences:
    """Return ``count`` sentences for epoch ``number`` of an endless repetition of the set, in one shuffled order."""
    order = list(range(len(sentences.texts)))
    random.Random(f"{seed} {sentences.name}").shuffle(order)
    start = number * count
    return _part(sentences, [order[index % len(order)] for index in range(start, start + count)])
