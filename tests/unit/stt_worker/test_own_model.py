"""A model of one's own: every layout that people have is read, or named with what is wanted instead."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration, WhisperModel
from whisper.model import ModelDimensions, Whisper

from stt_worker.engines.whisper.load import load_whisper
from stt_worker.settings import Settings
from stt_worker.weights.checkpoint import read_checkpoint
from stt_worker.weights.find import find_weights
from stt_worker.weights.own_model import weight_files
from tests.unit.stt_worker.tiny_whisper import ctranslate2_bytes, ctranslate2_tensors, random_whisper, tiny_state
from wire.errors import ModelError

pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

SIZES: dict[str, Any] = {
    "vocab_size": 51_865,
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 256,
    "decoder_ffn_dim": 256,
}
DIMENSIONS = ModelDimensions(80, 1500, 64, 2, 2, 51_865, 448, 64, 4, 1)
TOKENS = torch.tensor([[50_258, 50_259, 50_359, 11, 12]])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as transformers saves it: config.json, generation_config.json, model.safetensors."""
    folder = tmp_path_factory.mktemp("published") / "model"
    torch.manual_seed(5)
    model: Any = WhisperForConditionalGeneration(WhisperConfig(**SIZES))
    model.generation_config.alignment_heads = [[0, 1], [0, 3]]
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "own"))


def as_folder(folder: Path) -> Path:
    return folder


def as_safetensors(folder: Path) -> Path:
    return folder / "model.safetensors"


def as_bin(folder: Path) -> Path:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


def as_folder_with_bin(folder: Path) -> Path:
    as_bin(folder)
    (folder / "model.safetensors").unlink()
    return folder


def as_two_parts(folder: Path) -> Path:
    tensors = load_file(folder / "model.safetensors")
    halves = {f"model-0000{half + 1}-of-00002.safetensors": sorted(tensors)[half::2] for half in (0, 1)}
    for part, names in halves.items():
        save_file({name: tensors[name] for name in names}, folder / part)
    weight_map = {name: part for part, names in halves.items() for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (folder / "model.safetensors").unlink()
    return folder


def as_training_checkpoint(folder: Path) -> Path:
    """Saved with an optimizer by a program that wrapped the model twice."""
    tensors = load_file(folder / "model.safetensors")
    state = {f"module._orig_mod.{name}": tensor for name, tensor in tensors.items()}
    torch.save({"state_dict": state, "optimizer": {"lr": torch.ones(1)}, "epoch": 3}, folder / "last.bin")
    return folder / "last.bin"


def as_bare_model(folder: Path) -> Path:
    """Without the head: its names have no ``model.`` in front."""
    WhisperForConditionalGeneration.from_pretrained(folder).model.save_pretrained(folder)
    return folder


LAYOUTS = [as_folder, as_safetensors, as_bin, as_folder_with_bin, as_two_parts, as_training_checkpoint, as_bare_model]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_model_of_transformers_gives_the_same_scores(folder: Path, layout: Callable[[Path], Path]) -> None:
    """Each of its layouts, compared with transformers itself."""
    reference = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    checkpoint = read_checkpoint(find_weights(str(layout(folder)), folder, sources=[]))
    assert checkpoint.dims == DIMENSIONS
    model = Whisper(checkpoint.dims).eval()
    model.load_state_dict(checkpoint.state)
    torch.manual_seed(9)
    mel = torch.randn(1, 80, 3_000)
    with torch.inference_mode():
        expected = reference(input_features=mel, decoder_input_ids=TOKENS).logits
        assert torch.allclose(model(mel, TOKENS), expected, atol=1e-4)


@pytest.mark.parametrize("layout", [as_folder, as_two_parts, as_bin], ids=lambda layout: layout.__name__)
def test_the_worker_loads_a_model_of_transformers(folder: Path, layout: Callable[[Path], Path]) -> None:
    """With the heads that follow the audio, and a revision of all its parts."""
    path = str(layout(folder))
    engine = load_whisper(Settings(model=path, device="cpu", numerics="float32"))
    assert engine.name == path
    assert len(engine.revision.split()[0]) >= 12
    checkpoint = read_checkpoint(find_weights(path, folder, sources=[]))
    assert checkpoint.heads == ((0, 1), (0, 3))


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
def test_openai_names_are_read_from_any_file(tmp_path: Path, suffix: str) -> None:
    """With their dimensions, as the library saves them, or without."""
    dimensions = ModelDimensions(4, 6, 64, 1, 2, 11, 5, 64, 1, 1)
    state = random_whisper(dimensions).state_dict()
    file = tmp_path / f"own{suffix}"
    if suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save(state if suffix == ".bin" else {"dims": vars(dimensions), "model_state_dict": state}, file)
    checkpoint = read_checkpoint(file)
    assert checkpoint.dims == dimensions
    assert checkpoint.state.keys() == state.keys()


def test_a_folder_of_ctranslate2_is_read(tmp_path: Path) -> None:
    """As faster-whisper's users have it; its model.bin is no file of torch."""
    state = tiny_state()
    (tmp_path / "model.bin").write_bytes(ctranslate2_bytes(ctranslate2_tensors(state)))
    checkpoint = read_checkpoint(find_weights(str(tmp_path), tmp_path, sources=[]))
    assert all(torch.equal(checkpoint.state[name], tensor) for name, tensor in state.items())


def without(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        save_file({name: tensor for name, tensor in tensors.items() if name not in names}, folder / "model.safetensors")

    return change


def adding(name: str, tensor: torch.Tensor) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        save_file(load_file(folder / "model.safetensors") | {name: tensor}, folder / "model.safetensors")

    return change


def configured(key: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {key: value}))

    return change


def half(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def more_tokens(folder: Path) -> None:
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    model.resize_token_embeddings(51_870)
    model.save_pretrained(folder)


def index_without_parts(folder: Path) -> None:
    as_two_parts(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("model.encoder.layers.1.fc1.weight"), r"encoder\.blocks\.1\.mlp\.0\.weight"),
        (without("model.encoder.conv1.weight"), r"0 tensors encoder\.conv1\.weight"),
        (without("model.decoder.embed_positions.weight"), r"decoder\.positional_embedding"),
        (adding("model.encoder.adapter.weight", torch.ones(2, 2)), r"encoder\.adapter\.weight"),
        (adding("proj_out.weight", torch.ones(2, 2)), "not its token embedding"),
        (adding("base_model.q_proj.lora_A.weight", torch.ones(2, 2)), "LoRA adapter; merge it"),
        (adding("model.encoder.layers.0.fc1.SCB", torch.ones(2, dtype=torch.int8)), "quantized"),
        (configured("model_type", "wav2vec2"), "type wav2vec2"),
        (configured("encoder_attention_heads", "many"), "ValueError"),
        (half, "not fully covered"),
        (more_tokens, "51,870 tokens"),
        (index_without_parts, "model-00002-of-00002.safetensors"),
    ],
)
def test_a_model_that_is_no_whisper_says_why(folder: Path, change: Callable[[Path], None], reason: str) -> None:
    """The error names the file and what is wanted. Nothing advises to delete what may be the only copy."""
    change(folder)
    with pytest.raises(ModelError, match=reason) as caught:
        load_whisper(Settings(model=str(folder), device="cpu", numerics="float32"))
    assert str(folder) in caught.value.message
    assert "elete" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("ggml-base.bin", b"lmgg" + bytes(80), "GGML"),
        ("base.gguf.bin", b"GGUF" + bytes(80), "GGUF"),
        ("tf_model.h5", b"\x89HDF\r\n\x1a\n" + bytes(80), "TensorFlow"),
        ("flax_model.msgpack", bytes(80), "Flax"),
        ("model.onnx", bytes(80), "ONNX"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("model.safetensors", struct.pack("<Q", 1_000) + b'{"a"', "damaged"),
        ("model.bin", b"", "damaged"),
        ("whole.pt", b"PK\x03\x04" + bytes(80), "not a Whisper model"),
    ],
)
def test_a_file_of_another_program_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """With the layout that is wanted; its suffix alone says little."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=reason) as caught:
        read_checkpoint(find_weights(str(tmp_path / name), tmp_path, sources=[]))
    assert "elete" not in str(caught.value)


def test_a_pickled_model_is_not_run(tmp_path: Path) -> None:
    torch.save(random_whisper(ModelDimensions(4, 6, 64, 1, 1, 11, 5, 64, 1, 1)), tmp_path / "whole.pt")
    with pytest.raises(ModelError, match="more than tensors"):
        read_checkpoint(tmp_path / "whole.pt")


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("openai/whisper-small", "STT_MODEL=small"),
        ("openai/whisper-large-v3", "STT_MODEL=large-v3"),
        ("distil-whisper/distil-small.en", "hf download distil-whisper/distil-small.en"),
        ("./missing.safetensors", "Correct the path"),
    ],
)
def test_an_id_of_the_hub_says_how_to_get_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, remedy: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="does not exist") as caught:
        find_weights(model, tmp_path, sources=[])
    assert remedy in caught.value.remedy


def test_a_folder_with_weights_of_another_program_only_is_named(tmp_path: Path) -> None:
    (tmp_path / "tf_model.h5").write_bytes(b"\x89HDF")
    with pytest.raises(ModelError, match="TensorFlow") as caught:
        find_weights(str(tmp_path), tmp_path)
    assert caught.value.code == "model_layout"


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": []}', "{}"])
def test_a_damaged_index_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "model.safetensors.index.json"
    file.write_text(content)
    with pytest.raises(ModelError, match=r"index\.json lists no parts"):
        weight_files(file)


def test_heads_of_an_official_name_are_not_those_of_another_size(tmp_path: Path) -> None:
    """A file that is called base.pt loads, whatever its size."""
    torch.manual_seed(2)
    dimensions = ModelDimensions(80, 1500, 64, 2, 1, 51_865, 448, 64, 2, 1)
    torch.save({"dims": vars(dimensions), "model_state_dict": Whisper(dimensions).state_dict()}, tmp_path / "base.pt")
    load_whisper(Settings(model=str(tmp_path / "base.pt"), device="cpu", numerics="float32"))


def test_a_bare_encoder_is_refused(tmp_path: Path) -> None:
    WhisperModel(WhisperConfig(**SIZES)).encoder.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"encoder\.conv1\.weight"):
        read_checkpoint(find_weights(str(tmp_path), tmp_path))
