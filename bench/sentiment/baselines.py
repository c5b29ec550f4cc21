"""Simple ways to label sentences, which a model has to be better than."""

from collections import Counter
from typing import Any

import typer

from analyzer_worker.engines.base import NEGATIVE, NEUTRAL, POSITIVE
from bench.sentiment.models import Predictions
from bench.sentiment.sets import LabelledSet
from wire.messages.results import LABELS

VADER_VERSION = "3.3.2"
VADER_THRESHOLD = 0.05
"""Compound score from which a sentence is positive, or negative if it is below zero, as VADER's authors recommend."""


class Majority:
    """Always the most frequent label of a set."""

    name = "majority"

    def supports(self, language: str) -> bool:  # noqa: ARG002 - any
        """See ``Classifier``."""
        return True

    def classify(self, sentences: LabelledSet) -> Predictions:
        """See ``Classifier``."""
        ((label, _),) = Counter(sentences.targets).most_common(1)
        labels = [label] * len(sentences.targets)
        return Predictions(labels, labels)


class Vader:
    """VADER (Hutto and Gilbert 2014): a list of English words with their sentiment, and rules."""

    name = "vader"

    def __init__(self) -> None:
        """Load the list; ends the program with a message if the package is missing."""
        try:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
        except ImportError as missing:
            raise typer.BadParameter(
                f"VADER is missing. Run: pip install --no-deps vaderSentiment=={VADER_VERSION} "
                "(make eval-sentiment does it)"
            ) from missing
        self._analyzer: Any = SentimentIntensityAnalyzer()

    def supports(self, language: str) -> bool:
        """See ``Classifier``."""
        return language == "en"

    def classify(self, sentences: LabelledSet) -> Predictions:
        """See ``Classifier``."""
        labels = [label_of(self._analyzer.polarity_scores(text)["compound"]) for text in sentences.texts]
        return Predictions(labels, labels)


def label_of(compound: float) -> int:
    """Return the index of the label for a compound score, −1 to 1."""
    if compound >= VADER_THRESHOLD:
        return LABELS.index(POSITIVE)
    return LABELS.index(NEGATIVE if compound <= -VADER_THRESHOLD else NEUTRAL)
