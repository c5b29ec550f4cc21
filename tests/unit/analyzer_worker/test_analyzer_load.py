"""The factory of engines: a name chooses one, and only its libraries are imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from analyzer_worker.engines.base import most_probable
from analyzer_worker.engines.load import Loading, load_analyzer
from wire.errors import ModelError
from wire.messages.results import LABELS


def test_load_analyzer_with_its_name_loads_minilm(cache: Path) -> None:
    """The built-in model supports English and has a revision."""
    analyzer = load_analyzer("minilm-sentiment-en", None, Loading(cache, threads=1))
    assert analyzer.name == "minilm-sentiment-en"
    assert analyzer.languages == frozenset({"en"})
    assert len(analyzer.revision) == 12
    assert most_probable(analyzer.analyze("I am so happy for you.", "en")) == "positive"


def test_instant_analyzer_labels_every_text_neutral(tmp_path: Path) -> None:
    """It needs no files."""
    analyzer = load_analyzer("instant", None, Loading(tmp_path, threads=1))
    probabilities = analyzer.analyze("I hate this.", "en")
    assert probabilities == {"negative": 0.0, "neutral": 1.0, "positive": 0.0}
    assert most_probable(probabilities) == "neutral"
    assert analyzer.languages is None
    assert list(tmp_path.iterdir()) == []


def test_load_analyzer_with_another_name_looks_for_a_hub_model(tmp_path: Path) -> None:
    """A name that is neither built in nor in the cache ends in a typed error."""
    with pytest.raises(ModelError, match="owner/name"):
        load_analyzer("owner/name", None, Loading(tmp_path, threads=1, download=False))


def test_engine_interface_and_prefetch_import_no_heavy_library() -> None:
    """Both start without torch and transformers."""
    heavy = "{'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)"
    code = f"import sys, analyzer_worker.prefetch, analyzer_worker.engines.base; print(*{heavy})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


def test_labels_are_in_the_order_of_the_model_classes() -> None:
    """The adapter's head and the training targets depend on this order."""
    assert LABELS == ("negative", "neutral", "positive")
