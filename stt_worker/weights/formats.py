"""Finds out what a file of weights is, by its content: its name says little (``model.bin`` has three meanings)."""

from pathlib import Path
from typing import Literal

from wire.errors import ModelError

Format = Literal["pytorch", "safetensors", "ctranslate2"]

WANTED = (
    "Set STT_MODEL to openai-whisper's .pt, to the folder that transformers saved (config.json and model.safetensors "
    "or pytorch_model.bin), or to one of these files."
)
"""Remedy for a file that cannot be used; it may be the only copy, so nothing advises to delete it."""
HEAD_BYTES = 64
HEADER_LENGTH_BYTES = 8
"""Length of the header in front of a safetensors file."""

_FOREIGN_BEGINNINGS = {
    b"lmgg": "in GGML's format (whisper.cpp)",
    b"GGUF": "in GGUF's format (llama.cpp, whisper.cpp)",
    b"\x89HDF": "TensorFlow's (HDF5)",
}
_FOREIGN_SUFFIXES = {
    ".onnx": "in ONNX' format",
    ".msgpack": "Flax's",
    ".h5": "TensorFlow's",
    ".tflite": "TensorFlow Lite's",
    ".nemo": "NeMo's",
}
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def format_of(file: Path) -> Format:
    """Return the format of ``file``.

    Raises:
        ModelError: ``model_layout``: it is another program's, with the way to convert it; ``model_corrupt``: it is
            damaged or no file of weights.
        OSError: it cannot be read.
    """
    with file.open("rb") as content:
        head = content.read(HEAD_BYTES)
    if head.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive as torch.save writes it, or a pickle as it did before
        return "pytorch"
    if _is_safetensors(head, file.stat().st_size):
        return "safetensors"
    if b"WhisperSpec" in head:
        return "ctranslate2"
    if head.startswith(_LFS_POINTER):
        raise ModelError(
            "model_corrupt", f"{file} is a Git LFS pointer, not the file.", f"Run: git -C {file.parent} lfs pull"
        )
    if foreign := next((name for start, name in _FOREIGN_BEGINNINGS.items() if head.startswith(start)), None):
        raise foreign_layout(file, foreign)
    if file.suffix in _FOREIGN_SUFFIXES:
        raise foreign_layout(file, _FOREIGN_SUFFIXES[file.suffix])
    raise ModelError("model_corrupt", f"{file} is damaged, or no file of weights.", WANTED)


def foreign_layout(file: Path, what: str) -> ModelError:
    """Return the error for weights of another program."""
    return ModelError(
        "model_layout",
        f"{file} cannot be used: it is {what}.",
        "Take the model that it was converted from: openai-whisper's .pt, or transformers' folder with config.json and "
        "model.safetensors.",
    )


def _is_safetensors(head: bytes, size: int) -> bool:
    header = int.from_bytes(head[:HEADER_LENGTH_BYTES], "little")
    return head[HEADER_LENGTH_BYTES : HEADER_LENGTH_BYTES + 1] == b"{" and header + HEADER_LENGTH_BYTES <= size
