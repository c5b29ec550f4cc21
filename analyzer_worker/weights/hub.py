"""Models of the Hugging Face Hub as local folders: what the cache has is used without asking the network."""

from functools import partial
from pathlib import Path

from wire.errors import ModelError

OTHER_FRAMEWORKS = ["*/*", "*.h5", "*.msgpack", "*.onnx", "*.ot", "*.tflite"]
"""Files that are not fetched: sub-folders, TensorFlow, Flax, ONNX and Rust weights."""
PICKLED = "*.bin"
"""PyTorch's older format, fetched only when there is no safetensors file."""


def model_folder(model: str, cache: Path, download: bool = True) -> Path:
    """The folder of ``model``, a folder itself or an id such as ``owner/name``, whole and on this machine.

    An id that is complete in the cache is returned at once, also offline; its folder is named like its commit.

    Raises:
        ModelError: no such folder; or not in the cache and it cannot, or (``download``) may not, be fetched.
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
    except Exception as absent:  # whatever the reason: the download below repairs it or tells why it cannot
        if not download:
            raise _unavailable(model, absent) from absent
    try:
        return _snapshot(model, cache, local=False)
    except Exception as failure:  # network, proxy, disk, permission, a bad name: one remedy for all of them
        raise _unavailable(model, failure) from failure


def revision_of(folder: Path) -> str:
    """Commit of a Hub snapshot; for any other folder the time of its newest file, in seconds since 1970."""
    if folder.parent.name == "snapshots":
        return folder.name
    return str(int(max(file.stat().st_mtime for file in folder.iterdir())))


def declared_languages(folder: Path) -> frozenset[str]:
    """ISO 639-1 codes in the model card (the ``language`` of README.md's front matter); empty when it names none."""
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    card = folder / "README.md"
    if not card.is_file():
        return frozenset()
    try:
        named = ModelCard.load(card).data.language
    except (ValueError, YAMLError):  # no front matter, or a broken one
        return frozenset()
    return frozenset(code for code in ([named] if isinstance(named, str) else named or []) if len(code) == 2)


def _snapshot(model: str, cache: Path, local: bool) -> Path:
    from huggingface_hub import snapshot_download  # only those who use the Hub wait for this import

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
