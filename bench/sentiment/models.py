"""Models and simple baselines that label sentences, and one interface for both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from analyzer_worker.engines.base import SentimentAnalyzer
from analyzer_worker.engines.e5_lora import E5Analyzer
from analyzer_worker.tasks.analyze import sentiment_of
from bench.sentiment.scores import most_probable
from bench.sentiment.sets import LabelledSet
from wire.messages.results import LABELS, Label

BATCH = 32


@dataclass(frozen=True)
class Predictions:
    """Labels of a set's sentences, as indices into ``LABELS``."""

    most_probable: list[int]
    shown: list[int]
    """Labels that clients would get: neutral where two are nearly equally probable."""


class Classifier(Protocol):
    """A model or a baseline."""

    @property
    def name(self) -> str:
        """Its name in tables and results."""

    def supports(self, language: str) -> bool:
        """Return True if sentences in this language are labelled."""

    def classify(self, sentences: LabelledSet) -> Predictions:
        """Label the sentences of a set."""


class Model:
    """A sentiment engine as a worker uses it, with many sentences at once."""

    def __init__(self, analyzer: SentimentAnalyzer, margin: float) -> None:
        """Take an engine, and the margin below which its labels are neutral."""
        self.analyzer = analyzer
        self.name = analyzer.name
        self.margin = margin

    @property
    def numbers(self) -> str:
        """The number format of the products."""
        return "int8" if self.analyzer.revision.endswith("int8") else "float32"

    def supports(self, language: str) -> bool:
        """See ``Classifier``."""
        return self.analyzer.support(language) is not None

    def temperature(self, language: str) -> float:
        """Return the divisor of the logits."""
        return self.analyzer.temperature(language) if isinstance(self.analyzer, E5Analyzer) else 1.0

    def logits(self, texts: Sequence[str], language: str) -> Tensor:
        """Return logits before the temperature, (texts, 3) float32; those of a text may have a common summand."""
        return self.probabilities(texts, language).clamp(min=1e-30).log() * self.temperature(language)

    def probabilities(self, texts: Sequence[str], language: str) -> Tensor:
        """Return the engine's probabilities, (texts, 3)."""
        probabilities = torch.empty(len(texts), len(LABELS))
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(texts), BATCH):
            chosen = by_length[start : start + BATCH]
            answers = self.analyzer.analyze_all([(texts[index], language) for index in chosen])
            probabilities[chosen] = torch.tensor([[answer[label] for label in LABELS] for answer in answers])
        return probabilities

    def shown(self, texts: Sequence[str], language: str) -> list[Label]:
        """Return the labels that clients would get."""
        return [self._shown(row, language) for row in self.probabilities(texts, language).tolist()]

    def classify(self, sentences: LabelledSet) -> Predictions:
        """See ``Classifier``; of a binary set both labels are the most probable one."""
        probabilities = self.probabilities(sentences.texts, sentences.language)
        chosen = most_probable(probabilities, sentences.binary)
        if sentences.binary:
            return Predictions(chosen, chosen)
        rows = probabilities.tolist()
        return Predictions(chosen, [LABELS.index(self._shown(row, sentences.language)) for row in rows])

    def _shown(self, row: Sequence[float], language: str) -> Label:
        probabilities = dict(zip(LABELS, row, strict=True))
        return sentiment_of(probabilities, self.name, language, self.margin).label
