"""Teachers' targets, and the mean of several adapters."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from analyzer_worker.engines.e5_net import LINEARS, E5Encoder, E5SentimentNet
from analyzer_worker.engines.pooled_net import merge_adapter
from analyzer_worker.training import soup as soup_module
from analyzer_worker.training.adapter_writer import adapter_tensors, write_adapter
from analyzer_worker.training.lora import LoraLinear, add_lora
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.soup import soup, with_rank
from analyzer_worker.training.teachers import mean, read_taught
from analyzer_worker.training.train_e5 import IDENTITY
from analyzer_worker.weights.e5_file import E5File, read_e5_file
from tests.unit.analyzer_worker.tiny_e5 import HIDDEN, write_tiny_e5


@pytest.fixture
def file(tmp_path: Path) -> E5File:
    return read_e5_file(write_tiny_e5(tmp_path / "tiny.bin"))


def random_adapter(file: E5File, seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    encoder = E5Encoder(file)
    add_lora(encoder, LINEARS, 4, 2.0, torch.float32)
    net = E5SentimentNet(encoder, HIDDEN)
    for module in net.modules():
        if isinstance(module, LoraLinear):
            torch.nn.init.normal_(module.lora_B, std=0.1)
    return adapter_tensors(net)


def merged(file: E5File, *adapters: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    net = E5SentimentNet(E5Encoder(file), HIDDEN)
    for adapter in adapters:
        merge_adapter(net, adapter, 2.0)
    return {name: weight.detach().clone() for name, weight in net.encoder.named_parameters()}


def test_soup_has_the_mean_of_the_updates(file: E5File) -> None:
    one, other = (random_adapter(file, seed) for seed in (1, 2))
    plain, first, second, both = merged(file), merged(file, one), merged(file, other), merged(file, soup([one, other]))
    for name, weight in plain.items():
        torch.testing.assert_close(both[name] - weight, (first[name] + second[name]) / 2 - weight)


def test_soup_has_the_mean_of_the_heads(file: E5File) -> None:
    one, other = (random_adapter(file, seed) for seed in (1, 2))
    torch.testing.assert_close(soup([one, other])["head.weight"], (one["head.weight"] + other["head.weight"]) / 2)


def test_a_soup_of_lower_rank_is_the_nearest(file: E5File) -> None:
    """The same adapter twice has one adapter's rank, so nothing is lost; two different ones lose something."""
    one, other = (random_adapter(file, seed) for seed in (1, 2))
    twice = with_rank(soup([one, one]), 4)
    name = next(name for name in one if name.endswith("lora_A"))
    assert twice[name].shape == one[name].shape
    for module, weight in merged(file, one).items():
        torch.testing.assert_close(merged(file, twice)[module], weight, atol=1e-4, rtol=1e-4)
    plain, exact, reduced = (
        merged(file, *given) for given in ([], [soup([one, other])], [with_rank(soup([one, other]), 4)])
    )
    lost = sum(float((exact[name] - reduced[name]).norm()) for name in plain)
    assert 0 < lost < sum(float((exact[name] - plain[name]).norm()) for name in plain)


def test_command_soups_runs_of_one_recipe(file: E5File, tmp_path: Path) -> None:
    recipe = E5Recipe(rank=4, alpha=8, hidden=HIDDEN)
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        data = {"meld_train.jsonl": "1"}
        write_adapter(folder, random_adapter(file, number), IDENTITY, replace(recipe, order=number), {}, data)
    result = CliRunner().invoke(soup_module.app, [*map(str, folders), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["rank"], config["alpha"], config["recipe"]["souped"]) == (8, 16, 2)
    CliRunner().invoke(soup_module.app, [*map(str, folders), "--out", str(tmp_path / "small"), "--rank", "4"])
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    assert (config["rank"], config["alpha"]) == (4, 8)


def test_adapters_of_other_sentences_are_not_mixed(file: E5File, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        write_adapter(folder, random_adapter(file, 1), IDENTITY, E5Recipe(), {}, {"meld_train.jsonl": str(number)})
    result = CliRunner().invoke(soup_module.app, [*map(str, folders), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2


def test_teachers_are_averaged() -> None:
    """Two teachers, two sentences."""
    one, other = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    assert mean([one, other], binary=False) == [[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]]


def test_a_set_without_neutral_learns_nothing_of_it() -> None:
    assert mean([[[0.6, 0.2, 0.2]]], binary=True)[0] == pytest.approx([0.75, 0.0, 0.25])


def test_nothing_is_taught_without_a_file(tmp_path: Path) -> None:
    assert read_taught(None) == {}
    (tmp_path / "taught.json").write_text('{"meld_train": {"hey": [0.5, 0.5, 0.0]}}')
    assert read_taught(tmp_path / "taught.json")["meld_train"]["hey"] == [0.5, 0.5, 0.0]
