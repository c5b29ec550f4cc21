import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from analyzer_worker.engines.base import most_probable
from analyzer_worker.engines.minilm_lora import MinilmAnalyzer, load_minilm
from analyzer_worker.engines.minilm_net import SentimentNet, load_encoder
from analyzer_worker.weights import base_weights
from analyzer_worker.weights.adapter import MINILM, adapter_folder
from tests.unit.analyzer_worker.odd_texts import ODD_TEXTS
from wire.errors import ModelError
from wire.messages.results import LABELS, Label

ADAPTER_FOLDER = adapter_folder(MINILM)
CLEAR: list[tuple[str, Label]] = [
    ("I love this so much, thank you.", "positive"),
    ("That was a wonderful evening and the food was delicious.", "positive"),
    ("Congratulations, I am really proud of you.", "positive"),
    ("What a beautiful day, I feel great.", "positive"),
    ("I hate this place, it is disgusting.", "negative"),
    ("I am so sorry for your loss, this is terrible.", "negative"),
    ("This is the worst service I have ever had.", "negative"),
    ("I am scared and I feel awful.", "negative"),
    ("The meeting starts at ten o'clock.", "neutral"),
    ("The train leaves from platform four.", "neutral"),
    ("He put the keys on the table.", "neutral"),
    ("The next stop is Central Station.", "neutral"),
]


@pytest.mark.parametrize(("text", "label"), CLEAR)
def test_minilm_labels_clear_sentences(minilm: MinilmAnalyzer, text: str, label: Label) -> None:
    """The model of this repository is right on unambiguous sentences."""
    found = minilm.analyze(text, "en")
    assert most_probable(found) == label
    assert found[label] == max(found.values())


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_minilm_of_any_text_gives_probabilities(minilm: MinilmAnalyzer, text: str) -> None:
    """Empty, very long and odd texts are accepted."""
    found = minilm.analyze(text, "en")
    assert set(found) == set(LABELS)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    assert found[most_probable(found)] == max(found.values())


def test_minilm_cuts_a_text_at_its_token_limit(minilm: MinilmAnalyzer) -> None:
    """Word 126 is the last one read: 128 tokens with [CLS] and [SEP]."""
    words = ["no"] * 125
    within, beyond = [" ".join([*words, *tail]) for tail in (["wonderful"], ["wonderful", "awful", "awful"])]
    assert minilm.analyze(within, "en") == minilm.analyze(beyond, "en")
    assert minilm.analyze(within, "en") != minilm.analyze(" ".join([*words, "awful"]), "en")


def test_minilm_ignores_padding(minilm: MinilmAnalyzer) -> None:
    """The mean over tokens leaves padding out, so that batches of training and single texts agree."""
    ids, mask = torch.tensor([[101, 2204, 102]]), torch.ones(1, 3, dtype=torch.int64)
    padding = torch.zeros(1, 5, dtype=torch.int64)
    alone, padded = minilm._net(ids, mask), minilm._net(torch.cat([ids, padding], 1), torch.cat([mask, padding], 1))
    torch.testing.assert_close(alone, padded, atol=1e-4, rtol=0)


def test_merged_weights_give_the_logits_of_the_separate_adapter(minilm: MinilmAnalyzer, base: Path) -> None:
    """W + (alpha / rank)·B·A is the layer plus the two small layers beside it (arXiv:2106.09685, figure 1)."""
    config = json.loads((ADAPTER_FOLDER / "config.json").read_text())
    adapter = load_file(ADAPTER_FOLDER / "adapter.safetensors")
    separate = SentimentNet(load_encoder(base), 384).eval()
    separate.head.load_state_dict({name: adapter[f"head.{name}"].float() for name in ("weight", "bias")})

    def beside(down: Tensor, up: Tensor, scale: float) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        return lambda _, inputs, output: output + scale * (inputs[0] @ down.T @ up.T)

    adapted = {name.removesuffix(".lora_A") for name in adapter if name.endswith(".lora_A")}
    for name in adapted:
        down, up = adapter[f"{name}.lora_A"].float(), adapter[f"{name}.lora_B"].float()
        separate.encoder.get_submodule(name).register_forward_hook(beside(down, up, config["alpha"] / config["rank"]))
    ids, mask = torch.tensor([[101, 1045, 2293, 2009, 102]]), torch.ones(1, 5, dtype=torch.int64)
    torch.testing.assert_close(minilm._net(ids, mask), separate(ids, mask), atol=1e-4, rtol=0)
    linear = {name for name, layer in separate.encoder.named_modules() if isinstance(layer, nn.Linear)}
    assert adapted == linear


def test_adapter_files_are_small_and_pinned() -> None:
    """The committed file is smaller than 1.5 MB and names the base weights that this program uses."""
    config = json.loads((ADAPTER_FOLDER / "config.json").read_text())
    assert (ADAPTER_FOLDER / "adapter.safetensors").stat().st_size < 1_500_000
    assert config["base_package"] == base_weights.PACKAGE
    assert config["base_version"] == base_weights.PACKAGE_VERSION
    assert config["base_sha256"] == base_weights.WEIGHTS_SHA256
    assert config["adapter_sha256"].startswith(config["revision"])
    assert config["languages"] == ["en"]


def test_model_card_states_the_measured_scores() -> None:
    """Every number in the card's table is the one that training wrote beside the adapter."""
    measured = json.loads((ADAPTER_FOLDER / "config.json").read_text())["measured"]
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| ([\d.]+) \| ([\d.]+) \| ([\d,]+) \|$", (ADAPTER_FOLDER / "README.md").read_text(), re.M
    )
    stated = {name: (f1, accuracy, int(count.replace(",", ""))) for name, f1, accuracy, count in rows}
    assert stated == {
        name: (f"{row['macro_f1']:.3f}", f"{row['accuracy']:.3f}", row["sentences"]) for name, row in measured.items()
    }
    assert len(stated) == 5


def test_minilm_with_an_unsupported_language_is_an_error(cache: Path, base: Path) -> None:
    """Listing Korean for the English model stops the start, instead of giving meaningless labels."""
    with pytest.raises(ModelError, match="supports en, not ko") as error:
        load_minilm(frozenset({"en", "ko"}), cache, threads=1, base=base)
    assert error.value.code == "model_languages"


@pytest.mark.parametrize("name", ["adapter.safetensors", "config.json"])
def test_damaged_adapter_file_is_named(tmp_path: Path, base: Path, name: str) -> None:
    """A half checked-out adapter (or a Git LFS pointer in its place) does not load."""
    adapter = tmp_path / "adapter"
    shutil.copytree(ADAPTER_FOLDER, adapter)
    (adapter / name).write_bytes((adapter / name).read_bytes()[:100])
    with pytest.raises(ModelError) as error:
        load_minilm(None, tmp_path, threads=1, base=base, adapter=adapter)
    assert str(adapter / name) in error.value.message


def test_adapter_for_other_base_weights_is_refused(tmp_path: Path, base: Path) -> None:
    """An adapter is only right on the weights that it was trained on."""
    adapter = tmp_path / "adapter"
    shutil.copytree(ADAPTER_FOLDER, adapter)
    config = json.loads((adapter / "config.json").read_text())
    (adapter / "config.json").write_text(json.dumps(config | {"base_sha256": "0" * 64}))
    with pytest.raises(ModelError, match="other base weights"):
        load_minilm(None, tmp_path, threads=1, base=base, adapter=adapter)
