"""Any sequence-classification model of transformers, from the Hugging Face Hub or a folder."""

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, encodable
from analyzer_worker.engines.label_map import label_classes, merge_probabilities
from analyzer_worker.settings import ANY_LANGUAGE
from analyzer_worker.weights.hub import declared_languages, model_folder, revision_of
from analyzer_worker.weights.hub_faults import unusable
from wire.errors import ModelError
from wire.messages.results import Label

MAX_TOKENS = 256
"""Longer texts are cut off; an utterance of 30 s has about 100 tokens."""
LOAD_ERRORS = (
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ImportError,
    SafetensorError,
    UnpicklingError,
)
"""Raised by transformers for missing, damaged or foreign files, and for tokenizers whose library is not installed; by a
network for tokens or lengths that it is not made for."""
RESERVED_POSITIONS = 2
"""Positions of a RoBERTa that no token gets."""
TRIAL = "This is a sentence of many words. " * MAX_TOKENS
"""Analysed once when the model is loaded."""


class HubClassifier(SentimentAnalyzer):
    """A model, its tokenizer, and the label of each of its classes; float32, one text at a time."""

    def __init__(
        self,
        name: str,
        revision: str,
        languages: frozenset[str] | None,
        labels: list[Label],
        model: Any,
        tokenizer: Any,
    ) -> None:
        """Take a network and its tokenizer; the network's classes have ``labels``, in order."""
        self.name = name
        self.revision = revision
        self.languages = languages
        self._model = model.float().eval()
        self._tokenizer = tokenizer
        config = model.config
        self._labels = labels
        positions = getattr(config, "max_position_embeddings", None) or 0
        limits = [tokenizer.model_max_length, positions - RESERVED_POSITIONS]
        self._max_tokens = min(MAX_TOKENS, *(limit for limit in limits if limit > 0))  # XLNet has −1 positions: any

    @torch.inference_mode()
    def analyze(self, text: str, language: str) -> Probabilities:  # noqa: ARG002 - the model finds it out
        """Classify ``text``, cut at ``MAX_TOKENS`` or at what the model has positions for."""
        inputs = self._tokenizer(encodable(text), truncation=True, max_length=self._max_tokens, return_tensors="pt")
        probabilities = self._model(**inputs).logits[0].softmax(-1).tolist()
        return merge_probabilities(self._labels, probabilities)


def load_hub_classifier(
    model: str,
    languages: frozenset[str] | None,
    cache: Path,
    threads: int,
    download: bool = True,
    labels: Sequence[Label] | None = None,
) -> HubClassifier:
    """Load ``model``, a Hub id or a folder; arguments as in ``load.load_analyzer``.

    ``languages`` is not checked against the model card. ``labels`` are those of the classes, in order; None for what
    the model names them.

    Raises:
        ModelError: the model is missing, damaged or not a classifier, has labels that cannot be mapped, declares no
            languages where ``languages`` is None, or cannot analyse a text.
    """
    torch.set_num_threads(threads)
    disable_progress_bar()
    folder = model_folder(model, cache, download)
    supported = languages or declared_languages(folder)
    if not supported:
        raise ModelError(
            "model_languages",
            f"The model {model} does not declare which languages it supports.",
            "Set ANALYZER_LANGUAGES, for example to en or ko,en; to * if it supports all.",
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network, report = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except LOAD_ERRORS as failure:
        raise unusable(model, folder, failure) from failure
    if report["missing_keys"]:  # transformers would fill them with random numbers and only warn
        lacking = ", ".join(sorted(report["missing_keys"])[:3])
        raise unusable(model, folder, f"its file lacks weights: {lacking}")
    known = None if ANY_LANGUAGE in supported else supported
    names = {number: str(name) for number, name in network.config.id2label.items()}
    mapped = label_classes(model, names, network.config.label2id or {}, labels)
    classifier = HubClassifier(model, revision_of(folder), known, mapped, network, tokenizer)
    try:
        classifier.analyze(TRIAL, "en")
    except LOAD_ERRORS as failure:
        raise unusable(model, folder, failure) from failure
    return classifier
