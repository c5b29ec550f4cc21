"""Accuracy and macro-F1 from a confusion matrix."""

from dataclasses import dataclass

import torch
from torch import Tensor

from wire.messages.results import LABELS


@dataclass(frozen=True)
class Scores:
    """Quality on one set, 0–1."""

    macro_f1: float
    """Mean over the labels of 2·true positives / (predicted + actual), so that rare labels weigh as much as others."""
    accuracy: float
    sentences: int


def score(predicted: Tensor, targets: Tensor) -> Scores:
    """Score predictions; both tensors are (sentences,) int64, indices into ``LABELS``."""
    count = len(LABELS)
    confusion = torch.bincount(targets * count + predicted, minlength=count * count).reshape(count, count).double()
    f1 = 2 * confusion.diagonal() / (confusion.sum(0) + confusion.sum(1)).clamp(min=1)
    return Scores(float(f1.mean()), float(confusion.diagonal().sum() / confusion.sum()), len(targets))
