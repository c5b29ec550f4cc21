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
    confusion = confusion_matrix(predicted, targets)
    accuracy = confusion.diagonal().sum() / confusion.sum()
    return Scores(float(label_f1(confusion).mean()), float(accuracy), len(targets))


def confusion_matrix(predicted: Tensor, targets: Tensor) -> Tensor:
    """Count sentences by label, (actual, predicted) float64; arguments as in ``score``."""
    count = len(LABELS)
    return torch.bincount(targets * count + predicted, minlength=count * count).reshape(count, count).double()


def label_f1(confusion: Tensor) -> Tensor:
    """Return the F1 of each label, (…, labels), from numbers of sentences, (…, actual label, predicted label)."""
    diagonal = confusion.diagonal(dim1=-2, dim2=-1)
    return 2 * diagonal / (confusion.sum(-2) + confusion.sum(-1)).clamp(min=1)
