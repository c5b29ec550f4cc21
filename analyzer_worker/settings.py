"""Settings of the sentiment worker, read from ``ANALYZER_*``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from infra.settings import WireSettings, service_config


class Settings(WireSettings):
    model_config = service_config("ANALYZER_")

    model: str = "minilm-sentiment-en"
    """The built-in English model, any sequence-classification model of the Hugging Face Hub (its id) or a local folder
    with one, or ``instant`` (always neutral, for measuring overhead)."""
    languages: str = ""
    """Comma-separated ISO 639-1 codes that the model knows, * for any; empty for what the model itself declares."""
    base_weights: Path | None = None
    """Folder with the base weights of the built-in model; empty for the installed package."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """CPU threads of one process; one sentence does not profit from more."""
    deadline_s: Annotated[float, Field(gt=0, le=80)] = 20.0
    """Seconds for one text; the process ends itself at twice that."""
    max_rss_mb: Annotated[int, Field(ge=0)] = 3000
    """Resident memory in MiB after which the process lets itself be restarted; 0 for no limit."""

    @property
    def language_codes(self) -> frozenset[str] | None:
        """``languages`` as a set; None when empty."""
        return frozenset(code for code in self.languages.replace(" ", "").split(",") if code) or None
