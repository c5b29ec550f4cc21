"""The factory of sentiment engines. An engine's libraries are imported only when that engine is chosen."""

from pathlib import Path

from analyzer_worker.engines.base import INSTANT_MODEL, SentimentAnalyzer
from analyzer_worker.weights.adapter import DEFAULT_MODEL


def load_analyzer(
    model: str,
    languages: frozenset[str] | None,
    cache: Path,
    threads: int,
    base: Path | None = None,
    download: bool = True,
) -> SentimentAnalyzer:
    """Load the engine for ``model``.

    Args:
        model: ``minilm-sentiment-en``, ``instant``, the id of a sequence-classification model on the Hugging Face Hub,
            or a folder with one.
        languages: ISO 639-1 codes to answer in, ``*`` for any; None for those that the model declares.
        cache: folder for extracted and downloaded files.
        threads: CPU threads for one inference.
        base: folder with the base weights of ``minilm-sentiment-en``; None for the installed package.
        download: whether a Hub model that is not in the cache may be downloaded.

    Raises:
        ModelError: the model is missing or damaged, has labels without a known meaning, or does not support
            ``languages``.
    """
    if model == INSTANT_MODEL:
        from analyzer_worker.engines.instant import InstantAnalyzer

        return InstantAnalyzer(languages)
    if model == DEFAULT_MODEL:
        from analyzer_worker.engines.minilm_lora import load_minilm

        return load_minilm(languages, cache, threads, base)
    from analyzer_worker.engines.hub_classifier import load_hub_classifier

    return load_hub_classifier(model, languages, cache, threads, download)
