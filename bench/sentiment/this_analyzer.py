"""The sentiment model of this repository as a worker loads it."""

from pathlib import Path

from analyzer_worker.engines.base import SentimentAnalyzer
from analyzer_worker.engines.load import Loading, load_analyzer
from analyzer_worker.settings import Settings
from analyzer_worker.weights.adapter import E5
from infra.settings import load_settings


def load_model(model: str, adapter: Path | None = None) -> SentimentAnalyzer:
    """Load a model as ``ANALYZER_MODEL`` names it, on one thread; its languages are those that it declares.

    Args:
        model: its name.
        adapter: folder of another adapter for the multilingual model than the one in the repository.

    Raises:
        ModelError: the model or the adapter is missing or damaged.
    """
    settings = load_settings(Settings)
    if model == E5 and adapter:
        from analyzer_worker.engines.e5_lora import load_e5

        return load_e5(None, 1, settings.base_weights, adapter)
    loading = Loading(settings.model_cache, 1, settings.base_weights, download=not settings.model_offline)
    return load_analyzer(model, None, loading)


def margin() -> float:
    """Return the difference of the two highest probabilities below which a worker's label is neutral."""
    return load_settings(Settings).margin
