"""Reads the weights of Whisper from any file that holds them: openai-whisper's, transformers' or CTranslate2's."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from whisper.model import ModelDimensions

from stt_worker.weights.ctranslate2 import whisper_checkpoint
from stt_worker.weights.ctranslate2_file import read_tensors
from stt_worker.weights.formats import WANTED, format_of
from stt_worker.weights.own_model import weight_files
from stt_worker.weights.transformers_names import openai_names
from wire.errors import ModelError

HEAD_SIZE = 64
"""Width of an attention head in every published Whisper; a config.json beside the file says it of others."""
WRAPPERS = ("model_state_dict", "state_dict", "model", "module")
"""Keys under which training programs save the tensors of a model, beside what else they save."""
READ_ERRORS = (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, EOFError, SafetensorError)


@dataclass(frozen=True)
class Checkpoint:
    """A Whisper under openai-whisper's names, in the number format of its file."""

    dims: ModelDimensions
    state: dict[str, torch.Tensor]
    heads: tuple[tuple[int, int], ...] | None = None
    """Decoder layer and head of each cross-attention that follows the audio, as transformers and CTranslate2 save them;
    None if unknown."""


def read_checkpoint(file: Path) -> Checkpoint:
    """Read a Whisper into main memory.

    Args:
        file: of weights, or the index of a model in several parts; a config.json and generation_config.json beside a
            file of transformers are read too.

    Raises:
        ModelError: the file is damaged, of another program or another model; the message says what is wanted.
    """
    try:
        config = _config(file, "config.json")
        if (kind := config.get("model_type", "whisper")) != "whisper":
            raise ValueError(f"by its config.json it is a model of the type {kind}")
        tensors: dict[str, torch.Tensor] = {}
        for part in weight_files(file):
            loaded = _load(part)
            if isinstance(loaded, Checkpoint):
                return replace(loaded, heads=_heads(config))
            tensors |= loaded
        state = openai_names(_checked(tensors))
        return Checkpoint(_dimensions(state, config), state, _heads(_config(file, "generation_config.json")))
    except pickle.UnpicklingError as refused:
        raise _unusable(
            file, "it holds more than tensors: a pickle can run any program, so it is not read"
        ) from refused
    except READ_ERRORS as failure:
        first_line = str(failure).strip().partition("\n")[0]
        raise _unusable(
            file, f"{type(failure).__name__}: {first_line}" if first_line else type(failure).__name__
        ) from failure


def _load(file: Path) -> Checkpoint | dict[str, torch.Tensor]:
    match format_of(file):
        case "safetensors":
            return load_file(file)
        case "ctranslate2":
            return _complete(whisper_checkpoint(read_tensors(file.read_bytes())))
        case "pytorch":
            return _unwrapped(torch.load(file, map_location="cpu", weights_only=True))


def _unwrapped(loaded: Any) -> Checkpoint | dict[str, torch.Tensor]:
    if isinstance(loaded, Mapping) and {"dims", "model_state_dict"} <= loaded.keys():
        return _complete(loaded)
    while isinstance(loaded, Mapping) and (key := next((key for key in WRAPPERS if key in loaded), None)):
        loaded = loaded[key]
    if not isinstance(loaded, Mapping):
        raise ValueError("it holds no named tensors")
    return {str(name): tensor for name, tensor in loaded.items() if isinstance(tensor, torch.Tensor)}


def _complete(checkpoint: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(ModelDimensions(**checkpoint["dims"]), checkpoint["model_state_dict"])


def _checked(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if any(".lora_" in name for name in tensors):
        raise ValueError("it is a LoRA adapter; merge it into its model first (merge_and_unload, save_pretrained)")
    if integers := [name for name, tensor in tensors.items() if not tensor.is_floating_point()]:
        raise ValueError(f"its weights are quantized ({integers[0]}); give those that they were made from")
    return tensors


def _dimensions(state: dict[str, torch.Tensor], config: dict[str, Any]) -> ModelDimensions:
    """Read the shapes, and the number of heads, which no shape shows, from transformers' configuration."""
    try:
        audio_context, audio_state = state["encoder.positional_embedding"].shape
        text_context, text_state = state["decoder.positional_embedding"].shape
        return ModelDimensions(
            n_mels=state["encoder.conv1.weight"].shape[1],
            n_audio_ctx=audio_context,
            n_audio_state=audio_state,
            n_audio_head=_head_count(config, "encoder_attention_heads", audio_state),
            n_audio_layer=_layers(state, "encoder"),
            n_vocab=state["decoder.token_embedding.weight"].shape[0],
            n_text_ctx=text_context,
            n_text_state=text_state,
            n_text_head=_head_count(config, "decoder_attention_heads", text_state),
            n_text_layer=_layers(state, "decoder"),
        )
    except KeyError as missing:
        raise ValueError(f"it has no tensor {missing}") from None


def _head_count(config: dict[str, Any], key: str, width: int) -> int:
    if key in config:
        return int(config[key])
    if width % HEAD_SIZE:
        raise ValueError(f"the number of its attention heads is unknown: put its config.json ({key}) beside it")
    return width // HEAD_SIZE


def _layers(state: dict[str, torch.Tensor], half: str) -> int:
    return len({name.split(".")[2] for name in state if name.startswith(f"{half}.blocks.")})


def _heads(config: dict[str, Any]) -> tuple[tuple[int, int], ...] | None:
    heads = config.get("alignment_heads")
    return tuple((int(layer), int(head)) for layer, head in heads) if heads else None


def _config(file: Path, name: str) -> dict[str, Any]:
    """Return a JSON object beside ``file``; empty if there is none, or if it belongs to something else."""
    path = file.with_name(name)
    if not path.is_file() or file.suffix == ".pt":
        return {}
    found = json.loads(path.read_text("utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"{name} is not a JSON object")
    return found


def _unusable(file: Path, reason: str) -> ModelError:
    return ModelError(
        "model_corrupt", f"{file} is not a Whisper model that can be used ({reason.rstrip('.')}).", WANTED
    )
