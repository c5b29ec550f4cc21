"""The factory of sentiment engines. An engine's libraries are imported only when that engine is chosen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from analyzer_worker.engines.base import INSTANT_MODEL, SentimentAnalyzer
from analyzer_worker.engines.routing import Routing
from analyzer_worker.settings import ANY_LANGUAGE, ANY_MODEL
from analyzer_worker.weights.adapter import BUILT_IN, E5, MINILM
from analyzer_worker.weights.e5_package import FILE as E5_FILE
from wire.errors import ModelError
from wire.messages.results import Label

log = structlog.get_logger()


@dataclass(frozen=True)
class Loading:
    """Settings that all engines are loaded with."""

    cache: Path
    """Folder for extracted and downloaded files."""
    threads: int
    """CPU threads for one inference."""
    base: Path | None = None
    """Base weights of the built-in model; None for the installed package."""
    download: bool = True
    """True: a Hub model that is not in the cache is downloaded."""
    exact: bool = False
    """True: the multilingual model computes in float32, not in 8 bits."""
    labels: Mapping[str, tuple[Label, ...]] = field(default_factory=dict)
    """Model, or ``*`` for the only one that is not built in → labels of its classes, in order."""

    def labels_of(self, model: str) -> tuple[Label, ...] | None:
        """Return the labels of the classes of a model that is not built in; None for what the model names them."""
        return self.labels.get(model) or self.labels.get(ANY_MODEL)


def load_routing(models: Mapping[str, str], languages: frozenset[str] | None, loading: Loading) -> Routing:
    """Load each model once, for all languages that are routed to it.

    Args:
        models: ISO 639-1 code, or ``*`` for any other language, → model as in ``load_analyzer``.
        languages: as in ``load_analyzer``, for the model of ``*``.
        loading: settings of all engines.

    Raises:
        ModelError: as ``load_analyzer``; a model does not support a language that is routed to it; the labels are for
            no model in particular, and several are not built in.
    """
    own = [model for model in dict.fromkeys(models.values()) if model not in {*BUILT_IN, INSTANT_MODEL}]
    if ANY_MODEL in loading.labels and len(own) > 1:
        raise ModelError(
            "model_labels",
            f"ANALYZER_LABELS does not say which model it is for: {' or '.join(own)}.",
            "Write it as MODEL=negative,neutral,positive;MODEL=… with the names as in ANALYZER_MODELS.",
        )
    if unused := unused_labels(loading.labels, own):
        log.warning(
            "labels unused",
            setting="ANALYZER_LABELS",
            labels=unused,
            models=[*dict.fromkeys(models.values())],
            reason="built-in models name their classes themselves",
            remedy="Unset ANALYZER_LABELS, or set ANALYZER_MODEL to the model that it is for.",
        )
    analyzers = {}
    for model in dict.fromkeys(models.values()):
        routed = frozenset(language for language, name in models.items() if name == model) - {ANY_LANGUAGE}
        analyzers[model] = load_analyzer(
            model,
            _asked(model, routed, models, languages),
            replace(loading, base=base_of(model, models.values(), loading.base)),
        )
    return Routing({language: analyzers[model] for language, model in models.items()})


def unused_labels(labels: Mapping[str, tuple[Label, ...]], own: Collection[str]) -> list[str]:
    """Return the labels that have no effect, as they were written; ``own`` are the models that are not built in."""
    return [
        ",".join(classes) if model == ANY_MODEL else f"{model}={','.join(classes)}"
        for model, classes in labels.items()
        if (model not in own if model != ANY_MODEL else not own)
    ]


def _asked(
    model: str, routed: frozenset[str], models: Mapping[str, str], languages: frozenset[str] | None
) -> frozenset[str] | None:
    """Return the languages that a model is wanted for; None for those that it declares."""
    if models.get(ANY_LANGUAGE) == model:
        return languages and languages | routed
    return None if model in BUILT_IN else routed  # of a model of one's own the route says what it can do


def load_analyzer(model: str, languages: frozenset[str] | None, loading: Loading) -> SentimentAnalyzer:
    """Load the engine for ``model``.

    Args:
        model: ``e5-sentiment-multilingual``, ``minilm-sentiment-en``, ``instant``, the id of a sequence-classification
            model on the Hugging Face Hub, or a folder with one.
        languages: ISO 639-1 codes to answer in, ``*`` for any; None for those that the model declares.
        loading: settings of all engines.

    Raises:
        ModelError: the model is missing or damaged, has labels without a known meaning, or does not support
            ``languages``.
    """
    if model == INSTANT_MODEL:
        from analyzer_worker.engines.instant import InstantAnalyzer

        return InstantAnalyzer(None if languages and ANY_LANGUAGE in languages else languages)
    if model == E5:
        from analyzer_worker.engines.e5_lora import load_e5

        return load_e5(languages, loading.threads, loading.base, exact=loading.exact)
    if model == MINILM:
        from analyzer_worker.engines.minilm_lora import load_minilm

        return load_minilm(languages, loading.cache, loading.threads, loading.base)
    from analyzer_worker.engines.hub_classifier import load_hub_classifier

    return load_hub_classifier(
        model, languages, loading.cache, loading.threads, loading.download, loading.labels_of(model)
    )


def base_of(model: str, models: Collection[str], base: Path | None) -> Path | None:
    """Return the given base weights, unless they are those of the other built-in model, which is in use too.

    Args:
        model: one of ``models``.
        models: all that are in use.
        base: a file, or a folder with it, is the multilingual model's; another folder the English one's.
    """
    if base is None or not {E5, MINILM} <= set(models):
        return base
    multilingual = base.is_file() or (base / E5_FILE).is_file()
    return base if multilingual == (model == E5) else None
