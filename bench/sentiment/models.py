"""Models and simple baselines that label sentences, and one interface for both."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from analyzer_worker.engines.base import SentimentAnalyzer
from analyzer_worker.engines.e5_lora import E5Analyzer
from analyzer_worker.engines.minilm_lora import MinilmAnalyzer
from analyzer_worker.engines.pooled_net import PooledNet
from analyzer_worker.settings import ANY_LANGUAGE
from analyzer_worker.tasks.analyze import sentiment_of
from analyzer_worker.training.sentences import logits_in_batches
from bench.sentiment.scores import most_probable
from bench.sentiment.sets import LabelledSet
from wire.messages.results import LABELS, Label

BATCH = 32
TOLERANCE = 1e-3
"""Greatest difference of a probability between a batch and the engine's answer."""
CHECKED = 24
"""Sentences whose answers are compared."""


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


@dataclass(frozen=True)
class Batches:
    """The network of an engine, for many sentences at once."""

    net: PooledNet
    encode: Callable[[str], list[int]]
    max_tokens: int
    """The engine has a way of its own with texts that reach this limit."""

    @classmethod
    def of(cls, analyzer: SentimentAnalyzer) -> "Batches | None":
        """Return the network of a built-in model, None for any other."""
        if isinstance(analyzer, E5Analyzer):
            return cls(analyzer._net, analyzer._tokenizer.encode, analyzer._tokenizer.max_tokens)
        if isinstance(analyzer, MinilmAnalyzer):
            tokenizer = analyzer._tokenizer
            limit = (tokenizer.truncation or {})["max_length"]
            return cls(analyzer._net, lambda text: list(tokenizer.encode(text).ids), limit)
        return None

    def logits(self, encoded: Sequence[list[int]]) -> Tensor:
        """Compute the logits, (sentences, 3) float32."""
        return logits_in_batches(self.net, encoded, BATCH)


class Model:
    """A sentiment engine as a worker uses it; in batches, where that gives the same numbers."""

    def __init__(self, analyzer: SentimentAnalyzer, margin: float) -> None:
        """Take an engine, and the margin below which its labels are neutral."""
        self.analyzer = analyzer
        self.name = analyzer.name
        self.margin = margin
        self._batches = Batches.of(analyzer)

    @property
    def numbers(self) -> str:
        """The number formats of the network's weights, such as ``float32``."""
        weights = self._batches.net.state_dict().values() if self._batches else []
        formats = Counter(str(each.dtype).removeprefix("torch.") for each in weights if isinstance(each, Tensor))
        return ", ".join(formats) or "unknown"

    @property
    def in_batches(self) -> bool:
        """True if sentences are computed many at once."""
        return self._batches is not None

    def supports(self, language: str) -> bool:
        """See ``Classifier``."""
        return self.analyzer.support(language) is not None

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens with the first and the last one; for models without batches a guess."""
        return len(self._batches.encode(text)) if self._batches else len(text.split()) + 2

    def check_batches(self, sets: Sequence[LabelledSet]) -> float | None:
        """Compare some answers of batches with the engine's, and give batches up if they differ.

        Returns:
            The greatest difference of a probability; None if there are no batches.
        """
        pairs = [(text, each.language) for each in sets if self.supports(each.language) for text in each.texts]
        if self._batches is None or not pairs:
            return None
        sample = random.Random(0).sample(pairs, min(CHECKED, len(pairs)))
        logits = self._batches.logits([self._batches.encode(text) for text, _ in sample])
        temperatures = torch.tensor([[self.temperature(language)] for _, language in sample])
        difference = (logits / temperatures).softmax(1) - torch.stack([self._analyze(*pair) for pair in sample])
        greatest = float(difference.abs().max())
        if greatest > TOLERANCE:
            self._batches = None
        return greatest

    def temperature(self, language: str) -> float:
        """Return the divisor of the logits."""
        if not isinstance(self.analyzer, E5Analyzer):
            return 1.0
        temperatures = self.analyzer._temperatures
        return temperatures.get(language, temperatures[ANY_LANGUAGE])

    def logits(self, texts: Sequence[str], language: str) -> Tensor:
        """Return logits before the temperature, (texts, 3) float32; those of a text may have a common summand."""
        logits = torch.empty(len(texts), len(LABELS))
        encoded = [self._batches.encode(text) for text in texts] if self._batches else []
        short = [index for index, ids in enumerate(encoded) if self._batches and len(ids) < self._batches.max_tokens]
        if self._batches and short:
            logits[short] = self._batches.logits([encoded[index] for index in short])
        for index in set(range(len(texts))).difference(short):
            answer = self._analyze(texts[index], language)
            logits[index] = answer.clamp(min=1e-30).log() * self.temperature(language)
        return logits

    def probabilities(self, texts: Sequence[str], language: str) -> Tensor:
        """Return the engine's probabilities, (texts, 3)."""
        return (self.logits(texts, language) / self.temperature(language)).softmax(1)

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

    def _analyze(self, text: str, language: str) -> Tensor:
        return torch.tensor([*self.analyzer.analyze(text, language).values()])

    def _shown(self, row: Sequence[float], language: str) -> Label:
        probabilities = dict(zip(LABELS, row, strict=True))
        return sentiment_of(probabilities, self.name, language, self.margin).label
