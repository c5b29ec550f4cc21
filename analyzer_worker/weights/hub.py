"""Models of the Hugging Face Hub as local folders; a complete copy in the cache is used without network access."""

from functools import partial
from pathlib import Path

from wire.errors import ModelError

OTHER_FRAMEWORKS = ["*/*", "*.h5", "*.msgpack", "*.onnx", "*.ot", "*.tflite"]
"""Patterns of files that are not downloaded: sub-folders, TensorFlow, Flax, ONNX and Rust weights."""
PICKLED = "*.bin"
"""PyTorch's older format, fetched only when there is no safetensors file."""


def model_folder(model: str, cache: Path, download: bool = True) -> Path:
    """Return the local folder of ``model``, and download it if necessary.

    Args:
        model: a folder, or a Hub id such as ``owner/name``.
        cache: the model cache; the folder of a Hub model in it is named by its commit.
        download: whether a model that is not complete in the cache may be downloaded.

    Raises:
        ModelError: there is no such folder, or the Hub model is not in the cache and cannot or may not be downloaded.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ModelError(
            "model_missing", f"There is no model folder {path}.", "Correct the path, or give the id of a Hub model."
        )
    try:
        return _snapshot(model, cache, local=True)
    except Exception as absent:  # for any reason: the download below repairs the cache or reports why it cannot
        if not download:
            raise _unavailable(model, absent) from absent
    try:
        return _snapshot(model, cache, local=False)
    except Exception as failure:  # network, proxy, disk, permission, bad name: the remedy is the same
        raise _unavailable(model, failure) from failure


def revision_of(folder: Path) -> str:
    """Return the commit of a Hub snapshot; for any other folder the Unix time of its newest file, in seconds."""
    if folder.parent.name == "snapshots":
        return folder.name
    return str(int(max(file.stat().st_mtime for file in folder.iterdir())))


def declared_languages(folder: Path) -> frozenset[str]:
    """Return the ISO 639-1 codes in the model card (``language`` in README.md's front matter), or an empty set."""
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    card = folder / "README.md"
    if not card.is_file():
        return frozenset()
    try:
        declared = ModelCard.load(card).data.language
    except (ValueError, YAMLError):  # no front matter, or a broken one
        return frozenset()
    return frozenset(code for code in ([declared] if isinstance(declared, str) else declared or []) if len(code) == 2)


def _snapshot(model: str, cache: Path, local: bool) -> Path:
    from huggingface_hub import snapshot_download  # slow to import, needed for Hub models only

    fetch = partial(snapshot_download, model, cache_dir=cache / "hub", local_files_only=local)
    folder = Path(fetch(ignore_patterns=[*OTHER_FRAMEWORKS, PICKLED]))
    if not any(folder.glob("*.safetensors")):
        folder = Path(fetch(ignore_patterns=OTHER_FRAMEWORKS))
    return folder


def _unavailable(model: str, reason: Exception) -> ModelError:
    first_line = str(reason).strip().partition("\n")[0]
    return ModelError(
        "model_missing",
        f"The model {model} is not in the cache and cannot be downloaded: {first_line}",
        "Check its name on huggingface.co and the connection, then run: python -m analyzer_worker.prefetch",
    )
