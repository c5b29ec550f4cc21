"""Settings of the sentiment worker, read from ``ANALYZER_*``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from infra.settings import WireSettings, service_config


class Settings(WireSettings):
    """Sentiment worker settings: ``ANALYZER_*``, and those that all services share."""

    model_config = service_config("ANALYZER_")

    model: str = "minilm-sentiment-en"
    """The built-in English model, the id of a sequence-classification model on the Hugging Face Hub, a local folder
    with one, or ``instant`` (always neutral, for benchmarks)."""
    languages: str = ""
    """Comma-separated ISO 639-1 codes that the model supports, * for any; empty for those that it declares."""
    base_weights: Path | None = None
    """Folder with the base weights of the built-in model; empty for the installed package."""
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
