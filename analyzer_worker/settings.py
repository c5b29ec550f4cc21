"""Settings of the sentiment worker, read from ``ANALYZER_*``."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from infra.settings import WireSettings, service_config
from wire.messages.results import LABELS, Label

ANY_LANGUAGE = "*"
"""Stands for the languages that have no entry of their own."""
ANY_MODEL = "*"
"""Stands for the only model that is not built in."""
_CODE = re.compile(r"\*|[a-z]{2,3}")
_ROUTE = re.compile(r"\s*(\*|[a-z]{2,3})\s*=\s*(\S+)\s*")


def parse_models(text: str) -> dict[str, str]:
    """Parse ``en=minilm-sentiment-en,*=owner/name``: ISO 639-1 code, or ``*`` for any other language, → model.

    Raises:
        ValueError: a part has another form, or a language appears twice.
    """
    routes: dict[str, str] = {}
    for part in text.split(",") if text.strip() else []:
        found = _ROUTE.fullmatch(part)
        if found is None or found[1] in routes:
            raise ValueError("write it as en=minilm-sentiment-en,*=e5-sentiment-multilingual, each language once")
        routes[found[1]] = found[2]
    return routes


def parse_labels(text: str) -> dict[str, tuple[Label, ...]]:
    """Parse ``owner/name=neutral,positive,negative;…``: model → labels of its classes, in order.

    A part without a model, ``neutral,positive,negative``, stands alone and has the key ``ANY_MODEL``.

    Raises:
        ValueError: a part has another form, lacks negative or positive, or names a model that another part names.
    """
    found: dict[str, tuple[Label, ...]] = {}
    parts = text.split(";") if text.strip() else []
    for part in parts:
        model, _, classes = part.rpartition("=")
        model = model.strip() or ANY_MODEL
        names = [name.strip().lower() for name in classes.split(",")]
        labels = tuple(label for name in names for label in LABELS if label == name)
        if model in found or len(labels) < len(names) or not {"negative", "positive"} <= set(labels):
            raise ValueError(
                "write it as neutral,positive,negative, a label for each class in order, with negative and positive "
                "among them; for several models as owner/name=negative,positive;/models/mine=…, each model once"
            )
        found[model] = labels
    if ANY_MODEL in found and len(parts) > 1:
        raise ValueError("write the name of the model before each list, as owner/name=neutral,positive,negative")
    return found


def _models(text: str) -> str:
    """Raise ``ValueError`` unless the text can be parsed."""
    parse_models(text)
    return text


def _labels(text: str) -> str:
    """Raise ``ValueError`` unless the text can be parsed."""
    parse_labels(text)
    return text


def _languages(text: str) -> str:
    """Raise ``ValueError`` unless the text is a list of language codes."""
    if any(not _CODE.fullmatch(code) for code in text.replace(" ", "").split(",") if code):
        raise ValueError("write ISO 639-1 codes, as in en,ko, without a region; or * for any language")
    return text


class Settings(WireSettings):
    """Sentiment worker settings: ``ANALYZER_*``, and those that all services share."""

    model_config = service_config("ANALYZER_")

    model: str = "e5-sentiment-multilingual"
    """A built-in model (``e5-sentiment-multilingual``, ``minilm-sentiment-en``), the id of a sequence-classification
    model on the Hugging Face Hub, a local folder with one, or ``instant`` (always neutral, for benchmarks)."""
    models: Annotated[str, AfterValidator(_models)] = ""
    """Models by language, ``en=minilm-sentiment-en,*=owner/name``, instead of ``model``."""
    labels: Annotated[str, AfterValidator(_labels)] = ""
    """Labels of the classes of a model that does not name them, in order: ``neutral,positive,negative``; for several
    models ``owner/name=neutral,positive,negative;/models/mine=negative,positive``."""
    languages: Annotated[str, AfterValidator(_languages)] = ""
    """Comma-separated ISO 639-1 codes to analyse, and no others; ``*`` for any; empty for those that the model
    declares."""
    zero_shot: bool = True
    """Analyse languages that the built-in model reads, but was not trained with; results say so."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Difference of the two highest probabilities below which a text is neutral and its label unsure."""
    base_weights: Path | None = None
    """Base weights of the built-in model: a folder, or the file of the multilingual one; empty for the installed
    package."""
    numerics: Literal["auto", "float32"] = "auto"
    """Number format of the multilingual model: ``auto`` is 8 bits, ``float32`` exact and twice as slow."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """CPU threads per process; more than one does not make a single sentence faster."""
    deadline_s: Annotated[float, Field(gt=0, le=80)] = 20.0
    """Time limit for one text in seconds; the process exits at twice that."""
    max_rss_mb: Annotated[int, Field(ge=0)] = 3000
    """Resident memory in MiB above which the process exits to be restarted; 0 for no limit."""

    @model_validator(mode="after")
    def _labels_have_their_model(self) -> "Settings":
        """Refuse labels of a model that is not in use: its name is mistyped, and another's classes remain unnamed."""
        if unused := sorted(self.labels_by_model.keys() - {ANY_MODEL, *self.model_by_language.values()}):
            raise ValueError(
                f"ANALYZER_LABELS names {', '.join(unused)}, which neither ANALYZER_MODEL nor ANALYZER_MODELS uses"
            )
        return self

    @property
    def language_codes(self) -> frozenset[str] | None:
        """``languages`` as a set; None if empty."""
        return frozenset(code for code in self.languages.replace(" ", "").split(",") if code) or None

    @property
    def model_by_language(self) -> dict[str, str]:
        """``models``, or ``model`` for any language."""
        return parse_models(self.models) or {ANY_LANGUAGE: self.model}

    @property
    def labels_by_model(self) -> dict[str, tuple[Label, ...]]:
        """``labels`` by model, or by ``ANY_MODEL``."""
        return parse_labels(self.labels)
