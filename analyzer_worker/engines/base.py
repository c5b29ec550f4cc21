"""The interface of a sentiment engine."""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

from wire.messages.results import LABELS, Label

NEGATIVE, NEUTRAL, POSITIVE = LABELS
INSTANT_MODEL = "instant"

Probabilities: TypeAlias = dict[Label, float]
"""Probability of each label, 0–1, in the order of ``LABELS``; the three sum to 1."""


MAX_CHARACTERS = 8192
"""Texts are cut to this length before tokenization: far more than any model reads, and 30 s of speech have some 500."""

Support = Literal["trained", "zero-shot"]
"""Trained with sentences of the language, or read by an encoder that was, with a head trained on other languages."""


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
        """ISO 639-1 codes of the languages that the model was made for; None for any."""

    def support(self, language: str) -> Support | None:
        """Return the support of a language; None if answers would mean nothing."""

    def analyze(self, text: str, language: str) -> Probabilities:
        """Classify ``text``, of any length and content, in a language that the model supports."""


def encodable(text: str) -> str:
    """Return a text of at most ``MAX_CHARACTERS`` for a tokenizer: lone surrogates become "?"."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def declared(languages: frozenset[str] | None, language: str) -> Support | None:
    """Return the support of a model that has its declared languages and no other."""
    return "trained" if languages is None or language in languages else None


def most_probable(probabilities: Mapping[Label, float]) -> Label:
    """Return the label with the highest probability; of equal ones the first in ``LABELS``."""
    return max(LABELS, key=lambda label: probabilities[label])
