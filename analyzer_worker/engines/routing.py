"""The model of each language."""

from collections.abc import Mapping

from analyzer_worker.engines.base import SentimentAnalyzer
from analyzer_worker.settings import ANY_LANGUAGE
from wire.errors import ModelError


class Routing:
    """Chooses a model by language."""

    def __init__(self, analyzers: Mapping[str, SentimentAnalyzer]) -> None:
        """Take the analyzers by ISO 639-1 code; the one of ``*`` is for any other language.

        Raises:
            ModelError: a language is routed to a model that does not support it.
        """
        self._analyzers = dict(analyzers)
        for language, analyzer in analyzers.items():
            if language != ANY_LANGUAGE and analyzer.support(language) is None:
                raise ModelError(
                    "model_languages",
                    f"{analyzer.name} does not support {language}, which ANALYZER_MODELS routes to it.",
                    "Route the language to another model.",
                )

    @property
    def name(self) -> str:
        """The names of all models."""
        return ", ".join(dict.fromkeys(analyzer.name for analyzer in self._analyzers.values()))

    @property
    def revision(self) -> str:
        """The revisions of all models."""
        return ", ".join(dict.fromkeys(analyzer.revision for analyzer in self._analyzers.values()))

    def refusal(self, language: str) -> str:
        """Return why ``model_for`` has no model for a language."""
        routed = self._routed(language)
        if routed is None:
            return f"The sentiment model for this language ({language}) is missing in ANALYZER_MODELS."
        return f"The sentiment model {routed.name} does not read this language ({language})."

    def model_for(self, language: str) -> SentimentAnalyzer | None:
        """Return the model for a language; None if no model supports it."""
        analyzer = self._routed(language)
        return analyzer if analyzer and analyzer.support(language) else None

    def _routed(self, language: str) -> SentimentAnalyzer | None:
        return self._analyzers.get(language) or self._analyzers.get(ANY_LANGUAGE)
