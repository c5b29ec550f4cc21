"""The real base weights, extracted once, and the real analyzer; both come from the installed package."""

from pathlib import Path

import pytest

from analyzer_worker.engines.minilm_lora import MinilmAnalyzer, load_minilm
from analyzer_worker.weights.base_weights import ensure_base_weights


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model cache for this run."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def base(cache: Path) -> Path:
    """Folder with the base weights."""
    return ensure_base_weights(cache)


@pytest.fixture(scope="session")
def minilm(cache: Path, base: Path) -> MinilmAnalyzer:
    """The default model."""
    return load_minilm(None, cache, threads=1, base=base)
