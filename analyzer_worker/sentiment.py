"""What a sentiment engine is, and the one place that chooses one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
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


def load_analyzer(
    model: str,
    languages: frozenset[str] | None,
    cache: Path,
    threads: int,
    base: Path | None = None,
    download: bool = True,
) -> SentimentAnalyzer:
    """The engine for ``model``, loaded and ready.

    Args:
        model: ``minilm-sentiment-en``, ``instant``, the id of a sequence-classification model on the Hugging Face Hub,
            or a folder with one.
        languages: ISO 639-1 codes to answer in, ``*`` for any; None for what the model itself declares.
        cache: folder for what is extracted or downloaded.
        threads: CPU threads for one inference.
        base: folder with the base weights of ``minilm-sentiment-en``; None for the installed package.
        download: whether a Hub model that is not in the cache may be downloaded.

    Raises:
        ModelError: the model is missing, damaged, has labels nobody can map, or does not know ``languages``.
    """
    if model == INSTANT_MODEL:
        from analyzer_worker.engines.instant import InstantAnalyzer

        return InstantAnalyzer(languages)
    if model == DEFAULT_MODEL:
        from analyzer_worker.engines.minilm_lora import load_minilm

        return load_minilm(languages, cache, threads, base)
    from analyzer_worker.engines.hub_classifier import load_hub_classifier

    return load_hub_classifier(model, languages, cache, threads, download)
