"""The interface of a sentiment engine."""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from wire.messages.results import LABELS, Label

NEGATIVE, NEUTRAL, POSITIVE = LABELS
INSTANT_MODEL = "instant"

Probabilities: TypeAlias = dict[Label, float]
"""Probability of each label, 0–1, in the order of ``LABELS``; the three sum to 1."""


class SentimentAnalyzer(Protocol):
    """An engine. Each implementation has a file of its own in this folder."""

    @property
    def name(self) -> str:
        """The model as ``ANALYZER_MODEL`` names it."""

    @property
    def revision(self) -> str:
        """Version of the model's files; a change means that answers may change."""

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes that the model supports; None for any. Callers pass text in no other language."""

    def analyze(self, text: str) -> Probabilities:
        """Classify ``text``, of any length and content; what exceeds the model's token limit is cut off."""


def most_probable(probabilities: Mapping[Label, float]) -> Label:
    """Return the label with the highest probability; of equal ones the first in ``LABELS``."""
    return max(LABELS, key=lambda label: probabilities[label])
