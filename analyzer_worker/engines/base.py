"""The contract of a sentiment engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

NEGATIVE, NEUTRAL, POSITIVE = LABELS = ("negative", "neutral", "positive")
DEFAULT_MODEL = "minilm-sentiment-en"
INSTANT_MODEL = "instant"


@dataclass(frozen=True)
class Sentiment:
    """How one text is meant."""

    label: str
    """One of ``LABELS``: the most probable."""
    score: float
    """Probability of ``label``, 0…1."""
    probabilities: dict[str, float]
    """Probability of each of ``LABELS``; they sum to 1."""

    @classmethod
    def from_probabilities(cls, probabilities: Mapping[str, float]) -> "Sentiment":
        """The answer of a model that gave each of ``LABELS`` a probability."""
        label = max(LABELS, key=lambda name: probabilities[name])
        return cls(label, probabilities[label], {name: probabilities[name] for name in LABELS})


class SentimentAnalyzer(Protocol):
    """An engine: one file in ``engines/`` each."""

    @property
    def name(self) -> str:
        """The model as the operator chose it."""

    @property
    def revision(self) -> str:
        """Changes when the answers may change."""

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes that the model knows; None for any. The caller asks in no other language."""

    def analyze(self, text: str) -> Sentiment:
        """Sentiment of ``text``, of any length and content; what exceeds the model's tokens is cut off."""
