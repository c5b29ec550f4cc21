"""The heads for word times are those of the model itself: a folder may have any name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import whisper
from safetensors.torch import save_file
from whisper.model import ModelDimensions, Whisper

from stt_worker.engines.whisper.load import _read_model
from stt_worker.weights.alignment import OFFICIAL, alignment_mask, official_name
from stt_worker.weights.checkpoint import read_checkpoint
from stt_worker.weights.find import find_weights
from tests.unit.stt_worker.tiny_whisper import ctranslate2_bytes, ctranslate2_tensors, tiny_state

BASE = OFFICIAL["base"]
OF_BASE = {(3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)}
OF_BASE_EN = {(3, 3), (4, 7), (5, 1), (5, 5), (5, 7)}
NAMES = ["/models/base.en", "/models/base", "/models/large-v2", "/models/base.en.pt", "/models/my own", "base.en/"]


def heads(dims: ModelDimensions, model: str, own: tuple[tuple[int, int], ...] | None = None) -> set[tuple[int, ...]]:
    mask = alignment_mask(dims, model, own)
    return set() if mask is None else {tuple(head) for head in mask.nonzero().tolist()}


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_official_model_has_its_heads(name: str) -> None:
    """As the library sets them for its name."""
    library = Whisper(replace(OFFICIAL[name], n_audio_layer=0, n_text_layer=0, n_vocab=1, n_audio_ctx=1, n_text_ctx=1))
    library.dims = OFFICIAL[name]
    library.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
    mask = alignment_mask(OFFICIAL[name], name)
    assert mask is not None
    assert torch.equal(mask, library.alignment_heads.to_dense())


@pytest.mark.parametrize("model", NAMES)
def test_the_dimensions_decide_and_not_the_name(model: str) -> None:
    assert heads(BASE, model) == OF_BASE
    assert heads(OFFICIAL["base.en"], model) == OF_BASE_EN
    assert official_name(OFFICIAL["turbo"], model) == "turbo"


LAYOUTS = [
    pytest.param(replace(BASE, n_text_layer=2), id="a distilled decoder"),
    pytest.param(replace(BASE, n_text_layer=12, n_text_head=4), id="as many heads in another arrangement"),
    pytest.param(replace(BASE, n_audio_layer=12), id="another encoder"),
    pytest.param(replace(BASE, n_vocab=51_900), id="another vocabulary"),
]


@pytest.mark.parametrize("model", NAMES)
@pytest.mark.parametrize("dims", LAYOUTS)
def test_a_model_of_another_layout_has_no_heads_by_its_name(dims: ModelDimensions, model: str) -> None:
    assert heads(dims, model) == set()


@pytest.mark.parametrize("model", NAMES)
def test_the_configuration_comes_first(model: str) -> None:
    """Unless it is of another model: then one of its heads does not exist here."""
    assert heads(BASE, model, ((0, 1), (5, 7))) == {(0, 1), (5, 7)}
    for of_another in (((0, 1), (6, 0)), ((0, 8),), ((-1, 0),)):
        assert heads(BASE, model, of_another) == OF_BASE
    assert heads(replace(BASE, n_text_layer=2), model, ((1, 3),)) == {(1, 3)}


@pytest.mark.parametrize(
    ("model", "name"),
    [("large-v1", "large-v1"), ("/models/large-v2", "large-v2"), ("/models/large-v1.pt", "large-v1"), ("/own", None)],
)
def test_the_name_decides_between_models_of_the_same_dimensions(model: str, name: str | None) -> None:
    """The first two large ones; a file of another name may be either."""
    assert official_name(OFFICIAL["large-v1"], model) == name


@pytest.mark.parametrize("name", ["base", "base.en", "tiny", "large-v3"])
def test_a_folder_that_is_called_like_an_official_model_keeps_the_heads_of_the_library(
    tmp_path: Path, name: str
) -> None:
    """Its decoder has 12 layers of 4 heads: as many as six layers of eight."""
    dims = ModelDimensions(80, 1_500, 64, 1, 1, 51_865, 448, 256, 4, 12)
    dims = replace(dims, n_audio_state=256, n_audio_head=4)
    model, folder = Whisper(dims), tmp_path / name
    folder.mkdir()
    save_file(model.state_dict(), folder / "model.safetensors")
    loaded = _read_model(find_weights(str(folder), tmp_path, sources=[]), str(folder))
    assert loaded.dims == dims
    assert torch.equal(loaded.alignment_heads.to_dense(), model.alignment_heads.to_dense())


@pytest.mark.parametrize("found", [[[0, 1]], [[0, 0], [0, 1]], None])
def test_a_folder_of_ctranslate2_brings_its_heads(tmp_path: Path, found: list[list[int]] | None) -> None:
    (tmp_path / "model.bin").write_bytes(ctranslate2_bytes(ctranslate2_tensors(tiny_state())))
    (tmp_path / "config.json").write_text(json.dumps({"alignment_heads": found, "lang_ids": [1]}))
    checkpoint = read_checkpoint(find_weights(str(tmp_path), tmp_path, sources=[]))
    assert checkpoint.heads == (None if found is None else tuple(tuple(head) for head in found))
