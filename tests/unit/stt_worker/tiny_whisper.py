"""Tiny Whispers, and the CTranslate2 file that its conversion would give: the reverse of what is tested."""

import struct

import torch
from whisper.model import ModelDimensions, Whisper

DIMENSIONS = ModelDimensions(
    n_mels=4,
    n_audio_ctx=6,
    n_audio_state=8,
    n_audio_head=2,
    n_audio_layer=2,
    n_vocab=11,
    n_text_ctx=5,
    n_text_state=8,
    n_text_head=2,
    n_text_layer=1,
)
DTYPE_NUMBERS = {torch.int8: 1, torch.int16: 2, torch.float16: 4}


def random_whisper(dimensions: ModelDimensions) -> Whisper:
    """A model whose numbers are large enough that its scores differ."""
    torch.manual_seed(3)
    model = Whisper(dimensions).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    return model


def tiny_state() -> dict[str, torch.Tensor]:
    """The weights of a tiny Whisper, random and in float16."""
    torch.manual_seed(7)
    model = Whisper(DIMENSIONS)
    return {name: torch.randn(tensor.shape).half() for name, tensor in model.state_dict().items()}


def ctranslate2_tensors(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same weights under CTranslate2's names."""
    tensors = {
        "encoder/num_heads": torch.tensor(DIMENSIONS.n_audio_head, dtype=torch.int16),
        "decoder/num_heads": torch.tensor(DIMENSIONS.n_text_head, dtype=torch.int16),
        "decoder/pre_norm": torch.tensor(1, dtype=torch.int8),
        "decoder/embeddings/weight": state["decoder.token_embedding.weight"],
    }
    for conv in ("conv1", "conv2"):
        tensors |= _pair(state, f"encoder.{conv}", f"encoder/{conv}", "weight", "bias")
    for half, norm, layers in (("encoder", "ln_post", 2), ("decoder", "ln", 1)):
        tensors[f"{half}/position_encodings/encodings"] = state[f"{half}.positional_embedding"]
        tensors |= _pair(state, f"{half}.{norm}", f"{half}/layer_norm", "gamma", "beta")
        for layer in range(layers):
            tensors |= _layer(state, f"{half}.blocks.{layer}", f"{half}/layer_{layer}")
    return tensors


def ctranslate2_bytes(tensors: dict[str, torch.Tensor], version: int = 6) -> bytes:
    """A ``model.bin`` that holds these tensors and one alias."""
    parts = [struct.pack("<I", version), _text("WhisperSpec"), struct.pack("<II", 3, len(tensors))]
    for name, tensor in tensors.items():
        data = tensor.numpy().tobytes()
        shape = struct.pack(f"<B{tensor.dim()}I", tensor.dim(), *tensor.shape)
        parts += [_text(name), shape, struct.pack("<BI", DTYPE_NUMBERS[tensor.dtype], len(data)), data]
    parts += [struct.pack("<I", 1), _text("decoder/projection/weight"), _text("decoder/embeddings/weight")]
    return b"".join(parts)


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def _pair(state: dict[str, torch.Tensor], source: str, target: str, weight: str, bias: str) -> dict[str, torch.Tensor]:
    return {f"{target}/{weight}": state[f"{source}.weight"], f"{target}/{bias}": state[f"{source}.bias"]}


def _layer(state: dict[str, torch.Tensor], source: str, target: str) -> dict[str, torch.Tensor]:
    tensors = _pair(state, f"{source}.mlp_ln", f"{target}/ffn/layer_norm", "gamma", "beta")
    tensors |= _pair(state, f"{source}.mlp.0", f"{target}/ffn/linear_0", "weight", "bias")
    tensors |= _pair(state, f"{source}.mlp.2", f"{target}/ffn/linear_1", "weight", "bias")
    attentions: list[tuple[str, str, tuple[tuple[str, ...], ...]]] = [
        ("attn", "self_attention", (("query", "key", "value"), ("out",)))
    ]
    if f"{source}.cross_attn_ln.weight" in state:
        attentions.append(("cross_attn", "attention", (("query",), ("key", "value"), ("out",))))
    for ours, theirs, stacks in attentions:
        tensors |= _pair(state, f"{source}.{ours}_ln", f"{target}/{theirs}/layer_norm", "gamma", "beta")
        for number, names in enumerate(stacks):
            weights = [state[f"{source}.{ours}.{name}.weight"] for name in names]
            no_bias = torch.zeros(DIMENSIONS.n_text_state).half()
            biases = [state.get(f"{source}.{ours}.{name}.bias", no_bias) for name in names]
            tensors[f"{target}/{theirs}/linear_{number}/weight"] = torch.cat(weights)
            tensors[f"{target}/{theirs}/linear_{number}/bias"] = torch.cat(biases)
    return tensors
