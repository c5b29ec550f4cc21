"""An engine that answers at once and always the same: it measures what the services cost around the model."""

from analyzer_worker.engines.base import INSTANT_MODEL, NEUTRAL, Sentiment


class InstantAnalyzer:
    """Says neutral to everything. For benchmarks only: the answer means nothing."""

    name = INSTANT_MODEL
    revision = "1"

    def __init__(self, languages: frozenset[str] | None = None) -> None:
        self.languages = languages

    def analyze(self, text: str) -> Sentiment:  # noqa: ARG002  (that is the point)
        return Sentiment(NEUTRAL, 1.0, {"negative": 0.0, "neutral": 1.0, "positive": 0.0})
