"""Finds the weights at a path that the user gives: a file, or a folder with one."""

import json
import re
from pathlib import Path

from stt_worker.weights.formats import WANTED, foreign_layout
from wire.errors import ModelError

SUFFIXES = (".pt", ".safetensors", ".bin", ".json")
INDEX = ".index.json"
"""End of the name of the file that lists the parts of a large model."""
NAMES = (
    "model.safetensors",
    f"model.safetensors{INDEX}",
    "pytorch_model.bin",
    f"pytorch_model.bin{INDEX}",
    "model.bin",
)
"""Names of weights in a folder, the preferred one first; the last is CTranslate2's."""
FOREIGN = {"tf_model.h5": "TensorFlow's", "flax_model.msgpack": "Flax's"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def is_path(model: str) -> bool:
    """Return True if ``STT_MODEL`` is a path, not a name such as ``base``."""
    return "/" in model or "\\" in model or model.endswith(SUFFIXES)


def path_name(model: str) -> str:
    """Return the last part of a path without the suffix of a file of weights; names of models have dots too."""
    path = Path(model)
    return path.stem if path.suffix in SUFFIXES else path.name


def own_weights(model: str) -> Path:
    """Return the file with the weights at the path ``model``.

    Raises:
        ModelError: ``model_missing``: there is no such path, or no weights in the folder; ``model_layout``: the folder
            has weights of another program only.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        return _in_folder(path)
    remedy = "Correct the path, or set STT_MODEL to a name such as base."
    problem = "is not a file" if path.exists() else "does not exist"
    raise ModelError(
        "model_missing",
        f"STT_MODEL names the checkpoint {path}, which {problem}.",
        f"{remedy} {_hub_remedy(model)}" if _HUB_ID.fullmatch(model) else remedy,
    )


def weight_files(file: Path) -> list[Path]:
    """Return ``file``, or the parts that it lists if it is the index of a large model.

    Raises:
        ModelError: ``model_corrupt``: the index is damaged; ``model_missing``: a part is missing.
    """
    if not file.name.endswith(INDEX):
        return [file]
    try:
        parts = sorted({str(part) for part in json.loads(file.read_text("utf-8"))["weight_map"].values()})
    except (ValueError, LookupError, TypeError, AttributeError) as damage:
        raise ModelError("model_corrupt", f"{file} lists no parts of a model.", WANTED) from damage
    if missing := [part for part in parts if not file.with_name(part).is_file()]:
        raise ModelError(
            "model_missing", f"{file} lists {', '.join(missing)}, which {file.parent} lacks.", "Put them there."
        )
    return [file.with_name(part) for part in parts]


def _in_folder(folder: Path) -> Path:
    known = (file for name in NAMES if (file := folder / name).is_file())
    others = [file for suffix in SUFFIXES[:-1] for file in folder.glob(f"*{suffix}")]
    if (found := next(known, others[0] if len(others) == 1 else None)) is not None:
        return found
    for name, what in FOREIGN.items():
        if (folder / name).is_file():
            raise foreign_layout(folder / name, what)
    raise ModelError(
        "model_missing",
        f"STT_MODEL names the folder {folder}, which is not a file, and has no {NAMES[0]} or {NAMES[2]}.",
        WANTED,
    )


def _hub_remedy(model: str) -> str:
    owner, _, name = model.partition("/")
    if owner == "openai" and name.startswith("whisper-"):
        return f"For OpenAI's own model {model}, set STT_MODEL={name.removeprefix('whisper-')}."
    return (
        f"A model of the Hugging Face Hub is used from a folder: pip install huggingface_hub; hf download {model} "
        f"--local-dir models/{name}; then STT_MODEL=models/{name}."
    )
