"""A classifier that cannot be used is an error that says why, and what helps without harm."""

import importlib.machinery
from pathlib import Path

import pytest

from analyzer_worker.weights import hub_faults
from analyzer_worker.weights.hub_faults import missing_packages, unusable


@pytest.mark.parametrize("file", ["sentencepiece.bpe.model", "spiece.model", "spm.model"])
@pytest.mark.parametrize(
    ("absent", "named"),
    [
        ({"sentencepiece"}, ["sentencepiece"]),
        ({"google.protobuf"}, ["protobuf"]),
        ({"sentencepiece", "google.protobuf"}, ["sentencepiece", "protobuf"]),
    ],
)
def test_packages_that_a_tokenizer_needs_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, absent: set[str], named: list[str]
) -> None:
    """transformers would say "Error parsing line …"."""
    present = importlib.machinery.ModuleSpec("present", None)
    monkeypatch.setattr(hub_faults, "find_spec", lambda module: None if module in absent else present)
    (tmp_path / file).write_bytes(b"pieces")
    error = unusable(str(tmp_path), tmp_path, ValueError("Error parsing line b'x' in a file"))
    assert error.code == "model_packages"
    assert " and ".join(named) in error.message
    assert f"pip install {' '.join(named)}" in error.remedy
    (tmp_path / "tokenizer.json").write_text("{}")
    assert missing_packages(tmp_path) == []


def test_package_that_a_library_names_is_passed_on(tmp_path: Path) -> None:
    """Japanese tokenizers need others."""
    failure = ModuleNotFoundError("You need to install fugashi to use MecabTokenizer.\nSee its page.")
    error = unusable("owner/name", tmp_path, failure)
    assert error.code == "model_packages"
    assert "You need to install fugashi to use MecabTokenizer." in error.message


def test_files_that_git_has_not_fetched_are_named(tmp_path: Path) -> None:
    """A clone without Git LFS has small text files in the place of large ones."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    error = unusable(str(tmp_path), tmp_path, OSError("header too large"))
    assert "model.safetensors are Git LFS pointers" in error.message
    assert f"git -C {tmp_path} lfs pull" in error.remedy


def test_only_a_folder_of_the_cache_is_advised_to_be_deleted(tmp_path: Path) -> None:
    """A folder that the operator names may be the only copy, wherever it lies."""
    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    assert f"Delete {repository} and run" in unusable("owner/name", snapshot, OSError("half")).remedy
    for own in (tmp_path, snapshot):
        assert "elete" not in str(unusable(str(own), own, OSError("half")))
