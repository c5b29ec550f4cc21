"""``python -m analyzer_worker.prefetch``: files in the cache, one line of output, and an exit code."""

from pathlib import Path

import pytest
from rich.console import Console

from analyzer_worker.prefetch import main, prefetch


def test_prefetch_fills_the_cache_and_prints_its_folder(
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


def test_prefetch_of_a_missing_model_prints_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the cause and the remedy; no traceback."""
    monkeypatch.setenv("ANALYZER_MODEL", str(tmp_path / "typo"))
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err.startswith(f"error: There is no model folder {tmp_path / 'typo'}.")


def test_prefetch_with_a_missing_adapter_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error appears at the preparation of a machine, not at the start of the first worker."""
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    monkeypatch.setattr("analyzer_worker.prefetch.adapter_folder", lambda _: tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert f"{tmp_path / 'config.json'} cannot be used" in capsys.readouterr().err


def test_prefetch_shows_progress_on_a_terminal(tmp_path: Path) -> None:
    """The steps are named while they run."""
    console = Console(force_terminal=True, record=True, width=100)
    with console.capture() as shown:
        prefetch("minilm-sentiment-en", tmp_path, console)
    assert "extracting model.safetensors" in shown.get()
