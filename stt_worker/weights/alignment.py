"""The attention heads that follow the audio: word times come from them, and are worse without them.

They belong to the model itself, by its configuration or its dimensions, whatever its folder is called.
``whisper.load_model`` sets them for official names only.

Source: https://github.com/openai/whisper/blob/main/whisper/__init__.py
"""

import base64
import gzip
from collections.abc import Sequence

import numpy as np
import torch
from whisper.model import ModelDimensions

from stt_worker.weights.find import alignment_heads
from stt_worker.weights.own_model import path_name

HEAD_SIZE, MELS, AUDIO_CONTEXT, TEXT_CONTEXT = 64, 80, 1_500, 448
ENGLISH, MULTILINGUAL, LARGE_V3 = 51_864, 51_865, 51_866
"""Tokens of the vocabularies."""
SIZES = {"tiny": (6, 4), "base": (8, 6), "small": (12, 12), "medium": (16, 24)}
"""Name → heads and layers, of the encoder and of the decoder; each exists in English too, as ``base.en``."""


def _dimensions(heads: int, layers: int, vocabulary: int, mels: int = MELS, text_layers: int = 0) -> ModelDimensions:
    width = heads * HEAD_SIZE
    text_layers = text_layers or layers
    return ModelDimensions(
        mels, AUDIO_CONTEXT, width, heads, layers, vocabulary, TEXT_CONTEXT, width, heads, text_layers
    )


OFFICIAL = {
    **{name: _dimensions(*size, MULTILINGUAL) for name, size in SIZES.items()},
    **{f"{name}.en": _dimensions(*size, ENGLISH) for name, size in SIZES.items()},
    "large-v1": _dimensions(20, 32, MULTILINGUAL),
    "large-v2": _dimensions(20, 32, MULTILINGUAL),
    "large-v3": _dimensions(20, 32, LARGE_V3, mels=128),
    "turbo": _dimensions(20, 32, LARGE_V3, mels=128, text_layers=4),
}
"""Official models by name. Models that were trained further keep the dimensions, and mostly the heads."""


def alignment_mask(
    dims: ModelDimensions, model: str, own: Sequence[tuple[int, int]] | None = None
) -> torch.Tensor | None:
    """Return the heads of a model as a mask (decoder layers, heads); None if they are unknown.

    Args:
        dims: of the model.
        model: its name or path. It decides only between models of the same dimensions.
        own: decoder layer and head of each, by the model's configuration. It is another model's if one does not exist.
    """
    shape = dims.n_text_layer, dims.n_text_head
    if own and all(0 <= layer < shape[0] and 0 <= head < shape[1] for layer, head in own):
        mask = torch.zeros(shape, dtype=torch.bool)
        mask[tuple(torch.tensor(own).T)] = True
        return mask
    name = official_name(dims, model)
    heads = alignment_heads(name) if name is not None else None
    if heads is None:
        return None
    return torch.from_numpy(np.frombuffer(gzip.decompress(base64.b85decode(heads)), dtype=bool).copy()).reshape(shape)


def official_name(dims: ModelDimensions, model: str) -> str | None:
    """Return the name of the official model that has these dimensions; None if none has, or several have."""
    found = [name for name, official in OFFICIAL.items() if official == dims]
    if len(found) == 1:
        return found[0]
    name = path_name(model)
    return name if name in found else None
