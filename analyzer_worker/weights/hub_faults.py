"""Explains why a model of the Hugging Face Hub, or a folder with one, cannot be used, and what helps."""

from importlib.util import find_spec
from pathlib import Path

from wire.errors import ModelError

SENTENCEPIECE_PACKAGES = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
"""Package → its module; both are needed to read a tokenizer that is published as a SentencePiece file only."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""Beginning of the small text file that git leaves in place of a large one."""


def unusable(model: str, folder: Path, failure: Exception | str) -> ModelError:
    """Return the error for a model that cannot be loaded or run.

    Args:
        model: as in ``ANALYZER_MODEL``.
        folder: the folder with its files.
        failure: raised by a library, or a reason.
    """
    if missing := missing_packages(folder):
        return _needs_packages(model, f"its tokenizer needs {' and '.join(missing)}", " ".join(missing))
    if pointers := lfs_pointers(folder):
        return ModelError(
            "model_corrupt",
            f"The model {model} in {folder} cannot be used: {', '.join(pointers)} are Git LFS pointers, not the files.",
            f"Run: git lfs install && git -C {folder} lfs pull",
        )
    reason = failure if isinstance(failure, str) else str(failure).strip().partition("\n")[0]
    if isinstance(failure, ImportError):
        return _needs_packages(model, reason, "PACKAGE")
    return ModelError(
        "model_corrupt", f"The model {model} in {folder} cannot be used: {reason}.", _remedy(model, folder)
    )


def missing_packages(folder: Path) -> list[str]:
    """Return the packages that the tokenizer in ``folder`` needs and that are not installed."""
    if (folder / "tokenizer.json").is_file() or not any(folder.glob("*.model")):
        return []
    return [package for package, module in SENTENCEPIECE_PACKAGES.items() if not _is_installed(module)]


def lfs_pointers(folder: Path) -> list[str]:
    """Return the names of the files in ``folder`` that git has not fetched."""
    return sorted(file.name for file in folder.iterdir() if file.is_file() and _starts_with(file, LFS_POINTER))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent, google
        return False


def _starts_with(file: Path, beginning: bytes) -> bool:
    with file.open("rb") as content:
        return content.read(len(beginning)) == beginning


def _needs_packages(model: str, reason: str, packages: str) -> ModelError:
    return ModelError(
        "model_packages",
        f"The model {model} cannot be loaded: {reason.rstrip('.')}.",
        f"Install that beside the sentiment worker (pip install {packages}), or choose another model.",
    )


def _remedy(model: str, folder: Path) -> str:
    if Path(model).expanduser().is_dir():  # maybe the only copy
        return "Compare this folder with the model as it was saved or published, or choose another model."
    # The folder above has the files that this one links to.
    return f"Delete {folder.parents[1]} and run: python -m analyzer_worker.prefetch; or choose another model."
