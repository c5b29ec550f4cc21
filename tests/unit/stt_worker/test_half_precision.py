"""fp16 weights, as on a GPU, tried on the CPU: torch checks the types of operands there, too."""

import torch
from whisper.model import Whisper

from stt_worker.engines.openai_whisper import in_half_precision
from tests.unit.stt_worker.tiny_whisper import DIMENSIONS, tiny_state


def tiny_model() -> Whisper:
    model = Whisper(DIMENSIONS).eval()
    model.load_state_dict(tiny_state())
    return model


@torch.inference_mode()
def logits(model: Whisper, dtype: torch.dtype) -> torch.Tensor:
    mel = torch.linspace(-1, 1, DIMENSIONS.n_mels * 2 * DIMENSIONS.n_audio_ctx).reshape(1, DIMENSIONS.n_mels, -1)
    return model.logits(torch.tensor([[1, 2, 3]]), model.encoder(mel.to(dtype)))


def test_half_precision_gives_nearly_the_same() -> None:
    """Encoder and decoder run with fp16 weights, and what they say stays."""
    exact = logits(tiny_model(), torch.float32)
    half = logits(in_half_precision(tiny_model()), torch.float16)
    assert (half - exact).abs().max() < 0.02 * exact.abs().max()
