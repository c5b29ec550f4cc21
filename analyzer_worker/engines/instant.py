"""A constant answer without a model, to measure the cost of the services around one."""

from analyzer_worker.engines.base import INSTANT_MODEL, NEGATIVE, NEUTRAL, POSITIVE, Probabilities, SentimentAnalyzer


class InstantAnalyzer(SentimentAnalyzer):
    """Labels every text neutral. For benchmarks only."""

    name = INSTANT_MODEL
    revision = "1"

    def __init__(self, languages: frozenset[str] | None = None) -> None:
        """Support ``languages``; None for any."""
        self.languages = languages

    def analyze(self, text: str, language: str) -> Probabilities:  # noqa: ARG002  (required by the interface)
        """Return probability 1 for neutral."""
        return {NEGATIVE: 0.0, NEUTRAL: 1.0, POSITIVE: 0.0}
