"""The interface of a sentiment engine."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from wire.messages.results import LABELS, Label

NEGATIVE, NEUTRAL, POSITIVE = LABELS
INSTANT_MODEL = "instant"

Probabilities: TypeAlias = dict[Label, float]
"""Probability of each label, 0–1, in the order of ``LABELS``; the three sum to 1."""


MAX_CHARACTERS = 2_000
"""Texts are cut to this length before tokenization: 30 s of speech have some 500."""

Support = Literal["trained", "zero-shot"]
"""Trained with sentences of the language, or read by an encoder that was, with a head trained on other languages."""


class SentimentAnalyzer(ABC):
    """An engine. Each implementation has a file of its own in this folder."""

    name: str
    """The model as ``ANALYZER_MODEL`` names it."""
    revision: str
    """Version of the model's files; a change means that answers may change."""
    languages: frozenset[str] | None
    """ISO 639-1 codes of the languages that the model was made for; None for any."""
    max_batch = 1
    """Most texts for one call of ``analyze_all``: more than one where that is quicker."""

    def support(self, language: str) -> Support | None:
        """Return the support of a language; None if answers would mean nothing."""
        return "trained" if self.languages is None or language in self.languages else None

    @abstractmethod
    def analyze(self, text: str, language: str) -> Probabilities:
        """Classify ``text``, of any length and content, in a language that the model supports."""

    def analyze_all(self, utterances: Sequence[tuple[str, str]]) -> list[Probabilities]:
        """Classify texts with their languages, in their order; one after the other where an engine does not batch."""
        return [self.analyze(text, language) for text, language in utterances]


def encodable(text: str) -> str:
    """Return a text of at most ``MAX_CHARACTERS`` for a tokenizer: lone surrogates become "?"."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def most_probable(probabilities: Mapping[Label, float]) -> Label:
    """Return the label with the highest probability; of equal ones the first in ``LABELS``."""
    return max(LABELS, key=lambda label: probabilities[label])
