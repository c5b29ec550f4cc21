"""Renames the tensors of a Whisper that transformers saved to openai-whisper's names. Numbers are not changed.

| transformers                                        | openai-whisper                        |
|-----------------------------------------------------|---------------------------------------|
| ``encoder.embed_positions.weight``                  | ``encoder.positional_embedding``      |
| ``decoder.embed_tokens.weight``                     | ``decoder.token_embedding.weight``    |
| ``encoder.layer_norm``, ``decoder.layer_norm``      | ``encoder.ln_post``, ``decoder.ln``   |
| ``layers.N.self_attn``, ``.encoder_attn``           | ``blocks.N.attn``, ``.cross_attn``    |
| their ``q_proj``, ``k_proj``, ``v_proj``, ``out_proj`` | ``query``, ``key``, ``value``, ``out`` |
| ``self_attn_layer_norm``, ``encoder_attn_layer_norm`` | ``attn_ln``, ``cross_attn_ln``       |
| ``fc1``, ``fc2``, ``final_layer_norm``              | ``mlp.0``, ``mlp.2``, ``mlp_ln``      |

Source: https://github.com/huggingface/transformers/blob/main/src/transformers/models/whisper/modeling_whisper.py
"""

import re

import torch

FIRST = "encoder.conv1.weight"
"""A tensor that both libraries call so; what stands before it in a file stands before all."""
OUTPUT = "proj_out.weight"
"""The output projection, which Whisper shares with the embedding of its tokens."""
_PARTS = {
    "encoder.embed_positions.weight": "encoder.positional_embedding",
    "decoder.embed_positions.weight": "decoder.positional_embedding",
    "decoder.embed_tokens.weight": "decoder.token_embedding.weight",
}
_NORMS = {"encoder.layer_norm": "encoder.ln_post", "decoder.layer_norm": "decoder.ln"}
_LAYER = {
    "self_attn_layer_norm": "attn_ln",
    "encoder_attn_layer_norm": "cross_attn_ln",
    "final_layer_norm": "mlp_ln",
    "fc1": "mlp.0",
    "fc2": "mlp.2",
}
_ATTENTION = {"self_attn": "attn", "encoder_attn": "cross_attn"}
_PROJECTION = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out"}
_IN_LAYER = re.compile(r"(encoder|decoder)\.layers\.(\d+)\.(.+)\.(weight|bias)")


def openai_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of one model under openai-whisper's names, whichever of the two libraries saved it.

    Raises:
        ValueError: they are no Whisper's, or its output projection is not shared with its embedding.
    """
    prefixes = [name.removesuffix(FIRST) for name in tensors if name.endswith(FIRST)]
    if len(prefixes) != 1:
        raise ValueError(f"it has {len(prefixes)} tensors {FIRST}; a Whisper has one")
    (prefix,) = prefixes
    outputs = [name for name in tensors if name.endswith(OUTPUT)]
    inside = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name not in outputs}
    renamed = {_renamed(name): tensor for name, tensor in inside.items()}
    embedding = renamed.get("decoder.token_embedding.weight")
    if embedding is not None and any(not torch.equal(tensors[name], embedding) for name in outputs):
        raise ValueError(f"its {OUTPUT} is not its token embedding; Whisper shares them")
    return renamed


def _renamed(name: str) -> str:
    if found := _IN_LAYER.fullmatch(name):
        half, layer, inner, kind = found.groups()
        return f"{half}.blocks.{layer}.{_in_layer(inner)}.{kind}"
    norm, _, kind = name.rpartition(".")
    return _PARTS.get(name) or (f"{_NORMS[norm]}.{kind}" if norm in _NORMS else name)


def _in_layer(inner: str) -> str:
    attention, _, projection = inner.partition(".")
    if attention in _ATTENTION and projection in _PROJECTION:
        return f"{_ATTENTION[attention]}.{_PROJECTION[projection]}"
    return _LAYER.get(inner, inner)
