"""The trained adapters that the repository carries: LoRA matrices, the head, and their configuration."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from wire.errors import ModelError
from wire.messages.results import LABELS

E5 = "e5-sentiment-multilingual"
MINILM = "minilm-sentiment-en"
BUILT_IN = (E5, MINILM)


def adapter_folder(model: str) -> Path:
    """Return the folder of a model of ``BUILT_IN``."""
    return Path(__file__).parents[1] / "models" / model


def read_adapter(folder: Path, base_sha256: str) -> tuple[dict[str, Any], bytes]:
    """Read ``config.json`` and the bytes of ``adapter.safetensors``, and check the sha256 that the former pins.

    Args:
        folder: with both files.
        base_sha256: of the base weights that the adapter is to be merged into.

    Raises:
        ModelError: a file is missing or damaged, or belongs to other base weights.
    """
    path = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text("utf-8"))
        path = folder / "adapter.safetensors"
        content = path.read_bytes()
    except (OSError, ValueError) as unreadable:
        raise damaged(path, str(unreadable)) from unreadable
    if hashlib.sha256(content).hexdigest() != config.get("adapter_sha256"):
        raise damaged(path, "its sha256 is not the one that config.json names")
    if config.get("base_sha256") != base_sha256 or tuple(config.get("labels", ())) != LABELS:
        raise damaged(folder / "config.json", "it names other base weights or labels than this program uses")
    return config, content


@contextmanager
def fitting(folder: Path) -> Iterator[None]:
    """Put this around the merge of an adapter: what libraries raise becomes the error that names its file.

    Raises:
        ModelError: the adapter does not fit the base weights.
    """
    try:
        yield
    except (SafetensorError, KeyError, AttributeError, RuntimeError, ValueError) as misfit:
        raise damaged(folder / "adapter.safetensors", f"it does not fit the base weights: {misfit}") from misfit


def damaged(path: Path, reason: str) -> ModelError:
    """Make the error for a file of the adapter that differs from the published one."""
    return ModelError(
        "model_corrupt",
        f"{path} cannot be used: {reason}.",
        "Restore it from the repository (git checkout, or install the program again).",
    )
