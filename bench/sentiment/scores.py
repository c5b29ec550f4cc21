"""F1, accuracy and swaps of predicted labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analyzer_worker.engines.base import NEGATIVE, NEUTRAL, POSITIVE
from analyzer_worker.training.metrics import confusion_matrix, label_f1
from wire.messages.results import LABELS, Label

SAMPLES = 500
"""Bootstrap samples."""


@dataclass(frozen=True)
class Scores:
    """Quality on one set, 0–1."""

    macro_f1: float
    """Mean over the labels that the set has."""
    macro_f1_error: float
    """Its standard error: how much another sample of as many sentences would change it (bootstrap)."""
    weighted_f1: float
    """Mean weighted by the number of sentences with each label."""
    accuracy: float
    f1: dict[Label, float]
    """2·true positives / (predicted + actual) of each label that the set has."""
    swaps: float
    """Share of all sentences that are negative and called positive, or the other way round."""
    sentences: int


def score(predicted: Sequence[int], targets: Sequence[int]) -> Scores:
    """Score predictions; both are indices into ``LABELS``, and there is at least one.

    Raises:
        ValueError: there are no sentences, or not as many predictions.
    """
    if not targets or len(predicted) != len(targets):
        raise ValueError(f"{len(predicted)} predictions for {len(targets)} sentences")
    confusion = confusion_matrix(torch.tensor(predicted), torch.tensor(targets))
    actual = confusion.sum(1)
    f1 = label_f1(confusion)
    present = actual > 0
    samples = np.random.default_rng(0).multinomial(len(targets), confusion.flatten() / len(targets), SAMPLES)
    resampled = label_f1(torch.from_numpy(samples).reshape(-1, *confusion.shape).double())[:, present].mean(1)
    negative, positive = LABELS.index(NEGATIVE), LABELS.index(POSITIVE)
    return Scores(
        macro_f1=float(f1[present].mean()),
        macro_f1_error=float(resampled.std()),
        weighted_f1=float((f1 * actual).sum() / actual.sum()),
        accuracy=float(confusion.diagonal().sum() / actual.sum()),
        f1={label: float(f1[index]) for index, label in enumerate(LABELS) if present[index]},
        swaps=float((confusion[negative, positive] + confusion[positive, negative]) / actual.sum()),
        sentences=len(targets),
    )


def most_probable(probabilities: Tensor, binary: bool = False) -> list[int]:
    """Return the index of the most probable label of each row, (sentences, 3); binary: other than neutral."""
    if binary:
        probabilities = probabilities.index_fill(1, torch.tensor(LABELS.index(NEUTRAL)), -1.0)
    found: list[int] = probabilities.argmax(1).tolist()
    return found
