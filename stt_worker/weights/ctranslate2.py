"""Converts a CTranslate2 Whisper model to an openai-whisper checkpoint, without loss.

Both contain the same matrices under different names. CTranslate2 stacks the projections with the same input (query, key
and value) into one matrix and adds a key bias of zeros, which Whisper does not have. Numbers are copied unchanged:
float16 stays float16, as in the checkpoints that OpenAI publishes. ``whisper.load_model`` copies them into a float32
model, where each float16 is exact, so a float32 file would be twice as large for nothing.

Layout of the checkpoint: https://github.com/openai/whisper/blob/main/whisper/model.py
"""

from pathlib import Path
from typing import Any

import torch

from stt_worker.weights.ctranslate2_file import read_tensors
from wire.errors import ModelError

_SELF_ATTENTION = (("query", "key", "value"), ("out",))
"""The projections stacked in ``linear_0`` and ``linear_1`` of a ``self_attention``."""
_CROSS_ATTENTION = (("query",), ("key", "value"), ("out",))
"""The projections stacked in ``linear_0`` to ``linear_2`` of an ``attention``, the decoder's cross-attention."""


def convert(source: Path, target: Path) -> None:
    """Write the CTranslate2 model ``source`` as the openai-whisper checkpoint ``target``.

    Raises:
        ModelError: ``model_corrupt``: ``source`` is truncated, of another version or not a Whisper model.
    """
    try:
        checkpoint = whisper_checkpoint(read_tensors(source.read_bytes()))
    except ValueError as problem:
        raise ModelError(
            "model_corrupt", f"{source} is not a complete CTranslate2 Whisper model: {problem}.", "Download it again."
        ) from problem
    torch.save(checkpoint, target)


def whisper_checkpoint(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return the checkpoint that ``whisper.load_model`` reads: ``dims`` and ``model_state_dict``.

    Raises:
        ValueError: a tensor is missing or unused, or a key bias is not zero.
    """
    mapping = _Mapping(tensors)
    try:
        dims = _dimensions(tensors)
        mapping.stem("encoder", "ln_post", dims["n_audio_layer"])
        mapping.linear("encoder/conv1", "encoder.conv1")
        mapping.linear("encoder/conv2", "encoder.conv2")
        mapping.stem("decoder", "ln", dims["n_text_layer"])
        mapping.move("decoder/embeddings/weight", "decoder.token_embedding.weight")
    except KeyError as missing:
        raise ValueError(f"it has no tensor {missing}") from None
    mapping.expect_all_used()
    return {"dims": dims, "model_state_dict": mapping.state}


def _dimensions(tensors: dict[str, torch.Tensor]) -> dict[str, int]:
    """Return the fields of ``whisper.model.ModelDimensions``, read from the shapes."""
    n_audio_ctx, n_audio_state = tensors["encoder/position_encodings/encodings"].shape
    n_text_ctx, n_text_state = tensors["decoder/position_encodings/encodings"].shape
    return {
        "n_mels": tensors["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": n_audio_ctx,
        "n_audio_state": n_audio_state,
        "n_audio_head": int(tensors["encoder/num_heads"]),
        "n_audio_layer": _layers(tensors, "encoder"),
        "n_vocab": tensors["decoder/embeddings/weight"].shape[0],
        "n_text_ctx": n_text_ctx,
        "n_text_state": n_text_state,
        "n_text_head": int(tensors["decoder/num_heads"]),
        "n_text_layer": _layers(tensors, "decoder"),
    }


def _layers(tensors: dict[str, torch.Tensor], half: str) -> int:
    return len({name.split("/")[1] for name in tensors if name.startswith(f"{half}/layer_") and name.count("/") > 2})


class _Mapping:
    """Renames tensors from CTranslate2 to openai-whisper, each exactly once."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self.state: dict[str, torch.Tensor] = {}
        self._unused = dict(tensors)

    def stem(self, half: str, last_norm: str, layers: int) -> None:
        """Rename the common part of encoder and decoder: positions, layers, and the norm after the last layer."""
        self.move(f"{half}/position_encodings/encodings", f"{half}.positional_embedding")
        for layer in range(layers):
            source, target = f"{half}/layer_{layer}", f"{half}.blocks.{layer}"
            self.attention(f"{source}/self_attention", f"{target}.attn", _SELF_ATTENTION)
            if half == "decoder":
                self.attention(f"{source}/attention", f"{target}.cross_attn", _CROSS_ATTENTION)
            self.norm(f"{source}/ffn/layer_norm", f"{target}.mlp_ln")
            self.linear(f"{source}/ffn/linear_0", f"{target}.mlp.0")
            self.linear(f"{source}/ffn/linear_1", f"{target}.mlp.2")
        self.norm(f"{half}/layer_norm", f"{half}.{last_norm}")

    def attention(self, source: str, target: str, stacks: tuple[tuple[str, ...], ...]) -> None:
        """Rename an attention layer and its norm; ``stacks`` names the projections stacked in each matrix."""
        self.norm(f"{source}/layer_norm", f"{target}_ln")
        for number, projections in enumerate(stacks):
            weights = self._unused.pop(f"{source}/linear_{number}/weight").chunk(len(projections))
            biases = self._unused.pop(f"{source}/linear_{number}/bias").chunk(len(projections))
            for projection, weight, bias in zip(projections, weights, biases, strict=True):
                self.state[f"{target}.{projection}.weight"] = weight.clone()
                if projection != "key":
                    self.state[f"{target}.{projection}.bias"] = bias.clone()
                elif bias.any():
                    raise ValueError(f"{source} has a key bias, which Whisper does not have")

    def norm(self, source: str, target: str) -> None:
        """Rename a layer norm."""
        self.move(f"{source}/gamma", f"{target}.weight")
        self.move(f"{source}/beta", f"{target}.bias")

    def linear(self, source: str, target: str) -> None:
        """Rename a linear layer or a convolution."""
        self.move(f"{source}/weight", f"{target}.weight")
        self.move(f"{source}/bias", f"{target}.bias")

    def move(self, source: str, target: str) -> None:
        """Rename one tensor."""
        self.state[target] = self._unused.pop(source)

    def expect_all_used(self) -> None:
        """Raise ``ValueError`` if a matrix is unused: the model is of another kind. Unused integers are options."""
        if left := sorted(name for name, tensor in self._unused.items() if tensor.is_floating_point()):
            raise ValueError(f"Whisper does not use its tensors {', '.join(left)}")
