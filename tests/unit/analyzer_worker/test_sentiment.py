import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from analyzer_worker.engines.base import LABELS, Sentiment
from analyzer_worker.engines.load import load_analyzer
from analyzer_worker.prefetch import main, prefetch
from analyzer_worker.weights.adapter import read_artefact
from wire.errors import ModelError


def test_the_most_probable_label_is_the_answer() -> None:
    """The score is the probability of the label."""
    found = Sentiment.from_probabilities({"positive": 0.2, "negative": 0.5, "neutral": 0.3})
    assert (found.label, found.score) == ("negative", 0.5)
    assert found.probabilities == {"negative": 0.5, "neutral": 0.3, "positive": 0.2}


def test_the_default_model_is_loaded_by_its_name(cache: Path) -> None:
    """It declares English and a revision."""
    analyzer = load_analyzer("minilm-sentiment-en", None, cache, threads=1)
    assert analyzer.name == "minilm-sentiment-en"
    assert analyzer.languages == frozenset({"en"})
    assert len(analyzer.revision) == 12
    assert analyzer.analyze("I am so happy for you.").label == "positive"


def test_instant_is_neutral_to_everything(tmp_path: Path) -> None:
    """It measures the services, not the text, and needs no files."""
    analyzer = load_analyzer("instant", None, tmp_path, threads=1)
    assert analyzer.analyze("I hate this.") == Sentiment(
        "neutral", 1.0, {"negative": 0.0, "neutral": 1.0, "positive": 0.0}
    )
    assert analyzer.languages is None
    assert list(tmp_path.iterdir()) == []


def test_any_other_name_is_a_model_of_the_hub(tmp_path: Path) -> None:
    """A name that is neither built in nor in the cache ends in a typed error."""
    with pytest.raises(ModelError, match="owner/name"):
        load_analyzer("owner/name", None, tmp_path, threads=1, download=False)


def test_choosing_an_engine_imports_no_other() -> None:
    """The seam and the prefetch start without torch and transformers."""
    heavy = "{'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)"
    code = f"import sys, analyzer_worker.prefetch, analyzer_worker.engines.base; print(*{heavy})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


def test_prefetch_fills_the_cache_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each time; the second run writes nothing."""
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    monkeypatch.setenv("ANALYZER_MODEL", "minilm-sentiment-en")
    main()
    weights = next(tmp_path.glob("*/model.safetensors"))
    first, inode = capsys.readouterr().err, weights.stat().st_ino
    main()
    assert capsys.readouterr().err == first == f"sentiment model minilm-sentiment-en: ready in {weights.parent}\n"
    assert weights.stat().st_ino == inode


def test_prefetch_of_a_model_that_cannot_be_had_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, what happened and what to do; no traceback."""
    monkeypatch.setenv("ANALYZER_MODEL", str(tmp_path / "typo"))
    with pytest.raises(SystemExit, match="1"):
        main()
    assert capsys.readouterr().err.startswith(f"error: There is no model folder {tmp_path / 'typo'}.")


def test_prefetch_notices_that_the_adapter_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the first worker: the operator who prepares a machine is told."""
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    monkeypatch.setattr(read_artefact, "__defaults__", (tmp_path,))
    with pytest.raises(SystemExit, match="1"):
        main()
    assert f"{tmp_path / 'config.json'} cannot be used" in capsys.readouterr().err


def test_prefetch_shows_progress_on_a_terminal(tmp_path: Path) -> None:
    """The steps are named while they run."""
    console = Console(force_terminal=True, record=True, width=100)
    with console.capture() as shown:
        prefetch("minilm-sentiment-en", tmp_path, console)
    assert "extracting model.safetensors" in shown.get()


def test_labels_are_in_the_order_of_the_models_classes() -> None:
    """Adapter and targets of training depend on it."""
    assert LABELS == ("negative", "neutral", "positive")
