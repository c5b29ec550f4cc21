"""Settings of the sentiment worker, read from ``ANALYZER_*``."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.settings import WireSettings, service_config

ANY_LANGUAGE = "*"
"""Stands for the languages that have no entry of their own."""
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


def _models(text: str) -> str:
    """Raise ``ValueError`` unless the text can be parsed."""
    parse_models(text)
    return text


class Settings(WireSettings):
    """Sentiment worker settings: ``ANALYZER_*``, and those that all services share."""

    model_config = service_config("ANALYZER_")

    model: str = "e5-sentiment-multilingual"
    """A built-in model (``e5-sentiment-multilingual``, ``minilm-sentiment-en``), the id of a sequence-classification
    model on the Hugging Face Hub, a local folder with one, or ``instant`` (always neutral, for benchmarks)."""
    models: Annotated[str, AfterValidator(_models)] = ""
    """Models by language, ``en=minilm-sentiment-en,*=owner/name``, instead of ``model``."""
    languages: str = ""
    """Comma-separated ISO 639-1 codes that the model supports, * for any; empty for those that it declares."""
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

    @property
    def language_codes(self) -> frozenset[str] | None:
        """``languages`` as a set; None if empty."""
        return frozenset(code for code in self.languages.replace(" ", "").split(",") if code) or None

    @property
    def model_by_language(self) -> dict[str, str]:
        """``models``, or ``model`` for any language."""
        return parse_models(self.models) or {ANY_LANGUAGE: self.model}
