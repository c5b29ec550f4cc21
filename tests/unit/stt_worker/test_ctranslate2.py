"""The conversion loses nothing and refuses what it does not understand."""

from pathlib import Path

import pytest
import torch
import whisper

from stt_worker.weights.ctranslate2 import convert, whisper_checkpoint
from stt_worker.weights.ctranslate2_file import read_tensors
from tests.unit.stt_worker.tiny_whisper import DIMENSIONS, ctranslate2_bytes, ctranslate2_tensors, tiny_state
from wire.errors import ModelError


def test_conversion_is_lossless(tmp_path: Path) -> None:
    """Every number of the original comes back under its own name, and whisper loads the file."""
    state = tiny_state()
    (tmp_path / "model.bin").write_bytes(ctranslate2_bytes(ctranslate2_tensors(state)))

    convert(tmp_path / "model.bin", tmp_path / "tiny.pt")

    model = whisper.load_model(str(tmp_path / "tiny.pt"), device="cpu")
    assert model.dims == DIMENSIONS
    loaded = model.state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], tensor.float()) for name, tensor in state.items())


def test_checkpoint_keeps_float16() -> None:
    """The checkpoint is as small as its source: whisper widens the numbers when it loads them."""
    checkpoint = whisper_checkpoint(ctranslate2_tensors(tiny_state()))
    assert {tensor.dtype for tensor in checkpoint["model_state_dict"].values()} == {torch.float16}


@pytest.mark.parametrize("kept", [0, 3, 30, 1000, -1], ids=lambda kept: f"first {kept} bytes")
def test_truncated_file_is_named(tmp_path: Path, kept: int) -> None:
    """A file that ends too early is an error that names it, wherever it was cut, and nothing is written."""
    cut = tmp_path / "model.bin"
    cut.write_bytes(ctranslate2_bytes(ctranslate2_tensors(tiny_state()))[:kept])

    with pytest.raises(ModelError, match=r"model\.bin is not a complete .* it ends after") as caught:
        convert(cut, tmp_path / "tiny.pt")

    assert caught.value.code == "model_corrupt"
    assert not (tmp_path / "tiny.pt").exists()


def test_bytes_after_the_end_are_refused() -> None:
    """A file that goes on after its end is not what it says it is."""
    with pytest.raises(ValueError, match="2 bytes follow its end"):
        read_tensors(ctranslate2_bytes(ctranslate2_tensors(tiny_state())) + b"!!")


def test_other_version_is_refused() -> None:
    """A layout that this reader was not written for is refused, not guessed."""
    with pytest.raises(ValueError, match="its version is 5 instead of 6"):
        read_tensors(ctranslate2_bytes({}, version=5))


def test_missing_tensor_is_named() -> None:
    """A model without one of Whisper's matrices says which."""
    tensors = ctranslate2_tensors(tiny_state())
    del tensors["decoder/layer_0/attention/linear_1/weight"]
    with pytest.raises(ValueError, match="no tensor 'decoder/layer_0/attention/linear_1/weight'"):
        whisper_checkpoint(tensors)


def test_tensor_left_over_is_named() -> None:
    """A matrix that Whisper has no place for would be lost, so the conversion stops."""
    tensors = ctranslate2_tensors(tiny_state()) | {"decoder/adapter/weight": torch.ones(2).half()}
    with pytest.raises(ValueError, match="decoder/adapter/weight"):
        whisper_checkpoint(tensors)


def test_key_bias_is_refused() -> None:
    """Whisper's keys have no bias: one that is not zero would be lost, so the conversion stops."""
    tensors = ctranslate2_tensors(tiny_state())
    tensors["encoder/layer_1/self_attention/linear_0/bias"][8] = 0.5
    with pytest.raises(ValueError, match="encoder/layer_1/self_attention has a key bias"):
        whisper_checkpoint(tensors)
